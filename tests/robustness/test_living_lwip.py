"""The same rows on a living lwIP (Debian's liblwip 2.1.3, see docs/lockstep.md): every frame, byte for byte
and at the same millisecond, and everything the application hears is as with our stack.

So what the rows say of lwIP is what lwIP does, not what somebody once typed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lockstep import oracle as lwip
from tests.lockstep.oracle import Oracle
from tests.lockstep.profile import configured, debian
from tests.robustness.bench import CONFIG, Bench, StackSide
from tests.robustness.catalogue import ROWS
from tests.robustness.debian import OPTIONS
from tests.robustness.rows import Row, take

SHARED = [row for row in ROWS if not row.alone]
AFTERWARDS_MS = 30_000


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    reason = lwip.why_missing()
    if reason is not None:
        pytest.skip(f"NOT COMPARED WITH A LIVING LWIP: {reason}")
    with Oracle() as program:
        yield program


def run(row: Row, bench: Bench) -> tuple[list[tuple[int, bytes]], list[str], int]:
    """Frames, what was heard, and the result of the last call, of the row and of half a minute after it."""
    take(bench, row.start)
    bench.forget()
    take(bench, row.steps)
    bench.wait(AFTERWARDS_MS)
    return bench.sent, bench.told, bench.result


@pytest.mark.parametrize("row", SHARED, ids=[row.id for row in SHARED])
def test_lwip_does_the_same(oracle: Oracle, row: Row) -> None:
    ours = run(row, Bench(StackSide(configured(CONFIG).replace(check=False, **row.options), echo=False)))
    with oracle.conversation(CONFIG) as conversation:
        theirs = run(row, Bench(conversation))
    assert ours == theirs


@pytest.mark.usefixtures("oracle")
def test_the_profile_of_the_rows_is_the_librarys() -> None:
    assert {name: getattr(debian(), name) for name in OPTIONS} == OPTIONS


def test_most_rows_are_compared() -> None:
    assert len(SHARED) >= 220
