"""Header prediction: the two segments that bulk transfer consists of, by the shortest way (Jacobson, RFC 1323
appendix).

On an established connection nearly every segment is the next data and acknowledges nothing new, or carries no
data and acknowledges something new. What ``process`` would do with these two comes down to a few lines;
everything else takes the long way. That both ways lead to the same state is tested by taking the long way
only (``predicts`` off) over the same conversations.
"""

from __future__ import annotations

from netstack.checksum import number
from netstack.pbuf import Pbuf
from netstack.tcp.ack import new_ack, update_window
from netstack.tcp.deliver import delayed_close, deliver, report_acked
from netstack.tcp.options import obey_timestamp
from netstack.tcp.output import output
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_ACK_DELAY, TF_ACK_NOW, TF_NAGLEMEMERR, TF_RXCLOSED, Tcb

_SIGN = 0x80000000
_OUTPUT_FLAGS = TF_ACK_NOW | TF_NAGLEMEMERR  # what output does something about, data apart


def predicted(
    tcp: TcpShared, pcb: Tcb, p: Pbuf, seq: int, ack: int, field: int, length: int, options: bytes
) -> bool:
    """Process a segment that has the ACK flag, perhaps PSH, and no options but ``ONLY_TS``, at RCV.NXT in
    ESTABLISHED; ``field`` is its window. False if it is none of the two, and nothing has been done.
    """
    if pcb.refused_data is not None or pcb.ooseq or pcb.flags & TF_RXCLOSED or tcp.core.trace is not None:
        return False
    if length:
        if ack != pcb.lastack or length > pcb.rcv_wnd or pcb.rcv_sacks:
            return False
    else:
        advance = ack - pcb.lastack & 0xFFFFFFFF
        if not advance or advance & _SIGN or (pcb.snd_nxt - ack) & _SIGN or not pcb.rcv_wnd:
            return False
    pcb.tmr = tcp.ticks  # the connection is alive
    pcb.keep_cnt_sent = 0
    pcb.persist_probe = 0
    if options and tcp.profile.lwip_tcp_timestamps:
        obey_timestamp(tcp, pcb, seq, length, number(options[4:8], "big"))
    update_window(tcp, pcb, seq, ack, field)
    alive = _next_data(tcp, pcb, p, seq + length) if length else _new_ack(tcp, pcb, p, ack)
    tcp.input_pcb = None
    if alive and not (tcp.input_closed and delayed_close(tcp, pcb)):
        if pcb.unsent or pcb.flags & _OUTPUT_FLAGS:
            output(tcp, pcb)
    tcp.input_closed = False
    return True


def _next_data(tcp: TcpShared, pcb: Tcb, p: Pbuf, end: int) -> bool:
    """The next data, up to number ``end``, and no new acknowledgement; False when the pcb is gone."""
    if tcp.resets_dupacks:
        pcb.dupacks = 0
    if pcb.rttest and (pcb.rtseq - pcb.lastack) & _SIGN:
        tcp.parts.rtt.sample(pcb, tcp.ticks)
    pcb.rcv_wnd -= end - pcb.rcv_nxt
    pcb.rcv_nxt = end & 0xFFFFFFFF
    tcp.parts.window.update_rcv_ann_wnd(tcp, pcb)
    if pcb.flags & TF_ACK_DELAY:
        pcb.flags = pcb.flags & ~TF_ACK_DELAY | TF_ACK_NOW
    else:
        pcb.flags |= TF_ACK_DELAY
    tcp.input_pcb = pcb
    return deliver(tcp, pcb, p)


def _new_ack(tcp: TcpShared, pcb: Tcb, p: Pbuf, ack: int) -> bool:
    """A new acknowledgement without data; False when the pcb is gone."""
    acked = new_ack(tcp, pcb, ack)
    if pcb.rttest and (pcb.rtseq - ack) & _SIGN:
        tcp.parts.rtt.sample(pcb, tcp.ticks)
    p.free()
    tcp.input_pcb = pcb
    return report_acked(pcb, acked) and not (tcp.input_closed and delayed_close(tcp, pcb))
