"""Every single fault of four sessions of 100 frames, each in a run of its own: each frame lost, sent twice,
late, changed; each allocation of both devices refused.

In every run everything arrives as it was sent and no program fails, or, when memory was refused as a program
opens a socket, it is told so (ENOMEM). No memory is missing afterwards, and nobody waits for ever.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from lab.campaign import Job
from lab.campaign.explore import FAIL, FAILED, FRAME_FAULTS, REFUSED, cases, outcome
from lab.campaign.job import record
from lab.campaign.survey import survey

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = {path.stem: path for path in sorted((ROOT / "examples" / "proof").glob("*.toml"))}
ACTIONS = [action.split()[0] for action in FRAME_FAULTS]

# What may be refused to a program, and is told it: the first allocations of connect() and that of listen()
FIRST = ("client HEAP nth=1", "client TCP_SEG nth=1", "server TCP_PCB_LISTEN nth=1")
CONNECTS = {"pages": 11}  # once in the others


def test_they_are_four() -> None:
    assert list(SESSIONS) == ["boards", "esp32", "pages", "small"]


@pytest.mark.slow
@pytest.mark.parametrize("action", [*ACTIONS, FAIL])
@pytest.mark.parametrize("name", SESSIONS)
def test_nothing_breaks_by_one_fault(name: str, action: str) -> None:
    job = Job(SESSIONS[name].read_text(), str(SESSIONS[name]), 0)
    found = survey(job.load(), job.seed)
    assert len(found.frames) >= 100
    begin = time.monotonic()
    tried = [case for case in cases(job, FRAME_FAULTS, allocations=action == FAIL) if case.action == action]
    records = [(case, record(case.job)) for case in tried]
    took = time.monotonic() - begin
    assert len(records) == (sum(found.allocations.values()) if action == FAIL else len(found.frames))
    assert [case.place for case, made in records if not made.verdicts] == []  # each fault struck
    outcomes = [(outcome(case, made), case.place, made.details) for case, made in records]
    assert [(place, details) for what, place, details in outcomes if what == FAILED] == []
    refused = [place for what, place, _ in outcomes if what == REFUSED]
    if action != FAIL:
        assert refused == []
    else:
        assert set(refused) >= set(FIRST)
        assert len(refused) == 1 + 2 * CONNECTS.get(name, 1)  # of listen() one, of each connect() two
    sys.stdout.write(
        f"{name}, {action}: {len(records)} runs in {took:.1f} s, {len(refused)} of them told a program so\n"
    )
