"""One run of a scenario: a pure function of the scenario and the seed, which is how one uses it:

scenario = load("examples/scenarios/lost-syn-ack.toml")
result = run(scenario, seed=7)
assert result.ok, result.failed
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from lab.scenario.bench import Bench
from lab.scenario.build import build
from lab.scenario.guard import Guard, OutOfTime
from lab.scenario.load import Scenario
from lab.scenario.play import Judgement, aftermath, play
from lab.scenario.result import OUT_OF_TIME, Result, Verdict
from lab.scenario.units import seconds
from tap.link import TapError
from usocket.emulation import Network

PathText = str | PathLike[str]

_ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = tuple(f"{_ROOT}/{package}/" for package in ("netstack", "tap", "usocket", "lab"))


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    pcap: PathText | None = None,
    journal: PathText | None = None,
    trace: PathText | None = None,
    verdicts: Iterable[Verdict] | None = None,
    timeout: float | None = None,
) -> Result:
    """Run a scenario. ``seed`` None: the scenario's. ``pcap``, ``journal`` and ``trace`` are files that are
    written. With ``verdicts`` (a journal's) nothing is drawn: what they say is done to the frames.
    ``timeout``: how many s of real time it may take (None: any), the one thing that no seed decides.

    What breaks the run is ``Result.error``, and a file that ends early, as on a full disk, one of its
    ``problems``. Raises TapError for a file that cannot be written.
    """
    chosen = scenario.file.run.seed if seed is None else seed
    header = {"text": scenario.text, "path": scenario.path, "overrides": list(scenario.overrides)}
    error = None
    end: _End | None = None
    judgements: list[Judgement] = []
    problems: list[str] = []
    with Network(
        chosen,
        capture=pcap,
        journal=journal,
        header={"scenario": header},
        verdicts=verdicts,
        digest=True,
        keep=True,
    ) as net:
        bench = build(scenario, net)
        guard = bench.guard = Guard(timeout)
        try:
            with guard, bench.output.taken():
                with _traced(bench, trace, problems):
                    judgements = play(bench)
                end = _End.of(bench)
                judgements += aftermath(bench)
        except TapError:
            raise
        except Exception as failure:
            error = _in_a_line(failure)
        except OutOfTime as failure:
            guard.release()
            error = _out_of_time(failure, bench)
        end = end or _End.of(bench)
    digest = net.records.digest  # with what devices send as they are switched off, as in journal and capture
    assert digest is not None
    problems += net.records.problems
    return Result(
        seed=chosen,
        digest=digest.hexdigest(),
        time=end.time,
        frames=digest.frames,
        expectations=judgements,
        error=error,
        verdicts=list(net.verdicts),
        counters=end.counters,
        programs=end.programs,
        output=list(bench.output.lines),
        problems=problems,
    )


@dataclass(frozen=True)
class _End:
    """How it was when the run was over, before devices were switched off."""

    time: int
    counters: dict[str, int]
    programs: list[tuple[str, str]]

    @classmethod
    def of(cls, bench: Bench) -> _End:
        programs = [(outcome.name, outcome.state) for outcome in bench.outcomes.values()]
        return cls(bench.clock.now(), bench.counters(), programs)


@contextmanager
def _traced(bench: Bench, path: PathText | None, problems: list[str]) -> Iterator[None]:
    """Within, what happens inside the devices is written to a file; what came of that is a problem, or not.

    Raises TapError.
    """
    if path is None:
        yield
        return
    from lab.scenario.tracefile import TraceFile
    from lab.trace.recorder import Recorder

    sink = TraceFile(path)
    recorder = Recorder(sink, source="scenario", title=bench.scenario.title, seed=bench.net.seed)
    recorder.attach(bench.net)
    try:
        yield
    finally:
        recorder.close()
        problems += [sink.problem] if sink.problem else []


def _out_of_time(error: OutOfTime, bench: Bench) -> str:
    """Where the run was when its time was up, and the mend."""
    what = f"{OUT_OF_TIME}: {bench.guard.limit:g} s of real time are over"
    notes = getattr(error, "__notes__", [])  # of the program that had the turn
    if notes:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith(_OURS)] or frames
        where = f"{notes[0]} ({Path(own[-1].filename).name}:{own[-1].lineno})"
        return f"{what} {where}: let time pass there, as sleep does, or give a longer timeout"
    return f"{what} at {seconds(bench.clock.now())}: have it stop earlier, or give a longer timeout"


def _in_a_line(error: BaseException) -> str:
    """An error and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
