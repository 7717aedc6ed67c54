"""Timers: lwIP's grid, its order, and that idle ones cost nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netstack.timers import LWIP_ORDER, Timer, Timers


def busy() -> bool:
    return False


class Log:
    """Timers that write down when they ran."""

    def __init__(self, quantum: int = 1) -> None:
        self.timers = Timers(quantum)
        self.now = 0
        self.ran: list[tuple[int, str]] = []

    def cyclic(self, name: str, period: int, idle: Callable[[], bool] = busy) -> Timer:
        return self.timers.cyclic(name, period, lambda: self.ran.append((self.now, name)), idle)

    def oneshot(self, name: str, period: int) -> Timer:
        return self.timers.oneshot(name, period, lambda: self.ran.append((self.now, name)))

    def run_until(self, end: int) -> None:
        while (due := self.timers.next_due()) is not None and due <= end:
            self.now = due
            self.timers.run(due)
        self.now = end
        self.timers.run(end)


def test_a_cyclic_timer_is_armed_at_boot() -> None:
    log = Log()
    log.cyclic("arp", 1000)
    log.run_until(3500)
    assert log.ran == [(1000, "arp"), (2000, "arp"), (3000, "arp")]


def test_late_looks_keep_the_grid_unless_a_whole_period_is_lost() -> None:
    log = Log()
    log.cyclic("arp", 1000)
    for log.now in (1300, 1999, 2000, 5700, 6000, 6700):
        log.timers.run(log.now)
    # 1300 -> due 2000; 2000 -> 3000; 5700: 4000 is past, so the next is 5700 + 1000
    assert log.ran == [(1300, "arp"), (2000, "arp"), (5700, "arp"), (6700, "arp")]


def test_same_time_runs_in_the_order_of_arming() -> None:
    log = Log()
    log.cyclic("slow", 1000)
    log.cyclic("fast", 500)
    log.run_until(1000)
    # fast was armed anew at 500, after slow had been armed at 0
    assert log.ran == [(500, "fast"), (1000, "slow"), (1000, "fast")]


def test_an_idle_timer_that_is_woken_when_it_is_due_runs_then() -> None:
    log = Log()
    asleep = True

    def wake() -> None:
        nonlocal asleep
        asleep = False

    log.timers.cyclic("dhcp_coarse", 60_000, wake, busy)
    log.cyclic("arp", 1000, lambda: asleep)
    log.cyclic("acd", 100, lambda: True)
    log.run_until(62_000)
    assert log.ran == [(60_000, "arp"), (61_000, "arp"), (62_000, "arp")]


def test_same_time_and_same_arming_runs_in_the_order_of_the_table() -> None:
    log = Log()
    for name in ("first", "second", *reversed(LWIP_ORDER)):  # names that lwIP does not have come last
        log.cyclic(name, 1000)
    log.run_until(2000)
    assert [name for _, name in log.ran] == [*LWIP_ORDER, "first", "second"] * 2


def test_a_oneshot_runs_once_per_arming() -> None:
    log = Log()
    tcp = log.oneshot("tcp", 250)
    log.run_until(1000)
    log.timers.arm(tcp, 1000)
    log.run_until(5000)
    log.timers.arm(tcp, 5000)
    log.timers.arm(tcp, 5100)  # the last one counts
    log.run_until(9000)
    assert log.ran == [(1250, "tcp"), (5350, "tcp")]


def test_a_disarmed_timer_does_not_run() -> None:
    log = Log()
    tcp = log.oneshot("tcp", 250)
    log.timers.arm(tcp, 0)
    log.timers.disarm(tcp)
    assert log.timers.next_due() is None
    log.run_until(1000)
    assert not log.ran


def test_an_idle_timer_is_never_waited_for_and_keeps_its_grid() -> None:
    log = Log()
    idle = [True]
    timer = log.cyclic("arp", 1000, lambda: idle[0])
    assert log.timers.next_due() is None
    log.run_until(10_500)
    assert not log.ran
    assert timer.due == 11_000
    idle[0] = False
    assert log.timers.next_due() == 11_000
    log.run_until(12_000)
    assert log.ran == [(11_000, "arp"), (12_000, "arp")]


class Rearming:
    """A one-shot timer that arms itself again, as TCP's does; ``quiet`` says how many runs do nothing."""

    def __init__(self, quantum: int = 1) -> None:
        self.timers = Timers(quantum)
        self.now = 0
        self.ran: list[int] = []
        self.skipped = 0
        self.quiet = 0
        self.timer = self.timers.oneshot("tcp", 250, self._run, lambda: self.quiet, self._skip)
        self.timers.arm(self.timer, 0)

    def _run(self) -> None:
        self.ran.append(self.now)
        self.timers.arm(self.timer, self.now)

    def _skip(self, runs: int) -> None:
        self.skipped += runs
        self.quiet -= runs

    def look(self, now: int) -> None:
        self.now = now
        self.timers.run(now)

    def run_until(self, end: int) -> None:
        while (due := self.timers.next_due()) is not None and due <= end:
            self.look(due)
        self.look(end)


def test_a_handler_may_arm_timers() -> None:
    tcp = Rearming()
    tcp.run_until(1000)
    assert tcp.ran == [250, 500, 750, 1000]


def test_quiet_runs_are_skipped_counted_and_not_waited_for() -> None:
    tcp = Rearming()
    tcp.quiet = 5
    assert tcp.timers.next_due() == 1500
    tcp.run_until(1750)
    assert tcp.ran == [1500, 1750]
    assert (tcp.skipped, tcp.quiet) == (5, 0)


def test_a_look_in_the_middle_of_the_quiet_counts_what_has_passed() -> None:
    tcp = Rearming()
    tcp.quiet = 10
    tcp.look(600)
    assert (tcp.skipped, tcp.ran) == (2, [])
    assert tcp.timer.due == 750
    tcp.look(749)
    assert tcp.skipped == 2
    tcp.look(750)
    assert tcp.skipped == 3
    tcp.quiet = 0  # something has happened
    assert tcp.timers.next_due() == 1000
    tcp.run_until(1000)
    assert tcp.ran == [1000]


@pytest.mark.parametrize("quantum", [1, 64, 100, 128])
def test_skipped_or_made_the_runs_lie_on_the_same_grid(quantum: int) -> None:
    every, quiet = Rearming(quantum), Rearming(quantum)
    quiet.quiet = 7
    quiet.look(333)  # whenever the port looks in between
    for tcp in (every, quiet):
        tcp.run_until(4000)
    assert quiet.ran == every.ran[7:]
    assert quiet.skipped == 7
    assert quiet.timer.due == every.timer.due
    assert quiet.timer.armed_at == every.timer.armed_at


def test_a_timer_that_is_quiet_for_ever_is_not_waited_for() -> None:
    tcp = Rearming()
    tcp.quiet = 1 << 60
    assert tcp.timers.next_due() is None
    tcp.look(3_600_000)
    assert tcp.skipped == 14_400
    assert tcp.ran == []


def test_the_quantum_is_how_often_the_port_looks() -> None:
    log = Log(quantum=64)
    tcp = log.oneshot("tcp", 250)
    log.timers.arm(tcp, 0)
    assert log.timers.next_due() == 256
    for log.now in (250, 255):  # something else woke the device; it does not look at its timers
        log.timers.run(log.now)
        assert log.ran == []
    log.now = 256
    log.timers.run(256)
    assert log.ran == [(256, "tcp")]


def test_a_late_call_runs_what_was_due_at_the_last_look() -> None:
    log = Log(quantum=64)
    log.cyclic("early", 100)
    log.cyclic("late", 130)
    log.now = 190  # the port looked at 128
    log.timers.run(190)
    assert log.ran == [(190, "early")]
    assert log.timers.next_due() == 192


def test_cyclic_timers_keep_their_own_grid_under_a_quantum() -> None:
    log = Log(quantum=64)
    log.cyclic("dhcp_fine", 500)
    log.run_until(2_100)
    assert [at for at, _ in log.ran] == [512, 1024, 1536, 2048]  # due 500, 1000, 1500, 2000


def test_an_idle_timer_was_armed_when_the_port_would_have_run_it() -> None:
    """What else is due then runs in the order of arming."""
    log = Log(quantum=64)
    idle = log.cyclic("arp", 1000, lambda: True)
    log.run_until(1_500)
    assert (idle.due, idle.armed_at) == (2_000, 1_024)


def test_on_fire_hears_of_what_runs() -> None:
    log = Log()
    heard: list[str] = []
    log.timers.on_fire = heard.append
    log.cyclic("arp", 1000)
    log.cyclic("idle", 1000, lambda: True)
    log.run_until(2000)
    assert heard == ["arp", "arp"]


def test_armed_says_whether_it_is_waited_for() -> None:
    timers = Timers()
    tcp = timers.oneshot("tcp", 250, lambda: None)
    assert not tcp.armed
    timers.arm(tcp, 0)
    assert tcp.armed
    timers.run(250)
    assert not tcp.armed


def test_the_next_look_of_a_port_that_sleeps_until_a_timer_is_due() -> None:
    timers = Timers()
    timers.cyclic("arp", 1000, lambda: None, lambda: True)  # idle, yet a real port would look
    timers.cyclic("dhcp", 500, lambda: None, lambda: True)
    assert [timers.next_look(now) for now in (0, 499, 500, 999, 1000, 7300)] == [
        500,
        500,
        1000,
        1000,
        1500,
        7500,
    ]


def test_the_next_look_of_a_port_that_polls() -> None:
    timers = Timers(quantum=64)
    timers.cyclic("arp", 1000, lambda: None, lambda: True)
    assert [timers.next_look(now) for now in (0, 63, 64, 1000)] == [64, 64, 128, 1024]
