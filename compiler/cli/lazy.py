"""Modules that only some runs need, imported by those alone.

Most of a short run of cnpc is the import of modules: the compiler takes 0.1 s, and ``cnpc -h``, or
an ``apply`` that finds its ruleset in force, have no use for it. Whoever needs one of the modules
in some of its runs only, asks for it here; everywhere else imports are at the top.
"""

from __future__ import annotations

import importlib
from typing import Any


def lazy_import(name: str) -> Any:  # noqa: ANN401 - a module, whose functions have types where they are
    """Return the module of that name, which is relative to this folder."""
    return importlib.import_module(f".{name}", __package__)
