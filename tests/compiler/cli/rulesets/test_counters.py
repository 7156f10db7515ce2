"""What ``cnpc status`` makes of the counters in a listing."""

from __future__ import annotations

from cnpc.compiler.cli.rulesets.counters import by_rule, counters

NFT = """\
\tchain guard_egress4 {
\t\tip daddr @a counter packets 3 bytes 180 drop comment "Admin guard egress[10] dns"
\t\tip daddr @b counter packets 1 bytes 60 drop comment "Admin guard egress[2] web"
\t}
\tchain guard_egress6 {
\t\tip6 daddr @c counter packets 4 bytes 320 drop comment "Admin guard egress[10] dns"
\t}
"""
SAVED = """\
v4 [3:180] -A CNPC-1 -m set --match-set a dst -m comment --comment "Admin guard egress[10] dns" -j DROP
v6 [4:320] -A CNPC-1 -m set --match-set b dst -m comment --comment "Admin guard egress[10] dns" -j DROP
v4 [1:60] -A CNPC-2 -m set --match-set c dst -m comment --comment "Admin guard egress[2] web" -j DROP
"""  # noqa: E501 - as iptables-save prints it


def test_a_policys_rule_is_one_line_whatever_chains_it_stands_in() -> None:
    for listing in (NFT, SAVED):
        assert len(list(counters(listing))) == 3
        assert list(by_rule(counters(listing)).items()) == [
            ("Admin guard egress[2] web", (1, 60)),
            ("Admin guard egress[10] dns", (7, 500)),
        ]
