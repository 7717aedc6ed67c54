"""Runs for the tests of exports: scenarios of examples/scenarios, a script, a network with all kinds of
impairments.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.trace import MemorySink, Recorder, Trace, load_run
from tap.clock import MS
from tests.lab.explain import fetch
from usocket import Network

ROOT = Path(__file__).parents[3]
SCENARIOS = ROOT / "examples" / "scenarios"
SCRIPT = ROOT / "tests" / "golden" / "micropython" / "rto" / "give_up_1seg.pkt"


@cache
def scenario(name: str) -> Trace:
    """A run of an example."""
    return load_run(SCENARIOS / f"{name}.toml")


@cache
def script() -> Trace:
    """A replayed recording of lwIP: one device, no cable, a peer that never answers."""
    return load_run(SCRIPT)


@cache
def impaired() -> Trace:
    """A transfer with losses, copies, changed frames, and an end before everything has arrived."""
    sink = MemorySink()
    with Network(seed=3) as net:
        net.device("server", address="10.0.0.1/24")
        net.device("client", address="10.0.0.2/24")
        net.cable("server", "client", delay=5 * MS)
        net.impair("client>server", "duplicate rate=30%")
        net.impair("server>client", "corrupt rate=20%")
        net.impair("server>client", "loss rate=30%")
        recorder = Recorder(sink, source="virtual", title="50% lost; <b>#1</b>\nend")
        recorder.attach(net)
        net.program(fetch.serve, on="server")
        net.program(fetch.fetch, on="client")
        net.run(until=3_000 * MS)
        recorder.close()
    return Trace(sink.header, sink.events)
