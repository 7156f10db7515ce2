"""Names: a readable prefix, the family, and a hash that only the content changes."""

from __future__ import annotations

import re

from cnpc.compiler.ir.names import family_name, hashed_name
from cnpc.compiler.net import Family


def test_names_say_kind_and_family() -> None:
    assert family_name("egress", Family.IPV4, "_np") == "egress4_np"
    assert family_name("local", Family.IPV6) == "local6"


def test_hashed_names_are_short_stable_and_fit_everywhere() -> None:
    assert hashed_name("pods", Family.IPV4, "pods") == "pods4_8cf63a025389"
    names = {hashed_name("baseline_ingress", Family.IPV6, f"é\n{n}") for n in range(5000)}
    assert len(names) == 5000
    assert all(re.fullmatch(r"baseline_ingress6_[0-9a-f]{12}", name) for name in names)
    assert max(map(len, names)) <= 31
