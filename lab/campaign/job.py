"""One run of a campaign: what it is made of, the key it is known by, and what is kept of its outcome.

A job is a pure function of its scenario, its seed, its overrides and the code, so a result with the same
four is as good as a new run: that is what lets a campaign go on where it was killed.
"""

from __future__ import annotations

import shlex
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lab import __version__
from lab.scenario.result import OUT_OF_TIME

if TYPE_CHECKING:
    from lab.scenario import Result, Scenario

PASSED, FAILED, DIED = "passed", "failed", "died"

_ROOT = Path(__file__).resolve().parent.parent.parent
_DECIDES = ("netstack", "tap", "usocket", "lab/scenario")  # the code that a result depends on
_ONE_AT_A_TIME = threading.Lock()  # a run takes this process's standard output: threads wait for one another


@dataclass(frozen=True)
class Job:
    """A scenario (its text, and the path that scripts are looked for beside), a seed, and ``--set`` texts."""

    text: str
    path: str | None
    seed: int
    overrides: tuple[str, ...] = ()

    @property
    def reproduction(self) -> str:
        """The command that does this run alone."""
        words = ["netstack", "scenario", self.path or "FILE", "--seed", str(self.seed)]
        for change in self.overrides:
            words += ["--set", change]
        return shlex.join(words)

    def load(self) -> Scenario:
        """The scenario, checked. Raises ScenarioError."""
        return _load(self.text, self.path, self.overrides)


@dataclass(frozen=True)
class Record:
    """What a campaign keeps of a run: plain values. ``failed``: the expectations that did not hold, by their
    texts; ``details``: a line for each, and for what broke the run. ``verdicts``: how many. Times are ns.
    """

    seed: int
    overrides: tuple[str, ...]
    status: str  # PASSED, FAILED, or DIED: the worker died in it, twice
    failed: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    error: str | None = None
    digest: str = ""
    time: int = 0
    frames: int = 0
    verdicts: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    code: str = ""

    @property
    def ok(self) -> bool:
        """Whether the run passed."""
        return self.status == PASSED

    @property
    def is_final(self) -> bool:
        """Whether doing it again would come to the same: not where the machine had a part in it."""
        return self.status != DIED and not (self.error or "").startswith(OUT_OF_TIME)

    @property
    def reason(self) -> str:
        """What it failed with, the same for all runs that fail alike; "" when it passed."""
        if self.failed:
            return self.failed[0]
        return (self.error or "").partition(": ")[0]


def execute(job: Job, timeout: float | None = None) -> Result:
    """Do the run, for ``timeout`` s of real time at most (None: any). What breaks it is the result's
    ``error``. Raises MemoryError alone: that is no outcome.
    """
    from lab.scenario import Result, run

    with _ONE_AT_A_TIME:
        try:
            return run(job.load(), seed=job.seed, timeout=timeout)
        except MemoryError:
            raise
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            return Result(job.seed, digest="", time=0, frames=0, expectations=[], error=text)


def record(job: Job, timeout: float | None = None) -> Record:
    """Do the run and keep what a campaign keeps; what its workers do."""
    result = execute(job, timeout)
    return Record(
        seed=job.seed,
        overrides=job.overrides,
        status=PASSED if result.ok else FAILED,
        failed=tuple(text for text, holds, _ in result.expectations if not holds),
        details=tuple(result.failed),
        error=result.error,
        digest=result.digest,
        time=result.time,
        frames=result.frames,
        verdicts=len(result.verdicts),
        counters=result.counters,
        code=code_version(),
    )


@lru_cache(maxsize=8)
def _load(text: str, path: str | None, overrides: tuple[str, ...]) -> Scenario:
    from lab.scenario import load

    return load(text, path or "scenario.toml", overrides)


def scenario_hash(text: str, path: str | None) -> str:
    """SHA-256 over the scenario and every Python file and board file in its folder: scripts, the modules
    that they import, profiles.
    """
    found = sha256(text.encode())
    if path is not None:
        for file in sorted(Path(path).parent.glob("*.py")) + sorted(Path(path).parent.glob("*.toml")):
            if file.name != Path(path).name and (file.suffix == ".py" or file.name in text):
                found.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return found.hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """The version and a hash of the code that decides about results, as ``0.1+3f9a12bc44d0``."""
    found = sha256()
    for package in _DECIDES:
        for file in sorted((_ROOT / package).rglob("*.py")):
            found.update(f"\0{file.relative_to(_ROOT).as_posix()}\0".encode() + file.read_bytes())
    return f"{__version__}+{found.hexdigest()[:12]}"
