"""Timers of connections: armed, stopped, fired."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import clause, plural, seconds, ticks
from lab.trace.writer import Record

NAMES = {
    "rexmit": "the retransmission timer",
    "persist": "the persist timer",
    "delayed-ack": "the delay of the ACK",
    "keepalive": "keep-alive",
    "ooseq": "the time limit of out-of-order data",
    "syn-rcvd": "the time limit of SYN_RCVD",
    "fin-wait-2": "the time limit of FIN_WAIT_2",
    "last-ack": "the time limit of LAST_ACK",
    "time-wait": "the 2 MSL of TIME_WAIT",
}
PLACES = {
    "rexmit": ("RFC 6298 §5.1, §5.3", "tcp_output_segment, tcp_slowtmr"),
    "persist": ("RFC 9293 §3.8.6.1", "tcp_output"),
    "delayed-ack": ("RFC 9293 §3.8.6.3", "tcp_ack"),
    "keepalive": ("RFC 9293 §3.8.4", "tcp_slowtmr"),
    "ooseq": ("", "tcp_slowtmr"),
    "syn-rcvd": ("RFC 9293 §3.8.3", "tcp_slowtmr"),
    "fin-wait-2": ("", "tcp_slowtmr"),
    "last-ack": ("", "tcp_slowtmr"),
    "time-wait": ("RFC 9293 §3.6.1", "tcp_slowtmr"),
}
STOPS = {
    "all-acked": ("everything is acknowledged", "RFC 6298 §5.2", "tcp_receive"),
    "sent": ("the ACK goes out now", "RFC 9293 §3.8.6.3", "tcp_output, tcp_send_empty_ack"),
    "window-open": ("the peer's window has room again", "RFC 9293 §3.8.6.1", "tcp_output"),
    "state": ("the connection has left that state", "", "tcp_process"),
    "gone": ("the connection gives up its queues", "", "tcp_pcb_purge"),
}


def armed(run: Run, event: Record) -> Explanation:
    """A ``timer-armed``."""
    timer = event["timer"]
    rfc, lwip = PLACES[timer]
    if timer == "delayed-ack":
        text = f"{NAMES[timer]} ends with the fast tick at {seconds(event['due'])}"
        return Explanation(text, rfc, lwip)
    text = (
        f"{NAMES[timer]} is started{clause(run, event)}: it fires at {seconds(event['due'])}, in "
        f"{ticks(run, event, event['ticks'])} of TCP's timer, unless something stops it"
    )
    return Explanation(text, rfc, lwip, _counted_from(timer))


def _counted_from(timer: str) -> tuple[str, ...]:
    """Where the time limit of a state begins, as a note."""
    if timer in ("fin-wait-2", "last-ack"):
        return ("lwIP counts from the last segment that came before the program closed",)
    if timer == "time-wait":
        return ("lwIP counts from the last segment that came before the program closed, or a FIN since",)
    return ("counted from the SYN, or what has come since",) if timer == "syn-rcvd" else ()


def stopped(run: Run, event: Record) -> Explanation:
    """A ``timer-stopped``."""
    why, rfc, lwip = STOPS[event["why"]]
    again = run.next(event, "timer-armed")
    fired = run.last(event, "timer-fired")
    if event["why"] == "state" and again is not None and _same_moment(event, again):
        why, rfc, lwip = "it begins anew", "RFC 9293 §3.10.7.4", "tcp_timewait_input"
    elif event["why"] == "window-open" and fired is not None and fired["action"] == "split":
        if _same_moment(event, fired):
            why, lwip = "what fits into the peer's window goes out", "tcp_split_unsent_seg, tcp_output"
    return Explanation(f"{NAMES[event['timer']]} stops{clause(run, event)}: {why}", rfc, lwip)


def _same_moment(event: Record, other: Record) -> bool:
    return bool(other["timer"] == event["timer"] and other["t"] == event["t"])


def fired(run: Run, event: Record) -> Explanation:
    """A ``timer-fired``."""
    return ACTIONS[event["action"]](run, event)


def _retransmit(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the retransmission timer fired: rtime {event['count']} ≥ rto {event['limit']} "
        f"({ticks(run, event, event['limit'])}), retry {event['nrtx'] + 1}",
        "RFC 6298 §5.4–5.6",
        "tcp_slowtmr, tcp_rexmit_rto_prepare",
        ("all that is in flight goes back to the queue, cwnd becomes one segment",),
    )


def _wait_busy(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the retransmission timer fired (rtime {event['count']} ≥ rto {event['limit']}), but what is to be "
        "sent "
        "again still waits below, for ARP or the driver: nothing is done, and not counted",
        "RFC 6298 §5.4",
        "tcp_rexmit_rto_prepare",
        ("the next slow tick tries again",),
    )


def _probe(run: Run, event: Record) -> Explanation:
    if event["timer"] == "keepalive":
        return Explanation(
            f"keep-alive: idle for {plural(event['count'], 'tick')} > {event['limit']}, so probe "
            f"{event['probes'] + 1} goes out",
            "RFC 9293 §3.8.4, RFC 1122 §4.2.3.6",
            "tcp_slowtmr",
        )
    return Explanation(
        f"the persist timer fired after {ticks(run, event, event['limit'])}: the window is still 0, so a "
        "probe goes "
        f"out (stage {event['stage']} of 7)",
        "RFC 9293 §3.8.6.1, RFC 1122 §4.2.2.17",
        "tcp_slowtmr",
    )


def _split(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the persist timer fired after {ticks(run, event, event['limit'])}: the window of "
        f"{event['snd_wnd']} is too "
        "small for the first segment, which is split",
        "RFC 9293 §3.8.6.2.1",
        "tcp_slowtmr, tcp_split_unsent_seg",
    )


def _ack(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the fast tick found a delayed ACK (of {event['rcv_nxt']})",
        "RFC 9293 §3.8.6.3, RFC 1122 §4.2.3.2",
        "tcp_fasttmr",
    )


def _discard(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"out-of-order data is thrown away: nothing came for {plural(event['count'], 'tick')} ≥ "
        f"{event['limit']} = "
        f"6 × rto {event['rto']}",
        "",
        "tcp_slowtmr, tcp_free_ooseq",
        ("TCP_OOSEQ_TIMEOUT",),
    )


def _give_up(run: Run, event: Record) -> Explanation:
    timer, count, limit = event["timer"], event["count"], event["limit"]
    if timer == "keepalive":
        text = (
            f"keep-alive gave the peer up: idle for {plural(count, 'tick')} > {limit}, {event['probes']} "
            "probes"
        )
        return Explanation(text, "RFC 1122 §4.2.3.6", "tcp_slowtmr", ("this time lwIP sends a RST",))
    if timer == "persist":
        text = f"gave up: {count} window probes without an answer"
        return Explanation(text, "RFC 9293 §3.8.6.1", "tcp_slowtmr", ("without a RST; TCP_MAXRTX",))
    state = run.last(event, "state") or {}
    option = "TCP_SYNMAXRTX" if state.get("new") == "SYN_SENT" else "TCP_MAXRTX"
    text = f"gave up: {count} retransmissions without an answer ≥ {limit}"
    notes = (f"{option}; one slow tick after the last", "without a RST; the program gets ERR_ABRT")
    return Explanation(text, "RFC 9293 §3.8.3, RFC 1122 §4.2.3.5", "tcp_slowtmr", notes)


def _remove(run: Run, event: Record) -> Explanation:
    rfc, lwip = PLACES[event["timer"]]
    return Explanation(
        f"{NAMES[event['timer']]} is over: idle for {plural(event['count'], 'tick')} > {event['limit']}; "
        "the pcb is "
        "freed",
        rfc,
        lwip,
        _counted_from(event["timer"]),
    )


ACTIONS: dict[str, Callable[[Run, Record], Explanation]] = {
    "retransmit": _retransmit,
    "wait-busy": _wait_busy,
    "probe": _probe,
    "split": _split,
    "ack": _ack,
    "discard": _discard,
    "give-up": _give_up,
    "remove": _remove,
}
