"""Whatever faults hypothesis thinks of, after every event the numbers of every connection fit together, the
queues hold what the pools have lent, and what a program has received is a prefix of what the other has sent.

The fault plans are those of ``lab.testing``: rules, impairments of the wire and faults inside the devices.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import testing
from lab.scenario import load
from lab.scenario.build import build
from lab.scenario.model import Fault
from lab.scenario.play import aftermath, play
from netstack.profiles import names
from netstack.tcp import ack, congestion, window
from netstack.trace import StateChange
from tests.proof.invariants import Watch
from usocket.emulation import Network

if TYPE_CHECKING:
    from netstack.tcp.segment import TxSegment
    from netstack.tcp.shared import TcpShared
    from netstack.tcp.tcb import Tcb

# A send without memory says so. As boards do it, it says after 10 s that all was sent, and there is a hole in
# the stream (examples/scenarios/pool-starvation.toml).
BENCH = """
[device.client]
profile = "{client}"
address = "10.0.0.2/24"
send_nomem = "enobufs"

[device.server]
profile = "{server}"
address = "10.0.0.1/24"
send_nomem = "enobufs"

[link.wire]
between = ["client", "server"]
rate = "{rate}kbit"
delay = "{delay}ms"

[[program]]
on = "server"
run = "receive port=5000 pause={pause}ms"

[[program]]
on = "client"
run = "send bytes={up} chunk=900 to=server:5000 hold=3min"

[[program]]
on = "client"
run = "receive port=5001"

[[program]]
on = "server"
run = "send bytes={down} chunk=900 to=client:5001 hold=3min"
at = "1s"

[[program]]
on = "server"
run = "echo port=7"

[[program]]
on = "client"
run = "request to=server:7 bytes=1500 count=4 timeout=60s"

[[expect]]
that = "pools client leaked == 0 and pools server leaked == 0"

"""
# A program whose connection is cut off by the faults says one of these (docs/usocket.md).
TOLD = ("ECONNABORTED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOMEM", "ENOBUFS", "EAGAIN")


NUMBERS = {"rate": 1000, "delay": 5, "pause": 0, "up": 4000, "down": 4000}
PLAIN = BENCH.format(client="micropython", server="micropython", **NUMBERS)


@st.composite
def benches(draw: st.DrawFn) -> str:
    """A client and a server of any profiles that send each other streams over three connections."""
    profiles = st.sampled_from(names())
    return BENCH.format(
        client=draw(profiles),
        server=draw(profiles),
        rate=draw(st.sampled_from([50, 150, 400])),
        delay=draw(st.integers(1, 200)),
        pause=draw(st.sampled_from([0, 0, 50, 700])),
        up=draw(st.integers(8_000, 30_000)),
        down=draw(st.integers(8_000, 30_000)),
    )


def plans() -> st.SearchStrategy[list[Fault]]:
    """Any faults, and at least one impairment of the wire among them."""
    wire = st.lists(testing.impairments(), min_size=1, max_size=3)
    return st.tuples(wire, testing.fault_plans(max_size=15)).map(lambda drawn: drawn[0] + drawn[1])


def watched(text: str, traced: bool) -> tuple[Watch, list[tuple[str, bool, str]], int]:
    """Run a bench and look at it after every event: what was seen, what came of its expectations, how much
    was done to frames and in devices.
    """
    scenario = load(text, "bench.toml")
    with Network(scenario.file.run.seed, keep=True) as net:
        bench = build(scenario, net)
        net.switch_on()
        watch = Watch(bench)
        watch.attach(traced)
        with bench.output.taken():
            judgements = play(bench) + aftermath(bench)
        return watch, judgements, len(net.verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("traced", [False, True])
def test_after_every_event_all_numbers_fit(traced: bool) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(text=benches(), plan=plans())
    def check(text: str, plan: list[Fault]) -> None:
        watch, judgements, done = watched(text + testing.as_toml(plan), traced)
        assert watch.found == {}
        for statement, holds, detail in judgements:
            if not holds:
                assert statement.startswith("program "), (statement, detail)
                assert any(f"failed with {name} at" in detail for name in TOLD), detail
        seen.update({"runs": 1, "events": watch.events, "verdicts": done})
        assert bool(watch.states) == traced

    check()
    assert seen["events"] > 100 * seen["runs"]
    assert seen["verdicts"] > 5 * seen["runs"]
    sys.stdout.write(f"{seen['runs']} runs, {seen['events']:,} events, {seen['verdicts']:,} verdicts\n")


# Planted bugs, and what is seen of each: the module, the function, what it does instead

LOST = Fault(do="drop", on="client>server kind=data n=2")


def forget_to_give(tcp: TcpShared, seg: TxSegment) -> None:
    seg.buf.free()


def close_window(tcp: TcpShared, pcb: Tcb) -> None:
    pcb.cwnd = 1


def too_wide(tcp: TcpShared, pcb: Tcb, length: int) -> None:
    pcb.rcv_wnd += 2 * length


@pytest.mark.parametrize(
    ("where", "name", "instead", "sight"),
    [
        (ack, "free_segment", forget_to_give, "TCP_SEG: 1 used, 0 queued"),
        (congestion, "on_timeout", close_window, "cwnd 1 < mss 800"),
        (window, "recved", too_wide, "rcv_wnd 7200 of 6400"),
    ],
    ids=["leak", "cwnd", "window"],
)
def test_a_planted_bug_is_seen(
    monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str, instead: object, sight: str
) -> None:
    monkeypatch.setattr(where, name, instead)
    watch, _, _ = watched(PLAIN + testing.as_toml([LOST]), traced=False)
    assert any(sight in problem for problem in watch.found), watch.found


def test_a_byte_that_arrives_as_another_is_seen() -> None:
    """As a checksum that is made right lets it through."""
    fault = Fault(do="corrupt byte=payload+3 repaired", on="client>server kind=data n=2")
    watch, _, _ = watched(PLAIN + testing.as_toml([fault]), traced=False)
    assert any("arrived as another, which are no prefix" in problem for problem in watch.found), watch.found


def test_a_step_that_the_diagram_has_not_is_seen() -> None:
    watch, _, _ = watched(PLAIN, traced=True)
    assert watch.states >= {("CLOSED", "SYN_RCVD"), ("SYN_RCVD", "ESTABLISHED"), ("CLOSE_WAIT", "LAST_ACK")}
    assert watch.found == {}
    watch.trace(StateChange(0, (0, 0, 0, 0), "SYN_RCVD", "CLOSE_WAIT"))
    assert list(watch.found) == ["SYN_RCVD to CLOSE_WAIT"]
