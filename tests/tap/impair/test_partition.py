"""Partitions by address."""

from __future__ import annotations

import pytest

from tap.impair.partition import Partition, PartitionStage
from tap.impair.units import ImpairmentError
from tests.tap.impair.rig import MAC, PEER_MAC, Rig, tcp_frame
from tests.tap.impair.test_fields import ARP

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"  # frames of the rig go from B to A


def arrives(stage: PartitionStage, frame: bytes = tcp_frame(), at: int = 0) -> bool:
    rig = Rig(stage)
    rig.send(frame, at)
    rig.run()
    assert rig.notes == ([] if rig.arrived else [("drop", "partition")])
    return bool(rig.arrived)


def test_groups_do_not_hear_each_other() -> None:
    stage = Partition([[A], [B, C]]).towards(A)
    assert not arrives(stage)
    assert arrives(Partition([[A, B], [C]]).towards(A))
    assert arrives(Partition([[A, C]]).towards(A)), "who is in no group hears and is heard"
    assert arrives(Partition().towards(A))


def test_it_can_be_split_isolated_and_healed() -> None:
    partition = Partition()
    stage = partition.towards(A)
    partition.split([[A], [B]])
    assert not arrives(stage)
    partition.heal()
    assert arrives(stage)
    partition.isolate(B, [A, B, C])
    assert not arrives(stage)


def test_by_mac_and_for_arp() -> None:
    own, other = MAC.hex(":"), PEER_MAC.hex(":")
    assert not arrives(Partition([[own], [other]]).towards(own))
    assert not arrives(Partition([[A], [B]]).towards(B), ARP), "the sender of ARP is A"
    assert not arrives(Partition([[A], [other]]).towards(own, A)), "a device has more than one address"
    assert arrives(Partition([[A], [B]]).towards(A), bytes(60))


def test_at_times() -> None:
    stage = Partition([[A], [B]], start=10, lasting=10).towards(A)
    assert [arrives(stage, at=at) for at in (9, 10, 19, 20)] == [True, False, False, True]


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match=r"10.0.0.1 is in two groups of the partition: leave it in one"):
        Partition([[A], [B, A]])
    with pytest.raises(ImpairmentError, match="not an IPv4 address: 'server'"):
        Partition([["server"]])
    with pytest.raises(ImpairmentError, match="partition: "):
        Partition().towards("02:00")
