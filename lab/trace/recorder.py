"""Records a run: every device tells what it does, every cable what becomes of its frames; lines in causal
order.

    recorder = Recorder(FileSink("run.jsonl"), source="virtual", title="fetch", seed=1)
    recorder.attach(net)
    net.run()
    recorder.close()

An event that is not complete yet (a segment whose outcome is open, a call that has not returned) keeps its
place: what follows waits until it is complete.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any

from lab.trace.flows import Flows
from lab.trace.frames import decode
from lab.trace.writer import SCHEMA, VERSION, Record, Sink

if TYPE_CHECKING:
    from tap.network import Network
    from usocket.device import Device

MOST_FRAMES = 20_000  # whose ids are remembered; a frame is not under way for longer than that


class Recorder:
    """Takes down one run. ``source``, ``title``, ``seed``, ``epoch``: see docs/trace.md."""

    def __init__(
        self, sink: Sink, *, source: str, title: str, seed: int | None = None, epoch: int | None = None
    ) -> None:
        self.flows = Flows()
        self.devices: list[Record] = []
        self.cables: list[Record] = []
        self.clock = "virtual"
        self._sink = sink
        self._about: Record = {"source": source, "title": title, "seed": seed, "epoch": epoch}
        self._lock = RLock()
        self._begun = self._closed = False
        self._count = self._open = self._frames = 0
        self._waiting: list[Record] = []
        self._ids: dict[int, tuple[int, bytes]] = {}  # of frames, by identity, which holding them keeps
        self._last = 0
        self._ends: list[Any] = []  # what has something to say when the run ends

    # What is recorded

    def attach(self, net: Network) -> None:
        """Record a network: all devices and cables that it has now."""
        from lab.trace.cables import CableTap

        self.clock = "virtual" if net.clock.virtual else "real"
        for cable in net.cables.values():
            self.cables.append({"name": cable.name, "ends": [end.name for end in cable.ends]})
        tap = CableTap(self, net.clock)
        net.watch(tap)
        self._ends.append(tap)
        for device in net.devices.values():
            self.attach_device(device)  # type: ignore[arg-type]

    def attach_device(self, device: Device) -> None:
        """Record a device of ``usocket``, before it is opened or after."""
        from lab.trace.devices import DeviceTap, about_device

        clock = device.clock
        if not clock.virtual:
            self.clock = "real"
        boot = device.host.boot if device.is_open else None
        about = about_device(device.name, device.profile, device.mac, device.ip, boot)
        self.add_device(about)
        tap = DeviceTap(self, about, clock.now, boot)
        self._ends.append(tap)
        device.trace = tap  # for the stacks that it will have
        if device.is_open:
            with device.host.lock:
                device.stack.trace = tap

    def add_device(self, about: Record) -> None:
        """A device, for the header (or, once that is written, a line of its own)."""
        self.devices.append(about)
        if self._begun:
            self.record(self._last, about["name"], "device", about)

    # Lines

    def record(self, time: int, on: str, kind: str, fields: Record, *, complete: bool = True) -> Record:
        """One event. With ``complete`` False its fields may grow until ``completed``."""
        with self._lock:
            event: Record = {"i": self._count, "t": time, "on": on, "kind": kind, **fields}
            self._count += 1
            self._last = max(self._last, time)
            self._waiting.append(event)
            if not complete:
                self._open += 1
            self._flush()
            return event

    def completed(self, event: Record, fields: Record) -> None:
        """The rest of an event's fields."""
        with self._lock:
            event.update(fields)
            self._open -= 1
            self._flush()

    def frame(self, frame: bytes, time: int, on: str) -> int:
        """The id of a frame; if it is new, a line tells what is in it."""
        with self._lock:
            known = self._ids.get(id(frame))
            if known is not None and known[1] is frame:
                return known[0]
            number = self._frames
            self._frames += 1
            self._ids[id(frame)] = (number, frame)
            if len(self._ids) > MOST_FRAMES:
                del self._ids[next(iter(self._ids))]
            self.record(time, on, "frame", {"frame": number, **decode(frame, self.flows)})
            return number

    def _flush(self) -> None:
        if self._open or self._closed:
            return
        if not self._begun:
            self._begin()
        for event in self._waiting:
            self._sink.write(event)
        self._waiting.clear()

    def _begin(self) -> None:
        self._begun = True
        self._sink.write({
            "schema": SCHEMA, "version": VERSION, **self._about, "clock": self.clock,
            "devices": self.devices, "cables": self.cables,
        })  # fmt: skip

    def close(self) -> None:
        """The run has ended: what is still under way is told as that."""
        with self._lock:
            if self._closed:
                return
            for tap in self._ends:
                tap.end()
            self._open = 0
            self.record(self._last, "", "end", {"frames": self._frames, "events": self._count + 1})
            self._flush()
            self._closed = True
            self._sink.close()
