"""A run for a report: its trace, with the explanation of each event that has something to explain."""

from __future__ import annotations

from pathlib import Path

from lab.explain import Explainer, Explanation
from lab.report.data import RunData, Text
from lab.trace.load import load_run
from lab.trace.reader import Trace

# What only the data speak of: the page tells it by a picture, or beside what caused it.
SILENT = frozenset({"frame", "frame-in", "tcb", "pool", "window", "timer", "device"})


def load(path: Path, label: str = "") -> RunData:
    """The run in (or made by) a file, called ``label`` beside another. Raises TraceError."""
    return explained(load_run(path), label)


def explained(trace: Trace, label: str = "") -> RunData:
    """A run with the text of the explain engine for each event."""
    explainer = Explainer(trace)
    told = (event for event in trace.events if event["kind"] not in SILENT)
    return RunData(
        trace.header, trace.events, {event["i"]: text(explainer.explain(event)) for event in told}, label
    )


def text(why: Explanation) -> Text:
    """What the page shows of an explanation."""
    return Text("; ".join((why.text, *why.notes)), ", ".join(filter(None, (why.rfc, why.lwip))))
