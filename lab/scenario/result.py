"""What comes of a run: plain values that can be pickled and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OUT_OF_TIME = "OutOfTime"  # how the error of a run begins that took too long in real time

Verdict = Mapping[str, Any]  # a line of the journal (``tap.journal``)


@dataclass
class Result:
    """The outcome of one run. Times are virtual ns.

    ``digest``: SHA-256 of all frames with their times and directions. ``expectations``: (text, whether it
    held, what was found). ``error``: what broke the run, one line. ``verdicts``: all that was done to frames
    and in devices. ``programs``: (name, what became of it). ``output``: (ns, device, line) of what they
    printed. ``problems``: of the files that were to be written, those that end early, and why.
    """

    seed: int
    digest: str
    time: int
    frames: int
    expectations: list[tuple[str, bool, str]]
    error: str | None = None
    verdicts: list[Verdict] = field(default_factory=list, repr=False)
    counters: dict[str, int] = field(default_factory=dict, repr=False)
    programs: list[tuple[str, str]] = field(default_factory=list, repr=False)
    output: list[tuple[int, str, str]] = field(default_factory=list, repr=False)
    problems: list[str] = field(default_factory=list, repr=False)

    @property
    def ok(self) -> bool:
        """Whether every expectation held and nothing broke."""
        return self.error is None and all(holds for _, holds, _ in self.expectations)

    @property
    def failed(self) -> list[str]:
        """The expectations that did not hold, each with what was found, and what broke the run."""
        lines = [f"{text}: {detail}" for text, holds, detail in self.expectations if not holds]
        return lines + ([self.error] if self.error else [])
