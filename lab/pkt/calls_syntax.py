"""The API calls of the language: which there are, which arguments they take, how arguments are written."""

from __future__ import annotations

import re

from lab.pkt.events import Argument, Call, Default, IntList, SocketAddress
from lab.pkt.scanner import Scanner

# Each argument: fd, n (a number), word, addr, ints ([N]), any (a number, a word or "...").
# "..." may also stand for an address.
SIGNATURES: dict[str, tuple[str, ...]] = {
    "socket": ("any", "word", "word"),
    "bind": ("fd", "addr", "any"),
    "listen": ("fd", "n"),
    "accept": ("fd", "any", "any"),
    "connect": ("fd", "addr", "any"),
    "read": ("fd", "any", "n"),
    "write": ("fd", "any", "n"),
    "send": ("fd", "any", "n", "any"),
    "sendto": ("fd", "any", "n", "any", "addr", "any"),
    "recvfrom": ("fd", "any", "n", "any", "any", "any"),
    "setsockopt": ("fd", "word", "word", "ints", "any"),
    "shutdown": ("fd", "word"),
    "close": ("fd",),
    "abort": ("fd",),
}

# Words that an argument may be, by call and position; a position not named takes any word.
WORDS: dict[tuple[str, int], tuple[str, ...]] = {
    ("socket", 1): ("SOCK_STREAM", "SOCK_DGRAM"),
    ("socket", 2): ("IPPROTO_TCP", "IPPROTO_UDP"),
    ("send", 3): ("MSG_MORE",),
    ("shutdown", 1): ("SHUT_RD", "SHUT_WR", "SHUT_RDWR"),
    ("setsockopt", 1): ("SOL_SOCKET", "IPPROTO_TCP", "IPPROTO_IP"),
}

SOCKET_OPTIONS: dict[str, tuple[str, ...]] = {
    "SOL_SOCKET": ("SO_KEEPALIVE", "SO_REUSEADDR", "SO_BROADCAST"),
    "IPPROTO_TCP": ("TCP_NODELAY", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_PRIO"),
    "IPPROTO_IP": ("IP_TTL", "IP_TOS", "IP_MULTICAST_TTL"),
}

_RESULT = re.compile(r"(0x[0-9A-Fa-f]+|-?\d+)( E[A-Z]+ \((ERR_[A-Z]+|-)\))?$")
_KINDS = {
    "fd": "a descriptor",
    "n": "a number",
    "word": "a word",
    "addr": "a socket address",
    "ints": "a value like [1]",
}


def parse_call(s: Scanner, time: int) -> Call:
    """``NAME(args)``, perhaps with `` = result``, to the end of the line."""
    start = s.pos
    name = s.word("an action: '<', '>', a call, a command in '`' or a probe '%{...}%'")
    if name not in SIGNATURES:
        raise s.error(f"unknown call {name!r} (known: {' '.join(SIGNATURES)})", start)
    s.expect("(")
    args = _parse_args(s, name)
    result = None
    if s.accept(" = "):
        start = s.pos
        result = s.rest()
        if _RESULT.match(result) is None:
            raise s.error("expected a result: N, or -1 ERRNO (LWIP_ERR), or -1 ERRNO (-)", start)
    s.end()
    return Call(s.line, time, name, args, result)


def _parse_args(s: Scanner, name: str) -> list[Argument]:
    kinds = SIGNATURES[name]
    args: list[Argument] = []
    for index, kind in enumerate(kinds):
        if index:
            s.expect(", ", f"', ' ({name} takes {len(kinds)} arguments)")
        start = s.pos
        arg = _parse_arg(s)
        if not _fits(kind, arg):
            raise s.error(f"argument {index + 1} of {name} must be {_KINDS[kind]}", start)
        known = WORDS.get((name, index))
        if known is not None and isinstance(arg, str) and arg not in known:
            raise s.error(f"argument {index + 1} of {name} must be one of {' '.join(known)}", start)
        if name == "setsockopt" and index == 2:
            _check_option(s, str(args[1]), arg, start)
        args.append(arg)
    s.expect(")", f"')' ({name} takes {len(kinds)} argument{'s' * (len(kinds) != 1)})")
    return args


def _check_option(s: Scanner, level: str, option: Argument, start: int) -> None:
    if option not in SOCKET_OPTIONS[level]:
        raise s.error(f"unknown option at level {level} (known: {' '.join(SOCKET_OPTIONS[level])})", start)


def _fits(kind: str, arg: Argument) -> bool:
    if kind == "any":
        return True
    if isinstance(arg, Default):
        return kind == "addr"
    types = {"fd": int, "n": int, "word": str, "addr": SocketAddress, "ints": IntList}
    return isinstance(arg, types[kind])


def _parse_arg(s: Scanner) -> Argument:
    if s.accept("..."):
        return Default()
    if s.accept("["):
        value = -s.number("a number") if s.accept("-") else s.number("a number")
        s.expect("]")
        return IntList(value)
    if s.accept("{"):
        return _parse_address(s)
    if not s.at_end() and s.text[s.pos].isdigit():
        return s.number("a number")
    return s.word("an argument (a number, a word, '...', [N] or {sa_family = AF_INET, ...})")


def _parse_address(s: Scanner) -> SocketAddress:
    s.expect("sa_family = AF_INET, sin_port = htons(")
    port = s.number("a port", 0xFFFF)
    s.expect('), sin_addr = inet_addr("')
    ip = s.ip("an address")
    s.expect('")}')
    return SocketAddress(ip, port)
