"""A ruleset that was edited by hand is recognized by the digest in its header."""

from __future__ import annotations

import pytest
from cnpc.compiler.cli.rulesets.digest_line import NO_DIGEST, edited, with_digest

TEXTS = {
    suffix: f"# Network policy\n# {NO_DIGEST}\n#   Digest: x\n\n{suffix} drop\n"
    for suffix in ("ipset", "v4", "v6")
}


def test_what_was_not_edited_is_not_called_so() -> None:
    made = with_digest(TEXTS)
    assert not edited(made)
    assert made == with_digest(made)
    turned = dict(sorted(TEXTS.items(), reverse=True))
    assert with_digest(turned) == made


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize(
    ("old", "new"), [("drop", "accept"), ("policy", "policies"), ("Digest: x", "")]
)
def test_an_edit_of_any_text_is_found(suffix: str, old: str, new: str) -> None:
    made = dict(with_digest(TEXTS))
    made[suffix] = made[suffix].replace(old, new)
    assert edited(made)


def test_a_text_without_the_line_stays_as_it_is_() -> None:
    texts = {"nft": "# Network policy\n\ntable inet cnpc {\n"}
    assert with_digest(texts) == texts
    assert not edited(texts)
