"""Ctrl-C and SIGTERM come where they do no harm: never amid the stack, at once where a program waits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from lab import interrupt
from netstack.address import parse_ip
from netstack.errors import ERR_OK
from netstack.profiles import named
from netstack.stack import Stack
from tap.clock import RealClock
from tap.wire import wire
from usocket import Device


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    interrupt.install()
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class Busy:
    """A stack that is interrupted amid sending its first ARP packet, where it stays for ``stay`` s."""

    def __init__(self, number: int, stay: float) -> None:
        self.number = number
        self.stay = stay
        self.sent = False

    def __call__(self, frame: bytes) -> int:
        signal.raise_signal(self.number)
        until = time.monotonic() + self.stay
        while time.monotonic() < until:
            pass
        self.sent = True
        return ERR_OK

    def run(self) -> None:
        ip = parse_ip("10.0.0.2")
        Stack(named("micropython"), mac=b"\x02\0\0\0\0\x02", ip=ip, netmask=0xFFFFFF00, transmit=self)


def sleep() -> None:
    """The program that comes after it."""
    time.sleep(5)
    pytest.fail("nothing interrupts")


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_the_stack_finishes_what_it_does(number: int, kind: type[BaseException]) -> None:
    busy = Busy(number, 0.02)
    busy.run()
    assert busy.sent
    with pytest.raises(kind) as raised:
        sleep()
    if isinstance(raised.value, SystemExit):
        assert raised.value.code == 143


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "PATIENCE", 0.05)
    busy = Busy(signal.SIGINT, 5)
    with pytest.raises(KeyboardInterrupt):
        busy.run()
    assert not busy.sent


def test_a_program_that_waits_is_interrupted_at_once_and_holds_no_lock() -> None:
    clock = RealClock()
    near, _ = wire(clock)
    with Device(link=near, clock=clock, service=True) as device:
        threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            device.sleep(5)
        assert time.monotonic() - started < 2
        taken = threading.Event()

        def take() -> None:
            with device.host.lock:
                taken.set()

        threading.Thread(target=take, daemon=True).start()
        assert taken.wait(2)


def test_it_can_be_held() -> None:
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        with interrupt.held():
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.02)
            held = True
        sleep()
    assert held


def test_when_all_is_done_it_comes_too_late() -> None:
    Busy(signal.SIGINT, 0).run()
    interrupt.ignore()
    signal.raise_signal(signal.SIGINT)
    time.sleep(0.02)
