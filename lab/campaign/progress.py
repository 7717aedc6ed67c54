"""How far a campaign is: a bar on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console

STEPS = 10  # plain lines of a campaign
MOST_FAILURES = 10  # that have a line of their own while it runs


class Progress:
    """Shows the progress of ``total`` runs on standard error; ``with`` begins and ends it."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = self._failed = 0
        self._console = Console(stderr=True, highlight=False)
        self._bar: Any = None
        self._task: Any = None

    def ran(self, ok: bool, line: str) -> None:
        """One more is done; ``line`` says of a failure what it is."""
        self._done += 1
        if not ok:
            self._failed += 1
            if self._failed <= MOST_FAILURES:
                self.say(line)
            elif self._failed == MOST_FAILURES + 1:
                self.say("further failures are shown at the end")
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, failed=self._failed)
        elif self._done * STEPS // self._total != (self._done - 1) * STEPS // self._total:
            self.say(f"{self._done} of {self._total} {self._what}, {self._failed} failed")

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        self._console.print(line, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal and self._total:
            from rich import progress

            self._bar = progress.Progress(
                progress.TextColumn(self._what),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[failed]} failed"),
                progress.TimeElapsedColumn(),
                progress.TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=self._total, failed=0)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
