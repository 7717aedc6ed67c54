"""A loop of ``asyncio`` on a device in virtual time, for tests that are coroutines themselves."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tests.usocket.support import Pair, two_devices
from usocket.asyncio_loop import Loop


class Console(ModuleType):
    """Stands for a program's ``sys``."""

    def __init__(self) -> None:
        super().__init__("sys")
        self.stderr = io.StringIO()
        self.printed: list[BaseException] = []

    def print_exception(self, error: BaseException, file: Any = None, /) -> None:
        self.printed.append(error)


class Desk:
    """Two devices, a loop on the server, its console and what the tasks say (``log``)."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.console = Console()
        self.loop = Loop(self.console)
        self.log: list[Any] = []

    def run(self, coro: Any) -> Any:
        """``asyncio.run`` on the server."""
        with self.pair.server.use():
            return self.loop.run(coro)

    @property
    def now(self) -> int:
        """ms."""
        return self.pair.clock.now() // 1_000_000

    @property
    def oddities(self) -> dict[str, int]:
        return dict(self.pair.server.oddities)


@contextmanager
def desk() -> Iterator[Desk]:
    """Open the devices; at the end nothing of the loop is left."""
    with two_devices() as pair, pair.server.use():
        made = Desk(pair)
        try:
            yield made
        finally:
            made.loop.abandon()
