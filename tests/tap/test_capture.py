"""Captures, read back by tshark, capinfos and scapy, which know nothing of ours."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap.capture import FILLER, INBOUND, OUTBOUND, PAGE, Capture, CaptureLink
from tap.clock import MS, SECOND, Clock, RealClock, VirtualClock
from tap.link import TapError
from tap.netns import python_module
from tap.wire import wire
from tests.tap import tshark
from tests.tap.test_driver import until

tshark_is_there = pytest.mark.needs("tshark")

# Two broadcast ARP requests, of 42 and of 60 bytes.
HEADERS = "ffffffffffff02000000aa0108060001080006040001"
ARP = bytes.fromhex(HEADERS + "02000000aa01c0a80702" + "000000000000c0a80701")
PADDED = ARP + bytes(18)


@tshark_is_there
def test_tshark_reads_times_directions_interfaces_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with Capture(path, comment="a whole file") as capture:
        board = capture.interface("board", bytes.fromhex("02000000aa01"), "the device")
        other = capture.interface("other")
        capture.packet(board, 1_700_000_000_123_456_789, ARP, OUTBOUND)
        capture.packet(other, 1_700_000_000_123_456_790, ARP, INBOUND, "µ: lost by plan")
        capture.packet(board, 7, PADDED, INBOUND)
    frames = tshark.frames(path, "frame.time_epoch", "frame.interface_name", "frame.len", "frame.comment")
    assert frames == [
        ["1700000000.123456789", "board", "42", ""],
        ["1700000000.123456790", "other", "42", "µ: lost by plan"],
        ["0.000000007", "board", "60", ""],
    ]
    others = tshark.frames(path, "frame.packet_flags_direction", "arp.dst.proto_ipv4")
    assert [int(direction, 0) for direction, _ in others] == [OUTBOUND, INBOUND, INBOUND]
    assert {target for _, target in others} == {"192.168.7.1"}


@pytest.mark.needs("capinfos")
def test_capinfos_reads_what_the_file_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with Capture(path, comment="a whole file") as capture:
        capture.interface("board", comment="the device")
    told = subprocess.run(["capinfos", str(path)], capture_output=True, text=True, check=True).stdout
    for expected in ("netstack-emulator", "a whole file", "Name = board", "nanoseconds (9)", "Ethernet"):
        assert expected in told


@tshark_is_there
def test_a_bad_checksum_would_be_seen(tmp_path: Path) -> None:
    """That the other tests find no bad frame means something."""
    path = tmp_path / "a.pcapng"
    packet = bytes.fromhex("4500001c000000004001eb8dc0a80702c0a807010800f7ff00000000")
    echo = bytes.fromhex("0200000000010200000000020800") + packet
    with Capture(path) as capture:
        interface = capture.interface("board")
        for place in (None, 24, 36):  # the IP header's checksum, ICMP's
            frame = bytearray(echo)
            if place is not None:
                frame[place] ^= 1
            capture.packet(interface, 0, bytes(frame), INBOUND)
        capture.packet(interface, 0, echo[:20], INBOUND)
    assert [number for number, _ in tshark.bad_frames(path)] == ["2", "3", "4"]


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    """Types and bodies of all blocks, whose two lengths have to agree and to be multiples of four."""
    found = []
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, length - 4) == (length,)
        found.append((kind, data[8 : length - 4]))
        data = data[length:]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.lists(
        st.tuples(
            st.binary(max_size=70),
            st.integers(0, 2**63 - 1),
            st.sampled_from([INBOUND, OUTBOUND]),
            st.text(max_size=9),
        )
    )
)
def test_scapy_reads_what_was_written(tmp_path: Path, frames: list[tuple[bytes, int, int, str]]) -> None:
    from scapy.utils import RawPcapNgReader

    path = tmp_path / "a.pcapng"
    with Capture(path) as capture:
        interface = capture.interface("board")
        for frame, time, direction, comment in frames:
            capture.packet(interface, time, frame, direction, comment)
    kinds = [kind for kind, _ in blocks(path.read_bytes()) if kind != FILLER]
    assert kinds == [0x0A0D0D0A, 1] + [6] * len(frames)
    with RawPcapNgReader(str(path)) as reader:
        read = list(reader)
    assert [data for data, _ in read] == [frame for frame, *_ in frames]
    for (_, meta), (frame, time, direction, comment) in zip(read, frames, strict=True):
        assert (meta.tshigh << 32 | meta.tslow, meta.wirelen, meta.direction) == (time, len(frame), direction)
        assert meta.ifname == b"board"
        written = comment.encode("utf-8", "replace")
        assert meta.comments == ([written] if written else None)


@tshark_is_there
def test_no_block_crosses_a_page(tmp_path: Path) -> None:
    """All sizes of frames, one after the other, so that blocks end at every possible place of a page."""
    path = tmp_path / "a.pcapng"
    sizes = [42 + number * 31 % 1473 for number in range(1473)]
    with Capture(path) as capture:
        interface = capture.interface("board")
        for size in sizes:
            capture.packet(interface, 0, ARP + bytes(size - 42), INBOUND)
    place = 0
    for _, body in blocks(path.read_bytes()):
        assert place // PAGE == (place + len(body) + 11) // PAGE
        place += len(body) + 12
    assert [int(size) for (size,) in tshark.frames(path, "frame.len")] == sizes


@tshark_is_there
def test_a_frame_larger_than_a_page_is_as_good(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    sizes = [42, *range(PAGE - 60, PAGE + 60), 9014, 42, 65535, 42]
    with Capture(path) as capture:
        interface = capture.interface("board")
        for size in sizes:
            capture.packet(interface, 0, ARP + bytes(size - 42), INBOUND)
    assert [int(size) for (size,) in tshark.frames(path, "frame.len")] == sizes


def test_a_comment_is_cut_at_64_kib_between_characters(tmp_path: Path) -> None:
    with Capture(tmp_path / "a.pcapng", comment="x" + "ä" * 40_000):
        pass
    ((_, body),) = blocks((tmp_path / "a.pcapng").read_bytes())
    assert b"x" + "ä".encode() * 32_767 + b"\0" in body
    assert "ä".encode() * 32_768 not in body


def test_a_link_records_both_ways_with_the_clocks_time(tmp_path: Path) -> None:
    clock = VirtualClock()
    inner, far = wire(clock, delay=MS)
    with Capture(tmp_path / "a.pcapng") as capture:
        link = CaptureLink(inner, capture, clock, "board")
        far.send(b"there")
        clock.wait(None)
        clock.run_due()
        assert (link.receive(), link.receive()) == (b"there", None)
        link.note("first")
        link.note("second")
        link.send(b"back")
        link.close()
        inner.send(b"the wire is closed")
        assert inner.dropped == 1
    _, _, *packets = blocks((tmp_path / "a.pcapng").read_bytes())
    assert [struct.unpack_from("<III", body) for _, body in packets] == [(0, 0, MS), (0, 0, MS)]
    assert packets[0][1].endswith(struct.pack("<HHIHH", 2, 4, INBOUND, 0, 0))
    assert packets[1][1].endswith(struct.pack("<HHIHH", 2, 4, OUTBOUND, 0, 0))
    assert struct.pack("<HH", 1, 12) + b"first\nsecond" in packets[1][1]
    assert b"first" not in packets[0][1]


def test_a_link_describes_what_is_sent(tmp_path: Path) -> None:
    inner, far = wire(VirtualClock())
    with Capture(tmp_path / "a.pcapng") as capture:
        link = CaptureLink(
            inner, capture, VirtualClock(), "board", describe=lambda frame: f"{len(frame)} bytes"
        )
        link.note("look")
        link.send(b"there")
        inner.deliver(b"back")
        assert link.receive() == b"back"
    _, _, sent, received = blocks((tmp_path / "a.pcapng").read_bytes())
    assert struct.pack("<HH", 1, 12) + b"look\n5 bytes" in sent[1]
    assert b"bytes" not in received[1]
    assert far.dropped == 0


@pytest.mark.parametrize("clock", [VirtualClock(5 * SECOND), RealClock()], ids=["virtual", "real"])
def test_times_count_from_1970_or_from_the_start_of_virtual_time(tmp_path: Path, clock: Clock) -> None:
    import time

    with Capture(tmp_path / "a.pcapng") as capture:
        CaptureLink(wire(clock)[0], capture, clock, "board").send(b"frame")
    (_, body) = blocks((tmp_path / "a.pcapng").read_bytes())[-1]
    high, low = struct.unpack_from("<4xII", body)
    expected = 5 * SECOND if clock.virtual else time.time_ns()
    assert abs((high << 32 | low) - expected) < (1 if clock.virtual else 60 * SECOND)


ENDLESS = """
import sys
from tap.capture import Capture
with Capture(sys.argv[1]) as capture:
    interface = capture.interface("board")
    frame = bytes.fromhex(sys.argv[2])
    for number in range(10**9):
        capture.packet(interface, number, frame + bytes(number % 1400), 1 + number % 2, "x" * (number % 7))
"""


@tshark_is_there
def test_after_kill_9_every_frame_is_whole(tmp_path: Path) -> None:
    chance = random.Random(1)
    for attempt in range(5):
        path = tmp_path / f"{attempt}.pcapng"
        with subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(path), ARP.hex()], env=python_module("tap.capture")[1]
        ) as victim:
            size = chance.randrange(1, 400_000)
            until(lambda: path.exists() and path.stat().st_size > size, "nothing is written")  # noqa: B023
            victim.kill()
        frames = tshark.frames(path, "frame.time_epoch", "frame.len")
        assert len(frames) > 1
        for number, (time, length) in enumerate(frames):
            assert (float(time), int(length)) == (number / 1e9, 42 + number % 1400)


LIMITED = """
import resource, sys
from tap.capture import Capture
capture = Capture(sys.argv[1])
interface = capture.interface("board")
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
for number in range(100):
    capture.packet(interface, number, bytes.fromhex(sys.argv[2]), 1)
print(capture.problem)
capture.close()
"""


def test_a_full_disk_ends_the_capture_after_its_last_whole_block(tmp_path: Path) -> None:
    """A limit of the file's size stands in for the disk."""
    path = tmp_path / "a.pcapng"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), ARP.hex()],
        env=python_module("tap.capture")[1],
        capture_output=True,
        text=True,
        check=True,
    )
    problem = f"capture {path} ends early (File too large)"
    assert done.stdout == f"{problem}: free some space, or give another file\n"
    size = path.stat().st_size
    assert 2000 - 88 < size <= 2000
    assert {len(body) for kind, body in blocks(path.read_bytes()) if kind == 6} == {88 - 12}


def test_a_reader_that_leaves_a_pipe_ends_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["head", "-c", "100", str(path)], stdout=subprocess.PIPE) as reader:
        with Capture(path) as capture:
            interface = capture.interface("board")

            def is_over() -> bool:
                capture.packet(interface, 0, ARP, INBOUND)
                return capture.problem is not None

            until(is_over, "the pipe takes everything")
            assert str(capture.problem).startswith(f"capture {path} ends early (Broken pipe): ")
        assert reader.stdout is not None
        assert reader.stdout.read(4) == b"\x0a\x0d\x0d\x0a"


def test_after_close_nothing_is_written_and_nothing_goes_wrong(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "a.pcapng")
    interface = capture.interface("board")
    capture.close()
    capture.close()
    before = (tmp_path / "a.pcapng").read_bytes()
    capture.packet(interface, 0, ARP, INBOUND)
    assert (tmp_path / "a.pcapng").read_bytes() == before
    assert capture.problem is None


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (lambda folder: folder, "Is a directory"),
        (lambda folder: folder / "no" / "a", "No such file or directory"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, place: Callable[[Path], Path], why: str) -> None:
    path = place(tmp_path)
    with pytest.raises(TapError) as caught:
        Capture(path)
    assert str(caught.value) == f"capture {path} cannot be written ({why}): give another file"
