"""What to write for addresses, names and label keys that are written otherwise."""

from __future__ import annotations

import re

EVERYTHING = frozenset({"*", "all", "any", "everything", "everyone"})
"""Words that people write for everything, in lower case."""

LABEL = re.compile(r"\s*([\w./-]+?)\s*(?:==?|:)\s*([\w.-]*)\s*\Z")
"""A key and a value that YAML takes for one text."""

ADDRESS = re.compile(r"[0-9.]+(?:/[0-9.]+)?\Z|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:/[0-9]+)?\Z")
"""What looks like an address or a CIDR."""


def for_cidr(text: str) -> str:
    """Return the hint for text that is not a CIDR."""
    if text.lower() in EVERYTHING or text in ("0.0.0.0", "::"):  # noqa: S104 - listens to nothing
        return "all addresses are 0.0.0.0/0 and ::/0"
    if re.match(r"[0-9]+(\.[0-9]+){3}\Z", text):
        octets = len(text) - len(re.sub(r"(?:\.0)+\Z", "", text))
        if octets:
            return f"the network is {text}/{32 - 4 * octets}, this one address {text}/32"
        return f"this one address is {text}/32"
    if ":" in text and ADDRESS.match(text) and "/" not in text:
        return f"this one address is {text}/128"
    if re.match(r"[^/]+-[^/]+\Z", text):
        return "a range is said by CIDRs, such as 10.0.0.0/8"
    if re.match(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}\Z", text):
        return "a name is no address: domainNames"
    return "such as 10.0.0.0/8 or fd00::/8"


def for_domain_name(text: str) -> str:
    """Return the hint for text that is not a domain name."""
    if "://" in text or "/" in text:
        return "the name alone, without 'https://' and '/'"
    if text.lower() in EVERYTHING:
        return "every name is every address: networks: [0.0.0.0/0, '::/0']"
    if ADDRESS.match(text):
        return f"an address is no name: {for_cidr(text)}, in networks"
    if "." not in text.rstrip("."):
        return "at least two labels, such as example.com"
    return "'*.' can only stand for whole leading labels"


def for_label_key(key: str) -> str:
    """Return the hint for text that is not a label key."""
    if match := LABEL.match(key):
        return f"write {match[1]}: {match[2]}, with a blank after the colon"
    return "at most 63 letters, digits, '-', '_' and '.', after an optional DNS prefix and '/'"
