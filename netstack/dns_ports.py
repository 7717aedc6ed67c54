"""The numbers that make a DNS reply hard to forge: random ids and source ports (RFC 5452, LWIP_DNS_SECURE).

Each question has a UDP pcb on a random port of its own; where no pcb is to be had it shares that of another
question. Without random ports one pcb serves all, from the start.
Source: lwIP ``dns.c``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.address import IP_ANY
from netstack.core import Core
from netstack.errors import ERR_USE
from netstack.pbuf import Pbuf
from netstack.udp import Udp, UdpPcb

# LWIP_DNS_SECURE
RANDOM_ID, ONE_OUTSTANDING, RANDOM_PORT = 1, 2, 4

FIRST_ALLOWED_PORT = 1024
MAX_DRAWS = 0x10000  # lwIP draws until it likes the number; a source that never gives one must not hang us


class DnsPorts:
    """The UDP pcbs of one resolver, known by their number; ``recv`` gets what arrives at any of them."""

    __slots__ = ("_core", "_counter", "_last", "_pcbs", "_recv", "_secure", "_udp")

    def __init__(
        self, core: Core, udp: Udp, size: int, recv: Callable[[UdpPcb, Pbuf, int, int], None]
    ) -> None:
        self._core = core
        self._udp = udp
        self._recv = recv
        self._secure = core.profile.lwip_dns_secure
        self._pcbs: list[UdpPcb | None] = [None] * size
        self._last = 0  # the number given out last
        self._counter = 0  # stands in for random numbers without RANDOM_ID
        if core.profile.lwip_dns and not self._secure & RANDOM_PORT:
            self._pcbs[0] = self._open_fixed()

    def draw(self) -> int:
        """A number of 16 bits for an id or a port."""
        if self._secure & RANDOM_ID:
            return self._core.rand() & 0xFFFF
        self._counter = self._counter + 1 & 0xFFFF
        return self._counter

    def pcb(self, number: int | None) -> UdpPcb | None:
        """The pcb of that number; None when there is none (any more)."""
        return None if number is None else self._pcbs[number]

    @property
    def usable(self) -> bool:
        """False when the pcb for all questions could not be had."""
        return bool(self._secure & RANDOM_PORT) or self._pcbs[0] is not None

    def take(self) -> int | None:
        """The number of a pcb for a question: a new one, else one that is in use; None: there is none
        (``dns_alloc_pcb``).
        """
        if not self._secure & RANDOM_PORT:
            return 0
        pcbs = self._pcbs
        if None in pcbs:
            free = pcbs.index(None)
            pcbs[free] = self._open_random()
            if pcbs[free] is not None:
                self._last = free
                return free
        for step in range(1, len(pcbs) + 1):
            number = (self._last + step) % len(pcbs)
            if pcbs[number] is not None:
                self._last = number
                return number
        return None

    def give(self, number: int) -> None:
        """Close a port that no question uses any more; the one for all stays."""
        pcb = self._pcbs[number]
        if pcb is not None and self._secure & RANDOM_PORT:
            self._pcbs[number] = None
            self._udp.remove(pcb)

    def _open_fixed(self) -> UdpPcb | None:
        pcb = self._udp.new()
        if pcb is not None:
            self._udp.bind(pcb, IP_ANY, 0)
            pcb.recv = self._recv
        return pcb

    def _open_random(self) -> UdpPcb | None:
        """A pcb on a port that is allowed and free (``dns_alloc_random_port``)."""
        pcb = self._udp.new()
        if pcb is None:
            return None
        for _ in range(MAX_DRAWS):
            port = self.draw()
            if port >= FIRST_ALLOWED_PORT and self._udp.bind(pcb, IP_ANY, port) != ERR_USE:
                pcb.recv = self._recv
                return pcb
        self._udp.remove(pcb)
        return None
