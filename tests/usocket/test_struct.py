"""struct as on a board (compared with MicroPython 1.27)."""

from __future__ import annotations

import pytest

from usocket.struct import calcsize, pack, pack_into, unpack, unpack_from


@pytest.mark.parametrize(
    ("values", "data"),
    [
        ((">HI", 1, 2), b"\0\1\0\0\0\2"),
        (("!h", -2), b"\xff\xfe"),
        (("B", 300), b","),
        ((">hH", -70000), b"\xee\x90\0\0"),
        (("BBB", 1), b"\1\0\0"),
        (("B", 1, 2, 3), b"\1"),
        (("5s", "abc"), b"abc\0\0"),
        (("2s", b"abcdef"), b"ab"),
        (("<I", -1), b"\xff\xff\xff\xff"),
        ((">b", 128), b"\x80"),
        (("<xBx", 5), b"\0\5\0"),
        ((b"<H", 5), b"\5\0"),
        (("<2B", 1, 2), b"\1\2"),
    ],
)
def test_pack(values: tuple[object, ...], data: bytes) -> None:
    assert pack(*values) == data


def test_unpack() -> None:
    assert unpack("<H", b"abc") == unpack("<H", "ab") == (0x6261,)
    assert unpack_from("B", b"abc", -1) == (99,)
    assert unpack_from(">H", bytearray(b"abcd"), 2) == (0x6364,)
    assert unpack("!2B3s", b"\1\2xyz") == (1, 2, b"xyz")
    for fmt, data, offset in (("B", b"", 0), ("B", b"abc", -4), (">I", b"abc", 0), ("B", b"a", 1)):
        with pytest.raises(ValueError, match="buffer too small"):
            unpack_from(fmt, data, offset)


def test_pack_into() -> None:
    buffer = bytearray(4)
    pack_into(">H", buffer, 1, 0x0102)
    pack_into("B", buffer, -1, 9)
    assert buffer == b"\0\1\2\x09"
    with pytest.raises(ValueError, match="buffer too small"):
        pack_into("B", buffer, 4, 5)


def test_sizes_of_a_32_bit_cpu() -> None:
    assert [calcsize(fmt) for fmt in ("l", "<l", "BI", "<BI", "P", "2x3H", "Bq")] == [4, 4, 8, 5, 4, 8, 16]


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="bad typecode"):
        pack("z", 1)
    with pytest.raises(TypeError, match="can't convert str to int"):
        pack("B", "x")
    with pytest.raises(TypeError, match="can't convert str to float"):
        pack("f", "x")
