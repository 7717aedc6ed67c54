"""Two devices with real stacks on an in-memory wire, in virtual time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstack import icmp
from netstack.address import parse_ip
from netstack.errors import ERR_OK
from netstack.pbuf import Pbuf
from netstack.profiles import named
from netstack.raw import RawPcb
from netstack.stack import Stack
from netstack.tcp.tcb import Tcb
from tap.capture import INBOUND, OUTBOUND, Capture, CaptureLink
from tap.clock import MS, SECOND, VirtualClock
from tap.host import Host, transmit_to
from tap.wire import WireEnd, wire
from tests.tap import tshark

DELAY = 2 * MS
PORT = 40000  # one that no dissector of tshark claims
ADDRESSES = ("10.0.0.1", "10.0.0.2")


class Pair:
    """Two hosts, ``a`` and ``b``, whose frames are captured at ``a``."""

    def __init__(self, path: Path) -> None:
        self.clock = VirtualClock()
        self.capture = Capture(path)
        near, far = wire(self.clock, delay=DELAY)
        self.a = self._host(CaptureLink(near, self.capture, self.clock, "a"), 0)
        self.b = self._host(far, 1)

    def _host(self, link: WireEnd | CaptureLink, number: int) -> Host:
        stack = Stack(
            named("micropython"),
            mac=bytes([2, 0, 0, 0, 0, number]),
            ip=parse_ip(ADDRESSES[number]),
            netmask=parse_ip("255.255.255.0"),
            transmit=transmit_to(link),
            seed=number,
        )
        return Host(stack, link, self.clock, "ab"[number])

    def close(self) -> None:
        self.a.close()
        self.b.close()
        self.capture.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path / "pair.pcapng")
    yield made
    made.close()


def ping(pair: Pair, sequence: int) -> int | None:
    """Have ``a`` ping ``b``: the round trip in ns, or None after a second without an answer."""
    replies: list[int] = []

    def recv(pcb: RawPcb, p: Pbuf, source: int) -> bool:
        message = icmp.parse(p.data[20:])
        assert message is not None
        if message.type != icmp.ECHO_REPLY:
            return False
        replies.append(message.rest)
        p.free()
        return True

    stack, start = pair.a.stack, pair.clock.now()
    with pair.a.lock:
        pcb = stack.raw.new(1)
        assert pcb is not None
        pcb.recv = recv
        message = icmp.emit(icmp.IcmpMessage(icmp.ECHO, 0, sequence, b"ping" * 14))
        assert stack.raw.sendto(pcb, message, parse_ip(ADDRESSES[1])) == ERR_OK
    answered = pair.a.wait(lambda: sequence in replies, start + SECOND)
    with pair.a.lock:
        stack.raw.remove(pcb)
    return pair.clock.now() - start if answered else None


def test_ping_takes_as_long_as_the_wire_is(pair: Pair) -> None:
    pair.a.sleep(SECOND)  # the announcements are over, and forgotten by who did not ask
    assert ping(pair, 1) == 4 * DELAY  # with ARP's question and answer
    assert ping(pair, 2) == 2 * DELAY


def test_a_pulled_cable_answers_no_ping(pair: Pair) -> None:
    assert ping(pair, 1)
    with pair.b.lock:
        pair.b.stack.netif.set_link(False)
    pair.b.link.close()
    assert ping(pair, 2) is None


def send_file(pair: Pair, data: bytes) -> bytes:
    """Send ``data`` from ``a`` to a sink on ``b`` with lwIP's raw API; what the sink got until the FIN."""
    got = bytearray()
    over: list[bool] = []
    tcp_a, tcp_b = pair.a.stack.tcp, pair.b.stack.tcp

    def accept(pcb: Tcb | None, err: int) -> int:
        assert pcb is not None
        pcb.recv = recv
        return ERR_OK

    def recv(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        if p is None:
            over.append(True)
            return tcp_b.close(pcb)
        got.extend(p.data)
        tcp_b.recved(pcb, len(p))
        p.free()
        return ERR_OK

    with pair.b.lock:
        pcb = tcp_b.new()
        assert pcb is not None
        assert tcp_b.bind(pcb, 0, PORT) == ERR_OK
        listener, err = tcp_b.listen(pcb)
        assert err == ERR_OK
        assert listener is not None
        listener.accept = accept
    connected: list[int] = []
    with pair.a.lock:
        client = tcp_a.new()
        assert client is not None
        client.connected = lambda pcb, err: connected.append(err) or ERR_OK
        assert tcp_a.connect(client, parse_ip(ADDRESSES[1]), PORT) == ERR_OK
    assert pair.a.wait(lambda: connected, what="connect")
    rest = data

    def sent() -> bool:
        nonlocal rest
        while rest:
            piece = rest[: client.snd_buf]
            if not piece or tcp_a.write(client, piece) != ERR_OK:
                break
            rest = rest[len(piece) :]
        tcp_a.output(client)
        return not rest

    assert pair.a.wait(sent, what="send")
    with pair.a.lock:
        assert tcp_a.close(client) == ERR_OK
    assert pair.b.wait(lambda: over, what="FIN")
    return bytes(got)


DATA = hashlib.shake_128(b"data").digest(100_000)


def test_tcp_carries_a_file(pair: Pair) -> None:
    assert send_file(pair, DATA) == DATA
    assert pair.clock.now() < 2 * SECOND


def test_no_timer_is_due_before_the_stack_says(pair: Pair) -> None:
    """``no_deadline_before`` is a bound for ``next_deadline``, whatever the stack is about."""
    bounds: list[tuple[int, int | None]] = []

    def sample() -> None:
        bounds.extend((host.no_deadline_before(), host.next_deadline()) for host in (pair.a, pair.b))
        if pair.clock.now() < 2 * SECOND:
            pair.clock.call_at(pair.clock.now() + MS, sample)

    sample()
    send_file(pair, DATA)
    pair.a.sleep(2 * SECOND)
    assert sum(due is not None for _, due in bounds) > 1000
    assert all(due is None or bound <= due for bound, due in bounds)


@pytest.mark.needs("tshark")
def test_tshark_finds_nothing_wrong_in_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "pair.pcapng"
    pair = Pair(path)
    ping(pair, 1)
    send_file(pair, DATA)
    pair.close()
    assert tshark.bad_frames(path) == []
    protocols = {protocol for (protocol,) in tshark.frames(path, "_ws.col.Protocol")}
    assert protocols >= {"ARP", "ICMP", "TCP"}
    sent = tshark.frames(path, "frame.packet_flags_direction", "ip.src", which="tcp")
    directions = {(int(direction, 0), source) for direction, source in sent}
    assert directions == {(OUTBOUND, ADDRESSES[0]), (INBOUND, ADDRESSES[1])}


def test_two_runs_write_the_same_capture(tmp_path: Path) -> None:
    digests = set()
    for run in ("first", "second"):
        pair = Pair(tmp_path / run)
        for sequence in range(5):
            ping(pair, sequence)
        send_file(pair, DATA)
        pair.a.sleep(10 * SECOND)
        pair.close()
        digests.add(hashlib.sha256((tmp_path / run).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_devices_that_have_nothing_to_do_cost_nothing(pair: Pair) -> None:
    """A day of virtual time on two idle devices is a few steps: no timer runs for its own sake."""
    pair.a.sleep(60 * SECOND)
    steps: list[int] = []
    run_timers = pair.a.stack.run_timers

    def counted(now: int) -> None:
        steps.append(now)
        run_timers(now)

    pair.a.stack.run_timers = counted
    pair.a.sleep(24 * 3600 * SECOND)
    assert len(steps) < 20
