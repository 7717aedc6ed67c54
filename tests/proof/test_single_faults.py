"""Every single fault of four sessions of 100 frames, each in a run of its own: each frame lost, sent twice,
late, changed; each allocation of both devices refused.

In every run everything arrives as it was sent and no program fails, or, when memory was refused as a program
opens a socket, it is told so (ENOMEM). No memory is missing afterwards, and nobody waits for ever.
"""

from __future__ import annotations

import sys
import time

import pytest

from lab.campaign import Job
from lab.campaign.explore import FAIL, FAILED, FRAME_FAULTS, REFUSED, cases, outcome
from lab.campaign.job import record
from lab.campaign.survey import survey

BENCH = """
[device.client]
profile = "{client}"
address = "10.0.0.2/24"

[device.server]
profile = "{server}"
address = "10.0.0.1/24"

[link.wire]
between = ["client", "server"]
delay = "5ms"

[[program]]
on = "server"
run = "{serves}"

[[expect]]
that = "delivered == sent"
"""
PROGRAM = """
[[program]]
name = "{name}"
on = "client"
run = "{run}"
at = "{at}ms"
"""
ECHO = ("echo port=5000", ["request bytes=3000 count={count} to=server:5000"])
PAGES = ("http-server bytes=1000 backlog=4", ["http-get to=server:80"] * 11)
APART = 400  # ms from one page to the next

# name: (profile of the client, of the server, what they do); bytes go both ways in all of them
SESSIONS = {
    "boards": ("micropython", "micropython", ECHO, 9),
    "esp32": ("micropython-esp32", "full", ECHO, 11),
    "small": ("lwip-default", "lwip-default", ECHO, 4),
    "pages": ("micropython-esp32", "micropython", PAGES, 0),
}
ACTIONS = [action.split()[0] for action in FRAME_FAULTS]

# What may be refused to a program, and is told it: the first allocations of connect() and that of listen().
FIRST = ("client HEAP nth=1", "client TCP_SEG nth=1", "server TCP_PCB_LISTEN nth=1")


def session(name: str) -> Job:
    """A session, with no fault in it."""
    client, server, (serves, asks), count = SESSIONS[name]
    text = BENCH.format(client=client, server=server, serves=serves) + "".join(
        PROGRAM.format(name=f"ask{number}", run=ask.format(count=count), at=number * APART)
        for number, ask in enumerate(asks)
    )
    return Job(text, None, 0)


@pytest.mark.slow
@pytest.mark.parametrize("action", [*ACTIONS, FAIL])
@pytest.mark.parametrize("name", SESSIONS)
def test_nothing_breaks_by_one_fault(name: str, action: str) -> None:
    job = session(name)
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
        assert len(refused) <= 1 + 2 * len(SESSIONS[name][2][1])  # of each connect() two, of listen() one
    sys.stdout.write(
        f"{name}, {action}: {len(records)} runs in {took:.1f} s, {len(refused)} of them told a program so\n"
    )
