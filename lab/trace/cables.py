"""What becomes of the frames in a cable: when they entered and arrived, where they died and by which rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.trace.writer import Record

if TYPE_CHECKING:
    from lab.trace.recorder import Recorder
    from tap.clock import Clock
    from tap.passage import Passage, Visit


class CableTap:
    """Records what becomes of frames in cables (a ``tap.passage.Recorder``)."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._under_way: dict[Passage, int] = {}  # its frame's id

    def entered(self, passage: Passage) -> None:
        sender = passage.direction.name.partition(">")[0]
        self._under_way[passage] = self._recorder.frame(passage.frame, passage.at, sender)

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        passage = visit.passage
        sent = self._under_way.get(passage)
        if sent is None:
            return  # it entered before anybody listened
        fields: Record = {"frame": sent, "rule": rule or visit.stage.name, "detail": detail}
        now = self._clock.now()
        if action == "drop":
            self._recorder.record(now, passage.direction.name, "died", fields | {"sent": passage.at})
            self._under_way.pop(passage)
        else:
            self._recorder.record(now, passage.direction.name, "verdict", fields | {"action": action})

    def handled(self, visit: Visit) -> None:
        """What was done is in the notes."""

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        """It comes out later: ``arrived`` tells."""

    def arrived(self, passage: Passage, frame: bytes) -> None:
        now = self._clock.now()
        name = passage.direction.name
        sent = self._under_way.pop(passage, None)
        if sent is None:  # a copy of one that has arrived, or died
            sent = self._recorder.frame(passage.frame, passage.at, name.partition(">")[0])
        fields: Record = {"frame": sent, "sent": passage.at, "arrived": now}
        if frame is not passage.frame and frame != passage.frame:
            fields["as"] = self._recorder.frame(frame, now, name)
        self._recorder.record(now, name, "wire", fields)

    def end(self) -> None:
        """The run has ended: tell what is still under way."""
        now = self._clock.now()
        for passage, frame in self._under_way.items():
            fields = {"frame": frame, "sent": passage.at, "arrived": None}
            self._recorder.record(now, passage.direction.name, "wire", fields)
