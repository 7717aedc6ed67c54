"""Every recording of real lwIP in tests/golden, replayed at level B; the page docs/fidelity.md says what
comes out.

One test for each profile and family, so that they spread over the processes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from lab.pkt.compare import LEVELS
from lab.pkt.fidelity import PROFILES, cell, count
from lab.pkt.replay import MATCH, Job, Outcome, replay
from lab.pkt.report import print_outcome

ROOT = Path(__file__).parent
GOLDEN = ROOT / "golden"
PAGE = (ROOT.parent / "docs" / "fidelity.md").read_text(encoding="utf-8")
GROUPS = [folder.relative_to(GOLDEN).as_posix() for folder in sorted(GOLDEN.glob("*/*/"))]


def story(outcomes: list[Outcome]) -> str:
    """Why files do not match, as the command shows it."""
    console = Console(width=160, highlight=False)
    with console.capture() as capture:
        for outcome in outcomes:
            print_outcome(console, outcome, quiet=True)
    return capture.get()


def test_the_recordings_of_tcp_are_there() -> None:
    assert {group.partition("/")[0] for group in GROUPS} == set(PROFILES)
    assert len(list(GOLDEN.rglob("*.pkt"))) >= 1051


# What is below and beside TCP: recordings in each profile, in the order of PROFILES.
BESIDE_TCP = {
    "arp": [22, 22, 22, 22],
    "ip": [18, 18, 18, 18],
    "icmp": [6, 6, 5, 5],
    "udp": [8, 8, 8, 8],
    "igmp": [6, 6, 6, 6],
    "dhcp": [14, 14, 14, 14],
    "dns": [17, 17, 17, 17],
}


@pytest.mark.parametrize("family", BESIDE_TCP)
def test_all_recordings_beside_tcp_are_there_and_the_page_says_that_they_match(family: str) -> None:
    numbers = [len(list((GOLDEN / profile / family).glob("*.pkt"))) for profile in PROFILES]
    assert numbers == BESIDE_TCP[family]
    cells = " | ".join(map(str, numbers))  # a bare number: all match at all levels (test_recordings_match)
    assert f"| {family} | {cells} | {sum(numbers)} |" in PAGE.splitlines()


def without_remarks(path: Path) -> list[str]:
    """The lines of a file but for its remarks."""
    return [line for line in path.read_text().splitlines() if "%{note " not in line]


@pytest.mark.parametrize("group", GROUPS)
def test_recordings_match(group: str, tmp_path: Path) -> None:
    files = sorted((GOLDEN / group).glob("*.pkt"))
    outcomes = [replay(Job(str(file), "B", emit=str(tmp_path / file.name))) for file in files]
    short = [outcome for outcome in outcomes if outcome.status != MATCH]
    if short:
        pytest.fail(f"{len(short)} of {len(files)} files do not match:\n{story(short[:5])}")
    profile, _, family = group.partition("/")
    rows = [line.split("|")[2:] for line in PAGE.splitlines() if line.startswith(f"| {family} |")]
    says = [row[PROFILES.index(profile)].strip() for row in rows]
    assert says == [cell(count(outcomes))], "docs/fidelity.md is out of date: its first lines say what to do"
    for file, outcome in zip(files, outcomes, strict=True):
        if outcome.levels == LEVELS:  # then what our stack did is the recording, counters included
            assert without_remarks(tmp_path / file.name) == without_remarks(file), file
