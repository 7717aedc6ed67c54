"""Fragmentation of packets that are longer than the MTU (RFC 791 section 3.2).

Fragments leave back to back, first offset first. Each borrows the data of the original packet: while it is
sent it takes one heap block for its header and one FRAG_PBUF for each buffer it points into; when it has to
wait for ARP it is copied. When memory runs out in the middle, the fragments before that are already on the
wire.
Source: lwIP ``ip4_frag.c:ip4_frag``.
"""

from __future__ import annotations

from collections.abc import Sequence

from netstack.arp import Arp
from netstack.core import Core
from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL
from netstack.ip_header import HEADER_LEN, MORE_FRAGMENTS, OFFSET_MASK, build, parse

MIN_MTU = HEADER_LEN + 8  # below, no fragment could carry data


def send_fragments(
    core: Core, arp: Arp, packet: bytes, dst: int, mtu: int, parts: Sequence[int] | None
) -> int:
    """Send ``packet`` to ``dst`` in fragments of at most ``mtu`` bytes.

    ``parts`` are the lengths of the buffers the packet lies in (None: one). Returns ERR_VAL for a packet with
    options or an MTU that leaves no room for data (lwIP: with such an MTU it loops for ever), ERR_MEM without
    memory, otherwise ERR_OK: whether the fragments could be sent is not asked.
    """
    header = parse(packet)
    if header is None or header.header_len != HEADER_LEN or mtu < MIN_MTU:
        return ERR_VAL
    block = (mtu - HEADER_LEN) // 8
    # lwIP: what fits into the last fragment is not rounded down to a multiple of 8
    last_size = mtu - HEADER_LEN if "fragment_mf_cleared_early" in core.profile.quirks else block * 8
    offset = header.fragment & OFFSET_MASK
    start = HEADER_LEN
    left = len(packet) - HEADER_LEN
    while left:
        size = min(left, block * 8)
        last = left <= last_size
        word = offset & OFFSET_MASK | (header.fragment & MORE_FRAGMENTS if last else MORE_FRAGMENTS)
        head = build(
            header.tos,
            size + HEADER_LEN,
            header.ident,
            word,
            header.ttl,
            header.proto,
            header.src,
            header.dst,
        )
        pieces = _buffers_between(parts, start, start + size) if parts else 1
        if not _send_one(core, arp, head + packet[start : start + size], dst, pieces):
            return ERR_MEM
        core.stats.ip_frag.xmit += 1
        start += size
        left -= size
        offset += block
    return ERR_OK


def _send_one(core: Core, arp: Arp, fragment: bytes, dst: int, pieces: int) -> bool:
    """Send one fragment that points into ``pieces`` buffers; False without memory for it."""
    mem = core.mem
    if core.profile.lwip_netif_tx_single_pbuf:
        whole = mem.tx.ip(len(fragment) - HEADER_LEN)
        if whole is None:
            return False
        arp.output(fragment, dst, whole)
        whole.free()
        return True
    held_header = mem.tx.link(HEADER_LEN)
    if held_header is None:
        return False
    if not mem.frag_pbuf.take(pieces):
        held_header.free()
        return False
    arp.output(fragment, dst, held_header, volatile=True)
    mem.frag_pbuf.give(pieces)
    held_header.free()
    return True


def _buffers_between(parts: Sequence[int], start: int, end: int) -> int:
    """How many of the buffers of a packet hold bytes ``start`` to ``end`` of it."""
    count = 0
    at = 0
    for length in parts:
        if at < end and at + length > start and length:
            count += 1
        at += length
    return count
