"""IPv4 and MAC addresses: ints and bytes inside the stack, text at its edges.

Inside, an IPv4 address is an int in host order and a MAC address is six bytes (design: plain data on the hot
path). Sources: RFC 791, RFC 919 (broadcast), lwIP ``ip4_addr.c``.
"""

from __future__ import annotations

import re

IP_ANY = 0
IP_BROADCAST = 0xFFFFFFFF
MAC_BROADCAST = b"\xff" * 6
MAC_ZERO = b"\x00" * 6

_NUMBER = r"(0[xX][0-9a-fA-F]*|0[0-7]*|[1-9][0-9]*)"
_NUMBERS = re.compile(_NUMBER + rf"(?:\.{_NUMBER})?" * 3 + r"(?:[ \f\n\r\t\v]|\Z)", re.ASCII)


def parse_ip(text: str) -> int:
    """Dotted quad to int. Raises ValueError with the offending text."""
    parts = text.split(".")
    if len(parts) != 4 or not all(
        p.isascii() and p.isdigit() and len(p) <= 3 and int(p) < 256 for p in parts
    ):
        raise ValueError(f"not an IPv4 address: {text!r} (expected four numbers 0..255, like 192.168.1.10)")
    a, b, c, d = (int(p) for p in parts)
    return a << 24 | b << 16 | c << 8 | d


def aton(text: str) -> int | None:
    """The address in one to four numbers (decimal, 0 octal, 0x hexadecimal; the last fills the rest), as
    programs may write it; None if it is none. What follows a blank is ignored (lwIP ``ip4addr_aton``).
    """
    found = _NUMBERS.match(text)
    if found is None:
        return None
    *parts, last = (_number(digits) for digits in found.groups() if digits is not None)
    bits = 32 - 8 * len(parts)
    if any(part > 0xFF for part in parts) or last >= 1 << bits:
        return None
    return sum(part << 24 - 8 * index for index, part in enumerate(parts)) | last


def _number(digits: str) -> int:
    if digits[:2] in ("0x", "0X"):
        return int(digits[2:] or "0", 16) & 0xFFFFFFFF
    return int(digits, 8 if digits[0] == "0" else 10) & 0xFFFFFFFF


def format_ip(address: int) -> str:
    """Int to dotted quad."""
    return f"{address >> 24 & 255}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def parse_mac(text: str) -> bytes:
    """``02:00:00:00:00:01`` (or without separators) as bytes. Raises ValueError with the offending text."""
    try:
        mac = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError:
        mac = b""
    if len(mac) != 6:
        raise ValueError(f"not a MAC address: {text!r} (expected six bytes, like 02:00:00:00:00:01)")
    return mac


def format_mac(mac: bytes) -> str:
    """Six bytes to colon-separated hex."""
    return mac.hex(":")


def prefix_to_mask(prefix: int) -> int:
    """Prefix length 0..32 to a netmask."""
    if not 0 <= prefix <= 32:
        raise ValueError(f"not a prefix length: {prefix} (expected 0..32)")
    return 0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF


def is_multicast(address: int) -> bool:
    """224.0.0.0/4 (RFC 1112)."""
    return address >> 28 == 0xE


def is_broadcast(address: int, ip: int, netmask: int) -> bool:
    """Is ``address`` a broadcast for an interface with ``ip``/``netmask`` (lwIP
    ``ip4_addr_isbroadcast_u32``)?

    All-ones and all-zeros always are; the own address never is; else the host part must be all ones in the
    own subnet.
    """
    if address in (IP_BROADCAST, IP_ANY):
        return True
    if address == ip:
        return False
    host = ~netmask & 0xFFFFFFFF
    return address & netmask == ip & netmask and address & host == host


def is_link_local(address: int) -> bool:
    """169.254.0.0/16 (RFC 3927)."""
    return address >> 16 == 0xA9FE


def multicast_mac(address: int) -> bytes:
    """Ethernet group address of an IPv4 group: 01:00:5e plus the low 23 bits (RFC 1112 section 6.4)."""
    return b"\x01\x00\x5e" + (address & 0x7FFFFF).to_bytes(3, "big")
