"""The parts of TCP that can be exchanged: four places where a stack may do as it likes and is still TCP.

``stack.tcp.parts`` holds them; each is lwIP's module of that name unless somebody sets another one, before
the first connection. What a part must offer is a Protocol here, and lwIP's modules are the examples. The
stack keeps everything else: it numbers, sends, times and frees.
"""

from __future__ import annotations

from typing import Protocol

from netstack.tcp import congestion, reassembly, rtt, window
from netstack.tcp.segment import Segment
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import Tcb


class RttPart(Protocol):
    """The retransmission time-out ``pcb.rto``, in slow ticks (``rtt``)."""

    def sample(self, pcb: Tcb, ticks: int) -> None:
        """The timed segment was acknowledged: estimate, and set ``pcb.rttest`` to 0."""

    def reset_backoff(self, pcb: Tcb) -> None:
        """New data was acknowledged; it is still in ``pcb.unacked``, and ``pcb.lastack`` is the old one. Not
        asked without quirk retransmission_timed: then only a sample ends the back-off (Karn).
        """

    def back_off(self, pcb: Tcb) -> None:
        """The time-out fired; ``pcb.nrtx`` counts those before it."""


class CongestionPart(Protocol):
    """``pcb.cwnd`` and ``pcb.ssthresh``, in bytes (``congestion``)."""

    def on_established(self, pcb: Tcb) -> None:
        """The handshake is done."""

    def leave_recovery(self, pcb: Tcb) -> None:
        """New data was acknowledged during fast recovery: clear TF_INFR. ``on_ack`` follows."""

    def on_ack(self, tcp: TcpShared, pcb: Tcb, acked: int) -> None:
        """``acked`` new bytes were acknowledged, also before the handshake is done."""

    def on_timeout(self, tcp: TcpShared, pcb: Tcb) -> None:
        """The retransmission timer fired."""

    def on_idle(self, pcb: Tcb) -> None:
        """Data is to be sent after a silence longer than the time-out (quirk no_restart_after_idle off)."""

    def on_fast_retransmit(self, tcp: TcpShared, pcb: Tcb) -> None:
        """The third duplicate ACK: set TF_INFR."""

    def on_further_duplicate(self, tcp: TcpShared, pcb: Tcb) -> None:
        """One more than three."""


class ReassemblyPart(Protocol):
    """The out-of-order queue ``pcb.ooseq`` (``reassembly``); the stack asks only whether it is empty, and
    frees it.
    """

    def make_room(self, tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
        """``seg`` is in sequence and the queue is not empty: see to it that they do not overlap."""

    def deliver_contiguous(self, tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
        """RCV.NXT has moved over ``seg``: add to ``seg.delivered`` what is in sequence now."""

    def queue_out_of_order(self, tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
        """``seg`` begins beyond RCV.NXT, in the window: keep of it what there is room for."""


class WindowPart(Protocol):
    """What is announced, ``pcb.rcv_ann_wnd``; ``pcb.rcv_wnd`` is what is free (``window``)."""

    def update_rcv_ann_wnd(self, tcp: TcpShared, pcb: Tcb) -> int:
        """RCV.NXT or the free space has changed: announce; returns by how much the right edge moves."""

    def recved(self, tcp: TcpShared, pcb: Tcb, length: int) -> None:
        """The application has consumed ``length`` bytes: account for them, and send an update if it is
        worth it.
        """


class Parts:
    """Those of one stack."""

    __slots__ = ("congestion", "reassembly", "rtt", "window")

    def __init__(self) -> None:
        self.rtt: RttPart = rtt
        self.congestion: CongestionPart = congestion
        self.reassembly: ReassemblyPart = reassembly
        self.window: WindowPart = window
