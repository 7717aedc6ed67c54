"""Reassembly of fragmented packets (RFC 791 section 3.2, RFC 815's problem), within lwIP's limits.

Fragments of one datagram are kept in the order of their offsets. The number of receive buffers that all of
them hold is limited (IP_REASS_MAX_PBUFS), and so is the number of datagrams (MEMP_NUM_REASSDATA): for a new
fragment the oldest other datagrams are given up. A datagram lives IP_REASS_MAXAGE ticks of one second after
its first fragment came, and is gone on the next. When one is given up whose first fragment (offset 0) is
there, its sender is told by ICMP time exceeded.

lwIP: a fragment that overlaps another is dropped and the datagram lives on (RFC 5722 for IPv6: drop all);
fragments with IP options are dropped (quirk fragment_options_refused); the protocol does not tell datagrams
apart (quirk reassembly_ignores_protocol).
Source: lwIP ``ip4_frag.c:ip4_reass``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.core import Core
from netstack.ip_header import HEADER_LEN, MAX_PACKET_LEN, MORE_FRAGMENTS, OFFSET_MASK, Ipv4Header, build
from netstack.pbuf import Pbuf
from netstack.stats import Drop

TICK_MS = 1000

FRAG_OPTIONS = Drop(
    "frag_options", "ip_frag", ("err", "drop"), "a fragment with IP options (quirk fragment_options_refused)"
)
FRAG_EMPTY = Drop(
    "frag_empty", "ip_frag", ("drop",), "a fragment without data (quirk empty_fragment_kept off)"
)
FRAG_NO_BUFFERS = Drop(
    "frag_no_buffers",
    "ip_frag",
    ("memerr", "drop"),
    "all buffers for fragments are in use (IP_REASS_MAX_PBUFS)",
)
FRAG_NO_DATAGRAM = Drop(
    "frag_no_datagram", "ip_frag", ("memerr", "drop"), "too many datagrams in reassembly (MEMP_NUM_REASSDATA)"
)
FRAG_TOO_LONG = Drop(
    "frag_too_long", "ip_frag", ("drop",), "a fragment that ends behind the largest possible packet"
)
FRAG_OVERLAP = Drop(
    "frag_overlap", "ip_frag", ("drop",), "a fragment that overlaps or repeats one that is there"
)
FRAG_GIVEN_UP = Drop(
    "frag_given_up",
    "ip_frag",
    (),
    "a fragment whose datagram was given up: too old, or the room was needed",
    kept=True,
)

_Key = tuple[int, int, int, int]


class _Fragment:
    """The bytes ``start`` to ``end`` of the payload, in a packet that still has its header."""

    __slots__ = ("end", "header_len", "p", "start")

    def __init__(self, start: int, end: int, p: Pbuf, header_len: int) -> None:
        self.header_len = header_len
        self.start = start
        self.end = end
        self.p = p


class _Datagram:
    """A datagram in reassembly. ``header`` is that of the fragment at offset 0, or of the first to come."""

    __slots__ = ("fragments", "has_last", "header", "key", "length", "ticks")

    def __init__(self, key: _Key, header: Ipv4Header, ticks: int) -> None:
        self.key = key
        self.header = header
        self.ticks = ticks
        self.fragments: list[_Fragment] = []
        self.has_last = False
        self.length = 0

    def insert(self, new: _Fragment) -> bool:
        """Put a fragment in its place; False if it overlaps another one."""
        fragments = self.fragments
        index = len(fragments)
        while index and fragments[index - 1].start > new.start:
            index -= 1
        if index and (fragments[index - 1].start == new.start or fragments[index - 1].end > new.start):
            return False
        if index < len(fragments) and new.end > fragments[index].start:
            return False
        fragments.insert(index, new)
        return True

    def is_complete(self) -> bool:
        """Whether nothing is missing up to the last fragment."""
        if not self.has_last:
            return False
        end = 0
        for fragment in self.fragments:
            if fragment.start != end:
                return False
            end = fragment.end
        return True

    def join(self) -> tuple[Pbuf, Ipv4Header]:
        """The whole packet with its header, whose total length is what the last fragment said."""
        first = self.header
        p = self.fragments[0].p
        header_len = first.header_len
        total_len = self.length + header_len
        fields = (first.tos, total_len, first.ident, 0, first.ttl, first.proto, first.src, first.dst)
        p.data = build(*fields, first.options) + p.data[header_len:]
        for fragment in self.fragments[1:]:
            fragment.p.strip(fragment.header_len)
            p.append(fragment.p)
        return p, Ipv4Header(header_len, *fields, p.data)


class Reassembly:
    """All datagrams in reassembly, newest first.

    ``on_expired(packet)`` is told when one is given up whose first fragment was there, ``packet`` being that.
    """

    __slots__ = (
        "_core",
        "_datagrams",
        "_ignores_empty",
        "_ignores_protocol",
        "_refuses_options",
        "buffers",
        "on_expired",
    )

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ignores_protocol = "reassembly_ignores_protocol" in core.profile.quirks
        self._ignores_empty = "empty_fragment_kept" not in core.profile.quirks
        self._refuses_options = "fragment_options_refused" in core.profile.quirks
        self._datagrams: list[_Datagram] = []
        self.buffers = 0  # receive buffers held
        self.on_expired: Callable[[bytes], None] | None = None
        core.timers.cyclic("reassembly", TICK_MS, self._on_tick, self._idle)

    def input(self, p: Pbuf, header: Ipv4Header) -> tuple[Pbuf, Ipv4Header] | None:
        """Take a fragment; the whole packet when it was the last one missing (``ip4_reass``)."""
        self._core.stats.ip_frag.recv += 1
        if header.header_len != HEADER_LEN and self._refuses_options:
            self._drop(p, FRAG_OPTIONS)
            return None
        if header.total_len == header.header_len and self._ignores_empty:
            self._drop(p, FRAG_EMPTY)
            return None
        key = (header.src, header.dst, header.ident, 0 if self._ignores_protocol else header.proto)
        limit = self._core.profile.ip_reass_max_pbufs
        if self.buffers + p.buffers > limit:
            self._evict(key, p.buffers)
            if self.buffers + p.buffers > limit:
                self._drop(p, FRAG_NO_BUFFERS)
                return None
        datagram = self._find(key)
        if datagram is None:
            datagram = self._new(key, header, p.buffers)
            if datagram is None:
                self._drop(p, FRAG_NO_DATAGRAM)
                return None
        else:
            self._core.stats.ip_frag.cachehit += 1
            if not header.fragment & OFFSET_MASK and datagram.header.fragment & OFFSET_MASK:
                datagram.header = header
        refused = self._insert(datagram, p, header)
        if refused is not None:
            if not datagram.fragments:
                self._forget(datagram)
            self._drop(p, refused)
            return None
        self.buffers += p.buffers
        if not datagram.is_complete():
            return None
        whole, first = datagram.join()
        self._forget(datagram)
        self.buffers -= whole.buffers
        return whole, first

    def _insert(self, datagram: _Datagram, p: Pbuf, header: Ipv4Header) -> Drop | None:
        start = (header.fragment & OFFSET_MASK) * 8
        end = start + header.total_len - header.header_len
        is_last = not header.fragment & MORE_FRAGMENTS
        if end > (MAX_PACKET_LEN - header.header_len if is_last else MAX_PACKET_LEN):
            return FRAG_TOO_LONG
        if not datagram.insert(_Fragment(start, end, p, header.header_len)):
            return FRAG_OVERLAP
        if is_last:
            datagram.has_last = True
            datagram.length = end
        return None

    def _find(self, key: _Key) -> _Datagram | None:
        for datagram in self._datagrams:
            if datagram.key == key:
                return datagram
        return None

    def _new(self, key: _Key, header: Ipv4Header, buffers: int) -> _Datagram | None:
        pool = self._core.mem.reassdata
        if not pool.take() and not (self._evict(key, buffers) >= buffers and pool.take()):
            return None
        datagram = _Datagram(key, header, self._core.profile.ip_reass_maxage)
        self._datagrams.insert(0, datagram)
        return datagram

    def _evict(self, key: _Key, needed: int) -> int:
        """Give up the oldest other datagrams until ``needed`` buffers became free; returns how many did
        (``ip_reass_remove_oldest_datagram``).
        """
        freed = 0
        while True:
            others = [datagram for datagram in reversed(self._datagrams) if datagram.key != key]
            if not others:
                return freed
            freed += self._give_up(min(others, key=_ticks))
            if freed >= needed or len(others) == 1:
                return freed

    def _give_up(self, datagram: _Datagram) -> int:
        """Free a datagram and tell its sender; returns the number of buffers
        (``ip_reass_free_complete_datagram``).
        """
        self._forget(datagram)
        first = datagram.fragments[0]
        freed = sum(fragment.p.buffers for fragment in datagram.fragments)
        self.buffers -= freed
        if first.start == 0 and self.on_expired is not None:
            header_len = datagram.header.header_len
            self.on_expired(datagram.header.packet[:header_len] + first.p.data[header_len:])
        for fragment in datagram.fragments:
            self._drop(fragment.p, FRAG_GIVEN_UP)
        return freed

    def _forget(self, datagram: _Datagram) -> None:
        self._datagrams.remove(datagram)
        self._core.mem.reassdata.give()

    def _drop(self, p: Pbuf, reason: Drop) -> None:
        self._core.drop(reason)
        p.free()

    def _idle(self) -> bool:
        return not self._datagrams

    def _on_tick(self) -> None:
        """Let all datagrams age by a second (``ip_reass_tmr``)."""
        for datagram in self._datagrams[:]:
            if datagram.ticks:
                datagram.ticks -= 1
            else:
                self._give_up(datagram)


def _ticks(datagram: _Datagram) -> int:
    return datagram.ticks
