"""Makes screenshots small: a PNG of at most 256 colours, as pages without photographs need no more.

Reads what Chromium writes (8 bits a channel, not interlaced); PNG specification, third edition, clauses 9
to 12.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter

SIGNATURE = b"\x89PNG\r\n\x1a\n"
UNLIKE = 24**2  # squared distance of two colours that nobody takes for one
CHANNELS = {2: 3, 6: 4}  # by colour type: RGB, RGBA


def small(png: bytes) -> bytes:
    """The same picture with a palette of 256 colours: the frequent ones, and rare ones that are like no
    other; what remains becomes its nearest.
    """
    width, height, channels, rows = pixels(png)
    colours = [tuple(row[at : at + 3]) for row in rows for at in range(0, len(row), channels)]
    often = Counter(colours)
    palette = [colour for colour, _ in often.most_common(160)]
    for colour, _ in often.most_common():
        if len(palette) < 256 and min(_distance(colour, known) for known in palette) > UNLIKE:
            palette.append(colour)
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in often:
        if colour not in index:
            index[colour] = min(range(len(palette)), key=lambda number: _distance(palette[number], colour))
    numbers = bytes(index[colour] for colour in colours)
    lines = b"".join(b"\0" + numbers[at : at + width] for at in range(0, len(numbers), width))
    return SIGNATURE + b"".join((
        _chunk(b"IHDR", struct.pack("!IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", b"".join(map(bytes, palette))),
        _chunk(b"IDAT", zlib.compress(lines, 9)),
        _chunk(b"IEND", b""),
    ))  # fmt: skip


def pixels(png: bytes) -> tuple[int, int, int, list[bytearray]]:
    """Width, height, channels, and each row as its bytes."""
    assert png.startswith(SIGNATURE)
    width, height, depth, kind, _, _, interlaced = struct.unpack_from("!IIBBBBB", png, 16)
    assert depth == 8
    assert kind in CHANNELS
    assert not interlaced
    channels = CHANNELS[kind]
    packed, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack_from("!I", png, at)
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    data, size = zlib.decompress(packed), width * channels
    rows: list[bytearray] = []
    above = bytearray(size)
    for start in range(0, height * (size + 1), size + 1):
        row = bytearray(data[start + 1 : start + 1 + size])
        _unfilter(data[start], row, above, channels)
        rows.append(row)
        above = row
    return width, height, channels, rows


def _unfilter(kind: int, row: bytearray, above: bytearray, step: int) -> None:
    """Undo a row's filter (clause 9.2) in place."""
    for at in range(len(row)) if kind else ():
        left = row[at - step] if at >= step else 0
        up = above[at]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            corner = above[at - step] if at >= step else 0
            far = left + up - corner
            guess = min((left, up, corner), key=lambda value: abs(far - value))
        row[at] = row[at] + guess & 0xFF


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))
