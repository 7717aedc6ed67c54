"""The inner state as the trace tells it is that which a capture of the same run finds in the stack."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from lab.export import pcapng
from lab.export.inner import Inner
from lab.scenario import load, run
from lab.trace import read
from tests.lab.export import runs
from tests.tap import tshark

# Taken before the recorder listens, so that the trace does not know of them.
BEFORE = {"IGMP_GROUP", "UDP_PCB"}
NUMBERS = {"una", "nxt"}  # relative in the trace, raw in the capture

Words = dict[str, str]


def states(path: Path) -> dict[tuple[str, ...], list[Words]]:
    """What the comments of the frames that a device sent say: by time, interface, raw numbers and sender."""
    fields = "frame.time_relative frame.interface_name tcp.seq_raw tcp.ack_raw eth.src frame.comment".split()
    found = defaultdict(list)
    for *key, comment in tshark.frames(path, *fields, which="!(frame.interface_name contains dropped)"):
        lines = [line for line in comment.split("\\n") if line.startswith(("una=", "heap="))]
        if lines:
            words = dict(word.split("=") for line in lines for word in line.split())
            found[tuple(key)].append({name: text for name, text in words.items() if name not in BEFORE})
    return found


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("name", ["lost-third-segment", "zero-window", "pool-starvation", "silly-window"])
def test_it_is_what_the_stack_says(name: str, tmp_path: Path) -> None:
    run(load(runs.SCENARIOS / f"{name}.toml"), pcap=tmp_path / "live.pcapng", trace=tmp_path / "run.jsonl")
    pcapng.write(read(tmp_path / "run.jsonl"), tmp_path / "export.pcapng")
    live, exported = states(tmp_path / "live.pcapng"), states(tmp_path / "export.pcapng")
    compared = 0
    starts: dict[tuple[str, ...], int] = {}
    for key, found in live.items():
        assert key in exported, key
        for ours, theirs in zip(exported[key], found, strict=False):
            if "una" not in theirs:
                continue
            # A connection's first segment may leave before anything was told of its other numbers.
            assert set(ours) >= set(theirs) - {"ssthresh", "dupacks"}
            for number in sorted(NUMBERS):
                start = int(theirs[number]) - int(ours[number]) & 0xFFFFFFFF
                assert starts.setdefault((key[1], key[4]), start) == start, (key, number)
            shared = (set(ours) & set(theirs)) - NUMBERS
            assert {word: ours[word] for word in shared} == {word: theirs[word] for word in shared}, key
            compared += 1
    assert compared > 20


def test_a_power_cycle_forgets() -> None:
    inner = Inner(runs.scenario("reboot-mid-transfer"))
    for event in runs.scenario("reboot-mid-transfer").events:
        if event["kind"] == "boot" and event["again"]:
            break
        inner.learn(event)
    assert inner.connection("logger", 1).startswith("una=1 nxt=")
    inner.learn(event)
    assert inner.connection("logger", 1) == ""
    assert inner.memory("logger").startswith("heap=0/")
    assert inner.connection("client", 1).startswith("una=")


def test_nothing_is_known_of_others() -> None:
    inner = Inner(runs.script())
    assert inner.connection("nobody", 1) == inner.memory("nobody") == inner.connection("device", None) == ""
