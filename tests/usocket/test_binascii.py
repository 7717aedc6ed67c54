"""binascii, which takes a str, too."""

from __future__ import annotations

import pytest

from usocket.binascii import a2b_base64, b2a_base64, crc32, hexlify, unhexlify


def test_hexadecimal() -> None:
    assert hexlify(b"ab\xff") == hexlify(bytearray(b"ab\xff")) == b"6162ff"
    assert hexlify("ab", ":") == hexlify("ab", b":-") == b"61:62"
    assert unhexlify("6162") == unhexlify(b"6162") == b"ab"
    for bad in ("6", "zz"):
        with pytest.raises(ValueError):
            unhexlify(bad)


def test_base_64() -> None:
    assert b2a_base64("abc") == b"YWJj\n"
    assert b2a_base64(b"abc", newline=False) == b"YWJj"
    assert a2b_base64("YWJj\n") == a2b_base64(b"YW\nJj") == b"abc"
    with pytest.raises(ValueError, match="incorrect padding"):
        a2b_base64("YWJ")


def test_crc32() -> None:
    assert crc32("abc") == 891568578
    assert crc32(b"c", crc32(b"ab")) == crc32(b"abc")
