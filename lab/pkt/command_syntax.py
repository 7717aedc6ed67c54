"""The commands of the language: what is done to the stack that is no socket call."""

from __future__ import annotations

import re

from lab.pkt.scanner import Scanner
from netstack.errors import ERR_NAMES

# A word in capitals stands for a value of this kind, any other for itself.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("end",),
    ("stats",),
    ("netif", "up"),
    ("netif", "down"),
    ("netif", "mtu", "N"),
    ("netif", "addr", "IP", "IP", "IP"),
    ("link", "up"),
    ("link", "down"),
    ("dhcp", "start"),
    ("dhcp", "stop"),
    ("dhcp", "renew"),
    ("dhcp", "release"),
    ("dhcp", "inform"),
    ("dns", "server", "N", "IP"),
    ("dns", "NAME"),
    ("igmp", "join", "IP"),
    ("igmp", "leave", "IP"),
    ("arp", "query", "IP"),
    ("arp", "request", "IP"),
    ("arp", "static", "IP", "MAC"),
    ("arp", "unstatic", "IP"),
    ("arp", "gratuitous"),
    ("arp", "dump"),
    ("mem", "hog", "N"),
    ("mem", "free"),
    ("pool", "hog", "NAME", "N"),
    ("pool", "free", "NAME"),
    ("txfail", "N", "ERR"),
)

_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|\d?\d)"
_VALUES = {
    "N": (re.compile(r"\d{1,9}"), "a number"),
    "IP": (re.compile(rf"{_OCTET}(\.{_OCTET}){{3}}"), "an IPv4 address"),
    "MAC": (re.compile(r"[0-9A-Fa-f]{12}"), "a MAC address (12 hex digits)"),
    "NAME": (re.compile(r"[!-_a-~]+"), "a name"),
    "ERR": (
        re.compile("|".join(name for name in ERR_NAMES.values()) + r"|-\d{1,2}"),
        "an lwIP error (ERR_MEM)",
    ),
}


def check_command(s: Scanner, words: list[str], start: int) -> None:
    """Whether ``words`` (at ``start`` in the line) are a known command with fitting values. Raises
    ScriptError."""
    candidates = [form for form in COMMANDS if form[0] == words[0]]
    if not candidates:
        known = " ".join(dict.fromkeys(form[0] for form in COMMANDS))
        raise s.error(f"unknown command {words[0]!r} (known: {known})", start)
    failures = []
    for form in candidates:
        failure = _mismatch(form, words)
        if failure is None:
            return
        failures.append(failure)
    index, reason = max(failures, key=lambda f: f[0])  # the form that fits furthest is the one that was meant
    if index <= 1:
        reason = "expected " + ", or ".join(" ".join(form) for form in candidates)
    raise s.error(reason, start + sum(len(word) + 1 for word in words[:index]))


def _mismatch(form: tuple[str, ...], words: list[str]) -> tuple[int, str] | None:
    for index, wanted in enumerate(form):
        if index >= len(words):
            return index, f"expected {' '.join(form)}"
        if wanted in _VALUES:
            pattern, what = _VALUES[wanted]
            if pattern.fullmatch(words[index]) is None:
                return index, f"{words[index]!r} is not {what} (expected {' '.join(form)})"
        elif words[index] != wanted:
            return index, f"expected {' '.join(form)}"
    if len(words) > len(form):
        return len(form), f"expected nothing after {' '.join(form)}"
    return None
