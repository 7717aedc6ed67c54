"""Window and congestion events for the trace: what changed while something was processed. Only used while
somebody looks.
"""

from __future__ import annotations

from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import Tcb
from netstack.trace import CongestionChange, WindowChange

Snapshot = tuple[int, int, int, int, int]


def snapshot(pcb: Tcb) -> Snapshot:
    """What ``report`` compares."""
    return pcb.snd_wnd, pcb.rcv_wnd, pcb.rcv_ann_wnd, pcb.cwnd, pcb.ssthresh


def report(tcp: TcpShared, pcb: Tcb, before: Snapshot, cause: str) -> None:
    """One event for each window that is not as it was."""
    trace = tcp.core.trace
    after = snapshot(pcb)
    if trace is None or after == before:
        return
    now = tcp.core.now
    flow = pcb.flow
    for name, old, new in zip(("snd_wnd", "rcv_wnd", "rcv_ann_wnd"), before, after, strict=False):
        if old != new:
            trace(WindowChange(now, flow, name, new))
    if before[3:] != after[3:]:
        trace(CongestionChange(now, flow, after[3], after[4], cause))
