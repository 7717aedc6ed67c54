"""MicroPython's datagram sockets on the raw API, without their waiting (the datagram half of
``extmod/modlwip.c``).

A socket keeps the first ``udp_rxq`` (4) datagrams that nobody has read and drops the newer ones silently;
each of them holds its receive buffers meanwhile. ICMP errors never reach it.

Source: micropython/micropython:extmod/modlwip.c of v1.28, measured.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from netstack.api.common import ERR_BADF, EventHook, set_pcb_option
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_WOULDBLOCK

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf
    from netstack.stack import Stack
    from netstack.udp import UdpPcb

ACTIVE_UDP = 4  # the state of an open datagram socket

POLL_IN, POLL_OUT, POLL_NVAL = 1, 4, 32

_LONGEST_DATAGRAM = 0xFFFF


class UdpSocket:
    """A datagram socket with a queue of ``udp_rxq`` datagrams; the newest are dropped when it is full.

    ``pcb`` is None once closed. ``state`` is ACTIVE_UDP or ERR_BADF.
    """

    __slots__ = ("_stack", "_udp", "on_event", "pcb", "queue", "state")

    def __init__(self, stack: Stack, pcb: UdpPcb, on_event: EventHook | None) -> None:
        self._stack = stack
        self._udp = stack.udp
        self.on_event = on_event
        self.pcb: UdpPcb | None = pcb
        self.state = ACTIVE_UDP
        self.queue: deque[tuple[Pbuf, int, int]] = deque()
        pcb.recv = self._recv

    def bind(self, ip: int, port: int) -> int:
        """Give it a local address, also again (port 0: an ephemeral one). ERR_USE, ERR_ARG (closed)."""
        return ERR_ARG if self.pcb is None else self._udp.bind(self.pcb, ip, port)

    def connect(self, ip: int, port: int) -> int:
        """Fix the peer, also again. ERR_BADF (closed), ERR_USE without a free port."""
        return ERR_BADF if self.pcb is None else self._udp.connect(self.pcb, ip, port)

    def sendto(self, data: bytes, ip: int, port: int) -> tuple[int, int]:
        """Send one datagram, cut to 65535 bytes: (what was sent, ERR_OK), or 0 and ERR_MEM, ERR_RTE, ERR_BADF
        (closed).
        """
        data = data[:_LONGEST_DATAGRAM]
        err = ERR_BADF if self.pcb is None else self._udp.sendto(self.pcb, data, ip, port)
        return (len(data), ERR_OK) if err == ERR_OK else (0, err)

    def write(self, data: bytes, more: bool = False) -> tuple[int, int]:
        """Send to the connected peer; without one to 0.0.0.0 port 0, as modlwip does."""
        data = data[:_LONGEST_DATAGRAM]
        err = ERR_BADF if self.pcb is None else self._udp.send(self.pcb, data)
        return (len(data), ERR_OK) if err == ERR_OK else (0, err)

    def recvfrom(self, size: int, peek: bool = False) -> tuple[bytes, int, int] | int:
        """The oldest datagram, cut to ``size``, and its source (ip, port); or ERR_WOULDBLOCK, ERR_BADF
        (closed).
        """
        if self.pcb is None:
            return ERR_BADF
        if not self.queue:
            return ERR_WOULDBLOCK
        pbuf, ip, port = self.queue[0]
        data = pbuf.data[:size]
        if not peek:
            self.queue.popleft()
            pbuf.free()
        return data, ip, port

    def read(self, size: int, peek: bool = False) -> tuple[bytes | None, int]:
        """As ``recvfrom``, without the source."""
        got = self.recvfrom(size, peek)
        return (None, got) if isinstance(got, int) else (got[0], ERR_OK)

    def setsockopt(self, name: str, value: int) -> int:
        """Set an option by its name; see ``common.set_pcb_option``. ERR_BADF (closed)."""
        return ERR_BADF if self.pcb is None else set_pcb_option(self.pcb, name, value, self._stack.profile)

    def poll(self, mask: int) -> int:
        """Poll flags as of ``TcpSocket.poll``."""
        if self.pcb is None:
            return POLL_NVAL
        return mask & (POLL_IN | POLL_OUT if self.queue else POLL_OUT)

    def close(self, *, forget_single: bool = False) -> int:
        """Give the pcb and all queued datagrams back; twice is fine. ``forget_single`` concerns listeners
        only.
        """
        if self.pcb is not None:
            self._udp.remove(self.pcb)
            self.pcb = None
            self.state = ERR_BADF
        while self.queue:
            self.queue.popleft()[0].free()
        return ERR_OK

    def abort(self) -> None:
        """As ``close``."""
        self.close()

    def _recv(self, pcb: UdpPcb, p: Pbuf, ip: int, port: int) -> None:
        full = len(self.queue) >= self._stack.profile.udp_rxq
        if self.on_event is not None:
            self.on_event("udp-drop" if full else "udp-recv", self, None, len=len(p), src=(ip, port))
        if full:
            p.free()
        else:
            self.queue.append((p, ip, port))


def udp_socket(stack: Stack, on_event: EventHook | None = None) -> tuple[UdpSocket | None, int]:
    """A datagram socket; ERR_MEM when no pcb is left."""
    pcb = stack.udp.new()
    return (None, ERR_MEM) if pcb is None else (UdpSocket(stack, pcb, on_event), ERR_OK)
