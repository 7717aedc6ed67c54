"""Control blocks: everything the stack knows about one connection or listener.

RFC 9293 names where the RFC has the variable, lwIP's where it has not:

====================  =====================================================================================
lastack               SND.UNA (lwIP's name) snd_nxt rcv_nxt       SND.NXT RCV.NXT snd_wnd snd_wl1/2
SND.WND (in bytes, scaled up) SND.WL1 SND.WL2 snd_wnd_max           the largest window the peer ever offered:
segments are at most half of it snd_lbb               sequence number of the next byte the application will
write snd_buf               bytes the application may still write snd_queuelen          buffers (heap blocks)
queued in unsent and unacked unsent unacked        segments not sent yet (or to be sent again), segments in
flight, each in sequence order unsent_oversize       spare room allocated in the tail of unsent rcv_wnd
RCV.WND as it really is; rcv_ann_wnd is what headers say, rcv_ann_right_edge where that ends ooseq rcv_sacks
segments received out of order; the SACK blocks (left, right) that describe them, newest first refused_data
data the application did not take; refused_fin: its FIN comes after it rtime rto             slow ticks since
the retransmission timer was (re)started, -1: off; its time-out, in slow ticks rttest rtseq sa sv    tick and
sequence number of the RTT sample under way (0: none); Van Jacobson's estimators cwnd ssthresh
congestion window and slow-start threshold, bytes; bytes_acked: towards the next increase persist_backoff
stage of the persist timer, 0: off; persist_cnt: ticks in the stage; persist_probe: probes sent tmr
slow tick of the last segment received (frozen once the receive side is closed) last_timer            the run
of the TCP timer that has already seen this pcb sent_at               slow tick at which a queued segment was
sent last (kept without quirk no_restart_after_idle) ====================
=====================================================================================

Source: lwIP ``tcp.h``: struct tcp_pcb, struct tcp_pcb_listen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from netstack.tcp.states import CLOSED, LISTEN

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf
    from netstack.profile import Profile
    from netstack.tcp.segment import Segment, TxSegment
    from netstack.trace import Flow

# Flags of a pcb (lwIP tcp.h)
TF_ACK_DELAY = 0x01  # a delayed ACK is pending
TF_ACK_NOW = 0x02  # the next output must carry an ACK
TF_INFR = 0x04  # in fast recovery
TF_CLOSEPEND = 0x08  # closed, but there was no memory for the FIN
TF_RXCLOSED = 0x10  # the application wants no more data
TF_FIN = 0x20  # the FIN is queued
TF_NODELAY = 0x40  # Nagle off
TF_NAGLEMEMERR = 0x80  # memory ran out: the next output ignores Nagle
TF_WND_SCALE = 0x100
TF_BACKLOGPEND = 0x200  # counted in the listener's accepts_pending
TF_TIMESTAMP = 0x400
TF_RTO = 0x800  # resending after a time-out
TF_SACK = 0x1000

SOF_REUSEADDR = 0x04
SOF_KEEPALIVE = 0x08
SOF_INHERITED = SOF_REUSEADDR | SOF_KEEPALIVE

PRIO_NORMAL = 64
PRIO_MAX = 127

RecvCallback = Callable[["Tcb", "Pbuf | None", int], int]
SentCallback = Callable[["Tcb", int], int]
PollCallback = Callable[["Tcb"], int]
ConnectedCallback = Callable[["Tcb", int], int]
ErrorCallback = Callable[[int], None]
AcceptCallback = Callable[["Tcb | None", int], int]


class Tcb:
    """A connection (or a socket that is none yet). Fields: see the module's glossary.

    Callbacks, None for lwIP's default: ``recv(pcb, pbuf | None, err)`` (None: end of stream; an error other
    than ERR_ABRT parks the data), ``sent(pcb, bytes)``, ``poll(pcb)`` every ``pollinterval`` slow ticks,
    ``connected(pcb, err)``, ``errf(err)`` (the pcb is gone). A callback that aborted the pcb returns
    ERR_ABRT.
    """

    __slots__ = (
        "ack_why",
        "bytes_acked",
        "challenges",
        "challenges_since",
        "connected",
        "cwnd",
        "dupacks",
        "errf",
        "flags",
        "held",
        "keep_cnt",
        "keep_cnt_sent",
        "keep_idle",
        "keep_intvl",
        "last_timer",
        "lastack",
        "listener",
        "local_ip",
        "local_port",
        "mss",
        "nrtx",
        "ooseq",
        "persist_backoff",
        "persist_cnt",
        "persist_probe",
        "poll",
        "pollinterval",
        "polltmr",
        "prio",
        "rcv_ann_right_edge",
        "rcv_ann_wnd",
        "rcv_nxt",
        "rcv_sacks",
        "rcv_scale",
        "rcv_wnd",
        "recv",
        "refused_data",
        "refused_fin",
        "remote_ip",
        "remote_port",
        "rexmit_cause",
        "rtime",
        "rto",
        "rto_end",
        "rtseq",
        "rttest",
        "sa",
        "seen",
        "sent",
        "sent_at",
        "snd_buf",
        "snd_lbb",
        "snd_nxt",
        "snd_queuelen",
        "snd_scale",
        "snd_wl1",
        "snd_wl2",
        "snd_wnd",
        "snd_wnd_max",
        "so_options",
        "ssthresh",
        "state",
        "sv",
        "tmr",
        "tos",
        "ts_lastacksent",
        "ts_recent",
        "ttl",
        "unacked",
        "unsent",
        "unsent_oversize",
    )

    def __init__(self, profile: Profile, prio: int, ticks: int, last_timer: int) -> None:
        self.local_ip = 0
        self.local_port = 0
        self.remote_ip = 0
        self.remote_port = 0
        self.so_options = 0
        self.tos = 0
        self.ttl = profile.tcp_ttl
        self.state = CLOSED
        self.prio = prio
        self.flags = 0
        self.tmr = ticks
        self.last_timer = last_timer
        self.polltmr = 0
        self.pollinterval = 0
        # Receiving. The window starts without scaling; the SYN's option enlarges it.
        self.rcv_nxt = 0
        self.rcv_wnd = min(profile.tcp_wnd, 0xFFFF) if profile.lwip_wnd_scale else profile.tcp_wnd
        self.rcv_ann_wnd = self.rcv_wnd
        self.rcv_ann_right_edge = 0
        self.rcv_scale = 0
        self.ooseq: list[Segment] = []
        self.rcv_sacks: list[tuple[int, int]] = []
        self.refused_data: Pbuf | None = None
        self.refused_fin = False
        # Sending
        self.mss = min(536, profile.tcp_mss)
        self.lastack = 0
        self.snd_nxt = 0
        self.snd_lbb = 0
        self.snd_wl1 = 0
        self.snd_wl2 = 0
        self.snd_wnd = 0
        self.snd_wnd_max = 0
        self.snd_scale = 0
        self.snd_buf = profile.tcp_snd_buf
        self.snd_queuelen = 0
        self.unsent: deque[TxSegment] = deque()
        self.unacked: deque[TxSegment] = deque()
        self.unsent_oversize = 0
        # Retransmission
        self.rtime = -1
        self.rto = self.sv = profile.lwip_tcp_rto_time // profile.tcp_slow_interval
        self.sa = 0
        self.rttest = 0
        self.rtseq = 0
        self.nrtx = 0
        self.rexmit_cause = ""  # why the head of unsent is sent again, for the trace
        self.ack_why = ""  # and why an ACK is due (one of netstack.trace.ACK_CAUSES)
        self.held: object = None  # what the trace was last told of that waits,
        self.seen: object = None  # and of this control block
        self.rto_end = 0
        # Congestion
        self.dupacks = 0
        self.cwnd = 1
        self.ssthresh = profile.tcp_snd_buf
        self.bytes_acked = 0
        self.sent_at = ticks
        # Persist, keep-alive, timestamps
        self.persist_cnt = 0
        self.persist_backoff = 0
        self.persist_probe = 0
        self.keep_idle = profile.tcp_keepidle_default
        self.keep_intvl = profile.tcp_keepintvl_default
        self.keep_cnt = profile.tcp_keepcnt_default
        self.keep_cnt_sent = 0
        self.ts_recent = 0
        self.ts_lastacksent = 0
        # Challenge ACKs, where they are limited (RFC 5961 7): how many since when (ms)
        self.challenges = 0
        self.challenges_since = 0
        # The application
        self.listener: ListenTcb | None = None
        self.recv: RecvCallback | None = None
        self.sent: SentCallback | None = None
        self.poll: PollCallback | None = None
        self.connected: ConnectedCallback | None = None
        self.errf: ErrorCallback | None = None

    @property
    def flow(self) -> Flow:
        """Local ip and port, remote ip and port."""
        return self.local_ip, self.local_port, self.remote_ip, self.remote_port


class ListenTcb:
    """A listener. ``accept(pcb, err)`` is called with each connection whose handshake is finished, and with
    (None, ERR_MEM) when a SYN found no free pcb; None for lwIP's default, which refuses.
    """

    __slots__ = (
        "accept",
        "accepts_pending",
        "backlog",
        "local_ip",
        "local_port",
        "prio",
        "so_options",
        "state",
        "tos",
        "ttl",
    )

    def __init__(self, pcb: Tcb, backlog: int) -> None:
        self.local_ip = pcb.local_ip
        self.local_port = pcb.local_port
        self.prio = pcb.prio
        self.so_options = pcb.so_options
        self.ttl = pcb.ttl
        self.tos = pcb.tos
        self.state = LISTEN
        self.backlog = max(backlog & 0xFF, 1)
        self.accepts_pending = 0
        self.accept: AcceptCallback | None = None
