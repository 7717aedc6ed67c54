"""A program that is held up."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import MS, SECOND
from tap.devicefault.app import AppStall
from tap.devicefault.fault import DeviceFaultError
from tests.tap.devicefault.rig import SERVER, added, pattern, rig, sends
from usocket import time


def test_each_call_takes_longer() -> None:
    with rig() as made:

        def work() -> None:
            sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)  # one call
            for _ in range(3):
                sock.sendto(b"x", (SERVER, 7))
            sock.close()

        fault = added(made.client, "app-stall pause=200ms")
        made.run(work)
        assert made.now == 5 * 200 * MS
        assert fault.counts == {"stall": 5}
        made.client.faults.remove(fault)
        added(made.client, "app-stall pause=1s every=2")
        begun = made.now
        made.run(work)
        assert made.now - begun == 2 * SECOND


def test_a_server_that_is_busy_most_of_the_time_closes_its_window() -> None:
    with rig() as made:
        made.serve()
        made.advance(SECOND)
        fault = added(made.server, "app-stall busy=900ms period=1s")
        begun = made.now
        made.run(sends(40_000))
        made.advance(60 * SECOND)
        assert made.received == pattern(40_000)
        assert fault.counts["stall"] >= 2
        assert made.now - begun > 4 * SECOND


def test_no_call_gets_on_while_it_is_busy() -> None:
    with rig() as made:
        added(made.client, "app-stall busy=80ms period=100ms")

        def work() -> list[int]:
            found = []
            for number in range(10):
                time.sleep_ms(7 * number)
                found.append(made.now // MS % 100)
                usocket.socket().close()
                found.append(made.now // MS % 100)
            return found

        assert all(late >= 80 for late in made.run(work)[1::2])


def test_who_waits_goes_on_when_the_fault_is_removed() -> None:
    with rig() as made:
        fault = added(made.client, "app-stall pause=100s")
        made.net.clock.call_at(3 * SECOND, lambda: made.client.faults.remove(fault))
        made.run(lambda: usocket.socket().close())
        assert made.now == 3 * SECOND


@pytest.mark.parametrize("values", [{}, {"pause": 1, "busy": 1, "period": 2}, {"busy": 1}, {"period": 1}])
def test_mistakes(values: dict[str, int]) -> None:
    with rig() as made, pytest.raises(DeviceFaultError, match="give pause=200ms, or busy=80ms period=100ms"):
        AppStall(made.client, **values)
