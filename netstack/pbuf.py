"""Packet buffers: what a packet occupies on the device while Python holds its bytes.

``Pbuf`` is a received packet. The driver puts a frame of L bytes into ceil(L / PBUF_POOL_BUFSIZE) buffers of
the pool; they stay taken until the application has consumed the data, however few bytes are left in them
(lwIP ``pbuf.c``: PBUF_POOL). ``parts`` remembers where the buffers end, since MicroPython's ``recv`` returns
what is left of the first one.

``TxBuf`` is a packet for transmission: heap blocks that are freed when the last holder (TCP queue, ARP queue)
lets go. Layers reserve head-room for the headers below them, rounded up to the alignment (PBUF_TRANSPORT,
PBUF_IP, PBUF_LINK, PBUF_RAW).
"""

from __future__ import annotations

from netstack.pool import Heap, Pool

LINK_HLEN = 14
IP_HLEN = 20
TRANSPORT_HLEN = 20


class Pbuf:
    """A received packet: ``data`` still to be read, in one (``parts`` None) or more buffers of ``pool``."""

    __slots__ = ("buffers", "data", "parts", "pool")

    def __init__(self, data: bytes, pool: Pool, buffers: int, parts: list[int] | None) -> None:
        self.data = data
        self.pool = pool
        self.buffers = buffers
        self.parts = parts

    def __len__(self) -> int:
        return len(self.data)

    @property
    def first_len(self) -> int:
        """Bytes in the first buffer (``p->len``)."""
        return len(self.data) if self.parts is None else self.parts[0]

    def strip(self, count: int) -> None:
        """Remove ``count`` bytes from the front; emptied buffers stay in the chain (as headers and old data
        do).
        """
        self.data = self.data[count:]
        parts = self.parts
        if parts is not None:
            index = 0
            while count > parts[index]:
                count -= parts[index]
                parts[index] = 0
                index += 1
            parts[index] -= count

    def trim(self, length: int) -> None:
        """Keep the first ``length`` bytes; buffers behind them go back to the pool (``pbuf_realloc``)."""
        if length >= len(self.data):
            return
        self.data = self.data[:length]
        parts = self.parts
        if parts is not None:
            keep = 0
            while length > parts[keep]:
                length -= parts[keep]
                keep += 1
            parts[keep] = length
            freed = len(parts) - keep - 1
            if freed:
                del parts[keep + 1 :]
                self.buffers -= freed
                self.pool.give(freed)
            if not keep:
                self.parts = None

    def consume(self, count: int) -> None:
        """Remove ``count`` bytes from the front and give the buffers they emptied back
        (``pbuf_free_header``).
        """
        self.data = self.data[count:]
        parts = self.parts
        if parts is not None:
            freed = 0
            while freed < len(parts) - 1 and count >= parts[freed]:
                count -= parts[freed]
                freed += 1
            parts[freed] -= count
            if freed:
                del parts[:freed]
                self.buffers -= freed
                self.pool.give(freed)
            if len(parts) == 1:
                self.parts = None

    def append(self, other: Pbuf) -> None:
        """Chain ``other`` behind this one; it belongs to this packet from now on (``pbuf_cat``)."""
        if self.parts is None:
            self.parts = [len(self.data)]
        self.parts += [len(other.data)] if other.parts is None else other.parts
        self.data += other.data
        self.buffers += other.buffers

    def split_64k(self) -> Pbuf | None:
        """Keep the buffers that hold less than 64 KiB together, return the others (``pbuf_split_64k``); None:
        all fit.
        """
        parts = self.parts
        if parts is None or len(self.data) < 0x10000:
            return None
        total = keep = 0
        while keep < len(parts) and total + parts[keep] < 0x10000:
            total += parts[keep]
            keep += 1
        rest = Pbuf(self.data[total:], self.pool, len(parts) - keep, parts[keep:])
        self.data = self.data[:total]
        self.buffers = keep
        del parts[keep:]
        return rest

    def free(self) -> None:
        """Give all buffers back to the pool."""
        self.pool.give(self.buffers)
        self.buffers = 0


class TxBuf:
    """Heap blocks of one outgoing packet, held by ``refs`` holders."""

    __slots__ = ("blocks", "heap", "refs")

    def __init__(self, heap: Heap, block: int) -> None:
        self.heap = heap
        self.blocks = [block]
        self.refs = 1

    def ref(self) -> TxBuf:
        """Hold it once more."""
        self.refs += 1
        return self

    def free(self) -> None:
        """Let go; the last holder frees the blocks in the order of the chain."""
        self.refs = refs = self.refs - 1
        if not refs:
            for block in self.blocks:
                self.heap.free(block)


class TxAllocator:
    """``pbuf_alloc(layer, length, PBUF_RAM)``: size of the heap block for a layer's head-room and payload."""

    __slots__ = ("_align", "_ip", "_link", "_pbuf", "_transport", "heap")

    def __init__(
        self, heap: Heap, alignment: int, sizeof_pbuf: int, link_hlen: int = LINK_HLEN, ip_hlen: int = IP_HLEN
    ) -> None:
        self.heap = heap
        self._align = alignment
        self._pbuf = self._up(sizeof_pbuf)
        self._link = self._pbuf + self._up(link_hlen)
        self._ip = self._pbuf + self._up(link_hlen + ip_hlen)
        self._transport = self._pbuf + self._up(link_hlen + ip_hlen + TRANSPORT_HLEN)

    def _up(self, size: int) -> int:
        return -(-size // self._align) * self._align

    def _alloc(self, overhead: int, length: int) -> TxBuf | None:
        block = self.heap.malloc(overhead + length)  # which rounds up; the overhead is a multiple already
        return None if block < 0 else TxBuf(self.heap, block)

    def transport(self, length: int) -> TxBuf | None:
        """PBUF_TRANSPORT: room for link, IP and TCP headers in front of ``length`` bytes; None when the heap
        is full.
        """
        return self._alloc(self._transport, length)

    def ip(self, length: int) -> TxBuf | None:
        """PBUF_IP: room for link and IP headers in front of ``length`` bytes."""
        return self._alloc(self._ip, length)

    def link(self, length: int) -> TxBuf | None:
        """PBUF_LINK: room for the link header in front of ``length`` bytes."""
        return self._alloc(self._link, length)

    def raw(self, length: int) -> TxBuf | None:
        """PBUF_RAW: no head-room."""
        return self._alloc(self._pbuf, length)

    def shrink_transport(self, block: int, length: int) -> None:
        """Shrink a PBUF_TRANSPORT block in place to ``length`` bytes of payload (``pbuf_realloc`` on
        PBUF_RAM).
        """
        self.heap.trim(block, self._transport + length)

    def shrink_raw(self, block: int, length: int) -> None:
        """Shrink a PBUF_RAW block in place to ``length`` bytes."""
        self.heap.trim(block, self._pbuf + length)
