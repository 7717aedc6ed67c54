"""A watchdog and programs that forget it."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.watchdog import Watchdog
from tests.tap.devicefault.rig import added, rig
from usocket import time
from usocket.machine import PWRON_RESET, WDT_RESET, reset_cause


def test_who_calls_often_is_left_alone_and_who_waits_for_long_is_not() -> None:
    with rig() as made:
        causes: list[int] = []

        def work() -> None:
            causes.append(reset_cause())
            for _ in range(10):
                time.sleep(7)
            sock = usocket.socket()
            sock.bind(("", 80))
            sock.listen(1)
            if len(causes) == 1:
                sock.accept()

        added(made.client, "watchdog timeout=8s")
        program = made.start(work)
        made.net.run()
        assert causes == [PWRON_RESET, WDT_RESET]
        assert made.now == (70 + 8 + 70) * SECOND
        assert made.story == [(78 * SECOND, "reset", "no call for 8000000000 ns")]
        assert program.finished


def test_without_a_program_it_sleeps() -> None:
    with rig() as made:
        added(made.client, "watchdog timeout=1s")
        made.advance(3600 * SECOND)
        assert made.story == []


def test_the_program_may_stay_away() -> None:
    with rig() as made:
        added(made.client, "watchdog timeout=1s restart=false")
        made.start(lambda: time.sleep(5))
        made.net.run()
        assert made.now == SECOND
        made.advance(100 * SECOND)
        assert made.actions == ["reset"]


def test_removed_it_resets_nothing() -> None:
    with rig() as made:
        fault = added(made.client, "watchdog timeout=1s")
        made.net.clock.call_at(SECOND // 2, lambda: made.client.faults.remove(fault))
        made.run(lambda: time.sleep(5))
        assert made.now == 5 * SECOND


def test_mistakes() -> None:
    with rig() as made, pytest.raises(DeviceFaultError, match="give timeout=8s"):
        Watchdog(made.client, 0)
