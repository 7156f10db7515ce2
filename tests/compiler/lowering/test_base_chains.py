"""What stands before the policies: each connection state at each hook."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Hook, KeyType, State
from cnpc.compiler.ir.program import Chain, Program, Rule, Set, Terminal
from cnpc.compiler.lowering.base_chains import base_chain, local_set_name, unusual_chain
from cnpc.compiler.net import Family, Protocol

LOCAL, REMOTE = 1, 9


def frame() -> Interpreter:
    """Return the frame with policies that deny whatever comes to them."""
    local = [
        Set(local_set_name(family), family, (KeyType.ADDRESS,), (((LOCAL, LOCAL),),))
        for family in Family
    ]
    chains = []
    for hook in Hook:
        base = base_chain(hook, ())
        rules = (*base.rules, Rule((), Terminal.REJECT_PROHIBITED))
        chains.append(Chain(base.name, rules, hook))
    return Interpreter(Program("n", tuple(local), (), (*chains, unusual_chain(local))))


TCP = (Protocol.TCP, 80)
ICMP = (Protocol.ICMP, None)
JUDGED = Terminal.REJECT_PROHIBITED


@pytest.mark.parametrize("hook", Hook)
@pytest.mark.parametrize(
    ("state", "service", "ends", "verdict"),
    [
        (State.ESTABLISHED, TCP, (LOCAL, REMOTE), Terminal.ACCEPT),
        (State.NEW, TCP, (LOCAL, REMOTE), JUDGED),
        (State.UNTRACKED, TCP, (LOCAL, REMOTE), JUDGED),
        (State.RELATED, TCP, (LOCAL, REMOTE), JUDGED),
        (State.RELATED, ICMP, (LOCAL, REMOTE), Terminal.ACCEPT),
        (State.NEW, ICMP, (LOCAL, REMOTE), JUDGED),
        (State.INVALID, TCP, (LOCAL, REMOTE), Terminal.DROP),
        (State.INVALID, TCP, (REMOTE, LOCAL), Terminal.DROP),
        (State.INVALID, TCP, (REMOTE, REMOTE), JUDGED),
    ],
)
def test_states(
    hook: Hook,
    state: State,
    service: tuple[Protocol, int | None],
    ends: tuple[int, int],
    verdict: Terminal,
) -> None:
    for family in Family:
        packet = Packet(family, *ends, *service, state=state)
        assert frame().judge(packet, hook).verdict is verdict


@pytest.mark.parametrize("state", [State.UNTRACKED, State.INVALID])
def test_neighbour_discovery_and_mld_pass_and_nothing_beside(state: State) -> None:
    passing = {
        number
        for number in range(256)
        if frame()
        .judge(Packet(Family.IPV6, LOCAL, REMOTE, Protocol.ICMPV6, None, number, state), Hook.INPUT)
        .accepted
    }
    assert passing == {130, 131, 132, 133, 134, 135, 136, 137, 143}
