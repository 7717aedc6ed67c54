"""What a stack tells an observer: typed events with virtual time.

A trace hook is a callable that takes an event; ``Stack(trace=hook)`` or ``stack.trace = hook``. With no hook
nothing is built: each place in the stack asks ``if trace is not None`` first. Times are ns since the stack
started, addresses ints, sequence numbers as on the wire, lengths and windows bytes, TCP's times slow ticks.

An event is told where the decision is made, so what follows from it comes after it. What happens while a
frame, a segment, a timer's run or a call is processed stands between it and its ``Done`` (``ApiCall``).
docs/trace.md says what each becomes in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

Flow = tuple[int, int, int, int]  # local ip, local port, remote ip, remote port
Numbers = dict[str, int]  # the numbers of a decision, by their names in docs/trace.md
Ranges = tuple[tuple[int, int], ...]  # sequence numbers [from, to)


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
    """A segment is sent again; ``cause`` is one of ``REXMIT_CAUSES``, persist-probe, persist-split or
    keepalive.
    """

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
    """cwnd or ssthresh changed; ``cause`` is one of ``CONGESTION_CAUSES``."""

    kind: ClassVar[str] = "congestion"
    flow: Flow
    cwnd: int
    ssthresh: int
    cause: str


@dataclass(slots=True)
class PoolEvent(Event):
    """Elements of a pool (bytes of the heap) were taken or given back: ``used`` are taken now. Not ``ok``:
    there were not enough.
    """

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


@dataclass(slots=True)
class Called(Event):
    """The application calls ``call``; what follows happens in it, up to its ``ApiCall``."""

    kind: ClassVar[str] = "called"
    call: str


@dataclass(slots=True)
class Done(Event):
    """The end of what the last FrameIn, SegmentIn or TimerFired has begun that has not ended yet."""

    kind: ClassVar[str] = "done"


# Segments


@dataclass(slots=True)
class SegmentIn(Event):
    """A segment has come, and (``verdict`` and what follows, filled in when it has been processed) what
    became of it: one of ``VERDICTS``. ``outcome`` holds acked, accepted, delivered, queued, trimmed, dupacks,
    wnd_taken.
    """

    kind: ClassVar[str] = "segment-in"
    flow: Flow
    seq: int
    ack: int
    flags: int
    wnd: int
    length: int
    state: str
    before: Numbers
    verdict: str = ""
    ack_kind: str = "none"
    outcome: Numbers = field(default_factory=dict)
    state_after: str = ""


@dataclass(slots=True)
class SegmentOut(Event):
    """A segment is handed to IP. ``cause`` is one of ``SEGMENT_CAUSES``; ``carries`` that of an ACK that was
    due and travels with it, or "". ``xmit``: how often it has been sent, this time included.
    """

    kind: ClassVar[str] = "segment-out"
    flow: Flow
    seq: int
    ack: int
    flags: int
    wnd: int
    length: int
    cause: str
    xmit: int
    carries: str
    numbers: Numbers


@dataclass(slots=True)
class Held(Event):
    """Something could be sent and is not; ``why`` is one of ``HELD_REASONS``. ``seq`` and ``length`` are of
    what waits.
    """

    kind: ClassVar[str] = "held"
    flow: Flow
    why: str
    seq: int
    length: int
    numbers: Numbers


@dataclass(slots=True)
class HeldPacket(Event):
    """A ``packet`` of IPv4 waits for the MAC of ``ip``, or is given up (``why``: arp-pending, ...)."""

    kind: ClassVar[str] = "held-packet"
    why: str
    ip: int
    packet: bytes


@dataclass(slots=True)
class Snapshot(Event):
    """The control block of a connection, after something has changed it. ``numbers`` by the names of
    ``netstack.tcp.observe``; ``flags`` are lwIP's TF_ names.
    """

    kind: ClassVar[str] = "tcb"
    flow: Flow
    state: str
    numbers: Numbers
    unsent: Ranges
    unacked: Ranges
    ooseq: Ranges
    flags: tuple[str, ...]


@dataclass(slots=True)
class RttEvent(Event):
    """``what``: timed (``seq`` is under way), sample (``m`` slow ticks: ``sa``, ``sv``, ``rto`` after it),
    cancelled (Karn: it was sent again).
    """

    kind: ClassVar[str] = "rtt"
    flow: Flow
    what: str
    seq: int
    numbers: Numbers


@dataclass(slots=True)
class TimerArmed(Event):
    """A timer of a connection runs from now on: one of ``CONNECTION_TIMERS``. It fires ``ticks`` slow ticks
    ahead, at ``due`` (ns), if nothing stops it.
    """

    kind: ClassVar[str] = "timer-armed"
    flow: Flow
    timer: str
    ticks: int
    due: int


@dataclass(slots=True)
class TimerStopped(Event):
    """A timer of a connection runs no more; ``why`` is one of ``STOP_REASONS``."""

    kind: ClassVar[str] = "timer-stopped"
    flow: Flow
    timer: str
    why: str


@dataclass(slots=True)
class TimerExpired(Event):
    """A timer of a connection has reached its ``limit``; ``action`` (one of ``TIMER_ACTIONS``) is what lwIP
    does now.
    """

    kind: ClassVar[str] = "timer-fired"
    flow: Flow
    timer: str
    count: int
    limit: int
    action: str
    numbers: Numbers


@dataclass(slots=True)
class ReassemblyEvent(Event):
    """Something happened to the out-of-order queue, which is ``queue`` now: ``what`` is one of
    ``REASSEMBLY_ACTIONS``.
    """

    kind: ClassVar[str] = "reassembly"
    flow: Flow
    what: str
    seq: int
    length: int
    queue: Ranges


@dataclass(slots=True)
class ArpEvent(Event):
    """Something happened to the entry of ``ip`` (``what``: one of ``ARP_ACTIONS``), for which ``packets``
    wait.
    """

    kind: ClassVar[str] = "arp"
    what: str
    ip: int
    mac: bytes
    packets: int


TraceHook = Callable[[Event], None]

# The closed lists of words in events. docs/trace.md says what each means, lab.explain why it happens.

ACK_CAUSES = tuple(
    """
    handshake delayed-ack second-segment fin-received out-of-order sack-hole hole-filled outside-window
    old-segment unsent-acked text-after-fin not-acceptable time-wait refused-data challenge-rst challenge-syn
    challenge-ack window-update abort-flush pending
    """.split()
)
RST_CAUSES = tuple(
    """
    rst-no-pcb rst-listener rst-syn-sent rst-syn-rcvd rst-time-wait rst-unread rst-after-close rst-refused
    rst-abort rst-killed rst-address rst-keepalive rst-gave-up
    """.split()
)
REXMIT_CAUSES = ("rto", "fast", "syn-sent-rst", "dup-syn")
SEGMENT_CAUSES = (
    *"connect syn-ack data fin fin-with-data persist-split persist-probe keepalive".split(),
    *REXMIT_CAUSES,
    *ACK_CAUSES,
    *RST_CAUSES,
)
HELD_REASONS = tuple(
    """
    window cwnd handshake nagle not-connected snd-buf snd-queuelen tcp-seg heap no-route no-memory driver
    arp-pending arp-replaced arp-gave-up arp-no-entry busy delayed-ack ack-behind-nagle ack-forgotten
    small-update close-pending challenge-limit
    """.split()
)
VERDICTS = tuple(
    """
    in-order ack-only out-of-order old outside after-fin refused unacceptable handshake syn-ignored bad-ack
    no-ack reset reset-ignored challenge-reset challenge-syn time-wait listen no-connection
    """.split()
)
ACK_KINDS = ("new", "duplicate", "old", "future", "none")
CONNECTION_TIMERS = tuple(
    "rexmit persist delayed-ack keepalive ooseq syn-rcvd fin-wait-2 last-ack time-wait".split()
)
STOP_REASONS = ("all-acked", "sent", "window-open", "state", "gone")
TIMER_ACTIONS = ("retransmit", "wait-busy", "probe", "split", "ack", "discard", "give-up", "remove")
CONGESTION_CAUSES = ("initial", "slow-start", "avoidance", "rto", "idle", "fast", "dup-ack", "recovered")
RTT_ACTIONS = ("timed", "sample", "cancelled")
REASSEMBLY_ACTIONS = tuple("stored ignored no-element delivered covered limit expired pool-empty".split())
ARP_ACTIONS = tuple(
    "asked asked-again refreshed learned updated released gave-up expired evicted cleared".split()
)
