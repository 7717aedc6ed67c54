"""What a profile can hold before which pool runs dry: by the arithmetic of its pools.

Two loads, each connection by connection: the device sends and nobody acknowledges, so its heap and its
segments fill; or it receives and its program does not read, so its receive buffers fill. ``profile_load``
puts the same loads on a real stack; the two agree (tests, and ``netstack profiles check`` shows both).

Sources: lwIP ``tcp_out.c`` (tcp_write, tcp_pbuf_prealloc), ``mem.c`` (mem_malloc), ``pbuf.c`` (PBUF_POOL).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from netstack.pbuf import TRANSPORT_HLEN
from netstack.profile import Profile

MTU = 1500
TIMESTAMPS = 12  # bytes of the option, on every segment
SYN_FRAME = 14 + 20 + 20 + 4 + 4 + TIMESTAMPS  # what a peer's SYN is long: MSS, window scale, timestamps

# What a program and its peers notice when a limit is reached.
CONSEQUENCES = {
    "HEAP": "writes fail with ERR_MEM; ACKs, resets and ping replies stay unsent",
    "TCP_SEG": "writes fail with ERR_MEM; out-of-order data is not kept",
    "PBUF_POOL": "every frame is lost, ARP and ping too, until the program reads",
    "TCP_PCB": "one more SYN removes a connection in TIME_WAIT, or is dropped silently",
    "TCP_SND_BUF": "send waits (or says EAGAIN) until the peer acknowledges",
    "TCP_SND_QUEUELEN": "send waits (or says EAGAIN) until the peer acknowledges",
    "TCP_WND": "the window is closed: the peer waits until the program reads",
}


class Direction(Enum):
    """Who sends."""

    SEND = "sending"
    RECEIVE = "receiving"


class Load(NamedTuple):
    """Connections, one after the other, with ``size`` bytes in each that nobody acknowledges or reads, in
    segments of at most ``piece`` bytes.
    """

    direction: Direction
    connections: int
    size: int
    piece: int


class Held(NamedTuple):
    """What a device holds when the load is on it or a limit is reached: connections with all their bytes,
    bytes in all connections, and the limit (None: it holds the load).
    """

    connections: int
    size: int
    limit: str | None

    def of(self, load: Load) -> str:
        """In words: ``2 connections × 6400 bytes and 800 bytes``."""
        rest = self.size - self.connections * load.size
        if not self.connections and rest:
            return f"{rest} bytes"
        words = f"{self.connections} connection{'' if self.connections == 1 else 's'}"
        words += f" × {load.size} bytes" if load.size else ""
        return words + (f" and {rest} bytes" if rest else "")


def full_segment(profile: Profile) -> int:
    """Bytes of data in a full segment, with the options agreed with a usual peer."""
    return min(profile.tcp_mss, MTU - 40) - (TIMESTAMPS if profile.lwip_tcp_timestamps else 0)


def compute(profile: Profile, load: Load) -> Held:
    """What the device holds of the load, by arithmetic."""
    device = _Device(profile)
    held = 0
    for connection in range(load.connections):
        limit = device.connect()
        size = 0
        while limit is None and size < load.size:
            limit, took = device.take(load, size)
            size += took
        held += size
        if limit is not None:
            return Held(connection, held, limit)
    return Held(load.connections, held, None)


class _Device:
    """Counts what is taken. Nothing is given back but what a handshake takes, which is the last piece of the
    heap: so the heap is one block of taken bytes from its start.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.heap_size = profile.align(profile.mem_size)
        self.heap = 0
        self.segments = 0
        self.buffers = 0
        self.pcbs = 0
        self.queued = 0

    def connect(self) -> str | None:
        """A peer connects: the limit that this reaches, or None."""
        profile = self.profile
        self.queued = 0
        if self.buffers + self._buffers(SYN_FRAME) > profile.pbuf_pool_size:
            return "PBUF_POOL"
        if self.pcbs == profile.memp_num_tcp_pcb:
            return "TCP_PCB"
        options = (
            4 + (4 if profile.lwip_wnd_scale else 0) + (TIMESTAMPS if profile.lwip_tcp_timestamps else 0)
        )
        before = self.heap
        if not self._malloc(options):
            return "HEAP"
        self.heap = before
        if self.segments == profile.memp_num_tcp_seg:
            return "TCP_SEG"
        self.pcbs += 1
        return None

    def take(self, load: Load, size: int) -> tuple[str | None, int]:
        """The next piece of a connection that holds ``size`` bytes: the limit (or None) and what it took."""
        if load.direction is Direction.SEND:
            return self._send(load, size)
        return self._receive(load, size)

    def _send(self, load: Load, size: int) -> tuple[str | None, int]:
        profile = self.profile
        piece = min(load.piece, load.size - size, profile.tcp_snd_buf - size)
        if not piece:
            return "TCP_SND_BUF", 0
        if self.queued >= profile.tcp_snd_queuelen:
            return "TCP_SND_QUEUELEN", 0
        if not self._malloc(self._room(piece, first=not size)):
            return "HEAP", 0
        if self.segments == profile.memp_num_tcp_seg:
            return "TCP_SEG", 0
        self.segments += 1
        self.queued += 1
        return None, piece

    def _room(self, piece: int, first: bool) -> int:
        """How large lwIP makes the buffer of a segment, options included: a partial one behind others has
        room for more to come.
        """
        profile = self.profile
        options = TIMESTAMPS if profile.lwip_tcp_timestamps else 0
        whole = full_segment(profile) + options
        if profile.lwip_netif_tx_single_pbuf:
            return whole
        if piece + options < whole and not first and profile.tcp_oversize:
            return min(whole, profile.align(piece + options + profile.tcp_oversize))
        return piece + options

    def _receive(self, load: Load, size: int) -> tuple[str | None, int]:
        profile = self.profile
        piece = min(load.piece, load.size - size, profile.tcp_wnd - size)
        if not piece:
            return "TCP_WND", 0
        options = TIMESTAMPS if profile.lwip_tcp_timestamps else 0
        buffers = self._buffers(14 + 20 + 20 + options + piece)
        if self.buffers + buffers > profile.pbuf_pool_size:
            return "PBUF_POOL", 0
        self.buffers += buffers
        return None, piece

    def _buffers(self, frame: int) -> int:
        return -(-frame // self.profile.pbuf_pool_bufsize)

    def _malloc(self, payload: int) -> bool:
        """Take a block of the heap for a PBUF_TRANSPORT of ``payload`` bytes; False: it does not fit."""
        profile = self.profile
        head = profile.align(profile.pbuf_link_hlen + profile.pbuf_ip_hlen + TRANSPORT_HLEN)
        size = profile.align(profile.sizeof_pbuf) + head + profile.align(payload)
        size = max(size, profile.align(profile.heap_min_block))
        header = profile.heap_block_header
        rest = self.heap_size - self.heap
        if self.heap >= self.heap_size - size or rest < size + header:
            return False
        splits = rest >= size + header + header + profile.align(profile.heap_min_block)
        self.heap += size + header if splits else rest
        return True


MAX_CONNECTIONS = 256  # that are tried when a profile sets no limit of its own


def usual_loads(profile: Profile) -> Iterator[tuple[str, Load]]:
    """Loads that show a profile's limits, each on one connection more than it has pcbs."""
    connections = min(profile.memp_num_tcp_pcb + 1, MAX_CONNECTIONS)
    segment = full_segment(profile)
    yield "idle", Load(Direction.SEND, connections, 0, segment)
    yield "one segment each", Load(Direction.SEND, connections, segment, segment)
    yield "full send buffers", Load(Direction.SEND, connections, profile.tcp_snd_buf, segment)
    yield "one segment each", Load(Direction.RECEIVE, connections, segment, segment)
    yield "full windows", Load(Direction.RECEIVE, connections, profile.tcp_wnd, segment)
    yield "windows of 1-byte segments", Load(Direction.RECEIVE, connections, profile.tcp_wnd, 1)
