"""MicroPython's ``asyncio`` (``uasyncio``) for scripts on a device.

Each script has its own, around a loop of its own; nothing of it is CPython's. A package ``asyncio`` in a
script's folder or path comes before it. ``asyncio.core`` has the names under which programs that make their
own primitives find the loop's insides.

Source: micropython/micropython:extmod/asyncio/__init__.py (docs/library/asyncio.rst).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from usocket.asyncio_funcs import gather, wait_for, wait_for_ms
from usocket.asyncio_loop import IOQueue, Loop
from usocket.asyncio_stream import Server, Stream, open_connection, start_server
from usocket.asyncio_sync import Event, Lock, ThreadSafeFlag
from usocket.asyncio_task import (
    CancelledError,
    Task,
    TaskQueue,
    TimeoutError,
    current_task,
    sleep,
    sleep_ms,
)
from usocket.time import ticks_add, ticks_diff, ticks_ms

__all__ = ["VERSION", "modules"]

VERSION = (3, 0, 0)

_FUNCS = {"gather": gather, "wait_for": wait_for, "wait_for_ms": wait_for_ms}
_EVENT = {"Event": Event, "ThreadSafeFlag": ThreadSafeFlag}
_LOCK = {"Lock": Lock}
_STREAM = {
    "Server": Server,
    "Stream": Stream,
    "StreamReader": Stream,
    "StreamWriter": Stream,
    "open_connection": open_connection,
    "start_server": start_server,
}
_CORE = {
    "CancelledError": CancelledError,
    "IOQueue": IOQueue,
    "Task": Task,
    "TaskQueue": TaskQueue,
    "TimeoutError": TimeoutError,
    "current_task": current_task,
    "sleep": sleep,
    "sleep_ms": sleep_ms,
    "ticks": ticks_ms,
    "ticks_add": ticks_add,
    "ticks_diff": ticks_diff,
}


class _Core(ModuleType):
    """``asyncio.core``: what changes while the loop runs is looked up in the loop."""

    _loop: Loop

    @property
    def cur_task(self) -> Task | None:
        """The task that runs."""
        return self._loop.cur_task

    @property
    def _task_queue(self) -> TaskQueue:
        return self._loop._task_queue

    @property
    def _io_queue(self) -> IOQueue:
        return self._loop._io_queue


def modules(console: ModuleType) -> dict[str, ModuleType]:
    """New modules for a script whose ``sys`` is ``console``: ``asyncio`` and those in it, by full name."""
    loop = Loop(console)

    def get_event_loop(runq_len: int = 0, waitq_len: int = 0) -> Loop:
        """The loop; the arguments are from the days of uasyncio."""
        return loop

    core: dict[str, Any] = {
        **_CORE,
        "Loop": loop,
        "create_task": loop.create_task,
        "get_event_loop": get_event_loop,
        "new_event_loop": loop.reset,
        "run": loop.run,
        "run_until_complete": loop.run_tasks,
        "sys": console,
    }
    core_module = _filled(_Core("asyncio.core"), {**core, "_loop": loop})
    package = _filled(ModuleType("asyncio"), {**core, **_FUNCS, **_EVENT, **_LOCK, **_STREAM})
    package.__path__ = []
    package.__version__ = VERSION  # type: ignore[attr-defined]
    inner = {
        "core": core_module,
        "event": _filled(ModuleType("asyncio.event"), _EVENT),
        "funcs": _filled(ModuleType("asyncio.funcs"), _FUNCS),
        "lock": _filled(ModuleType("asyncio.lock"), _LOCK),
        "stream": _filled(ModuleType("asyncio.stream"), _STREAM),
    }
    _filled(package, inner)
    return {"asyncio": package} | {f"asyncio.{name}": module for name, module in inner.items()}


def _filled(module: ModuleType, contents: dict[str, Any]) -> ModuleType:
    vars(module).update(contents)
    return module
