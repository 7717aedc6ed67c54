"""The trace hook of one device: gives each event its place, its time in the run and what caused it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.trace.encode import Encoder
from lab.trace.frames import segment_of
from lab.trace.writer import Record
from netstack import trace
from netstack.address import format_ip, format_mac
from netstack.errors import ERR_OK, err_name
from netstack.ethernet import HEADER_LEN
from netstack.memory import Memory
from netstack.options import OPTIONS
from netstack.profile import Profile
from netstack.stats import Drop
from netstack.tcp.header import HEADER

if TYPE_CHECKING:
    from lab.trace.recorder import Recorder

MS = 1_000_000
_UNSENT = 64  # segments handed to IP that may wait for their frame


def about_device(name: str, profile: Profile, mac: bytes, ip: int, boot: int | None) -> Record:
    """The header's entry of a device."""
    mem = Memory(profile)
    limits = {pool.name: pool.size for pool in mem.pools()} | {"HEAP": mem.heap.size}
    return {
        "name": name,
        "profile": profile.name,
        "mac": format_mac(mac),
        "address": format_ip(ip),
        "options": {name: getattr(profile, name) for name in OPTIONS if name in profile.explicit},
        "tick": {"fast_ns": profile.tcp_tmr_interval * MS, "slow_ns": profile.tcp_slow_interval * MS},
        "limits": limits,
        "wnd": profile.tcp_wnd,
        "mss": profile.tcp_mss,
        "snd_buf": profile.tcp_snd_buf,
        "maxrtx": profile.tcp_maxrtx,
        "synmaxrtx": profile.tcp_synmaxrtx,
        "boot": boot,
    }


class DeviceTap:
    """Records what a stack tells. ``now`` is the run's clock; the stack's time 0 is ``boot`` on it (None: not
    switched on yet).
    """

    def __init__(self, recorder: Recorder, about: Record, now: Callable[[], int], boot: int | None) -> None:
        self.name: str = about["name"]
        self._recorder = recorder
        self._about = about
        self._now = now
        self._boot = 0 if boot is None else boot
        self._running = boot is not None
        self._last = 0
        self._encoder = Encoder(recorder.flows, about["limits"])
        self._within: list[tuple[str, Record]] = []  # what is being processed: kind, event
        self._arriving: list[trace.SegmentIn] = []  # those in ``_within``
        self._segments: deque[tuple[tuple[int, ...], int]] = deque(maxlen=_UNSENT)

    def __call__(self, event: trace.Event) -> None:
        """An event of the stack."""
        if not self._running or event.time < self._last:
            self._starts(event.time)
        self._last = event.time
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)
        else:
            self._plain(event)

    def _starts(self, time: int) -> None:
        """The device has been switched on (again): its time counts from there."""
        self._abandon()
        self._boot, self._last = self._now() - time, time
        again = self._running
        self._running = True
        if self._about["boot"] is None:
            self._about["boot"] = self._boot
        self._tell("boot", {"again": again})

    def _tell(self, kind: str, fields: Record, *, complete: bool = True) -> Record:
        if self._within:
            fields = {"by": self._within[-1][1]["i"], **fields}
        return self._recorder.record(self._boot + self._last, self.name, kind, fields, complete=complete)

    def _abandon(self) -> None:
        """Close what is open: the device died in the middle of it, or the hook came in the middle."""
        while self._within:
            self._leave({})

    def _leave(self, fields: Record) -> None:
        kind, event = self._within.pop()
        if kind == "segment-in":
            self._recorder.completed(event, self._encoder.segment_done(self._arriving.pop()))
        elif kind == "api":
            self._recorder.completed(event, fields)

    # Frames

    def _frame_in(self, event: trace.FrameIn) -> None:
        self._abandon()
        number = self._recorder.frame(event.frame, self._boot + event.time, self.name)
        self._within.append(("frame-in", self._tell("frame-in", {"frame": number})))

    def _frame_out(self, event: trace.FrameOut) -> None:
        number = self._recorder.frame(event.frame, self._boot + event.time, self.name)
        fields: Record = {"frame": number, "err": None if event.err == ERR_OK else err_name(event.err)}
        key = self._key(event.frame)
        for segment in self._segments:
            if segment[0] == key:
                fields["segment"] = segment[1]
                self._segments.remove(segment)
                break
        self._tell("frame-out", fields)

    @staticmethod
    def _key(frame: bytes) -> tuple[int, ...] | None:
        """What a segment and its frame have in common."""
        found = segment_of(frame[HEADER_LEN:])
        if found is None:
            return None
        header, body = found
        sport, dport, seq, ack, offset_flags, *_ = HEADER.unpack_from(body)
        length = len(body) - (offset_flags >> 12 << 2)
        return header.src, sport, header.dst, dport, seq, ack, offset_flags & 0x3F, length

    def _frame_of_cause(self) -> Record:
        """The frame that is being processed, if one is."""
        for kind, event in self._within:
            if kind == "frame-in":
                return {"frame": event["frame"]}
        return {}

    # What encloses other events

    def _segment_in(self, event: trace.SegmentIn) -> None:
        fields = self._frame_of_cause() | self._encoder.segment_in(event)
        self._within.append(("segment-in", self._tell("segment-in", fields, complete=False)))
        self._arriving.append(event)

    def _timer(self, event: trace.TimerFired) -> None:
        self._abandon()
        self._within.append(("timer", self._tell("timer", self._encoder.encode(event))))

    def _called(self, event: trace.Called) -> None:
        self._within.append(("api", self._tell("api", {"call": event.call}, complete=False)))

    def _api(self, event: trace.ApiCall) -> None:
        while self._within and self._within[-1][0] != "api":
            self._leave({})
        if self._within:
            self._leave(self._encoder.api(event))

    def _done(self, event: trace.Done) -> None:
        if not self._within:
            return  # the hook came in the middle
        self._leave({})

    # The others

    def _segment_out(self, event: trace.SegmentOut) -> None:
        record = self._tell("segment-out", self._encoder.segment_out(event, self._boot + event.time))
        key = (*event.flow, event.seq, event.ack, event.flags & 0x3F, event.length)
        self._segments.append((key, record["i"]))

    def _timer_armed(self, event: trace.TimerArmed) -> None:
        self._tell("timer-armed", self._encoder.timer_armed(event, self._boot))

    def _dropped(self, event: trace.Dropped) -> None:
        about = {} if Drop.all[event.reason].kept else self._frame_of_cause()
        self._tell("drop", about | self._encoder.encode(event))

    def _plain(self, event: trace.Event) -> None:
        kind = "held" if event.kind == "held-packet" else event.kind
        self._tell(kind, self._encoder.encode(event))

    def end(self) -> None:
        """The run has ended."""
        self._abandon()


_HANDLERS: dict[type[trace.Event], Callable[[DeviceTap, Any], None]] = {
    trace.FrameIn: DeviceTap._frame_in,
    trace.FrameOut: DeviceTap._frame_out,
    trace.SegmentIn: DeviceTap._segment_in,
    trace.SegmentOut: DeviceTap._segment_out,
    trace.TimerFired: DeviceTap._timer,
    trace.TimerArmed: DeviceTap._timer_armed,
    trace.Called: DeviceTap._called,
    trace.ApiCall: DeviceTap._api,
    trace.Done: DeviceTap._done,
    trace.Dropped: DeviceTap._dropped,
}
