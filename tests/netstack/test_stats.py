"""Counters and drop reasons."""

from __future__ import annotations

import pytest

import netstack.stack  # noqa: F401 - defines every drop reason
from netstack.stats import COUNTERS, PROTOCOLS, Drop, Stats


def test_counting_a_drop_moves_its_counters() -> None:
    stats = Stats()
    reason = Drop.all["ip_checksum"]
    stats.count_drop(reason)
    stats.count_drop(reason)
    assert stats.drops == {"ip_checksum": 2}
    assert (stats.ip.chkerr, stats.ip.drop, stats.ip.lenerr) == (2, 2, 0)


def test_items_names_every_counter_once() -> None:
    stats = Stats()
    stats.udp.recv = 7
    items = dict(stats.items())
    assert len(items) == len(PROTOCOLS) * len(COUNTERS)
    assert items["udp.recv"] == 7
    assert sum(items.values()) == 7


@pytest.mark.parametrize("drop", Drop.all.values(), ids=str)
def test_every_reason_is_sound(drop: Drop) -> None:
    assert Drop.all[drop.name] is drop
    assert drop.protocol in PROTOCOLS
    assert set(drop.counters) <= set(COUNTERS)
    assert drop.meaning
    assert drop.name in repr(drop)


def test_reasons_of_packets_that_were_kept_say_so() -> None:
    kept = {drop.name for drop in Drop.all.values() if drop.kept}
    assert kept == {"frag_given_up"} | {
        f"tcp_ooseq_{why}" for why in ("closed", "covered", "expired", "limit", "pool")
    }


def test_two_reasons_cannot_have_one_name() -> None:
    with pytest.raises(AssertionError):
        Drop("ip_checksum", "ip", (), "again")
