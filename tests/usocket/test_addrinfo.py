"""Addresses as lwIP reads them, and getaddrinfo for numbers."""

from __future__ import annotations

import pytest

from tests.usocket.support import raises
from usocket.addrinfo import getaddrinfo, inet_aton, integer, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.7.2", 0xC0A80702),
        ("1.2", 0x01000002),
        ("1.2.3", 0x01020003),
        ("0x7f.1", 0x7F000001),
        ("0X7F.1", 0x7F000001),
        ("010.0.0.1", 0x08000001),
        ("3232237314", 0xC0A80702),
        ("0", 0),
        ("10.0.0.1 rest", 0x0A000001),
        ("10.0.0.1\n", 0x0A000001),
        ("10.65535", 0x0A00FFFF),
    ],
)
def test_forms_of_an_address(text: str, address: int) -> None:
    assert inet_aton(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *["", " 1.2.3.4", "1.2.3.4.5", "256.0.0.1", "1.2.3.256", "1.2.65536", "1.16777216", "a.b"],
        *["1.2.3.4x", "08", "1..2", "-1", "\u0661"],
    ],
)
def test_what_is_none(text: str) -> None:
    assert inet_aton(text) is None


def test_an_address_argument() -> None:
    assert parse_address(("10.0.0.1", 80)) == (0x0A000001, 80)
    assert parse_address([b"10.0.0.1", 80]) == (0x0A000001, 80)
    assert parse_address(("", 70000)) == (0, 4464)
    assert parse_address(("", -1)) == (0, 0xFFFF)
    for bad in ("10.0.0.1", None, 5):
        with pytest.raises(TypeError):
            parse_address(bad)
    with pytest.raises(TypeError, match="can't convert str to int"):
        parse_address(("", "80"))
    with pytest.raises(TypeError):
        parse_address((5, 80))


def test_getaddrinfo() -> None:
    assert getaddrinfo("10.1", 70000) == [(2, 1, 0, "", ("10.0.0.1", 70000))]
    assert getaddrinfo(b"10.0.0.1", 80, 0, 1) == [(2, 1, 0, "", ("10.0.0.1", 80))]
    with pytest.raises(TypeError, match="can't convert str to int"):
        getaddrinfo("10.0.0.1", "80")
    with pytest.raises(TypeError):
        getaddrinfo(None, 80)


def test_names_without_a_server() -> None:
    with raises(-6):
        getaddrinfo("micropython.org", 80)
    with raises(-16):
        getaddrinfo("", 80)
    with raises(-16):
        getaddrinfo("x" * 256, 80)


def test_constraints_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert getaddrinfo("10.0.0.1", 80, 2, 2, 17, 1) == [(2, 1, 0, "", ("10.0.0.1", 80))]
    assert capsys.readouterr().out == "Warning: unsupported getaddrinfo constraints\n"
    getaddrinfo("10.0.0.1", 80, 10, 1, 0, 0)
    assert capsys.readouterr().out == ""


def test_integers() -> None:
    assert integer(True) == 1
    with pytest.raises(TypeError, match="can't convert float to int"):
        integer(1.0)
