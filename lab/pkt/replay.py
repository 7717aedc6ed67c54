"""Replays files: each is parsed, run on a stack of its own, and compared with what it says; the outcome is
plain data."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.pkt.commands import Unsupported
from lab.pkt.compare import LEVELS, Difference, compare, has_expectations
from lab.pkt.events import Script
from lab.pkt.format import format_script
from lab.pkt.language import parse_file
from lab.pkt.runner import Runner
from lab.pkt.scanner import ScriptError
from lab.pkt.script_options import ScriptOptions, resolve
from netstack.profile import Profile
from tap.capture import INBOUND, OUTBOUND, Capture

MATCH, DIFFERS, RAN, UNSUPPORTED, FAILED = "match differs ran unsupported failed".split()
MALFORMED, ERROR = "malformed error".split()


@dataclass(slots=True)
class Outcome:
    """What became of one file. ``status`` is one of the names above, at the level asked for.

    ``levels`` are those at which it matches; ``reason`` says why there is nothing to compare: the script is
    malformed, needs what is not supported yet, a file cannot be read or written, or our stack raised
    (failed). ``ignored`` are options that nobody honours.
    """

    path: str
    status: str
    profile: str = ""
    levels: str = ""
    difference: Difference | None = None
    reason: str = ""
    ignored: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(slots=True, frozen=True)
class Job:
    """What to do with one file: compare at ``level``; write the transcript to ``emit`` and the frames to
    ``pcap``."""

    path: str
    level: str = "A"
    emit: str | None = None
    pcap: str | None = None


def replay(job: Job) -> Outcome:
    """Replay one file. Raises nothing about the script or the stack: whatever goes wrong is in the
    outcome."""
    started = time.perf_counter()
    outcome = Outcome(job.path, FAILED)
    try:
        _replay(job, outcome)
    except ScriptError as failure:
        outcome.status, outcome.reason = MALFORMED, str(failure)
    except Unsupported as failure:
        outcome.status, outcome.reason = UNSUPPORTED, str(failure)
    except OSError as failure:
        named = failure.filename is not None
        outcome.status = ERROR
        outcome.reason = f"{failure.filename}: {failure.strerror}" if named else str(failure)
    except Exception:  # our bug; the other files shall still be replayed
        outcome.status, outcome.reason = FAILED, traceback.format_exc()
    outcome.seconds = time.perf_counter() - started
    return outcome


def _replay(job: Job, outcome: Outcome) -> None:
    script = parse_file(job.path)
    options, profile = resolve(script)
    outcome.profile = options.profile
    outcome.ignored = tuple(options.unknown)
    if job.pcap is None:
        run = Runner(script, options, profile).run()
    else:
        run = _run_captured(script, options, profile, job.pcap)
    if job.emit is not None:
        _make_folder(job.emit)
        Path(job.emit).write_text(format_script(run), encoding="ascii")
    if not has_expectations(script):
        outcome.status = RAN
        return
    outcome.levels = "".join(level for level in LEVELS if compare(script, run, level) is None)
    outcome.status = MATCH
    if job.level not in outcome.levels:
        outcome.status, outcome.difference = DIFFERS, compare(script, run, job.level)


def _run_captured(script: Script, options: ScriptOptions, profile: Profile, path: str) -> Script:
    """Run it and record every frame; times of the capture count from the script's 0.000."""
    _make_folder(path)
    with Capture(path, f"replay of {script.path}") as capture:
        interface = capture.interface("device", options.local_mac)

        def record(time: int, frame: bytes, outbound: bool) -> None:
            capture.packet(interface, time, frame, OUTBOUND if outbound else INBOUND)

        run = Runner(script, options, profile, record).run()
    if capture.problem is not None:
        raise OSError(capture.problem)
    return run


def _make_folder(file: str) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)


def find_scripts(paths: Iterable[Path]) -> list[tuple[Path, Path]]:
    """The files, and every ``.pkt`` file in and below the folders, each with its path relative to where it
    was found.

    Folders are walked in alphabetical order; a file that is given itself is known by its name.
    """
    found: list[tuple[Path, Path]] = []
    for path in paths:
        if path.is_dir():
            found += [(file, file.relative_to(path)) for file in sorted(path.rglob("*.pkt"))]
        else:
            found.append((path, Path(path.name)))
    return found
