"""Fields and their values as rules write them: ``tcp.window=0``, ``ip.dst=10.0.0.9``, ``tcp.flags=RA``."""

from __future__ import annotations

import re

from netstack.address import parse_ip, parse_mac
from tap.impair.fields import FIELDS, width
from tap.rules.errors import RuleError, instead

_ADDRESSES = {"ip.src", "ip.dst", "arp.psrc", "arp.pdst"}
_MACS = {"eth.src", "eth.dst", "arp.hwsrc", "arp.hwdst"}
_FLAGS = "FSRPAUEC"  # from bit 0 on, as scapy writes them
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|\d{1,20}")


def field_name(text: str) -> str:
    """The field of that name; ``checksum`` may be written out. Raises RuleError."""
    name = text.lower().replace("checksum", "chksum")
    if name not in FIELDS:
        layer = [known for known in FIELDS if known.startswith(name.partition(".")[0] + ".")]
        raise RuleError(f"there is no field {text!r}: {instead(name, layer or FIELDS)}")
    return name


def field_value(name: str, value: int | str) -> int:
    """A value of the field ``name``: a number (0x... too), for addresses also 10.0.0.1 and
    02:00:00:00:00:01, for tcp.flags also letters. Raises RuleError.
    """
    number = value if isinstance(value, int) else _parsed(name, value)
    if not 0 <= number < 1 << width(name):
        most = (1 << width(name)) - 1
        raise RuleError(f"{name} cannot be {value}: it has {width(name)} bits, so 0 to {most}")
    return number


def _parsed(name: str, text: str) -> int:
    if _NUMBER.fullmatch(text):
        return int(text, 0) if text[:2].lower() == "0x" else int(text)
    try:
        if name in _ADDRESSES:
            return parse_ip(text)
        if name in _MACS:
            return int.from_bytes(parse_mac(text), "big")
    except ValueError as error:
        raise RuleError(f"{name}: {error}") from None
    if name == "tcp.flags" and text and set(text.upper()) <= set(_FLAGS):
        return sum(1 << _FLAGS.index(letter) for letter in set(text.upper()))
    kind = "letters of FSRPAUEC or a number" if name == "tcp.flags" else "a number, as 0 or 0x1f"
    raise RuleError(f"{name} cannot be {text!r}: write {kind}")
