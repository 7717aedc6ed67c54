"""MicroPython's datagram and raw sockets on the raw API, without their waiting (the other half of
``extmod/modlwip.c``).

A socket keeps the first ``udp_rxq`` (4) packets that nobody has read and drops the newer ones silently; each
of them holds its receive buffers meanwhile. ICMP errors never reach it.

Source: micropython/micropython:extmod/modlwip.c of v1.28, measured.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from netstack.api.common import ERR_BADF, EventHook, set_pcb_option
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_WOULDBLOCK

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf
    from netstack.raw import RawPcb
    from netstack.stack import Stack
    from netstack.udp import UdpPcb

NEW, ACTIVE_UDP = 0, 4

POLL_IN, POLL_OUT, POLL_HUP, POLL_NVAL = 1, 4, 16, 32

_LONGEST_PACKET = 0xFFFF


class PacketSocket(ABC):
    """What datagram and raw sockets share: a queue of packets. ``pcb`` is None once closed."""

    __slots__ = ("_stack", "on_event", "pcb", "queue", "state")

    pcb: UdpPcb | RawPcb | None

    def __init__(self, stack: Stack, on_event: EventHook | None, state: int) -> None:
        self._stack = stack
        self.on_event = on_event
        self.state = state
        self.queue: deque[tuple[Pbuf, int, int]] = deque()  # packet, source ip and port

    def recvfrom(self, size: int, peek: bool = False) -> tuple[bytes, int, int] | int:
        """The oldest packet, cut to ``size``, and its source (ip, port); or ERR_WOULDBLOCK, ERR_BADF
        (closed).
        """
        if self.pcb is None:
            return ERR_BADF
        if not self.queue:
            return ERR_WOULDBLOCK
        p, ip, port = self.queue[0]
        data = p.data[:size]
        if not peek:
            self.queue.popleft()
            p.free()
        return data, ip, port

    def read(self, size: int, peek: bool = False) -> tuple[bytes | None, int]:
        """As ``recvfrom``, without the source."""
        got = self.recvfrom(size, peek)
        return (None, got) if isinstance(got, int) else (got[0], ERR_OK)

    def setsockopt(self, name: str, value: int) -> int:
        """Set an option by its name; see ``common.set_pcb_option``. ERR_BADF (closed)."""
        return ERR_BADF if self.pcb is None else set_pcb_option(self.pcb, name, value, self._stack.profile)

    def poll(self, mask: int) -> int:
        """Poll flags as of ``modlwip.TcpSocket.poll``; of a raw socket always with HUP, since its state is
        NEW.
        """
        if self.pcb is None:
            return POLL_NVAL
        flags = mask & (POLL_IN | POLL_OUT if self.queue else POLL_OUT)
        return flags | POLL_HUP if self.state == NEW else flags

    def close(self, *, forget_single: bool = False) -> int:
        """Give the pcb and all queued packets back; twice is fine. ``forget_single`` concerns listeners only.
        """
        if self.pcb is not None:
            self._remove()
            self.pcb = None
            self.state = ERR_BADF
        while self.queue:
            self.queue.popleft()[0].free()
        return ERR_OK

    def abort(self) -> None:
        """As ``close``."""
        self.close()

    @abstractmethod
    def _remove(self) -> None:
        """Give the pcb back."""

    def _enqueue(self, p: Pbuf, ip: int, port: int) -> None:
        full = len(self.queue) >= self._stack.profile.udp_rxq
        if self.on_event is not None:
            self.on_event("udp-drop" if full else "udp-recv", self, None, len=len(p), src=(ip, port))
        if full:
            p.free()
        else:
            self.queue.append((p, ip, port))


class UdpSocket(PacketSocket):
    """A datagram socket."""

    __slots__ = ("_udp",)

    pcb: UdpPcb | None

    def __init__(self, stack: Stack, pcb: UdpPcb, on_event: EventHook | None) -> None:
        super().__init__(stack, on_event, ACTIVE_UDP)
        self._udp = stack.udp
        self.pcb = pcb
        pcb.recv = self._recv

    def bind(self, ip: int, port: int) -> int:
        """Give it a local address, also again (port 0: an ephemeral one). ERR_USE, ERR_ARG (closed)."""
        return ERR_ARG if self.pcb is None else self._udp.bind(self.pcb, ip, port)

    def connect(self, ip: int, port: int) -> int:
        """Fix the peer, also again. ERR_BADF (closed), ERR_USE without a free port."""
        return ERR_BADF if self.pcb is None else self._udp.connect(self.pcb, ip, port)

    def sendto(self, data: bytes, ip: int, port: int) -> tuple[int, int]:
        """Send one datagram, cut to 65535 bytes: (its length, ERR_OK), or 0 and ERR_MEM, ERR_RTE, ERR_BADF.
        """
        data = data[:_LONGEST_PACKET]
        err = ERR_BADF if self.pcb is None else self._udp.sendto(self.pcb, data, ip, port)
        return (len(data), ERR_OK) if err == ERR_OK else (0, err)

    def write(self, data: bytes, more: bool = False) -> tuple[int, int]:
        """Send to the connected peer; without one to 0.0.0.0 port 0, as modlwip does."""
        data = data[:_LONGEST_PACKET]
        err = ERR_BADF if self.pcb is None else self._udp.send(self.pcb, data)
        return (len(data), ERR_OK) if err == ERR_OK else (0, err)

    def _remove(self) -> None:
        if self.pcb is not None:
            self._udp.remove(self.pcb)

    def _recv(self, pcb: UdpPcb, p: Pbuf, ip: int, port: int) -> None:
        self._enqueue(p, ip, port)


class RawSocket(PacketSocket):
    """A socket for packets of one IP protocol: receives them with their IP header, sends their payload."""

    __slots__ = ("_raw",)

    pcb: RawPcb | None

    def __init__(self, stack: Stack, pcb: RawPcb, on_event: EventHook | None) -> None:
        super().__init__(stack, on_event, NEW)
        self._raw = stack.raw
        self.pcb = pcb
        pcb.recv = self._recv

    def bind(self, ip: int, port: int) -> int:
        """ERR_ARG: modlwip cannot bind a raw socket."""
        return ERR_ARG

    def connect(self, ip: int, port: int) -> int:
        """Fix the peer. ERR_BADF (closed)."""
        if self.pcb is None:
            return ERR_BADF
        self._raw.connect(self.pcb, ip)
        return ERR_OK

    def sendto(self, data: bytes, ip: int, port: int) -> tuple[int, int]:
        """Send one packet: (the length of its payload, ERR_OK), or 0 and ERR_MEM, ERR_RTE, ERR_BADF (closed).
        """
        data = data[:_LONGEST_PACKET]
        err = ERR_BADF if self.pcb is None else self._raw.sendto(self.pcb, data, ip)
        return (len(data), ERR_OK) if err == ERR_OK else (0, err)

    def write(self, data: bytes, more: bool = False) -> tuple[int, int]:
        """Send to the connected peer."""
        return self.sendto(data, 0 if self.pcb is None else self.pcb.remote_ip, 0)

    def _remove(self) -> None:
        if self.pcb is not None:
            self._raw.remove(self.pcb)

    def _recv(self, pcb: RawPcb, p: Pbuf, ip: int) -> bool:
        """Takes every packet, also one that finds the queue full (``_lwip_raw_incoming``)."""
        self._enqueue(p, ip, 0)
        return True


def udp_socket(stack: Stack, on_event: EventHook | None = None) -> tuple[UdpSocket | None, int]:
    """A datagram socket; ERR_MEM when no pcb is left."""
    pcb = stack.udp.new()
    return (None, ERR_MEM) if pcb is None else (UdpSocket(stack, pcb, on_event), ERR_OK)


def raw_socket(
    stack: Stack, on_event: EventHook | None = None, protocol: int = 0
) -> tuple[RawSocket | None, int]:
    """A raw socket for an IP protocol; ERR_MEM when no pcb is left, or without LWIP_RAW."""
    pcb = stack.raw.new(protocol & 0xFF)
    return (None, ERR_MEM) if pcb is None else (RawSocket(stack, pcb, on_event), ERR_OK)
