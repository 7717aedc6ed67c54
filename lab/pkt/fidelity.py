"""Writes docs/fidelity.md: how many recordings of real lwIP our stack reproduces, by family, profile and
level.

    python -m lab.pkt.fidelity tests/golden docs/fidelity.md

The page is generated, so its figures are those of the code beside it; tests/test_golden.py compares every
row.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from lab.pkt.compare import LEVELS
from lab.pkt.replay import DIFFERS, Job, Outcome, find_scripts, replay
from lab.pkt.report import family_and_profile

PROFILES = ("lwip-default", "micropython", "esp-like", "full")

Counts = dict[str, int]  # level -> files that match, "all" -> files

HEAD = """\
# Fidelity

Recordings of real lwIP 2.2.1 (`tests/golden`; [their language](trace-language.md)) replayed on the emulated
stack, tolerance zero. A cell is *level A/level B/level C of files*: A is every frame with its millisecond, B
adds the results of the socket calls and the callbacks, C adds the variables of TCP's control blocks. A single
number: all files match at all levels.

This page is generated: `python -m lab.pkt.fidelity tests/golden docs/fidelity.md`.

"""

TAIL = """
## What these figures do not cover

* The recordings are of lwIP 2.2.1 in a 32-bit build without threads, IPv4 only, one Ethernet interface, a
  clock exact to the millisecond. Ports that poll their timers less often (`poll_interval_ms`), other versions
  of lwIP and threads are not recorded.
* The socket layers of the recordings were rebuilt on lwIP's raw API from their sources. Blocking calls,
  time-outs, `select`, `poll` and SO_LINGER do not occur in them.
* `esp-like` is lwIP with the numbers of ESP-IDF, not Espressif's fork.
* Counters (`stats` lines) decide no level; `tests/test_golden.py` compares them all the same, as part of the
  whole transcript of every file that matches at level C.
* Where lwIP 2.2.1 would stop at an assertion or read stray memory there is nothing to imitate; no recording
  holds such a moment.
"""


def count(outcomes: Iterable[Outcome]) -> Counts:
    """How many of the files match at each level, and how many there are."""
    outcomes = list(outcomes)
    return {level: sum(level in o.levels for o in outcomes) for level in LEVELS} | {"all": len(outcomes)}


def cell(counts: Counts) -> str:
    """``24`` when all match at all levels, ``24/24/23 of 24`` otherwise, ``-`` when there is no file."""
    if not counts["all"]:
        return "-"
    numbers = [counts[level] for level in LEVELS]
    if numbers == [counts["all"]] * len(LEVELS):
        return str(counts["all"])
    return f"{'/'.join(map(str, numbers))} of {counts['all']}"


def page(outcomes: list[Outcome]) -> str:
    """The whole page."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(family_and_profile(outcome), []).append(outcome)
    families = sorted({family for family, _ in groups})
    lines = [f"| family | {' | '.join(PROFILES)} | all |", "|---" * (len(PROFILES) + 2) + "|"]
    for family in families:
        parts = [groups.get((family, profile), []) for profile in PROFILES]
        lines.append(_row(family, parts))
    lines.append(_row("**all**", [[o for o in outcomes if o.profile == profile] for profile in PROFILES]))
    short = [outcome for outcome in outcomes if outcome.levels != LEVELS]
    lines += ["", "## Files that do not match at every level", ""]
    lines += [f"* `{_name(outcome)}`: {_shortcoming(outcome)}" for outcome in short] or ["None."]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _row(name: str, parts: list[list[Outcome]]) -> str:
    cells = [cell(count(part)) for part in [*parts, [outcome for part in parts for outcome in part]]]
    return f"| {name} | {' | '.join(cells)} |"


def _name(outcome: Outcome) -> str:
    return "/".join(Path(outcome.path).parts[-3:])


def _shortcoming(outcome: Outcome) -> str:
    if outcome.status != DIFFERS or outcome.difference is None:
        return f"{outcome.status}: {outcome.reason.strip().splitlines()[-1]}"
    expected = (outcome.difference.expected or ["nothing"])[0]
    got = (outcome.difference.got or ["nothing"])[0]
    if expected.split()[:2] == got.split()[:2] and "%{" in expected:
        expected, got = _only_what_differs(expected, got), _only_what_differs(got, expected)
    matching = f"levels {' '.join(outcome.levels)} match" if outcome.levels else "no level matches"
    return f"{matching}; line {outcome.difference.line} says `{expected}`, got `{got}`"


def _only_what_differs(line: str, other: str) -> str:
    """A probe without the values that the other has, too."""
    others = other.removesuffix("}%").split()
    words = line.removesuffix("}%").split()
    return " ".join(word for word in words if "=" not in word or word not in others) + "}%"


def main(recordings: str, target: str) -> None:
    """Replay everything below ``recordings`` at level C and write the page."""
    jobs = [Job(str(path), "C") for path, _ in find_scripts([Path(recordings)])]
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(replay, jobs, chunksize=8))
    Path(target).write_text(page(outcomes), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
