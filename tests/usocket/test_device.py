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
    assert [event for event in events if event != "refused"] == ["pending", "recv", "fin"]
    assert {"frame-in", "frame-out", "state", "pool"} <= set(trace)


def test_importing_needs_no_tap_and_no_pytun() -> None:
    code = "import sys, usocket, usocket.script; sys.exit('pytun' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0
