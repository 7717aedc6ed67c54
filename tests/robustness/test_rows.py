"""Every row of the catalogue of malformed and hostile input, in a profile of real lwIP and in a strict one.

After each row: every frame we sent is well formed, all memory comes back, and the stack still answers ping,
echoes a datagram and transfers a stream.
"""

from __future__ import annotations

import pytest

from netstack.profile import Profile
from netstack.profiles import named
from tests.robustness.bench import Bench, StackSide
from tests.robustness.catalogue import ROWS
from tests.robustness.debian import DEBIAN
from tests.robustness.health import check_frames, check_health
from tests.robustness.rows import Row


def profile_for(name: str, row: Row) -> Profile:
    """lwIP as Debian builds it (that is what the outcomes were measured on), or the strict profile."""
    base = named("lwip-2.1.3").replace(check=False, **DEBIAN) if name == "lwip-2.1.3" else named(name)
    return base.replace(check=False, **row.options)


@pytest.mark.parametrize("name", ["lwip-2.1.3", "strict"])
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_row(row: Row, name: str) -> None:
    bench = Bench(StackSide(profile_for(name, row), iss=row.iss))
    before = bench.memory()
    assert row.run(bench) == (row.strict if name == "strict" else row.lwip), row.what
    check_frames(bench.all_frames)
    check_health(bench, before)


def test_all_rows_are_there() -> None:
    assert len(ROWS) == 301
    assert len({row.id for row in ROWS}) == 301
