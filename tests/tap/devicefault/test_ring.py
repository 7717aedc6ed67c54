"""Receive descriptors run out."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.ring import RxRing
from tests.tap.devicefault.rig import SERVER, Rig, added, pattern, rig, sends
from usocket import time

BURST = 12


def flood() -> int:
    """Datagrams at one moment."""
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.sendto(b"for ARP", (SERVER, 7))
    time.sleep(1)
    for number in range(BURST):
        sock.sendto(b"%d" % number, (SERVER, 7))
    sock.close()
    return BURST


def hear(made: Rig) -> list[bytes]:
    got: list[bytes] = []

    def listen() -> None:
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.bind(("", 7))
        while True:
            got.append(bytes(sock.recvfrom(100)[0]))

    made.start(listen, made.server, daemon=True)
    return got


@pytest.mark.parametrize("size", [1, 4, 8])
def test_a_burst_fills_the_ring(size: int) -> None:
    with rig(profile="esp32-idf") as made:
        got = hear(made)
        added(made.server, f"rx-ring size={size}")
        made.run(flood)
        made.advance(SECOND)
        room = min(size, made.server.profile.pbuf_pool_size, 6)  # an esp32 keeps 6 datagrams for a program
        assert got[1:] == [b"%d" % number for number in range(room)]
        drops = [(action, detail) for when, action, detail in made.story if when > SECOND]
        assert drops == [("drop", f"overrun: all {size} descriptors are in use")] * (BURST - size)


def test_a_driver_that_stalls_for_a_time_and_one_that_never_recovers() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.server, "rx-ring size=1 stall=3s")
        made.run(sends(8000))
        made.advance(120 * SECOND)
        assert made.received == pattern(8000)
        assert fault.counts["drop"] > 1
    with rig() as made:
        made.serve()
        added(made.server, "rx-ring size=3 stall=forever")
        made.start(sends(8000))
        made.advance(60 * SECOND)
        got = len(made.received)
        assert got < 8000
        made.client.power_cycle()
        made.server.power_cycle()
        made.serve()
        made.run(sends(100))
        made.advance(SECOND)
        assert len(made.received) == got + 100


def test_mistakes() -> None:
    with rig() as made, pytest.raises(DeviceFaultError, match="give size=4"):
        RxRing(made.client, 0)
