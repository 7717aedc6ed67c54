"""What is written down of a network's run while it happens, and what a run is played from.

A capture has every frame that a device sends, with the device's inner state, and every one that it
receives; frames that die on the way are on an interface of their own for each direction (``client>server
dropped``), with the reason. The journal has every verdict and every device fault. A digest is the run in 64
digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from tap.cable import Cable
from tap.capture import OUTBOUND, Capture, CaptureLink
from tap.clock import Clock
from tap.digest import Digest
from tap.inner import inner_state
from tap.journal import Journal
from tap.link import Link
from tap.passage import Passage, Recorder, Visit
from tap.verdicts import Replayed, Roles

if TYPE_CHECKING:
    from netstack.stack import Stack
    from tap.devicefault.faults import DeviceFaults
    from tap.rules.coordinate import Coordinate
    from tap.rules.rule import Rule

Line = dict[str, Any]
Write = Callable[[Line], None]


class Silent:
    """A recorder that does nothing; subclasses do something."""

    def entered(self, passage: Passage) -> None:
        pass

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        pass

    def handled(self, visit: Visit) -> None:
        pass

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        pass

    def arrived(self, passage: Passage, frame: bytes) -> None:
        pass


class VerdictRecorder(Silent):
    """Writes the line of every verdict."""

    def __init__(self, roles: Roles, write: Write, clock: Clock) -> None:
        self._roles = roles
        self._write = write
        self._clock = clock

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        """What a stage does later, as a queue that drops its oldest, has a line of its own."""
        if visit.returned:
            line: Line = {
                "t": self._clock.now(),
                "dir": visit.passage.direction.name,
                "frame": str(visit.passage.coordinate),
                "stage": self._roles.label(visit),
            }
            line |= {"rule": rule} if rule else {}
            self._write(line | {"action": action, "detail": detail})

    def handled(self, visit: Visit) -> None:
        verdict = self._roles.verdict(visit)
        if verdict is not None:
            self._write(verdict.line())


class DropRecorder(Silent):
    """Captures the frames that die, with the reason and their coordinates."""

    def __init__(self, capture: Capture, clock: Clock) -> None:
        self._capture = capture
        self._clock = clock
        self._interfaces: dict[str, int] = {}

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        if action != "drop":
            return
        name = f"{visit.passage.direction.name} dropped"
        interface = self._interfaces.get(name)
        if interface is None:
            interface = self._interfaces[name] = self._capture.interface(name)
        reason = ": ".join(dict.fromkeys(text for text in (visit.stage.name, rule, detail) if text))
        comment = f"dropped by {reason}\n{visit.passage.coordinate}"
        time = self._clock.epoch + self._clock.now()
        self._capture.packet(interface, time, visit.frame, OUTBOUND, comment)


class Several:
    """A recorder that tells several."""

    def __init__(self, recorders: tuple[Recorder, ...]) -> None:
        self._recorders = recorders

    def entered(self, passage: Passage) -> None:
        for recorder in self._recorders:
            recorder.entered(passage)

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        for recorder in self._recorders:
            recorder.noted(visit, rule, action, detail)

    def handled(self, visit: Visit) -> None:
        for recorder in self._recorders:
            recorder.handled(visit)

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        for recorder in self._recorders:
            recorder.passed(visit, frame, at)

    def arrived(self, passage: Passage, frame: bytes) -> None:
        for recorder in self._recorders:
            recorder.arrived(passage, frame)


class Records:
    """Capture, journal and digest of a network, each optional, and the verdicts that it is played from.

    ``verdicts`` are the lines of this run so far, with ``keep``.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        capture: str | PathLike[str] | None,
        journal: str | PathLike[str] | None,
        header: Mapping[str, object],
        verdicts: Iterable[Mapping[str, Any]] | None,
        digest: bool,
        keep: bool,
    ) -> None:
        """Raises TapError for a file that cannot be made, ValueError for verdicts that are none."""
        self.replayed = None if verdicts is None else Replayed(verdicts)
        self.digest = Digest() if digest or journal is not None else None
        self.verdicts: list[Line] = []
        self.problem = ""  # what the run failed with
        self._clock = clock
        self._roles = Roles(self.replayed)
        self._keep = keep
        self._recorder: Recorder | None = None
        self._recorders: tuple[Recorder, ...] = ()
        self._cables: list[Cable] = []
        self.capture = None if capture is None else Capture(capture)
        self.journal = None if journal is None else Journal(journal, header)
        if self.capture is not None:
            self.watch(DropRecorder(self.capture, clock))
        if self.journal is not None or keep:
            self.watch(VerdictRecorder(self._roles, self.write, clock))

    def link(self, link: Link, name: str, stack: Callable[[], Stack | None]) -> Link:
        """The link of device ``name``: ``link`` with whatever records its frames around it."""
        if self.digest is not None:
            link = CaptureLink(link, self.digest, self._clock, name)
        if self.capture is not None:

            def describe(frame: bytes) -> str:
                sender = stack()
                return "" if sender is None else inner_state(sender, frame)

            link = CaptureLink(link, self.capture, self._clock, name, describe=describe)
        return link

    def watch(self, recorder: Recorder) -> None:
        """Have ``recorder`` told of every frame on every cable from now on."""
        self._recorders += (recorder,)
        self._recorder = recorder if len(self._recorders) == 1 else Several(self._recorders)
        for cable in self._cables:
            cable.record(self._recorder)

    def join(self, cable: Cable) -> None:
        """A new cable: record what passes, and play what is to be played."""
        self._cables.append(cable)
        for direction in cable.directions:
            direction.players = self._roles.player
        if self._recorder is not None:
            cable.record(self._recorder)
        if self.replayed is not None:
            cable.forth.track()
            for direction in cable.directions:
                direction.rules.chance = partial(self._took_part, self.replayed, direction.name)

    @staticmethod
    def _took_part(replayed: Replayed, direction: str, rule: Rule, at: Coordinate) -> bool:
        return replayed.of_rule(direction, rule.text, str(at)) is not None

    def write(self, line: Line) -> None:
        """One more line of the journal."""
        if self.journal is not None:
            self.journal.write(line)
        if self._keep:
            self.verdicts.append(line)

    def listen(self, device: str, faults: DeviceFaults) -> None:
        """Record what the faults inside a device do."""

        def observer(fault: str, action: str, detail: str) -> None:
            fields = {"device": device, "fault": fault, "action": action, "detail": detail}
            self.write({"t": self._clock.now(), **fields})

        faults.observer = observer
        if self.replayed is not None:
            faults.played = partial(self.replayed.of_device, device)

    @property
    def problems(self) -> list[str]:
        """Of the files, those that end early, and why."""
        files = (self.capture, self.journal)
        return [file.problem for file in files if file is not None and file.problem is not None]

    def failed(self, error: BaseException) -> None:
        """The run has ended with ``error``, of which the last line of the journal tells."""
        text = " ".join(str(error).split())
        self.problem = f"{type(error).__name__}: {text}" if text else type(error).__name__

    def close(self) -> None:
        """The run is over: write the last line and close the files."""
        if self.journal is not None and self.digest is not None:
            end: Line = {
                "t": self._clock.now(),
                "digest": self.digest.hexdigest(),
                "frames": self.digest.frames,
            }
            self.journal.write(end | ({"error": self.problem} if self.problem else {}))
            self.journal.close()
        if self.capture is not None:
            self.capture.close()
