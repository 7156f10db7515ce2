"""The templates, which hold the layout of texts and no decision."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """Return the template of that file name."""
    environment = Environment(
        loader=PackageLoader("cnpc", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the output is a ruleset, not HTML
    )
    return environment.get_template(name)
