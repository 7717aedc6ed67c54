"""What the programs of each device print, in place of this process's standard streams."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from tap.clock import Clock
from usocket.current import current

MOST = 1 << 20  # characters of one device that are kept


class Output:
    """A text stream that sorts what is written to it by the device that the writer is on."""

    def __init__(self, clock: Clock) -> None:
        self.lines: list[tuple[int, str, str]] = []  # (ns, device, line), in their order
        self._clock = clock
        self._texts: dict[str, str] = {}
        self._begun: dict[str, str] = {}  # of lines that have not ended

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Within, what programs print comes here; what others print goes where it would."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(_Stream(self, sys.stdout)))
            stack.enter_context(contextlib.redirect_stderr(_Stream(self, sys.stderr)))
            yield

    def of(self, device: str) -> str:
        """All that programs of ``device`` printed."""
        return self._texts.get(device, "")

    def add(self, device: str, text: str) -> None:
        """A program has printed."""
        known = self._texts.get(device, "")
        if len(known) + len(text) > MOST:
            return
        self._texts[device] = known + text
        *whole, rest = (self._begun.get(device, "") + text).split("\n")
        self._begun[device] = rest
        self.lines += [(self._clock.now(), device, line) for line in whole]


class _Stream:
    """What ``sys.stdout`` is meanwhile."""

    def __init__(self, output: Output, other: Any) -> None:
        self._output = output
        self._other = other

    def write(self, text: str) -> int:
        device = current.get(None)
        if device is None:
            return int(self._other.write(text))
        self._output.add(device.name, text)
        return len(text)

    def flush(self) -> None:
        self._other.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._other, name)
