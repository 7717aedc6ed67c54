"""How calls of programs begin, wait and end: what holds them up, and clocks that are set meanwhile."""

from __future__ import annotations

import pytest

from tap.clock import MS, SECOND
from tests.usocket.support import two_devices


def test_what_holds_calls_up_is_called_at_the_beginning_of_each() -> None:
    with two_devices() as pair:
        device = pair.client
        begun: list[str] = []

        def first() -> None:
            begun.append("first")

        def second() -> None:
            begun.append("second")
            device.wait(lambda: False, device.clock.now() + 5 * MS, "held up")

        device.add_before_calls(first)
        device.add_before_calls(second)
        sock = device.socket()
        assert begun == ["first", "second"]
        assert pair.clock.now() == 5 * MS
        device.remove_before_calls(first)
        sock.close()
        assert begun[2:] == ["second"]
        device.remove_before_calls(second)
        device.socket().close()
        assert len(begun) == 3


def test_a_reset_ends_who_waits_with_a_callback_pending() -> None:
    with two_devices() as pair:
        device = pair.client
        ran: list[int] = []
        pair.clock.call_at(SECOND, lambda: device.schedule(lambda: ran.append(device.clock.now())))
        pair.clock.call_at(2 * SECOND, device.power_cycle)
        with pytest.raises(SystemExit):
            device.sleep(10)
        assert ran == [SECOND]
        assert pair.clock.now() == 2 * SECOND
        device.sleep(1)  # a new life


def test_who_waits_looks_again_when_the_clock_is_set() -> None:
    with two_devices() as pair:
        device = pair.client
        looks: list[int] = []

        def ready() -> bool:
            looks.append(pair.clock.now())
            return False

        def change() -> None:
            with device.host.lock:
                device.clock_changed()

        pair.clock.call_at(SECOND, change)
        assert not device.wait(ready, 3 * SECOND, "test")
        assert looks.count(SECOND) == 1
        assert pair.clock.now() == 3 * SECOND


def test_power_off_and_on() -> None:
    with two_devices() as pair:
        _, _, client = pair.connected()
        device = pair.server
        device.power_off()
        assert (device.is_open, device.is_on) == (True, False)
        sent = len(pair.client_link._inbox)
        client.send(b"x")
        pair.advance(2000)
        assert len(pair.client_link._inbox) == sent
        assert device.stack.stats.link.xmit == 0
        device.power_on(3)
        assert device.is_on
        assert device.reset_cause == 3
        assert device.stack.netif.ip == device.ip
        with pytest.raises(OSError):
            client.recv(1)
