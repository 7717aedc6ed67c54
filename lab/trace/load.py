"""``load_run``: the RUN argument of the commands, whatever kind of file it is."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.trace.reader import Trace, TraceError, read
from lab.trace.replay import record_script
from lab.trace.writer import MemorySink


def load_run(path: str | PathLike[str]) -> Trace:
    """A trace is read, a scenario (``.toml``) is run, a script (``.pkt``) is replayed. Raises TraceError: one
    line with place and mend.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise TraceError(
                f"{path}: a folder: give a trace (.jsonl), a scenario (.toml) or a script (.pkt)"
            )
        if file.suffix == ".pkt":
            sink = MemorySink()
            record_script(file, sink)
            return Trace(sink.header, sink.events)
        if file.suffix == ".toml":
            return _of_scenario(file)
        return read(file)
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror or error}") from None


def _of_scenario(file: Path) -> Trace:
    from lab.scenario import ScenarioError, load, run

    with TemporaryDirectory() as folder:
        target = Path(folder) / "run.jsonl"
        try:
            result = run(load(file), trace=target)
        except ScenarioError as error:
            raise TraceError(str(error)) from None
        if not target.exists():
            raise TraceError(f"{file}: the run ended before anything was recorded: {result.error}")
        return read(target)
