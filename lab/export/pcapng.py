"""A run as a capture for Wireshark: every frame with its reason and the device's inner state as comment.

Each device is an interface on which its frames stand as they leave and arrive there. A frame that died under
way stands once more on an interface of its own direction (``client>server dropped``), at the time when it
died; one that the driver refused on ``client refused``. A frame that no stack sent (a rule or a fault in the
device put it there) is on the interface of the device at whose end of the cable it entered.

Source: the pcapng specification (draft-ietf-opsawg-pcapng); ``tap.capture`` writes the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple

from lab.explain import Explainer
from lab.export.inner import Inner
from lab.trace.reader import Trace
from lab.trace.writer import Record
from tap.capture import INBOUND, OUTBOUND, Capture
from tap.link import TapError

FOREIGN = "no stack sent this frame: a rule of the cable, or a fault in the device, put it there"
ABOUT = "sequence numbers in comments count from each side's SYN"


class Shot(NamedTuple):
    """A frame on an interface. ``place``: the device, or for frames that died the direction, it is of.
    ``time``: ns of the run. ``direction``: as tap.capture has it.
    """

    interface: str
    place: str
    time: int
    frame: bytes
    direction: int
    comment: str


class Camera:
    """Goes through a run and takes its frames."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._explainer = Explainer(trace)
        self._inner = Inner(trace)
        self._devices = trace.devices
        self._frames: dict[int, bytes] = {}
        self._sent = {event["frame"] for event in trace.events if event["kind"] == "frame-out"}

    def shots(self) -> list[Shot]:
        """The frames of the run, in the order of their times."""
        return sorted(self._all(), key=lambda shot: shot.time)

    def _all(self) -> Iterator[Shot]:
        for event in self._trace.events:
            self._inner.learn(event)
            kind = event["kind"]
            if kind == "frame":
                self._frames[event["frame"]] = bytes.fromhex(event["hex"])
            elif event.get("frame") in self._frames:
                if kind in ("wire", "died"):
                    yield from self._foreign(event)
                if kind == "died":
                    yield self._died(event)
                elif kind in ("frame-out", "frame-in"):
                    yield self._passed(event)

    def _foreign(self, event: Record) -> Iterator[Shot]:
        """The frame enters a cable at a device whose stack has not sent it."""
        number, device = event["frame"], event["on"].partition(">")[0]
        if number not in self._sent and device in self._devices:
            self._sent.add(number)
            yield Shot(device, device, event["sent"], self._frames[number], OUTBOUND, FOREIGN)

    def _died(self, event: Record) -> Shot:
        comment = self._explainer.explain(event).line()
        place = event["on"]
        return Shot(f"{place} dropped", place, event["t"], self._frames[event["frame"]], OUTBOUND, comment)

    def _passed(self, event: Record) -> Shot:
        device, out = event["on"], event["kind"] == "frame-out"
        told = [self._explainer.explain(found).line() for found in self._about(event)]
        if not out or "segment" in event:
            told.append(
                self._inner.connection(device, self._explainer.run.frames[event["frame"]].get("conn"))
            )
        told.append(self._inner.memory(device))
        return Shot(
            f"{device} refused" if out and event["err"] else device,
            device,
            event["t"],
            self._frames[event["frame"]],
            OUTBOUND if out else INBOUND,
            "\n".join(filter(None, told)),
        )

    def _about(self, event: Record) -> list[Record]:
        """The events that tell of a frame: the decision behind one that leaves, what came of one that
        arrives.
        """
        run = self._explainer.run
        if event["kind"] == "frame-out":
            if "segment" not in event:
                return [event]
            segment = run.events[event["segment"]]
            plain = segment["t"] == event["t"] and not event["err"]
            return [segment] if plain else [segment, event]
        segments = run.beside_of(event, "segment-in")
        drops = [drop for cause in (event, *segments) for drop in run.beside_of(cause, "drop")]
        return segments + drops or [event]


def write(trace: Trace, path: str | PathLike[str], device: str | None = None) -> int:
    """Write the capture; returns how many frames are in it. With ``device`` only what passes there, as
    somebody with Wireshark on that device would see it.

    Times are since 1970 where the run has an epoch, else since its start. Raises TapError.
    """
    epoch = trace.header.get("epoch") or 0
    count = 0
    with Capture(path, f"{trace.header['title']}\n{ABOUT}") as capture:
        numbers: dict[str, int] = {}
        for name, about in trace.devices.items():
            if device in (None, name):
                numbers[name] = capture.interface(name, _mac(about), f"{about['profile']} {about['address']}")
        for shot in Camera(trace).shots():
            if device not in (None, shot.place):
                continue
            if shot.interface not in numbers:
                numbers[shot.interface] = capture.interface(shot.interface)
            number = numbers[shot.interface]
            capture.packet(number, epoch + shot.time, shot.frame, shot.direction, shot.comment)
            count += 1
        if capture.problem is not None:
            raise TapError(capture.problem)
    return count


def _mac(about: Record) -> bytes:
    return bytes.fromhex(str(about["mac"]).replace(":", ""))
