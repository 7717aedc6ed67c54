"""Corruption of bits, bytes and fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.checksum import is_valid, residue
from tap.impair.corrupt import Corrupt
from tap.impair.fields import FIELDS, get
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst, tcp_frame


def one(stage: Corrupt, frame: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    rig = Rig(stage)
    rig.send(frame)
    rig.run()
    return rig.frames[0], rig.notes


def flipped(a: bytes, b: bytes) -> int:
    """Which bits differ."""
    assert len(a) == len(b)
    return int.from_bytes(a, "big") ^ int.from_bytes(b, "big")


def test_one_bit_anywhere_and_each_as_likely() -> None:
    rig = Rig(Corrupt(1, stream=stream(1, "bits")))
    frames = [bytes(20)] * 16_000
    for frame in frames:
        rig.send(frame)
    rig.run()
    counts: dict[int, int] = {}
    for frame in rig.frames:
        bits = int.from_bytes(frame, "big")
        assert bits.bit_count() == 1
        counts[bits] = counts.get(bits, 0) + 1
    assert len(counts) == 160
    assert (
        sum((count - 100) ** 2 for count in counts.values()) / 100 < 220
    )  # chi-square, 159 degrees, p = 0.001


def test_the_note_says_how_to_do_it_again() -> None:
    changed, notes = one(Corrupt(1, stream=stream(1, "x")), bytes(20))
    words = notes[0][1].split()
    assert notes[0][0] == "corrupt"
    assert changed[int(words[4])] == 1 << int(words[1])


def test_bytes_behind_a_start() -> None:
    rig = Rig(Corrupt(1, "byte", stream=stream(1, "x"), count=3, start=14))
    frames = burst(rig, 300)
    for old, new in zip(frames, rig.frames, strict=True):
        assert new[:14] == old[:14]
        assert 1 <= sum(a != b for a, b in zip(old, new, strict=True)) <= 3
    assert all(detail.count("byte") == 3 for _, detail in rig.notes)


def test_a_byte_becomes_any_other() -> None:
    rig = Rig(Corrupt(1, "byte", stream=stream(1, "bytes"), start=19))
    for _ in range(25_500):
        rig.send(bytes(20))
    rig.run()
    values = [frame[19] for frame in rig.frames]
    assert 0 not in values
    counts = [values.count(value) for value in range(1, 256)]
    assert sum((count - 100) ** 2 for count in counts) / 100 < 328  # chi-square, 254 degrees, p = 0.001


@pytest.mark.parametrize("repaired", [False, True])
def test_a_field_with_and_without_repair(repaired: bool) -> None:
    frame = tcp_frame()
    changed, notes = one(
        Corrupt(1, stream=stream(1, "x"), field="tcp.window", value=7, repaired=repaired), frame
    )
    assert get(changed, "tcp.window") == 7
    assert notes == [("corrupt", "tcp.window = 7" + ", repaired" * repaired)]
    pseudo = residue(changed[26:34]) + 6 + len(changed) - 34
    assert is_valid(residue(changed[34:]) + pseudo) is repaired


@given(
    st.sampled_from([name for name in FIELDS if name.startswith(("ip.", "tcp.", "eth."))]),
    st.integers(0, 999),
)
def test_a_random_value_is_another_one(field: str, seed: int) -> None:
    frame = tcp_frame()
    changed, notes = one(Corrupt(1, stream=stream(seed, "x"), field=field), frame)
    assert flipped(frame, changed)
    assert notes[0][1].startswith(f"{field} = ")


def test_what_has_no_such_field_or_is_too_short_passes() -> None:
    assert one(Corrupt(1, stream=stream(1, "x"), field="udp.len"), tcp_frame()) == (tcp_frame(), [])
    assert one(Corrupt(1, stream=stream(1, "x"), start=14), bytes(14)) == (bytes(14), [])
    assert one(Corrupt(1, stream=stream(1, "x")), b"") == (b"", [])


def test_the_rate() -> None:
    rig = Rig(Corrupt(0.1, stream=stream(2, "rate")))
    frames = burst(rig, 20_000, size=20)
    changed = sum(a != b for a, b in zip(frames, rig.frames, strict=True))
    assert changed == len(rig.notes)
    assert changed / 20_000 == pytest.approx(0.1, abs=0.011)  # 5 standard deviations


def test_what_makes_no_sense() -> None:
    numbers = stream(1, "x")
    with pytest.raises(ImpairmentError, match="a 'nibble' cannot be corrupted: take bit or byte"):
        Corrupt(1, "nibble", stream=numbers)
    with pytest.raises(ImpairmentError, match=r"there is no field 'tcp.windows'"):
        Corrupt(1, stream=numbers, field="tcp.windows")
    with pytest.raises(ImpairmentError, match="corrupt value 65536 fits no field"):
        Corrupt(1, stream=numbers, field="tcp.window", value=65536)
