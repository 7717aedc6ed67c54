"""The explain engine: every event of a trace has its explanation."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain import dropped, incoming, outgoing, timing, waiting
from lab.explain.answer import Explanation
from lab.explain.below import BELOW
from lab.explain.changes import CHANGES
from lab.explain.run import Run
from lab.trace.reader import Trace
from lab.trace.writer import Record

KINDS: dict[str, Callable[[Run, Record], Explanation]] = {
    **BELOW,
    **CHANGES,
    "segment-in": incoming.explain,
    "segment-out": outgoing.explain,
    "held": waiting.explain,
    "drop": dropped.explain,
    "timer-armed": timing.armed,
    "timer-stopped": timing.stopped,
    "timer-fired": timing.fired,
}


class Explainer:
    """Explains the events of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.run = Run(trace)

    def explain(self, event: Record) -> Explanation:
        """Why it happened. An event of a kind that this version does not know is told as it stands, and so is
        one whose words it does not know.
        """
        known = KINDS.get(event["kind"])
        if known is not None:
            try:
                return known(self.run, event)
            except KeyError as missing:
                return Explanation(f"{event['kind']} with {missing}, which this version does not know")
        return Explanation(f"{event['kind']}, which this version does not know")
