"""A device with the real stack on a real TAP, and Linux's own programs at the other end."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstack.address import parse_ip
from netstack.errors import ERR_OK
from netstack.pbuf import Pbuf
from netstack.profiles import named
from netstack.stack import Stack
from netstack.tcp.tcb import Tcb
from tap.capture import INBOUND, OUTBOUND, Capture, CaptureLink
from tap.clock import SECOND, RealClock
from tap.host import Host, transmit_to
from tap.link import TapError
from tap.netns import Namespace
from tap.tun import TapLink
from tests.tap import tshark

pytestmark = pytest.mark.tap

LINUX, DEVICE = "192.168.7.1", "192.168.7.2"
PORT = 40000  # one that no dissector of tshark claims


class Board:
    """A device on a TAP in a namespace of its own, captured to ``path``."""

    def __init__(self, namespace: Namespace, path: Path) -> None:
        self.namespace = namespace
        self.path = path
        self.tap = TapLink.open("tap0", address=LINUX + "/24", netns=namespace)
        self.clock = RealClock()
        self.capture = Capture(path)
        link = CaptureLink(self.tap, self.capture, self.clock, self.tap.name)
        self.stack = Stack(
            named("micropython"),
            mac=bytes.fromhex("020000000002"),
            ip=parse_ip(DEVICE),
            netmask=parse_ip("255.255.255.0"),
            transmit=transmit_to(link),
        )
        self.host = Host(self.stack, link, self.clock)

    def run(self, command: str, stdin: bytes = b"") -> tuple[int, str]:
        """Run a Linux program while this thread drives the device: its exit status and what it printed."""
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out:
            source.write(stdin)
            source.seek(0)
            pipes = {"stdin": source, "stdout": out, "stderr": out}
            with self.namespace.popen(command.split(), **pipes) as process:
                deadline = self.deadline(30)
                while process.poll() is None:  # the end of a process wakes no host
                    self.host.sleep(SECOND // 100)
                    assert self.clock.now() < deadline, command
            out.seek(0)
            return process.returncode, out.read().decode()

    def deadline(self, seconds: int) -> int:
        return self.clock.now() + seconds * SECOND

    def close(self) -> None:
        self.host.close()
        self.capture.close()


@pytest.fixture
def board(namespace: Namespace, tmp_path: Path) -> Iterator[Board]:
    made = Board(namespace, tmp_path / "board.pcapng")
    yield made
    made.close()


@pytest.mark.needs("ping")
def test_ping_is_answered_by_a_program_that_waits(board: Board) -> None:
    status, told = board.run(f"ping -c 20 -i 0.01 -W 5 {DEVICE}")
    assert status == 0, told
    assert "20 packets transmitted, 20 received, 0% packet loss" in told


@pytest.mark.needs("ping")
def test_ping_is_answered_by_the_service_thread(board: Board) -> None:
    board.host.serve()
    ping = ["ping", "-f", "-c", "300", "-w", "20", DEVICE]
    done = board.namespace.run(ping, capture_output=True, text=True)
    assert ", 0% packet loss" in done.stdout, done.stdout


@pytest.mark.needs("ping")
def test_ping_comes_back_after_the_interface_was_down(board: Board) -> None:
    assert board.run(f"ping -c 1 -W 5 {DEVICE}")[0] == 0
    board.run("ip link set tap0 down")
    assert board.run(f"ping -c 1 -W 1 {DEVICE}")[0] != 0
    board.run("ip link set tap0 up")
    assert board.run(f"ping -c 1 -W 5 {DEVICE}")[0] == 0


@pytest.mark.needs("ping")
def test_the_interface_is_removed_while_the_device_is_in_use(board: Board) -> None:
    board.namespace.run(["ip", "link", "delete", "tap0"], check=True)
    with pytest.raises(TapError, match=r"^TAP tap0 was removed while in use: start anew$"):
        board.host.sleep(10 * SECOND)


def sink(board: Board) -> bytearray:
    """Listen on PORT with lwIP's raw API; what comes is put into the returned array."""
    got = bytearray()
    tcp = board.stack.tcp

    def accept(pcb: Tcb | None, err: int) -> int:
        assert pcb is not None
        pcb.recv = recv
        return ERR_OK

    def recv(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        if p is None:
            return tcp.close(pcb)
        got.extend(p.data)
        tcp.recved(pcb, len(p))
        p.free()
        return ERR_OK

    with board.host.lock:
        pcb = tcp.new()
        assert pcb is not None
        assert tcp.bind(pcb, 0, PORT) == ERR_OK
        listener, err = tcp.listen(pcb)
        assert err == ERR_OK
        assert listener is not None
        listener.accept = accept
    return got


@pytest.mark.needs("socat", "ping", "tshark")
def test_tshark_finds_nothing_wrong_in_what_linux_and_the_device_say(board: Board) -> None:
    data = hashlib.shake_128(b"data").digest(300_000)
    got = sink(board)
    assert board.run(f"ping -c 3 -i 0.01 -s 1400 -W 5 {DEVICE}")[0] == 0
    status, told = board.run(f"socat -u - TCP:{DEVICE}:{PORT}", data)
    assert (status, told) == (0, "")
    assert board.host.wait(lambda: len(got) >= len(data), board.deadline(20))
    assert bytes(got) == data
    board.host.sleep(SECOND // 10)
    assert tshark.bad_frames(board.path) == []
    fields = ("frame.interface_name", "frame.packet_flags_direction", "ip.src")
    packets = tshark.frames(board.path, *fields, which="ip")
    seen = {(name, int(direction, 0), source) for name, direction, source in packets}
    assert seen == {("tap0", OUTBOUND, DEVICE), ("tap0", INBOUND, LINUX)}
    times = [float(time) for (time,) in tshark.frames(board.path, "frame.time_epoch")]
    assert times == sorted(times)
    assert abs(times[-1] - time.time()) < 60


def test_a_device_that_waits_for_nothing_sleeps(board: Board) -> None:
    board.host.sleep(SECOND // 2)  # the kernel's and our own announcements
    cpu = time.process_time()
    board.host.sleep(SECOND)
    assert time.process_time() - cpu < 0.05
