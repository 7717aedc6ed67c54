"""Header prediction leads to the same state and the same frames as the long way (``predict``)."""

from random import Random
from typing import Any

import pytest

from netstack.errors import ERR_MEM, ERR_OK
from netstack.tcp.segment import Segment
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import Tcb
from tests.netstack.tcp.conversation import ACK, PSH, Conversation, established

# Callbacks, and what only an observer asks for, who sees the long way
LEFT_OUT = set("listener recv sent poll connected errf ack_why held seen rexmit_cause".split())


def state(pcb: Tcb) -> dict[str, Any]:
    """Everything the stack knows about a connection."""
    values = {name: getattr(pcb, name) for name in Tcb.__slots__ if name not in LEFT_OUT}
    for queue in ("unsent", "unacked"):
        values[queue] = [(seg.seq, seg.data, seg.flags, seg.xmits) for seg in values[queue]]
    values["ooseq"] = [(seg.seq, seg.length, seg.flags) for seg in values["ooseq"]]
    refused = values["refused_data"]
    values["refused_data"] = None if refused is None else refused.data
    return values


def stamp(value: int) -> tuple[Any, ...]:
    """The timestamps option as everybody sends it."""
    return (("NOP", None), ("NOP", None), ("Timestamp", (value, 0)))


def bulk(talk: Conversation, seed: int, stamps: bool) -> list[dict[str, Any]]:
    """A random conversation that is mostly bulk transfer; the state after each step."""
    chance = Random(seed)
    received, acknowledged = 1, 1
    states = []
    for number in range(300):
        step = chance.choice(("data", "data", "data", "ack", "ack", "write", "time", "odd", "refuse"))
        options = stamp(1000 + number + chance.choice((0, 0, -20))) if stamps else ()
        if step == "data":
            size = chance.choice((1, 100, 536))
            win = chance.choice((65535, 65535, 2000))
            talk.segment(
                ACK | chance.choice((0, PSH)), received, acknowledged, bytes(size), win=win, options=options
            )
            received = talk.pcb.rcv_nxt - 0xFFFFFF00 & 0xFFFFFFFF
        elif step == "ack":
            in_flight = talk.pcb.snd_nxt - 0x10000 - acknowledged
            acknowledged += chance.choice((0, in_flight, in_flight // 2))
            talk.segment(ACK, received, acknowledged, win=chance.choice((65535, 3000)), options=options)
        elif step == "write":
            talk.write(bytes(chance.randrange(1, 900)))
        elif step == "time":
            talk.advance(ms=chance.choice((10, 250, 700)))
        elif step == "odd":
            talk.segment(
                PSH | ACK, received + chance.choice((-5, 3, 600)), acknowledged, b"odd", options=options
            )
        else:
            talk.answer = chance.choice((ERR_OK, ERR_MEM))
        received = talk.pcb.rcv_nxt - 0xFFFFFF00 & 0xFFFFFFFF
        states.append(state(talk.pcb))
        if talk.state == "CLOSED":
            break
    return states


@pytest.mark.parametrize("profile", ["lwip-default", "micropython", "full", "strict"])
@pytest.mark.parametrize("stamps", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_both_ways_lead_to_the_same(profile: str, seed: int, stamps: bool) -> None:
    handshake = stamp(1000) if stamps else ()
    short, long = [established(profile, mss=536, handshake=handshake) for _ in range(2)]
    long.tcp.predicts = False
    assert bulk(short, seed, stamps) == bulk(long, seed, stamps)
    assert short.frames == long.frames
    assert short.received == long.received
    assert short.happened() == long.happened()


@pytest.mark.parametrize("options", [(), stamp(2000)])
@pytest.mark.parametrize("profile", ["lwip-default", "full"])
def test_it_is_used(profile: str, options: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """In bulk transfer the long way is not taken."""
    talk = established(profile, mss=536, handshake=options)
    taken: list[Segment] = []

    def arrives(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
        taken.append(seg)
        return True

    monkeypatch.setattr("netstack.tcp.input.segment_arrives", arrives)
    for i in range(4):
        talk.segment(ACK, 1 + 100 * i, 1, bytes(100), options=options)
    assert len(talk.received) == 400
    assert not taken
    talk.segment(ACK, 500, 1, b"beyond a hole")
    assert len(taken) == 1


def test_an_observer_sees_the_long_way() -> None:
    talk = established(mss=536)
    events: list[str] = []
    talk.stack.trace = lambda event: events.append(event.kind)
    talk.segment(PSH | ACK, 1, 1, b"x")
    assert "window" in events
