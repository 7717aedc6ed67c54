"""gc: what happens to sockets that a program drops."""

from __future__ import annotations

import pytest

from tap.clock import VirtualClock
from tap.wire import wire
from tests.usocket.support import raises
from usocket import Device, gc, socket
from usocket.errno import ENOMEM


def device(**options: str) -> Device:
    clock = VirtualClock()
    return Device(link=wire(clock)[0], clock=clock, **options)  # type: ignore[arg-type]


def test_dropped_sockets_keep_their_pcbs_until_collect() -> None:
    with device(gc="manual") as board:
        for _ in range(5):
            socket()
        assert board.stack.mem.tcp_pcb.used == 5
        with raises(ENOMEM):
            socket()
        gc.collect()
        assert board.stack.mem.tcp_pcb.used == 0
        kept = [socket() for _ in range(5)]
        gc.collect()
        assert len(kept) == board.stack.mem.tcp_pcb.used == 5


def test_without_it_they_are_closed_at_once() -> None:
    with device() as board:
        for _ in range(20):
            socket()
        gc.collect()
        assert board.stack.mem.tcp_pcb.used == 0


def test_what_refers_to_itself_is_found() -> None:
    with device() as board:
        circle: list[object] = [socket()]
        circle.append(circle)
        del circle
        gc.collect()
        assert board.stack.mem.tcp_pcb.used == 0


def test_settings_and_figures() -> None:
    with device():
        assert gc.isenabled()
        gc.disable()
        assert not gc.isenabled()
        gc.enable()
        assert gc.threshold() == -1
        gc.threshold(1000)
        assert gc.threshold() == 1000
        assert (gc.mem_free(), gc.mem_alloc()) == (192 * 1024, 0)
    with device(), pytest.raises(TypeError):
        gc.threshold("x")  # type: ignore[arg-type]
