"""Whatever faults hypothesis thinks of, after every event the numbers of every connection fit together, the
queues hold what the pools have lent, and what a program has received is a prefix of what the other has sent.

The fault plans are those of ``lab.testing``: rules, impairments of the wire and faults inside the devices.
"""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lab import testing
from lab.scenario import load
from lab.scenario.build import build
from lab.scenario.model import Fault
from lab.scenario.play import aftermath, play
from netstack.profiles import names
from tests.proof.invariants import Watch
from usocket.emulation import Network

BENCH = """
[device.client]
profile = "{client}"
address = "10.0.0.2/24"

[device.server]
profile = "{server}"
address = "10.0.0.1/24"

[link.wire]
between = ["client", "server"]
rate = "2mbit"
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
run = "send bytes={down} to=client:5001 hold=3min"
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

seen: Counter[str] = Counter()


@st.composite
def benches(draw: st.DrawFn) -> str:
    """A client and a server of any profiles that send each other streams over three connections."""
    profiles = st.sampled_from(names())
    return BENCH.format(
        client=draw(profiles),
        server=draw(profiles),
        delay=draw(st.integers(1, 200)),
        pause=draw(st.sampled_from([0, 0, 50, 700])),
        up=draw(st.integers(1, 12_000)),
        down=draw(st.integers(1, 12_000)),
    )


def watched(text: str, traced: bool) -> tuple[Watch, list[tuple[str, bool, str]]]:
    """Run a bench and look at it after every event."""
    scenario = load(text, "bench.toml")
    with Network(scenario.file.run.seed) as net:
        bench = build(scenario, net)
        net.switch_on()
        watch = Watch(bench)
        watch.attach(traced)
        with bench.output.taken():
            judgements = play(bench) + aftermath(bench)
    return watch, judgements


@pytest.mark.slow
@pytest.mark.parametrize("traced", [False, True])
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(text=benches(), plan=testing.fault_plans(max_size=10))
def test_after_every_event_all_numbers_fit(traced: bool, text: str, plan: list[Fault]) -> None:
    watch, judgements = watched(text + testing.as_toml(plan), traced)
    assert watch.found == {}
    assert watch.events > 0
    for statement, holds, detail in judgements:
        if not holds:
            assert statement.startswith("program "), (statement, detail)
            assert any(f"failed with {name} at" in detail for name in TOLD), detail
    seen["events"] += watch.events
    seen["runs"] += 1
    sys.stdout.write(f"{seen['runs']} runs, {seen['events']:,} events\n")
