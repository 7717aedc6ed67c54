"""A device and a peer made by hand on a cable in virtual time: what exercises and exam questions play on.

One says what happens, step by step: ``connect``, ``write``, ``peer.ack``, ``run``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import usocket
from lab.exercises.peer import Peer
from lab.exercises.wire import Wire
from netstack.address import parse_ip
from netstack.profile import Profile
from netstack.profiles import named
from netstack.tcp.header import ACK, SYN
from tap.clock import MS, Deadlock

if TYPE_CHECKING:
    from usocket import Device

DEVICE, PEER = "10.0.0.1", "10.0.0.2"
DEVICE_MAC, PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
PORT = 80

# lwIP with room for everything, without the options that would make the segments harder to read
PROFILE: dict[str, int] = {
    "lwip_wnd_scale": 0,
    "tcp_rcv_scale": 0,
    "lwip_tcp_timestamps": 0,
    "tcp_wnd": 16 * 1460,
    "memp_num_tcp_seg": 1024,
}


def roomy(**options: int) -> Profile:
    """The profile ``full`` as above, with other options."""
    changed: dict[str, Any] = {**PROFILE, **options}
    return named("full").replace(name="exercise", **changed)


class Stand:
    """``device`` is at the left of the ladder, ``peer`` at the right. ``received`` is what the device's
    program has read.
    """

    device: Device
    peer: Peer

    def __init__(self, seed: int) -> None:
        self.net = usocket.Network(seed)
        self.wire = Wire(parse_ip(PEER))
        self.received = bytearray()
        self._socket: Any = None

    @property
    def now(self) -> int:
        """ns of virtual time."""
        return self.net.clock.now()

    def open(self, profile: Profile, *, iss: int, mss: int = 1460) -> None:
        """A device that listens, and a peer made by hand, whose initial sequence number and MSS these are."""
        self.make_device(profile)
        port = self.net.port("peer")
        self.net.cable(self.device, "peer")
        self.switch_on()
        self.device.stack.arp.add_static(parse_ip(PEER), PEER_MAC)
        addresses = parse_ip(PEER), parse_ip(DEVICE)
        self.peer = Peer(port, self.net.clock, self.wire, addresses, (PEER_MAC, self.device.mac))
        self.peer.mss = mss
        self.peer.iss = iss
        self.net.program(self._accept, on=self.device, daemon=True)
        self.run(1)

    def make_device(self, profile: Profile) -> None:
        """Put the device into the network."""
        self.device = self.net.device("device", profile, address=f"{DEVICE}/24", mac=DEVICE_MAC.hex(":"))

    def switch_on(self) -> None:
        """Switch the network on."""
        self.net.switch_on()

    def close(self) -> None:
        """Switch everything off."""
        self.net.close()

    # Steps

    def run(self, ms: float) -> None:
        """Let time pass."""
        end = self.now + round(ms * MS)
        self.net.clock.call_at(end, lambda: None)
        self.until(lambda: self.now >= end)

    def until(self, done: Callable[[], bool]) -> None:
        """Let time pass until ``done``, or nothing more can happen."""
        with suppress(Deadlock):
            self.net.run(until=done)

    def connect(self, rtt: float = 0) -> None:
        """The handshake, begun by the peer; its last ACK comes ``rtt`` ms after the device's SYN-ACK."""
        self.peer.segment(SYN, 0)
        self.run(1)
        self.run(max(rtt - 1, 0))
        self.peer.segment(ACK, 1)
        self.run(1)

    def write(self, count: int) -> None:
        """The device's program writes ``count`` bytes."""
        self.program(self._write, bytes(count))

    def read(self, count: int) -> None:
        """The device's program reads ``count`` bytes, as many of them as are there."""
        self.program(self._read, count)

    def hang_up(self) -> None:
        """The device's program closes its socket."""
        self.program(self._hang_up)

    def program(self, function: Callable[..., object], *arguments: object) -> None:
        """Have something run on the device now."""
        self.net.program(function, *arguments, on=self.device, daemon=True)
        self.run(0.001)

    # The device's programs

    def _accept(self) -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(1)
        self._socket, _ = listener.accept()

    def _write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def _hang_up(self) -> None:
        self._socket.close()

    def _read(self, count: int) -> None:
        self._socket.setblocking(False)
        try:
            while count:
                piece = self._socket.recv(count)
                if not piece:
                    return
                self.received += piece
                count -= len(piece)
        except OSError:  # no more is there
            return
        finally:
            self._socket.setblocking(True)
