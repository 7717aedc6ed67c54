"""Connection states and the one place where they change (RFC 9293 3.3.2).

The numbers are lwIP's: comparisons such as "state < CLOSE_WAIT" depend on them. ``ALLOWED`` is the state
diagram that lwIP walks; the diagram in the documents is drawn from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netstack.trace import StateChange

if TYPE_CHECKING:
    from netstack.tcp.shared import TcpShared
    from netstack.tcp.tcb import Tcb

(
    CLOSED,
    LISTEN,
    SYN_SENT,
    SYN_RCVD,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
) = range(11)

STATE_NAMES = (
    "CLOSED",
    "LISTEN",
    "SYN_SENT",
    "SYN_RCVD",
    "ESTABLISHED",
    "FIN_WAIT_1",
    "FIN_WAIT_2",
    "CLOSE_WAIT",
    "CLOSING",
    "LAST_ACK",
    "TIME_WAIT",
)

# From any state to CLOSED: reset, abort, give-up. FIN_WAIT_1 to CLOSE_WAIT is lwIP's: the application closed
# inside the accept callback and the segment that finished the handshake carries the peer's FIN. SYN_SENT to
# SYN_RCVD is the simultaneous open that only profiles without the quirk ``no_simultaneous_open`` have.
ALLOWED: dict[int, tuple[int, ...]] = {
    CLOSED: (LISTEN, SYN_SENT, SYN_RCVD),
    LISTEN: (),
    SYN_SENT: (ESTABLISHED, SYN_RCVD),
    SYN_RCVD: (ESTABLISHED, FIN_WAIT_1),
    ESTABLISHED: (FIN_WAIT_1, CLOSE_WAIT),
    FIN_WAIT_1: (FIN_WAIT_2, CLOSING, TIME_WAIT, CLOSE_WAIT),
    FIN_WAIT_2: (TIME_WAIT,),
    CLOSE_WAIT: (LAST_ACK,),
    CLOSING: (TIME_WAIT,),
    LAST_ACK: (),
    TIME_WAIT: (),
}


def set_state(tcp: TcpShared, pcb: Tcb, new: int) -> None:
    """Change the state of ``pcb`` and tell the observer; staying where it is is no change."""
    old = pcb.state
    if new == old:
        return
    assert new == CLOSED or new in ALLOWED[old], f"{STATE_NAMES[old]} to {STATE_NAMES[new]}"
    pcb.state = new
    trace = tcp.core.trace
    if trace is not None:
        trace(StateChange(tcp.core.now, pcb.flow, STATE_NAMES[old], STATE_NAMES[new]))
        tcp.state_changed(pcb, old)
