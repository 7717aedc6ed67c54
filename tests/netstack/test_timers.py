"""Timers: lwIP's grid, its order, and that idle ones cost nothing."""

from __future__ import annotations

from netstack.timers import Timers


def busy() -> bool:
    return False


class Log:
    """Timers that write down when they ran."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.now = 0
        self.ran: list[tuple[int, str]] = []

    def cyclic(self, name: str, period: int, idle=busy):
        return self.timers.cyclic(name, period, lambda: self.ran.append((self.now, name)), idle)

    def oneshot(self, name: str):
        return self.timers.oneshot(name, lambda: self.ran.append((self.now, name)))

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


def test_same_time_and_same_arming_runs_in_the_order_of_the_table() -> None:
    log = Log()
    log.cyclic("first", 1000)
    log.cyclic("second", 1000)
    log.run_until(2000)
    assert [name for _, name in log.ran] == ["first", "second"] * 2


def test_a_oneshot_runs_once_per_arming() -> None:
    log = Log()
    tcp = log.oneshot("tcp")
    log.run_until(1000)
    log.timers.arm(tcp, 1000, 250)
    log.run_until(5000)
    log.timers.arm(tcp, 5000, 250)
    log.timers.arm(tcp, 5000, 300)
    log.run_until(9000)
    assert log.ran == [(1250, "tcp"), (5300, "tcp")]


def test_a_disarmed_timer_does_not_run() -> None:
    log = Log()
    tcp = log.oneshot("tcp")
    log.timers.arm(tcp, 0, 250)
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


def test_a_handler_may_arm_timers() -> None:
    log = Log()
    timers = log.timers
    tcp = timers.oneshot("tcp", lambda: (log.ran.append((log.now, "tcp")), timers.arm(tcp, log.now, 250)))
    timers.arm(tcp, 0, 250)
    log.run_until(1000)
    assert [at for at, _ in log.ran] == [250, 500, 750, 1000]


def test_the_quantum_is_how_often_the_port_looks() -> None:
    timers = Timers(quantum=64)
    tcp = timers.oneshot("tcp", lambda: None)
    timers.arm(tcp, 0, 250)
    assert timers.next_due() == 256


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
    tcp = timers.oneshot("tcp", lambda: None)
    assert not tcp.armed
    timers.arm(tcp, 0, 250)
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
