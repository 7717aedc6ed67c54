"""The capture as tshark reads it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.export import pcapng
from lab.trace import Trace
from tap.link import TapError
from tests.lab.export import runs
from tests.tap import tshark

pytestmark = pytest.mark.needs("tshark")


def frames(
    trace: Trace, folder: Path, *fields: str, device: str | None = None, which: str = ""
) -> list[list[str]]:
    path = folder / "run.pcapng"
    count = pcapng.write(trace, path, device)
    found = tshark.frames(path, *fields, which=which)
    assert which or len(found) == count
    return found


def test_every_frame_is_there_with_its_reason(tmp_path: Path) -> None:
    trace = runs.scenario("lost-syn-ack")
    found = frames(trace, tmp_path, "frame.interface_name", "frame.comment")
    passed = Counter(event["on"] for event in trace.events if event["kind"] in ("frame-out", "frame-in"))
    assert Counter(name for name, _ in found) == passed | {"server>client dropped": 1}
    assert all(comment for _, comment in found)
    assert tshark.bad_frames(tmp_path / "run.pcapng") == []
    again = [comment for _, comment in found if comment.startswith("retransmitted SYN-ACK because")]
    assert len(again) == 1
    assert "rtime 3 ≥ rto 3" in again[0]
    assert "RFC 6298" in again[0]
    assert "tcp_slowtmr" in again[0]
    page = " ".join((runs.ROOT / "docs" / "exports.md").read_text(encoding="utf-8").split())
    assert " ".join(again[0].replace("\\n", " ").split()) in page


def test_a_frame_that_died_is_on_its_own_interface(tmp_path: Path) -> None:
    trace = runs.scenario("lost-syn-ack")
    fields = "frame.time_relative", "tcp.flags.str", "frame.comment"
    which = 'frame.interface_name == "server>client dropped"'
    ((time, flags, comment),) = frames(trace, tmp_path, *fields, which=which)
    assert (float(time), flags.strip("·")) == (0.04, "A··S")
    assert "died on server>client: lost" in comment


def test_times_and_bytes_are_those_of_the_run(tmp_path: Path) -> None:
    trace = runs.scenario("zero-window")
    found = frames(trace, tmp_path, "frame.time_epoch", "frame.len", "frame.interface_name")
    sizes = {event["frame"]: event["size"] for event in trace.events if event["kind"] == "frame"}
    expected = [
        (event["t"], sizes[event["frame"]], event["on"] + " dropped" * (event["kind"] == "died"))
        for event in trace.events
        if event["kind"] in ("frame-out", "frame-in", "died")
    ]
    nanoseconds = [round(float(time) * 1e9) for time, *_ in found]
    assert nanoseconds == sorted(nanoseconds)
    shown = [(time, int(size), name) for time, (_, size, name) in zip(nanoseconds, found, strict=True)]
    assert Counter(shown) == Counter(expected)


def test_one_device_alone_is_a_plain_capture(tmp_path: Path) -> None:
    """Wireshark sees each frame once: no false retransmissions."""
    trace = runs.scenario("lost-third-segment")
    names = frames(trace, tmp_path, "frame.interface_name", device="client")
    assert {name for (name,) in names} == {"client"}
    again = tshark.frames(tmp_path / "run.pcapng", "tcp.seq", which="tcp.analysis.retransmission")
    assert again == [["2881"]]


def test_duplicates_changes_and_losses(tmp_path: Path) -> None:
    trace = runs.impaired()
    found = frames(trace, tmp_path, "frame.interface_name", "frame.comment")
    dropped = [comment for name, comment in found if name == "server>client dropped"]
    assert len(dropped) == sum(1 for event in trace.events if event["kind"] == "died") > 0
    checksums = [comment for _, comment in found if "tcp_checksum" in comment or "checksum" in comment]
    assert checksums, "no frame that the stack dropped for its checksum says so"


def test_frames_that_no_stack_sent(tmp_path: Path) -> None:
    trace = runs.scenario("duplicate-ip")
    found = frames(trace, tmp_path, "frame.interface_name", "eth.src", "frame.comment")
    foreign = [(name, mac) for name, mac, comment in found if comment == pcapng.FOREIGN]
    assert foreign == [("server", "02:00:00:d0:b1:e0")] * 4


def test_a_script_has_one_interface(tmp_path: Path) -> None:
    found = frames(runs.script(), tmp_path, "frame.interface_name", "frame.comment")
    assert {name for name, _ in found} == {"device"}
    assert sum("because the slow tick" in comment for _, comment in found) == 12


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pcapng.write(runs.scenario("zero-window"), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(TapError, match="No space left"):
        pcapng.write(runs.scenario("lost-syn-ack"), "/dev/full")
