"""MicroPython's ``select``: ``poll`` objects and ``select``, for sockets and for objects with an ``ioctl`` of
their own.

Errors and hang-ups are reported whatever was asked for. ``ipoll`` yields one and the same pair each time, as
there.

Source: micropython/micropython:extmod/modselect.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from tap.clock import MS
from usocket.addrinfo import integer
from usocket.current import current_device
from usocket.errno import ENOENT, MicroPythonError

if TYPE_CHECKING:
    from usocket.device import Device

__all__ = ["POLLERR", "POLLHUP", "POLLIN", "POLLOUT", "poll", "select"]

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16

IOCTL_POLL = 3  # MP_STREAM_POLL
ONE_SHOT = 1  # flag of ipoll


class Pair:
    """An object and its flags, mutable, otherwise like a tuple."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: tuple[Any, ...] = (None, 0)

    def set(self, obj: object, flags: int) -> Pair:
        """Become (obj, flags)."""
        self._items = (obj, flags)
        return self

    def __getitem__(self, index: int) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, Pair) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._items)


class poll:
    """Objects and what is asked about each. Reports come in the order in which they were registered."""

    def __init__(self) -> None:
        self._masks: dict[int, tuple[Any, int]] = {}  # by identity, as MicroPython's map is
        self._ready: Iterator[tuple[Any, int]] = iter(())
        self._pair = Pair()
        self._one_shot = False

    def register(self, obj: Any, mask: int = POLLIN | POLLOUT, /) -> None:
        """Ask about ``obj``; again: replace the mask. OSError for what is no stream."""
        if not _is_ours(obj) and not callable(getattr(obj, "ioctl", None)):
            raise OSError("stream operation not supported")
        self._masks[id(obj)] = obj, integer(mask)

    def unregister(self, obj: Any, /) -> None:
        """Ask no more about ``obj``; silent if it is not there."""
        self._masks.pop(id(obj), None)

    def modify(self, obj: Any, mask: int, /) -> None:
        """Replace the mask of ``obj``. ENOENT if it is not there."""
        if id(obj) not in self._masks:
            raise MicroPythonError(ENOENT)
        self._masks[id(obj)] = obj, integer(mask)

    def poll(self, timeout: int | None = -1, /) -> list[tuple[Any, int]]:
        """Wait up to ``timeout`` ms (None or negative: for ever): [(object, flags)] of those with something
        to report.
        """
        return self._wait(-1 if timeout is None else integer(timeout))

    def ipoll(self, timeout: int | None = -1, flags: int = 0, /) -> Self:
        """As ``poll``, as an iterator that makes no new objects; ``flags`` 1: the reported are not asked
        again.
        """
        self._ready = iter(self._wait(-1 if timeout is None else integer(timeout)))
        self._one_shot = bool(integer(flags) & ONE_SHOT)
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Pair:
        obj, flags = next(self._ready)
        if self._one_shot:
            self._masks[id(obj)] = obj, 0
        return self._pair.set(obj, flags)

    def _wait(self, timeout: int) -> list[tuple[Any, int]]:
        device = self._device()
        device.enter()
        others = [pair for pair in self._masks.values() if not _is_ours(pair[0])]
        ours = [pair for pair in self._masks.values() if _is_ours(pair[0])]
        deadline = device.deadline(None if timeout < 0 else timeout)
        while True:
            ready = [(obj, flags) for obj, mask in others if (flags := _ask(obj, mask))]

            def look(ready: list[tuple[Any, int]] = ready) -> bool:
                ready += [(obj, flags) for obj, mask in ours if (flags := obj._poll(mask))]
                return bool(ready)

            now = device.clock.now()
            until = now if ready else deadline
            if others and not ready:  # nothing wakes us for these: ask every millisecond
                until = now + MS if until is None else min(until, now + MS)
            if device.wait(look, until, "poll") or ready:
                order = list(self._masks)
                return sorted(ready, key=lambda found: order.index(id(found[0])))
            if deadline is not None and device.clock.now() >= deadline:
                return []

    def _device(self) -> Device:
        for obj, _ in self._masks.values():
            if hasattr(obj, "_device"):
                device: Device = obj._device
                return device
        return current_device()


def _is_ours(obj: object) -> bool:
    """Whether it is a socket or has, as one, ``_poll(mask)``, which is called with the device's lock."""
    return hasattr(obj, "_poll")


def _ask(obj: Any, mask: int) -> int:
    """Poll flags of an object of the program. A negative answer is an errno."""
    flags = int(obj.ioctl(IOCTL_POLL, mask))
    if flags < 0:
        raise MicroPythonError(-flags)
    return flags


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None, /
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait up to ``timeout`` s: the objects that can be read, that can be written, that have an error or hung
    up.
    """
    masks: dict[int, tuple[Any, int]] = {}
    for objects, mask in ((rlist, POLLIN), (wlist, POLLOUT), (xlist, POLLERR | POLLHUP)):
        for obj in objects:
            masks[id(obj)] = obj, masks.get(id(obj), (obj, 0))[1] | mask
    poller = poll()
    for obj, mask in masks.values():
        poller.register(obj, mask)
    ready = poller.poll(-1 if timeout is None or timeout < 0 else int(timeout * 1000))
    return (
        [obj for obj, flags in ready if flags & POLLIN],
        [obj for obj, flags in ready if flags & POLLOUT],
        [obj for obj, flags in ready if flags & ~(POLLIN | POLLOUT)],
    )
