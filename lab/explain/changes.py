"""Changes of a connection: state, windows, congestion window, round-trip times, out-of-order data."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import clause, label, plural, span
from lab.trace.writer import Record

# (old, new): why, RFC, lwIP. To CLOSED see ``_closed``.
TRANSITIONS: dict[tuple[str, str], tuple[str, str, str]] = {
    ("CLOSED", "SYN_SENT"): ("the program connects: a SYN goes out", "RFC 9293 §3.10.1", "tcp_connect"),
    ("CLOSED", "SYN_RCVD"): ("a SYN came for a listener", "RFC 9293 §3.10.7.2", "tcp_listen_input"),
    ("SYN_SENT", "ESTABLISHED"): ("the SYN-ACK has come", "RFC 9293 §3.10.7.3", "tcp_process"),
    ("SYN_SENT", "SYN_RCVD"): (
        "a SYN came while ours was under way: simultaneous open",
        "RFC 9293 §3.5",
        "tcp_process",
    ),
    ("SYN_RCVD", "ESTABLISHED"): ("our SYN-ACK is acknowledged", "RFC 9293 §3.10.7.4", "tcp_process"),
    ("SYN_RCVD", "FIN_WAIT_1"): (
        "the program closed before the handshake was done: a FIN is queued",
        "RFC 9293 §3.10.4",
        "tcp_close_shutdown_fin",
    ),
    ("ESTABLISHED", "FIN_WAIT_1"): (
        "the program closed: a FIN is queued",
        "RFC 9293 §3.6, §3.10.4",
        "tcp_close_shutdown_fin",
    ),
    ("ESTABLISHED", "CLOSE_WAIT"): (
        "the peer's FIN has come; the program may still send",
        "RFC 9293 §3.6, §3.10.7.4",
        "tcp_process",
    ),
    ("FIN_WAIT_1", "FIN_WAIT_2"): (
        "our FIN is acknowledged; the peer may still send",
        "RFC 9293 §3.10.7.4",
        "tcp_process",
    ),
    ("FIN_WAIT_1", "CLOSING"): (
        "the peer's FIN has come before the ACK of ours: both closed at the same time",
        "RFC 9293 §3.6",
        "tcp_process",
    ),
    ("FIN_WAIT_1", "TIME_WAIT"): (
        "the peer's FIN has come, and with it the ACK of ours",
        "RFC 9293 §3.10.7.4",
        "tcp_process",
    ),
    ("FIN_WAIT_1", "CLOSE_WAIT"): (
        "the program closed in its accept callback, and the segment that finished the "
        "handshake carries a FIN",
        "RFC 9293 §3.10.7.4",
        "tcp_process",
    ),
    ("FIN_WAIT_2", "TIME_WAIT"): ("the peer's FIN has come", "RFC 9293 §3.10.7.4", "tcp_process"),
    ("CLOSE_WAIT", "LAST_ACK"): (
        "the program closed, too: a FIN is queued",
        "RFC 9293 §3.10.4",
        "tcp_close_shutdown_fin",
    ),
    ("CLOSING", "TIME_WAIT"): ("our FIN is acknowledged", "RFC 9293 §3.10.7.4", "tcp_process"),
}


def state(run: Run, event: Record) -> Explanation:
    """A ``state``."""
    old, new = event["old"], event["new"]
    why, rfc, lwip = _closed(run, event) if new == "CLOSED" else TRANSITIONS[old, new]
    return Explanation(f"{old} → {new} because {why}", rfc, lwip)


def _closed(run: Run, event: Record) -> tuple[str, str, str]:
    """Why a connection is gone."""
    fired = run.last(event, "timer-fired")
    if fired is not None and fired["t"] == event["t"] and fired["action"] in ("give-up", "remove"):
        if fired["action"] == "give-up":
            return "it was given up: see the timer that fired", "RFC 9293 §3.8.3", "tcp_slowtmr"
        return (
            "the time limit of its state is over",
            "RFC 9293 §3.6.1" if event["old"] == "TIME_WAIT" else "",
            "tcp_slowtmr",
        )
    segment = run.within(event, "segment-in")
    if segment is not None and segment.get("conn") == event["conn"] and segment.get("verdict") == "reset":
        return "the peer reset it", "RFC 9293 §3.5.3", "tcp_input"
    failed = [
        other
        for other in run.beside(event, "pool")
        if other["pool"] == "TCP_PCB" and other["action"] == "fail"
    ]
    if failed:
        lwip = {"TIME_WAIT": "tcp_kill_timewait", "LAST_ACK": "tcp_kill_state", "CLOSING": "tcp_kill_state"}
        return "its pcb was needed for a new connection", "", lwip.get(event["old"], "tcp_kill_prio")
    resets = [
        other
        for other in run.beside(event, "segment-out")
        if other["conn"] == event["conn"] and other["cause"].startswith("rst-")
    ]
    if resets:
        return f"it was reset by this side ({resets[-1]['cause']})", "RFC 9293 §3.10.5", "tcp_abandon"
    if "by" not in event:
        return "the address of its interface changed or went", "", "tcp_netif_ip_addr_changed"
    if event["old"] == "LAST_ACK":
        return "our FIN is acknowledged: both sides are closed", "RFC 9293 §3.10.7.4", "tcp_process"
    if event["old"] == "SYN_SENT":
        return "the program closed before anybody answered", "RFC 9293 §3.10.4", "tcp_close_shutdown"
    return "it was given up without a word", "", "tcp_abandon"


def window(run: Run, event: Record) -> Explanation:
    """A ``window``."""
    which, value = event["which"], event["value"]
    change = f"{event['old']} → {value}" if event["old"] is not None else f"{value} now"
    call = run.within(event, "api")
    if which == "snd_wnd" and call is not None and call["call"] == "tcp_connect":
        text = f"the peer's window is taken to be {value}, as large as ours, until its SYN-ACK tells"
        return Explanation(text, "", "tcp_connect")
    if which == "snd_wnd":
        text = f"the peer's window is {change}{clause(run, event)}"
        return Explanation(text, "RFC 9293 §3.10.7.4 (fifth step)", "tcp_receive")
    if which == "rcv_wnd":
        less = event["old"] is not None and value < event["old"]
        why = ": data came that the program has not read" if less else ": the program has read"
        if event["old"] is None:
            why = clause(run, event)
        return Explanation(
            f"the free receive window is {change}{why}", "RFC 9293 §3.8.6", "tcp_receive, tcp_recved"
        )
    text = f"headers announce a window of {change}{clause(run, event)}"
    notes = ("its right edge moves only when it can by a full segment (mss), or half the window if less",)
    return Explanation(text, "RFC 9293 §3.8.6.2.2", "tcp_update_rcv_ann_wnd", notes)


_CONGESTION = {
    "initial": (
        "the connection is established: the initial window",
        "RFC 5681 §3.1, RFC 3390",
        "tcp_process",
    ),
    "slow-start": (
        "slow start: it grows by what is acknowledged, at most 2 segments an ACK (1 after a time-out)",
        "RFC 5681 §3.1, RFC 3465 §2.2",
        "tcp_receive",
    ),
    "avoidance": (
        "congestion avoidance: one segment more for each window that is acknowledged",
        "RFC 5681 §3.1, RFC 3465 §2.1",
        "tcp_receive",
    ),
    "rto": (
        "time-out: ssthresh is half of what may be in flight, but 2 segments at least, cwnd one segment",
        "RFC 5681 §3.1",
        "tcp_slowtmr",
    ),
    "idle": (
        "nothing was sent for longer than the time-out: the initial window again",
        "RFC 5681 §4.1",
        "tcp_output",
    ),
    "fast": (
        "third duplicate ACK: ssthresh is half of what may be in flight, but 2 segments at least, cwnd that "
        "plus 3 segments",
        "RFC 5681 §3.2",
        "tcp_rexmit_fast",
    ),
    "dup-ack": ("a further duplicate ACK: one segment has left the network", "RFC 5681 §3.2", "tcp_receive"),
    "recovered": (
        "new data is acknowledged: fast recovery ends, cwnd is ssthresh",
        "RFC 5681 §3.2",
        "tcp_receive",
    ),
}


def congestion(run: Run, event: Record) -> Explanation:
    """A ``congestion``."""
    why, rfc, lwip = _CONGESTION[event["cause"]]
    old = "" if event["old_cwnd"] is None else f"{event['old_cwnd']} → "
    return Explanation(f"cwnd {old}{event['cwnd']}, ssthresh {event['ssthresh']}: {why}", rfc, lwip)


def rtt(run: Run, event: Record) -> Explanation:
    """An ``rtt``."""
    if event["what"] == "timed":
        sent = run.last(event, "segment-out") or {}
        text = f"{event['seq']} is timed from now on (tick {event['ticks']}); one segment at a time"
        notes: tuple[str, ...] = ()
        if sent.get("xmit", 1) > 1 and sent["seq"] == event["seq"]:
            notes = ("lwIP times a retransmission, although its ACK may be of the first: Karn would not",)
        return Explanation(text, "RFC 6298 §3", "tcp_output_segment", notes)
    if event["what"] == "cancelled":
        text = f"{event['seq']} is timed no more: what is in flight is sent again (Karn)"
        notes = ("lwIP gives up the measurement at any retransmission, also of another segment",)
        return Explanation(text, "RFC 6298 §3", "tcp_rexmit_rto_prepare, tcp_rexmit", notes)
    tick = run.slow_tick(event) // 1_000_000
    text = (
        f"round-trip time of {event['seq']}: {plural(event['m'], 'tick')} of {tick} ms; now sa "
        f"{event['sa']}, sv "
        f"{event['sv']}, rto {event['old_rto']} → {event['rto']} = (sa >> 3) + sv"
    )
    notes = ("Van Jacobson's integers: sa is 8 × srtt, sv is 4 × rttvar", "lwIP has no minimum of 1 s")
    return Explanation(text, "RFC 6298 §2", "tcp_receive", notes)


_REASSEMBLY = {
    "stored": ("is kept: it came before what is in front of it", "RFC 9293 §3.10.7.4", "tcp_receive"),
    "ignored": (
        "is not kept: it is there already, or lies behind a FIN",
        "RFC 9293 §3.10.7.4",
        "tcp_receive",
    ),
    "no-element": ("is not kept: the pool TCP_SEG is empty", "", "tcp_seg_copy"),
    "delivered": ("is in sequence now and goes to the program", "RFC 9293 §3.10.7.4", "tcp_receive"),
    "covered": ("is thrown away: the segment that came in sequence has all of it", "", "tcp_receive"),
    "limit": (
        "is thrown away: more out-of-order data than TCP_OOSEQ_MAX_BYTES or TCP_OOSEQ_MAX_PBUFS allow",
        "",
        "tcp_receive",
    ),
    "expired": (
        "is thrown away: what is missing did not come for 6 × rto",
        "",
        "tcp_slowtmr, tcp_free_ooseq",
    ),
    "pool-empty": (
        "is thrown away: the receive pool was empty, and its buffers are needed",
        "",
        "pbuf_free_ooseq",
    ),
}


def reassembly(run: Run, event: Record) -> Explanation:
    """A ``reassembly``."""
    why, rfc, lwip = _REASSEMBLY[event["what"]]
    what = f"data {span(event['seq'], event['len'])}" if event["len"] else f"FIN {event['seq']}"
    queue = ", ".join(span(left, right - left) for left, right in _joined(event["queue"])) or "nothing"
    return Explanation(f"out-of-order {what} {why}", rfc, lwip, (f"the queue holds {queue}",))


def _joined(ranges: list[list[int]]) -> list[list[int]]:
    """Ranges in order, those that touch as one."""
    found: list[list[int]] = []
    for left, right in ranges:
        if found and found[-1][1] == left:
            found[-1] = [found[-1][0], right]
        else:
            found.append([left, right])
    return found


def snapshot(run: Run, event: Record) -> Explanation:
    """A ``tcb``."""
    unsent = sum(right - left for left, right in event["unsent"])
    ooseq = event.get("ooseq_bytes") or sum(right - left for left, right in event["ooseq"])
    text = (
        f"{event['state']}: sent up to {event['nxt']}, acknowledged {event['una']}, {unsent} wait to be "
        "sent; cwnd "
        f"{event['cwnd']}, snd_wnd {event['snd_wnd']}; received up to {event['rcv_nxt']}, {event['unread']} "
        "unread, "
        f"{ooseq} out of order; rto {event['rto']}"
    )
    return Explanation(text + clause(run, event), "RFC 9293 §3.3.1", "struct tcp_pcb")


def retransmit(run: Run, event: Record) -> Explanation:
    """A ``retransmit``: the ``segment-out`` behind it has the reason."""
    sent = run.next(event, "segment-out")
    what = span(event["seq"], event["len"]) if sent is None else label(sent)
    text = f"{what} is sent again{clause(run, event)}: {event['cause']}"
    return Explanation(text, "RFC 9293 §3.8.1", "tcp_output_segment", (f"retry {event['nrtx']}",))


CHANGES: dict[str, Callable[[Run, Record], Explanation]] = {
    "state": state,
    "window": window,
    "congestion": congestion,
    "rtt": rtt,
    "reassembly": reassembly,
    "tcb": snapshot,
    "retransmit": retransmit,
}
