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
        self._parts: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}  # characters that were printed so far
        self._begun: dict[str, str] = {}  # of lines that have not ended
        self._full: set[str] = set()  # devices that have printed too much

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Within, what programs print comes here; what others print goes where it would."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(_Stream(self, sys.stdout)))
            stack.enter_context(contextlib.redirect_stderr(_Stream(self, sys.stderr)))
            yield

    def of(self, device: str) -> str:
        """All that programs of ``device`` printed."""
        parts = self._parts.get(device, [])
        parts[:] = ["".join(parts)]
        return parts[0]

    def add(self, device: str, text: str) -> None:
        """A program has printed."""
        if device in self._full:
            return
        size = self._sizes[device] = self._sizes.get(device, 0) + len(text)
        if size > MOST:
            self._full.add(device)
            text = f"\n(it printed over {MOST >> 20} MiB: the rest is not kept)\n"
        self._parts.setdefault(device, []).append(text)
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
