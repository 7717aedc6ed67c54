"""The catalogue of malformed and hostile input: one ``Row`` each, with what has to come of it.

A row is data: the steps that lead to the state it needs (``start``), its own steps, and the outcome in words
(describe.py) for the two profiles: ``lwip`` is what a real lwIP 2.1.3 did, ``strict`` what the RFCs ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.robustness.bench import Bench
from tests.robustness.frames import U_ACTIVE, R, U, answer, segment

# A frame from the peer, a time to wait in ms, or something the application or the peer does.
Step = bytes | int | Callable[[Bench], None]
Steps = Iterable["Step | Steps"]


@dataclass(frozen=True)
class Row:
    """``show`` makes the words of the outcome. ``iss`` False: the stack draws its own initial sequence
    numbers. ``options`` change the profile. ``alone``: why the row cannot be run on the living lwIP.
    ``note``: how its outcome differs from the catalogue's, and why.
    """

    id: str
    what: str
    steps: Steps
    lwip: str
    strict: str
    start: Steps = ()
    show: Callable[[Bench], str] = Bench.outcome
    iss: bool = True
    options: Mapping[str, int] = field(default_factory=dict)
    alone: str = ""
    note: str = ""

    def run(self, bench: Bench) -> str:
        """Take all steps; the outcome in words."""
        take(bench, self.start)
        bench.forget()
        take(bench, self.steps)
        return self.show(bench)


def take(bench: Bench, steps: Steps) -> None:
    """Take steps one after the other."""
    for step in steps:
        if isinstance(step, bytes):
            bench.frame(step)
        elif isinstance(step, int):
            bench.wait(step)
        elif callable(step):
            step(bench)
            bench.collect()
        else:
            take(bench, step)


def rows(prefix: str, *given: Row) -> tuple[Row, ...]:
    """The rows of one family, whose ids are the prefix and the numbers from 1 on."""
    assert [row.id for row in given] == [f"{prefix}{number}" for number in range(1, len(given) + 1)]
    return given


# What an application does, as steps


def write(length: int, slot: int = 1) -> Step:
    """The application writes."""
    return lambda bench: bench.write(length, slot)


def policy(**words: str) -> Step:
    """What the application does with what it gets."""
    return lambda bench: bench.policy(**words)


def connect(ip: str) -> Step:
    """The application connects to ``ip``."""
    return lambda bench: bench.connect(ip)


# States, reached by real segments (the numbers: frames.py)

LISTEN: Steps = (Bench.listen,)
SYN_RCVD: Steps = (LISTEN, segment("S", 100))
ESTABLISHED: Steps = (LISTEN, segment("S", R - 1), segment("A", R, U))
SYN_SENT: Steps = (Bench.connect,)
TIME_WAIT: Steps = (ESTABLISHED, Bench.close, segment("FA", R, U + 1))
CONNECTED: Steps = (SYN_SENT, answer("SA", 500, U_ACTIVE))


def times(bench: Bench) -> str:
    """When frames were sent, and what the application was told."""
    return " · ".join(part for part in (f"at {bench.times()}", bench.heard()) if part)


def number_of_frames(bench: Bench) -> str:
    """How many frames were sent, and how the connection stands."""
    outcome = bench.outcome().partition(" · ")[2]
    return " · ".join(part for part in (f"{len(bench.sent)} frames", outcome) if part)
