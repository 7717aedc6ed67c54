"""What a stack tells an observer: typed events with virtual time.

A trace hook is a callable that takes an event; ``Stack(trace=hook)`` or ``stack.trace = hook``. With no hook
nothing is built: each place in the stack asks ``if trace is not None`` first. Times are ns since the stack
started, addresses ints, sequence numbers as on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

Flow = tuple[int, int, int, int]  # local ip, local port, remote ip, remote port


@dataclass(slots=True)
class Event:
    """Base of all events. ``time`` is ns of virtual time."""

    kind: ClassVar[str] = "event"
    time: int


@dataclass(slots=True)
class FrameIn(Event):
    """A frame arrived from the wire."""

    kind: ClassVar[str] = "frame-in"
    frame: bytes


@dataclass(slots=True)
class FrameOut(Event):
    """A frame was handed to the wire; ``err`` is lwIP's code when the driver refused it."""

    kind: ClassVar[str] = "frame-out"
    frame: bytes
    err: int


@dataclass(slots=True)
class Dropped(Event):
    """A packet went no further; ``reason`` is the name of a ``stats.Drop``."""

    kind: ClassVar[str] = "drop"
    reason: str


@dataclass(slots=True)
class StateChange(Event):
    """A connection changed state; states are RFC 9293's names."""

    kind: ClassVar[str] = "state"
    flow: Flow
    old: str
    new: str


@dataclass(slots=True)
class TimerFired(Event):
    """A timer of the stack ran (``tcp``, ``arp``, ...)."""

    kind: ClassVar[str] = "timer"
    name: str


@dataclass(slots=True)
class Retransmission(Event):
    """A segment is sent again; ``cause`` is rto, fast, syn-sent-rst, dup-syn, persist-probe or keepalive."""

    kind: ClassVar[str] = "retransmit"
    flow: Flow
    seq: int
    length: int
    cause: str
    nrtx: int
    rto: int


@dataclass(slots=True)
class WindowChange(Event):
    """The peer's window (``snd_wnd``) or ours (``rcv_wnd``, announced ``rcv_ann_wnd``) changed."""

    kind: ClassVar[str] = "window"
    flow: Flow
    which: str
    value: int


@dataclass(slots=True)
class CongestionChange(Event):
    """cwnd or ssthresh changed."""

    kind: ClassVar[str] = "congestion"
    flow: Flow
    cwnd: int
    ssthresh: int
    cause: str


@dataclass(slots=True)
class PoolEvent(Event):
    """A pool element (or heap bytes) was taken, or could not be."""

    kind: ClassVar[str] = "pool"
    pool: str
    ok: bool
    used: int


@dataclass(slots=True)
class ApiCall(Event):
    """The application called the stack: ``call`` (``tcp_write``) with ``args``, the local port first;
    ``result`` is what it got.

    It is delivered when the call returns, after the frames it caused.
    """

    kind: ClassVar[str] = "api"
    call: str
    args: tuple[object, ...]
    result: object


TraceHook = Callable[[Event], None]
