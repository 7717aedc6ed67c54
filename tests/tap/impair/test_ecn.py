"""Congestion Experienced instead of a loss."""

from __future__ import annotations

import pytest

from netstack.checksum import is_valid, residue
from tap.impair.ecn import mark_ce
from tests.tap.impair.rig import tcp_frame


@pytest.mark.parametrize("tos", [1, 2, 3, 0xB9])
def test_an_ect_packet_is_marked_and_its_checksum_right(tos: int) -> None:
    frame = tcp_frame(tos=tos)
    marked = mark_ce(frame)
    assert marked is not None
    assert marked[15] == tos | 3
    assert is_valid(residue(marked[14:34]))
    assert marked[34:] == frame[34:]


@pytest.mark.parametrize(
    "frame", [tcp_frame(tos=0), tcp_frame(tos=0xB8), b"", bytes(60), tcp_frame(tos=2)[:33]]
)
def test_what_cannot_be_marked(frame: bytes) -> None:
    assert mark_ce(frame) is None
