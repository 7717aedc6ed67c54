"""The datagram half of lwIP's socket layer: a short queue of received datagrams in front of a UDP pcb.

Every operation is one try that returns a result or an err_t. A datagram that finds the queue full is lost.

Source: lwIP ``api/api_msg.c: recv_udp``, ``api/sockets.c: lwip_recvfrom_udp_raw, lwip_sendto``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from netstack.api.common import ERR_BADF, EventHook, set_pcb_option
from netstack.errors import ERR_CONN, ERR_OK, ERR_VAL, ERR_WOULDBLOCK

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf
    from netstack.stack import Stack
    from netstack.udp import UdpPcb


class UdpSocket:
    """A datagram socket with a queue of ``udp_rxq`` datagrams; the newest are dropped when it is full."""

    __slots__ = ("_on_event", "_queue", "_stack", "_udp", "pcb")

    def __init__(self, stack: Stack, pcb: UdpPcb, on_event: EventHook | None) -> None:
        self._stack = stack
        self._udp = stack.udp
        self._on_event = on_event
        self.pcb: UdpPcb | None = pcb
        self._queue: deque[tuple[Pbuf, int, int]] = deque()
        pcb.recv = self._recv

    def bind(self, ip: int, port: int) -> int:
        """Give it a local address (port 0: an ephemeral one). ERR_USE, ERR_VAL (closed)."""
        return ERR_VAL if self.pcb is None else self._udp.bind(self.pcb, ip, port)

    def connect(self, ip: int, port: int) -> int:
        """Fix the peer. ERR_VAL (closed), ERR_USE without a free port."""
        return ERR_VAL if self.pcb is None else self._udp.connect(self.pcb, ip, port)

    def sendto(self, data: bytes, ip: int, port: int) -> tuple[int, int]:
        """Send one datagram: (its length, ERR_OK), or 0 and ERR_MEM, ERR_RTE, ERR_CONN (closed)."""
        err = ERR_CONN if self.pcb is None else self._udp.sendto(self.pcb, data, ip, port)
        return (len(data), ERR_OK) if err == ERR_OK else (0, err)

    def write(self, data: bytes, more: bool = False) -> tuple[int, int]:
        """Send to the connected peer; without one to 0.0.0.0 port 0, as lwIP does (``udp_send``)."""
        if self.pcb is None:
            return 0, ERR_CONN
        return self.sendto(data, self.pcb.remote_ip, self.pcb.remote_port)

    def recvfrom(self, size: int) -> tuple[bytes, int, int] | int:
        """The oldest datagram, cut to ``size``, and its source (ip, port); or ERR_WOULDBLOCK, ERR_CONN
        (closed)."""
        if self.pcb is None:
            return ERR_CONN
        if not self._queue:
            return ERR_WOULDBLOCK
        data, ip, port = self._queue.popleft()
        result = data.data[:size]
        data.free()
        return result, ip, port

    def read(self, size: int) -> tuple[bytes | None, int]:
        """As ``recvfrom``, without the source."""
        got = self.recvfrom(size)
        return (None, got) if isinstance(got, int) else (got[0], ERR_OK)

    def setsockopt(self, name: str, value: int) -> int:
        """Set an option by its name; see ``common.set_pcb_option``."""
        return ERR_BADF if self.pcb is None else set_pcb_option(self.pcb, name, value, self._stack.profile)

    def close(self) -> int:
        """Give the pcb and all queued datagrams back."""
        if self.pcb is not None:
            self._udp.remove(self.pcb)
            self.pcb = None
        while self._queue:
            self._queue.popleft()[0].free()
        return ERR_OK

    def abort(self) -> None:
        """As ``close``."""
        self.close()

    def _recv(self, pcb: UdpPcb, data: Pbuf, ip: int, port: int) -> None:
        full = len(self._queue) >= self._stack.profile.udp_rxq
        if self._on_event is not None:
            self._on_event("udp-drop" if full else "udp-recv", self, None, len=len(data), src=(ip, port))
        if full:
            data.free()
        else:
            self._queue.append((data, ip, port))
