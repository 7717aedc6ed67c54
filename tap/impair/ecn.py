"""Marking instead of dropping: Congestion Experienced in the IPv4 header (RFC 3168, 5)."""

from __future__ import annotations

from netstack.checksum import finish, residue

_TOS = 15  # byte of the frame: Ethernet header, then version and header length


def mark_ce(frame: bytes) -> bytes | None:
    """``frame`` with CE set and its header checksum right; None when it cannot say so (not IPv4, not ECT)."""
    if frame[12:14] != b"\x08\x00" or len(frame) < 34 or not frame[_TOS] & 3:
        return None
    end = 14 + (frame[14] & 0xF) * 4
    marked = bytearray(frame)
    marked[_TOS] |= 3
    marked[24:26] = b"\0\0"
    marked[24:26] = finish(residue(marked[14:end])).to_bytes(2, "big")
    return bytes(marked)
