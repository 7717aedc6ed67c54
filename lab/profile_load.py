"""Puts a load on a real stack, frame by frame in virtual time, and sees what it holds (``profile_check``).

A usual peer: it offers MSS 1460, window scale and timestamps, keeps to the window, and acknowledges nothing
but the handshake. The program on the device accepts, keeps what it receives, and writes.
"""

from __future__ import annotations

import struct

from lab.profile_check import MTU, Direction, Held, Load
from netstack import ip_header
from netstack.address import parse_ip
from netstack.errors import ERR_OK
from netstack.options import ProfileError
from netstack.pbuf import Pbuf
from netstack.pool import Heap, Pool
from netstack.profile import Profile
from netstack.stack import Stack
from netstack.tcp import header
from netstack.tcp.header import ACK, PSH, SYN
from netstack.tcp.tcb import Tcb

_DEVICE, _PEER = parse_ip("10.0.0.1"), parse_ip("10.0.0.2")
_DEVICE_MAC, _PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
_PORT, _FIRST_PORT = 80, 20000
_ISS = 1000
_WINDOW = 0xFFFF
_STEP = 10_000  # ns between frames: the whole load is on the device before its first time-out
_TOO_SMALL = "HEAP"  # lwIP counts no failure of a block that is larger than all of it
_SHIFT = 7  # of the peer's window
_TCP = struct.Struct("!HHIIHH")


def run(profile: Profile, load: Load) -> Held:
    """What the device holds of the load, by trying."""
    device = _Loaded(profile)
    held = 0
    for connection in range(load.connections):
        limit = device.connect(_FIRST_PORT + connection)
        size = 0
        while limit is None and size < load.size:
            took = device.send(load, size) if load.direction is Direction.SEND else device.receive(load, size)
            limit = None if took else device.limit
            size += took
        held += size
        if limit is not None:
            return Held(connection, held, limit)
    return Held(load.connections, held, None)


class _Loaded:
    """A device, its program and its peers. ``limit`` says why the last step took nothing."""

    def __init__(self, profile: Profile) -> None:
        self.limit = ""
        self._profile = profile
        self._frames: list[bytes] = []
        self._now = 0
        self._options = self._timestamps() if profile.lwip_tcp_timestamps else b""
        self._accepted: list[Tcb] = []  # the current connection's, when there is one
        self._received = 0
        self.stack = Stack(
            profile,
            mac=_DEVICE_MAC,
            ip=_DEVICE,
            netmask=parse_ip("255.255.255.0"),
            gateway=_PEER,
            transmit=self._transmit,
        )
        self._listen()
        self._arp()

    def _transmit(self, frame: bytes) -> int:
        self._frames.append(frame)
        return ERR_OK

    @staticmethod
    def _timestamps() -> bytes:
        return struct.pack("!BBBBII", 1, 1, 8, 10, 1, 0)

    def _listen(self) -> None:
        tcp = self.stack.tcp
        pcb = tcp.new()
        assert pcb is not None, "a fresh stack has no pcb"
        tcp.bind(pcb, 0, _PORT)
        listener, _ = tcp.listen(pcb)
        if listener is None:
            raise ProfileError(
                f"{self._profile.name} cannot listen: MEMP_NUM_TCP_PCB_LISTEN must be at least 1"
            )
        listener.accept = self._accept

    def _accept(self, pcb: Tcb | None, err: int) -> int:
        if pcb is not None:
            pcb.recv = self._keep
            self._accepted.append(pcb)
        return ERR_OK

    def _keep(self, pcb: Tcb, data: Pbuf | None, err: int) -> int:
        """The program takes the data's buffers and never reads them."""
        self._received += len(data) if data is not None else 0
        return ERR_OK

    def _arp(self) -> None:
        """The peer asks for the device, which so learns the peer."""
        body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + _PEER_MAC + _PEER.to_bytes(4, "big")
        self._put(_PEER_MAC, b"\x08\x06" + body + bytes(6) + _DEVICE.to_bytes(4, "big"), to=b"\xff" * 6)

    def _put(self, mac: bytes, frame: bytes, to: bytes = _DEVICE_MAC) -> None:
        self._frames.clear()
        self._now += _STEP
        self.stack.run_timers(self._now)
        self.stack.receive(to + mac + frame, self._now)

    def _segment(self, flags: int, seq: int, options: bytes, data: bytes = b"") -> None:
        """A segment of the current peer."""
        segment = header.emit(
            _PEER, _DEVICE, self._port, _PORT, seq, self._ack, flags, _WINDOW, options, data
        )
        packet = ip_header.build(0, 20 + len(segment), 1, 0, 64, 6, _PEER, _DEVICE)
        self._put(_PEER_MAC, b"\x08\x00" + packet + segment)

    def connect(self, port: int) -> str | None:
        """The handshake of the next peer: the limit that prevents it, or None."""
        self._port, self._ack, self._received = port, 0, 0
        self._accepted.clear()
        before = self._errors()
        syn = struct.pack("!BBHBBBB", 2, 4, MTU - 40, 1, 3, 3, _SHIFT) + self._timestamps()
        self._segment(SYN, _ISS, syn)
        answer = next((frame for frame in self._frames if frame[12:14] == b"\x08\x00"), None)
        if answer is None:
            return self._dry(before) or _TOO_SMALL
        self._iss = _TCP.unpack_from(answer, 34)[2]
        self._ack = self._iss + 1 & 0xFFFFFFFF
        self._edge = 0
        self._see_window(scaled=False)
        self._segment(ACK, _ISS + 1, self._options)
        return None if self._accepted else self._dry(before) or _TOO_SMALL

    def _see_window(self, scaled: bool = True) -> None:
        """Remember how far the device lets the peer send, in bytes of data. What the rounding of a scaled
        window hides counts, too: since nothing is read, its edge stays where it was at first.
        """
        profile = self._profile
        shift = profile.tcp_rcv_scale if scaled and profile.lwip_wnd_scale else 0
        for frame in self._frames:
            if frame[12:14] == b"\x08\x00":
                ack, window = _TCP.unpack_from(frame, 34)[3], _TCP.unpack_from(frame, 34)[5]
                edge = (ack + (window << shift) - _ISS - 1) & 0xFFFFFFFF
                self._edge = max(self._edge, min(edge + (1 << shift) - 1, profile.tcp_wnd))

    def send(self, load: Load, size: int) -> int:
        """The program writes the next piece, as much as the send buffer has room for: bytes taken."""
        pcb = self._accepted[0]
        before = self._errors()
        piece = min(load.piece, load.size - size, pcb.snd_buf)
        tcp = self.stack.tcp
        if piece and tcp.write(pcb, bytes(piece)) == ERR_OK:
            tcp.output(pcb)
            return piece
        if not piece:
            self.limit = "TCP_SND_BUF"
        elif pcb.snd_queuelen >= self._profile.tcp_snd_queuelen:
            self.limit = "TCP_SND_QUEUELEN"
        else:
            self.limit = self._dry(before) or _TOO_SMALL
        return 0

    def receive(self, load: Load, size: int) -> int:
        """The peer sends the next piece, as much as the window allows: bytes taken."""
        before = self._errors()
        piece = min(load.piece, load.size - size, self._edge - size)
        if piece <= 0:
            self.limit = "TCP_WND"
            return 0
        had = self._received
        self._segment(ACK | PSH, _ISS + 1 + size, self._options, bytes(piece))
        self._see_window()
        self.limit = self._dry(before) or "TCP_WND"
        return self._received - had

    def _errors(self) -> dict[str, int]:
        memory = self.stack.mem
        pools: tuple[Heap | Pool, ...] = (memory.heap, *memory.pools())
        return {pool.name: pool.err for pool in pools}

    def _dry(self, before: dict[str, int]) -> str | None:
        """The pool that has failed since."""
        return next((name for name, err in self._errors().items() if err > before[name]), None)
