"""machine: resets, timers, the clock of the day."""

from __future__ import annotations

import pytest

from tap.clock import MS, SECOND
from tests.usocket.support import CLIENT, Pair, raises, two_devices
from usocket import machine, time
from usocket.errno import EADDRINUSE
from usocket.machine import RTC, Reset, Timer
from usocket.script import run_source

COUNTING = b"""
import machine, socket, time, sys
listener = socket.socket()
try:
    listener.bind(("", 80))
    listener.listen(1)
    print("listening", machine.reset_cause(), time.ticks_ms() < 100)
except OSError as e:
    print(e)
    sys.exit(7)
if machine.reset_cause() == %d:
    connection, _ = listener.accept()
    connection.recv(10)
    connection.close()
    time.sleep(1)
    try:
        machine.%s()
    except:
        pass
    time.sleep(5)
    print("never here")
"""


def run(pair: Pair, cause: int, how: str) -> int:
    """A server that has a connection in TIME_WAIT when it resets the board."""
    client = pair.client.socket()
    client.setblocking(False)
    with raises(115):
        client.connect(("10.0.0.1", 80))
    client_data = COUNTING % (cause, how.encode())

    def talk() -> None:
        client.send(b"hello")
        pair.client.call_at(pair.clock.now() + 100 * MS, lambda: pair.client.schedule(client.close))

    pair.clock.call_at(pair.clock.now() + 20 * MS, talk)
    return run_source(pair.server, client_data, "main.py")


def test_a_soft_reset_keeps_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    with two_devices() as pair:
        assert run(pair, machine.PWRON_RESET, "soft_reset") == 7
        out = capsys.readouterr().out.splitlines()
        assert out[0] == "listening 1 True"
        assert out[1] == "MPY: soft reboot"
        assert out[2] == f"[Errno {EADDRINUSE}] EADDRINUSE"  # TIME_WAIT has survived
        assert len(out) == 3


def test_a_reset_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    with two_devices() as pair:
        again = b"if time.time() < 10:\n    time.sleep(10)\n    machine.reset()\n"
        source = COUNTING % (99, b"reset") + again
        stack = pair.server.stack
        assert run_source(pair.server, source, "main.py") == 0
        assert capsys.readouterr().out.splitlines() == ["listening 1 True"] * 2
        assert pair.server.stack is not stack
        assert pair.server.stack is pair.server.host.stack
        assert pair.server.stack.mem.tcp_pcb_listen.used <= 1


def test_connections_of_a_board_that_is_reset_vanish_without_a_word() -> None:
    with two_devices() as pair:
        _, accepted, client = pair.connected()
        sent = pair.server.stack.stats.link.xmit
        pair.server.power_cycle()
        accepted.close()
        del accepted
        pair.advance(100)
        assert pair.server.stack.stats.tcp.xmit == 0
        assert sent
        client.settimeout(5)
        client.send(b"anybody?")
        with raises(104):
            client.recv(1)


def test_resets_cannot_be_caught_for_long() -> None:
    with two_devices() as pair:
        for call, hard in ((machine.reset, True), (machine.soft_reset, False)):
            with pytest.raises(Reset) as first:
                call()
            with pytest.raises(Reset) as second:
                pair.client.sleep(1)
            assert first.value.hard is second.value.hard is hard
            pair.client.soft_reset()
            pair.client.sleep(1)


def test_deepsleep_wakes_up_by_a_reset() -> None:
    with two_devices() as pair:
        started = pair.clock.now()
        with pytest.raises(Reset) as reset:
            machine.deepsleep(2000)
        assert reset.value.hard
        assert pair.clock.now() - started == 2 * SECOND


def test_identity_and_speed() -> None:
    with two_devices() as pair:
        with pair.server.use():
            other = machine.unique_id()
        assert len(machine.unique_id()) == 8
        assert machine.unique_id() != other
        assert machine.freq() == 125_000_000
        machine.freq(250_000_000)
        assert machine.freq() == 250_000_000
        started = pair.clock.now()
        machine.idle()
        assert pair.clock.now() - started == MS
        machine.lightsleep(10)
        assert pair.clock.now() - started == 11 * MS


def test_the_clock_of_the_day() -> None:
    with two_devices():
        rtc = RTC()
        assert rtc.datetime() == (1970, 1, 1, 3, 0, 0, 0, 0)
        rtc.datetime((2026, 11, 23, 0, 12, 30, 15, 500_000))
        time.sleep_ms(600)
        assert rtc.datetime() == (2026, 11, 23, 0, 12, 30, 16, 100_000)
        assert time.localtime()[:6] == (2026, 11, 23, 12, 30, 16)
        assert time.ticks_ms() == 600
        with pytest.raises(ValueError):
            rtc.datetime((2026,))


def test_timers() -> None:
    with two_devices() as pair:
        fired: list[tuple[str, int]] = []

        def note(name: str) -> object:
            return lambda timer: fired.append((name, pair.clock.now() // MS))

        once = Timer(period=100, mode=Timer.ONE_SHOT, callback=note("once"))
        again = Timer(-1)
        again.init(freq=10, callback=note("again"))
        pair.client.sleep_ns(350 * MS)
        assert fired == [("once", 100), ("again", 100), ("again", 200), ("again", 300)]
        again.deinit()
        pair.client.sleep(1)
        assert len(fired) == 4
        once.init(period=10, callback=note("more"))
        pair.client.soft_reset()
        pair.client.sleep(1)
        assert len(fired) == 4
        with pytest.raises(ValueError, match="Timer doesn't exist"):
            Timer(0)
        with pytest.raises(ValueError, match="invalid period"):
            once.init(period=0, callback=note("never"))
        assert CLIENT
