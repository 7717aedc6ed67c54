"""Values of faults as texts: ``TCP_SEG``, ``50us``, ``300ppm``, ``5%``. Each mistake is a line with the mend.

Numbers, truths and times may also come as TOML or Python have them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from netstack import errors
from netstack.address import parse_mac
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.pools import POOLS
from tap.impair.units import ImpairmentError, percentage, size, time_ns

FOREVER = "forever"

_ERRS = {"mem": errors.ERR_MEM, "buf": errors.ERR_BUF, "if": errors.ERR_IF, "timeout": errors.ERR_TIMEOUT}
_PPM = re.compile(r"([+-]?\d+)\s*ppm")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Unit:
    """How a value is written: ``example`` says it in words; ``convert`` raises ValueError."""

    example: str
    convert: Callable[[object], object]


def _time(value: object) -> int:
    if not isinstance(value, str) or value.strip().isdigit():
        raise DeviceFaultError(f"{value!r} has no unit: write it as 80ms, 1.5s or 20us")
    return time_ns(value)


def _signed_time(value: object) -> int:
    if isinstance(value, str) and value.strip()[:1] in ("-", "+"):
        return _time(value.strip()[1:]) * (-1 if value.strip()[0] == "-" else 1)
    return _time(value)


def _time_or_forever(value: object) -> int | None:
    return None if value == FOREVER else _time(value)


def _count(value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DeviceFaultError(f"{value!r} does not do: give a whole number, 0 or more")
    return value


def _size(value: object) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise DeviceFaultError(f"{value!r} is no size: write it as 1500 or 16kb")
    return size(value)


def _probability(value: object) -> object:
    if isinstance(value, str) and not value.strip().endswith("%"):
        raise DeviceFaultError(f"{value!r} is no percentage: write it as 1%")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise DeviceFaultError(f"{value!r} is no probability: write it as 1% (or as the number 0.01)")
    return percentage(value)


def _flag(value: object) -> bool:
    truth = _TRUTHS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(truth, bool):
        raise DeviceFaultError(f"{value!r} is neither true nor false")
    return truth


def _ppm(value: object) -> int:
    found = _PPM.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise DeviceFaultError(f"{value!r} is no drift: write it as 300ppm or -50ppm")
    return int(found.group(1))


def _pool(value: object) -> str:
    name = str(value).upper()
    if name not in POOLS:
        raise DeviceFaultError(f"there is no pool {value}: there are {', '.join(POOLS)}")
    return name


def _err(value: object) -> int:
    if not isinstance(value, str) or value.lower() not in _ERRS:
        raise DeviceFaultError(f"{value!r} is no err of a driver: take one of {', '.join(_ERRS)}")
    return _ERRS[value.lower()]


def _mac(value: object) -> bytes:
    mac = parse_mac(str(value))
    if mac[0] & 1:
        raise DeviceFaultError(f"{value} is a group address: make its first byte even")
    return mac


def _words(value: object) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise DeviceFaultError(f"{value!r} is no list: write it as port,isn")
    return tuple(str(word).strip() for word in words if str(word).strip())


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise DeviceFaultError(f"{value!r} is no word")
    return value


UNITS = {
    "pool": Unit("a pool: " + ", ".join(POOLS), _pool),
    "count": Unit("a whole number", _count),
    "size": Unit("elements, or bytes as 1500 or 16kb", _size),
    "probability": Unit("a probability, as 5%", _probability),
    "flag": Unit("true or false", _flag),
    "time": Unit("a time, as 80ms", _time),
    "signed time": Unit("a time, as 2s or -2s", _signed_time),
    "time or forever": Unit("a time, as 80ms, or forever", _time_or_forever),
    "ppm": Unit("parts in a million, as 300ppm or -50ppm", _ppm),
    "err": Unit("what lwIP is told: mem, buf, if or timeout", _err),
    "mac": Unit("a MAC, as 02:00:00:00:00:99", _mac),
    "words": Unit("words, as port,isn", _words),
    "word": Unit("a word", _word),
}


def convert(unit: str, value: object) -> object:
    """The value that a text says. Raises DeviceFaultError."""
    try:
        return UNITS[unit].convert(value)
    except (ImpairmentError, ValueError) as error:
        raise DeviceFaultError(str(error)) from None
