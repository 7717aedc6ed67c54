"""One run of a scenario: a pure function of the scenario and the seed, which is how one uses it:

scenario = load("examples/scenarios/lost-syn-ack.toml")
result = run(scenario, seed=7)
assert result.ok, result.failed
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from lab.scenario.bench import Bench
from lab.scenario.build import build
from lab.scenario.load import Scenario
from lab.scenario.play import Judgement, aftermath, play
from lab.scenario.result import Result, Verdict
from tap.link import TapError
from usocket.emulation import Network

PathText = str | PathLike[str]


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    pcap: PathText | None = None,
    journal: PathText | None = None,
    trace: PathText | None = None,
    verdicts: Iterable[Verdict] | None = None,
) -> Result:
    """Run a scenario. ``seed`` None: the scenario's. ``pcap``, ``journal`` and ``trace`` are files that are
    written. With ``verdicts`` (a journal's) nothing is drawn: what they say is done to the frames.

    What breaks the run is ``Result.error``. Raises TapError for a file that cannot be written.
    """
    chosen = scenario.file.run.seed if seed is None else seed
    header = {"text": scenario.text, "path": scenario.path, "overrides": list(scenario.overrides)}
    error = None
    judgements: list[Judgement] = []
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
        with bench.output.taken(), _traced(bench, trace):
            try:
                judgements = play(bench)
            except Exception as failure:
                error = _in_a_line(failure)
        time, counters = net.clock.now(), bench.counters()
        programs = [(outcome.name, outcome.state) for outcome in bench.outcomes.values()]
        if error is None:
            judgements += aftermath(bench)
    digest = net.records.digest  # with what devices send as they are switched off, as in journal and capture
    assert digest is not None
    return Result(
        seed=chosen,
        digest=digest.hexdigest(),
        time=time,
        frames=digest.frames,
        expectations=judgements,
        error=error,
        verdicts=list(net.verdicts),
        counters=counters,
        programs=programs,
        output=list(bench.output.lines),
    )


@contextmanager
def _traced(bench: Bench, path: PathText | None) -> Iterator[None]:
    """Within, what happens inside the devices is written to a file."""
    if path is None:
        yield
        return
    from lab.trace.recorder import Recorder
    from lab.trace.writer import FileSink

    try:
        sink = FileSink(path)
    except OSError as error:
        raise TapError(f"trace {path} cannot be written ({error.strerror}): give another file") from None
    recorder = Recorder(sink, source="scenario", title=bench.scenario.title, seed=bench.net.seed)
    recorder.attach(bench.net)
    try:
        yield
    finally:
        recorder.close()


def _in_a_line(error: BaseException) -> str:
    """An error and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
