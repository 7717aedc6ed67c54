"""``python -m tests.lockstep``: any number of segments by hand, one conversation again, or a script on both
stacks.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from lab.pkt.scanner import ScriptError
from tests.lockstep import oracle
from tests.lockstep.campaign import Task, run, run_split
from tests.lockstep.check import Outcome, check, replay
from tests.lockstep.conversation import plan
from tests.lockstep.moods import MOODS
from tests.lockstep.script import parse_script
from tests.lockstep.shrink import Shrinker


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lockstep", description="Compare the stack with a living lwIP 2.1.3."
    )
    parser.add_argument(
        "--segments", type=int, default=100_000, metavar="N", help="segments of peers (default 100000)"
    )
    parser.add_argument("--seed", default="1", metavar="S", help="which conversations (any text, default 1)")
    parser.add_argument(
        "--mood", choices=[mood.name for mood in MOODS], help="only conversations of this kind"
    )
    parser.add_argument("--state", action="store_true", help="compare the inside of the connections, too")
    parser.add_argument(
        "--coverage", action="store_true", help="count the situations reached (implies --state)"
    )
    parser.add_argument(
        "--differences",
        type=int,
        default=20,
        metavar="N",
        help="stop after so many in a process (default 20)",
    )
    parser.add_argument("--no-shrink", action="store_true", help="do not look for a minimal script")
    parser.add_argument(
        "-j", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)"
    )
    parser.add_argument("--conversation", metavar="S/I", help="only this one")
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="run a script, as printed for a difference"
    )
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _one(outcome: Outcome, program: oracle.Oracle, shrink: bool) -> int:
    if outcome.difference is None:
        _say(
            f"no difference in {outcome.segments} segments"
            + (f"; lwIP stopped: {outcome.stop}" if outcome.stop else "")
        )
        return 0
    if shrink:
        outcome = Shrinker(program, outcome).shrink()
    assert outcome.difference is not None
    _say(f"// {outcome.difference.signature()}")
    _say(outcome.script().rstrip())
    return 1


def _campaign(arguments: argparse.Namespace) -> int:
    task = Task(
        arguments.seed,
        arguments.segments,
        mood=arguments.mood,
        state=arguments.state or arguments.coverage,
        coverage=arguments.coverage,
        most_differences=arguments.differences,
    )
    report = run(task) if arguments.j == 1 else run_split(task, arguments.j)
    for name, count in report.situations.most_common():
        _say(f"{count:9} {name}")
    for stop, count in report.stops.most_common():
        _say(f"{count:9} x {stop}")
    by_signature: dict[str, list[tuple[str, Outcome]]] = {}
    for seed, outcome in report.differences:
        assert outcome.difference is not None
        by_signature.setdefault(outcome.difference.signature(), []).append((seed, outcome))
    with oracle.Oracle() as program:
        for signature, found in sorted(by_signature.items(), key=lambda item: -len(item[1])):
            _say(f"\n== {len(found)} x {signature}: {' '.join(seed for seed, _ in found[:8])}")
            _one(min((outcome for _, outcome in found), key=_length), program, not arguments.no_shrink)
    _say(report.summary())
    return 1 if report.differences else 0


def _length(outcome: Outcome) -> int:
    assert outcome.difference is not None
    return outcome.difference.index


def main() -> int:
    """Exit status: 0 no difference, 1 differences, 2 not run."""
    arguments = _arguments()
    reason = oracle.why_missing()
    if reason is not None:
        sys.stderr.write(f"lockstep: not run: {reason}\n")
        return 2
    if arguments.conversation is None and arguments.script is None:
        return _campaign(arguments)
    with oracle.Oracle() as program:
        if arguments.conversation is not None:
            outcome = check(program, plan(arguments.conversation, arguments.mood, arguments.state))
        else:
            try:
                config, peer_iss, events = parse_script(arguments.script.read_text("ascii"))
            except (OSError, ValueError, ScriptError) as error:
                sys.stderr.write(f"lockstep: {arguments.script}: {error}\n")
                return 2
            outcome = replay(program, replace(config, state=int(arguments.state)), peer_iss, events)
        return _one(outcome, program, not arguments.no_shrink)


if __name__ == "__main__":
    sys.exit(main())
