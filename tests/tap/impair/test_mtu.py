"""A maximum size that nobody announces."""

from __future__ import annotations

import pytest

from tap.impair.mtu import Mtu
from tap.impair.units import ImpairmentError
from tests.tap.impair.rig import Rig


def test_larger_packets_are_lost() -> None:
    rig = Rig(Mtu(576))
    for length in (60, 590, 591, 1514):
        rig.send(bytes(length))
    rig.run()
    assert [len(frame) for frame in rig.frames] == [60, 590]
    assert rig.notes == [("drop", "577 bytes, mtu 576"), ("drop", "1500 bytes, mtu 576")]


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match=r"mtu \(bytes\) 27 does not do"):
        Mtu(27)
