"""The module's names are MicroPython's, and no more."""

from __future__ import annotations

import usocket
from usocket import constants


def test_values() -> None:
    """Section 1.1 of the measurements, the column of modlwip."""
    expected = {
        "AF_INET": 2, "AF_INET6": 10, "SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3, "SOL_SOCKET": 1,
        "SO_REUSEADDR": 4, "SO_BROADCAST": 0x20, "IPPROTO_IP": 0, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17,
        "IP_ADD_MEMBERSHIP": 0x400, "IP_DROP_MEMBERSHIP": 0x401, "TCP_NODELAY": 0x40, "MSG_PEEK": 1,
        "MSG_DONTWAIT": 2,
    }  # fmt: skip
    assert {name: value for name, value in vars(constants).items() if name.isupper()} == expected
    assert {name: getattr(usocket, name) for name in expected} == expected


def test_what_boards_do_not_have() -> None:
    for name in "error timeout gaierror inet_aton create_connection has_ipv6 SHUT_RD SO_KEEPALIVE".split():
        assert not hasattr(usocket, name)
