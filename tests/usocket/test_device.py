"""Device: opening, closing, addresses, and what it does for sockets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netstack.address import format_ip
from netstack.options import ProfileError
from netstack.profiles import named
from tap.clock import MS, Deadlock, VirtualClock
from tap.wire import wire
from tests.usocket.router import LEASED, ROUTER, device_and_router
from tests.usocket.support import SERVER, listening, raises, two_devices
from usocket import SOCK_DGRAM, Device, NoDevice
from usocket.errno import EBADF, ECONNRESET

ROOT = Path(__file__).resolve().parents[2]


def test_settings_before_it_is_opened() -> None:
    device = Device(address="10.1.2.3/16")
    assert device.profile is named("micropython")
    assert device.mac == bytes.fromhex("02000a010203")
    assert format_ip(device._linux) == "10.1.0.1"
    assert format_ip(Device(address="10.1.0.1/16")._linux) == "10.1.0.2"
    other = Device("full", address="10.1.2.3/16", mac="02:00:00:00:00:09", linux="10.1.0.9")
    assert other.profile.name == "full"
    assert other.mac[-1] == 9
    assert format_ip(other._linux) == "10.1.0.9"


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.1/", "10.0.0.1/31", "10.0.0.1/x", "10.0.0/24", ""])
def test_bad_addresses_get_one_line(address: str) -> None:
    with pytest.raises(ValueError) as caught:
        Device(address=address)
    assert "\n" not in str(caught.value)
    assert "address" in str(caught.value)


def test_an_unknown_profile() -> None:
    with pytest.raises(ProfileError, match="did you mean micropython"):
        Device("micropyton")


def test_its_address_is_usable_and_its_clock_starts_with_it() -> None:
    clock = VirtualClock(5000 * MS)
    link, _ = wire(clock)
    with Device(address="10.0.0.1/24", gateway="10.0.0.254", link=link, clock=clock) as device:
        netif = device.stack.netif
        assert (format_ip(netif.ip), format_ip(netif.netmask)) == ("10.0.0.1", "255.255.255.0")
        assert format_ip(netif.gateway) == "10.0.0.254"
        assert netif.mtu == link.mtu
        device.sleep(1.5)
        assert device.clock.now() == 6500 * MS
        assert device.stack.now == 1500 * MS


def test_closing_lets_what_is_on_its_way_out() -> None:
    """The last datagram waits for ARP, the FIN for its acknowledgement."""
    clock = VirtualClock()
    one, other = wire(clock, delay=20 * MS)
    with Device(address="10.0.0.1/24", link=one, clock=clock) as server:
        datagrams = server.socket(2, SOCK_DGRAM)
        datagrams.bind(("", 7))
        listener = listening(server)
        with Device(address="10.0.0.2/24", link=other, clock=clock) as client:
            stream = client.socket()
            stream.connect((SERVER, 80))
            stream.send(b"first")
            accepted, _ = listener.accept()
            server.sleep(1)
        assert accepted.read() == b"first"
        with Device(address="10.0.0.3/24", link=wire_again(clock, one), clock=clock) as client:
            client.socket(2, SOCK_DGRAM).sendto(b"last", (SERVER, 7))
        assert datagrams.recv(10) == b"last"


def wire_again(clock: VirtualClock, end: object) -> object:
    """A new end for the other side of a wire."""
    _, new = wire(clock, delay=20 * MS)
    new.peer, end.peer = end, new
    return new


def test_closing_closes_its_sockets() -> None:
    clock = VirtualClock()
    one, other = wire(clock, delay=MS)
    with Device(address="10.0.0.2/24", link=other, clock=clock) as client:
        with Device(address="10.0.0.1/24", link=one, clock=clock) as server:
            listener = listening(server)
            waiting, accepted = client.socket(), client.socket()
            accepted.connect((SERVER, 80))
            kept, _ = listener.accept()
            waiting.connect((SERVER, 80))
        assert accepted.recv(1) == b""
        with raises(ECONNRESET):
            waiting.recv(1)
        with pytest.raises(OSError):
            kept.recv(1)
        for pool in (server.stack.mem.tcp_pcb_listen, server.stack.mem.pbuf_pool, server.stack.mem.tcp_seg):
            assert pool.used == 0


def test_before_and_after_there_are_no_sockets() -> None:
    clock = VirtualClock()
    link, _ = wire(clock)
    device = Device(address="10.0.0.1/24", link=link, clock=clock, name="lamp")
    with pytest.raises(NoDevice, match="lamp is closed"):
        device.socket()
    with device:
        sock = device.socket()
        assert device.is_open
    with pytest.raises(NoDevice, match="lamp is closed"):
        device.socket()
    sock.close()
    with raises(EBADF):
        sock.recv(1)


def test_a_program_that_waits_for_ever_is_told() -> None:
    with two_devices() as pair:
        listener = listening(pair.server)
        with pytest.raises(Deadlock, match=r"^nothing will ever wake server \(accept\)"):
            listener.accept()


def test_watchers_see_the_sockets_events_and_the_stacks() -> None:
    events: list[str] = []
    trace: list[str] = []
    clock = VirtualClock()
    one, other = wire(clock, delay=MS)
    with (
        Device(
            address="10.0.0.1/24",
            link=one,
            clock=clock,
            on_event=lambda kind, sock, conn, **fields: events.append(kind),
            trace=lambda event: trace.append(event.kind),
        ) as server,
        Device(address="10.0.0.2/24", link=other, clock=clock) as client,
    ):
        listener = listening(server)
        sock = client.socket()
        sock.connect((SERVER, 80))
        sock.send(b"x")
        accepted, _ = listener.accept()
        assert accepted.recv(1) == b"x"
        sock.close()
        assert accepted.recv(1) == b""
    assert [event for event in events if event != "refused"] == [
        "pending",
        "recv",
        "receive",
        "fin",
        "receive",
    ]
    assert {"frame-in", "frame-out", "state", "pool"} <= set(trace)


def test_importing_needs_no_tap_and_no_pytun() -> None:
    code = "import sys, usocket, usocket.script; sys.exit('pytun' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(("choice", "number"), [("eagain", 11), ("enobufs", 105)])
def test_a_send_without_memory_need_not_lie(choice: str, number: int) -> None:
    clock = VirtualClock()
    near, far = wire(clock, delay=MS)
    client = Device(address="10.0.0.2/24", link=far, clock=clock, send_nomem=choice)  # type: ignore[arg-type]
    with Device(address="10.0.0.1/24", link=near, clock=clock) as server, client:
        listener = listening(server)
        sock = client.socket()
        sock.connect((SERVER, 80))
        listener.accept()
        sock.setsockopt(6, 0x40, 1)
        sock.setblocking(False)
        near.close()
        started = clock.now()
        assert sum(sock.send(b"ab") for _ in range(32)) == 64
        with raises(number):
            sock.send(b"ab")
        assert clock.now() - started < MS
        assert client.oddities == {}


def test_a_name_server_survives_a_reset() -> None:
    with two_devices() as pair:
        pair.client.dns = 0x0A000001
        assert pair.client.stack.dns.servers[0] == 0x0A000001
        pair.client.power_cycle()
        assert pair.client.stack.dns.servers[0] == pair.client.dns == 0x0A000001


def test_an_address_from_a_dhcp_server() -> None:
    with device_and_router(dhcp=True, dns=None) as (device, router):
        assert device.stack.netif.ip == 0
        assert device.wait_for_address(10)
        assert format_ip(device.stack.netif.ip) == LEASED
        assert format_ip(device.stack.dns.servers[0]) == ROUTER
        device.power_cycle()
        assert device.stack.netif.ip == 0
        router.is_silent = True
        started = device.clock.now()
        assert not device.wait_for_address(10)
        assert device.clock.now() - started == 10_000 * MS


def test_things_to_do_at_a_time() -> None:
    with two_devices() as pair:
        done: list[tuple[str, int]] = []
        for ms in (20, 10):
            pair.client.call_at(ms * MS, lambda ms=ms: done.append((str(ms), pair.client.stack.now // MS)))
        pair.client.call_at(30 * MS, lambda: done.append(("never", 0)))
        pair.client.sleep_ns(25 * MS)
        assert done == [("10", 10), ("20", 20)]
        pair.client.power_cycle()
        pair.client.sleep(1)
        assert len(done) == 2


def test_a_soft_reset_closes_what_the_program_left_open() -> None:
    with two_devices() as pair:
        _, accepted, client = pair.connected()
        life = pair.server.life
        pair.server.soft_reset()
        assert client.recv(1) == b""  # a FIN has come
        assert pair.server.life == life + 1
        assert pair.server.stack.mem.tcp_pcb_listen.used == 0
        with raises(EBADF):
            accepted.send(b"x")
