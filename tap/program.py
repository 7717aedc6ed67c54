"""Programs of a network: ordinary blocking functions that run as greenlets, exactly one at a time.

A greenlet has a stack of its own and goes on only when it is switched to; ``tap.scheduler`` says when that
is. Nothing here knows of hosts or frames.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tap.link import TapError

if TYPE_CHECKING:
    from greenlet import greenlet

MAX_EXITS = 10  # how often a program that is to end may catch that and wait again

_stubborn: list[Program] = []  # that did so more often: they stay where they are, and must not be collected


class Waiter:
    """Something with a time at which it is to be woken. ``ticket`` names its entry in the heap; 0: none."""

    __slots__ = ("due", "ticket")

    def __init__(self) -> None:
        self.due = 0
        self.ticket = 0


class Program(Waiter):
    """A function that runs on a network, from ``run`` on.

    ``result`` is what it returned, ``error`` what it raised. ``daemon``: the network does not wait for its
    end. ``is_thread``: another program has started it.
    """

    __slots__ = (
        "_exits", "_function", "_greenlet", "_greenlets", "daemon", "error", "finished", "is_thread", "name",
        "number", "queued", "result", "what",
    )  # fmt: skip

    def __init__(
        self, name: str, function: Callable[[], object], daemon: bool, is_thread: bool = False
    ) -> None:
        super().__init__()
        self.name = name
        self.number = 0  # in the order of starting, from 1
        self.daemon = daemon
        self.is_thread = is_thread
        self.what = "its start"  # what it waits for
        self.result: object = None
        self.error: BaseException | None = None
        self.finished = False
        self.queued = False
        self._function = function
        self._exits = 0
        self._greenlets = load_greenlet()
        self._greenlet: greenlet = self._greenlets.greenlet(self._run)

    def _run(self) -> None:
        try:
            self.result = self._function()
        except (SystemExit, self._greenlets.GreenletExit):
            pass  # it has left
        except BaseException as error:
            self.error = error
        self.finished = True

    def turn(self) -> bool:
        """Let it go on until it blocks or ends: whether it has ended."""
        self._greenlet.parent = self._greenlets.getcurrent()
        self._greenlet.switch()
        return self.finished

    def again(self) -> Program:
        """The same program, not begun."""
        return Program(self.name, self._function, self.daemon, self.is_thread)

    def block(self) -> None:
        """Pass the turn (called in the program)."""
        self._greenlet.parent.switch()

    def kill(self) -> None:
        """End it where it is."""
        self._greenlet.parent = self._greenlets.getcurrent()
        self._greenlet.throw()
        self.finished = True

    def leave(self) -> None:
        """It is to end and wants to wait (called in the program)."""
        self._exits += 1
        if self._exits == MAX_EXITS:
            _stubborn.append(self)
        while self._exits >= MAX_EXITS:
            self.block()
        raise self._greenlets.GreenletExit

    def __repr__(self) -> str:
        return f"<program {self.name}: {'finished' if self.finished else f'waits for {self.what}'}>"


@contextmanager
def collector_off() -> Iterator[None]:
    """Without the cyclic garbage collector, which would come at times that differ between interpreters."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def load_greenlet() -> Any:
    """The module greenlet; TapError when it is missing."""
    try:
        return importlib.import_module("greenlet")
    except ImportError:
        raise TapError("greenlet is not installed: pip install greenlet") from None
