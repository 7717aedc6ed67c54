"""A device that forgets its neighbours."""

from __future__ import annotations

import pytest

from tap.clock import SECOND
from tap.devicefault.arp import ArpFlush
from tap.devicefault.fault import DeviceFaultError
from tests.tap.devicefault.rig import added, pattern, rig, sends


def test_it_asks_again() -> None:
    with rig() as made:
        made.serve()
        made.run(sends(2000))
        asked = made.client.stack.stats.etharp.xmit
        added(made.client, "arp-flush")
        assert made.client.stack.arp.dump() == []
        assert made.story[-1][1:] == ("flush", "1 neighbours forgotten")
        made.run(sends(2000))
        made.advance(30 * SECOND)
        assert made.client.stack.stats.etharp.xmit > asked
        assert made.received == 2 * pattern(2000)


def test_again_and_again_and_a_stream_survives() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.client, "arp-flush every=300ms")
        made.run(sends(20_000))
        made.client.faults.remove(fault)
        made.advance(60 * SECOND)
        assert made.received == pattern(20_000)
        assert fault.counts["flush"] > 3


def test_mistakes() -> None:
    with rig() as made, pytest.raises(DeviceFaultError, match="give every=10s"):
        ArpFlush(made.client, 0)
