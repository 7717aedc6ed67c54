"""The module micropython."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.usocket.support import Pair, two_devices
from usocket import micropython


@pytest.fixture(autouse=True)
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def test_scheduled_functions_run_in_the_next_call(pair: Pair) -> None:
    ran: list[object] = []
    for number in range(8):
        micropython.schedule(ran.append, number)
    with pytest.raises(RuntimeError, match="schedule queue full"):
        micropython.schedule(ran.append, 8)
    assert ran == []
    pair.client.sleep(0)
    assert ran == list(range(8))


def test_const() -> None:
    assert micropython.const(1) == 1


def test_what_is_remembered(pair: Pair) -> None:
    micropython.opt_level(2)
    assert micropython.opt_level() == 2
    assert (micropython.heap_lock(), micropython.heap_lock(), micropython.heap_locked()) == (1, 2, 2)
    assert (micropython.heap_unlock(), micropython.heap_unlock(), micropython.heap_unlock()) == (1, 0, 0)
    with pair.server.use():
        assert micropython.opt_level() == 0


def test_memory_is_lwips(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    kept = pair.client.socket()
    micropython.mem_info()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("lwIP heap: 0 of 8000 bytes, at most ")
    assert "TCP_PCB: 1 of 5, at most 1" in lines
    assert kept


def test_what_means_nothing_here() -> None:
    micropython.alloc_emergency_exception_buf(100)
    micropython.kbd_intr(-1)
    micropython.qstr_info()
    assert micropython.stack_use() == 0
