"""The inner state of a device as it sends a frame, in two lines: what a capture says beside the frame.

    una=6509 nxt=7045 flight=536 cwnd=2144 ssthresh=2144 snd_wnd=2144 rto=1500ms nrtx=0 dupacks=0
    heap=1284/4000 PBUF_POOL=0/16 TCP_PCB=1/5 TCP_SEG=2/16

The first is that of the connection that a TCP segment belongs to. It is the state in which lwIP hands the
frame over: ``tcp_output_segment`` sends before it counts, so ``nxt`` is where the segment starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netstack.stack import Stack
    from netstack.tcp.tcb import Tcb

_TCP = 6


def inner_state(stack: Stack, frame: bytes) -> str:
    """The state of ``stack`` that sends ``frame``; pools of which nothing is used are left out."""
    mem = stack.mem
    used = [f"heap={mem.heap.used}/{mem.heap.size}"]
    used += [f"{pool.name}={pool.used}/{pool.size}" for pool in mem.pools() if pool.used]
    pools = " ".join(used)
    pcb = _connection(stack, frame)
    return pools if pcb is None else f"{_state(stack, pcb)}\n{pools}"


def _connection(stack: Stack, frame: bytes) -> Tcb | None:
    """The connection that sends the TCP segment in ``frame``. (lwIP's own search reorders its lists.)"""
    if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != _TCP or frame[20] & 0x1F or frame[21]:
        return None
    above = 14 + (frame[14] & 0xF) * 4
    source, target = int.from_bytes(frame[26:30], "big"), int.from_bytes(frame[30:34], "big")
    ports = int.from_bytes(frame[above : above + 4], "big")
    flow = source, ports >> 16, target, ports & 0xFFFF
    for pcb in (*stack.tcp.active_pcbs, *stack.tcp.tw_pcbs):
        if pcb.flow == flow:
            return pcb
    return None


def _state(stack: Stack, pcb: Tcb) -> str:
    flight = pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF
    return (
        f"una={pcb.lastack} nxt={pcb.snd_nxt} flight={flight} cwnd={pcb.cwnd} ssthresh={pcb.ssthresh} "
        f"snd_wnd={pcb.snd_wnd} rto={pcb.rto * stack.profile.tcp_slow_interval}ms nrtx={pcb.nrtx} "
        f"dupacks={pcb.dupacks}"
    )
