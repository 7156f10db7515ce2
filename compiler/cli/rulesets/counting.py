"""A ruleset for nftables with a counter in each rule of a policy."""

from __future__ import annotations

import re

from ....backends.nftables.names import SUFFIX
from ....backends.nftables.ruleset import with_counters
from .digest_line import edited, with_digest
from .read_header import COUNTERS, header_of_text

_OPTIONS = re.compile(r"^# Options: .*$", re.MULTILINE)


def counting(text: str) -> str:
    """Return the ruleset with counters, of which its header tells; as it is if it has them.

    The digest is that of the new text, unless somebody had edited the text before.
    """
    if header_of_text(text).has_counters:
        return text
    was_edited = edited({SUFFIX: text})
    told = _OPTIONS.sub(rf"\g<0> {COUNTERS}", text, count=1)
    counted = with_counters(told)
    return counted if was_edited else with_digest({SUFFIX: counted})[SUFFIX]
