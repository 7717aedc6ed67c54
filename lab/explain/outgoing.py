"""Why a segment was sent: every cause of a ``segment-out``."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.outgoing_ack import ACKS
from lab.explain.outgoing_rst import RESETS
from lab.explain.run import Run
from lab.explain.words import clause, fits, label, occasion, peer, plural, seconds, ticks
from lab.trace.writer import Record

Answer = Callable[[Run, Record], Explanation]


def explain(run: Run, event: Record) -> Explanation:
    """The explanation of a ``segment-out``."""
    found = CAUSES[event["cause"]](run, event)
    notes = list(found.notes)
    if event.get("carries"):
        notes.append(f"the {event['carries']} ACK of {event['ack']} travels with it")
    held = run.next(event, "held")
    if held is not None and held["why"].startswith("arp-") and held["i"] - event["i"] < 8 and "seq" in held:
        if held["seq"] == event["seq"] and held["t"] == event["t"]:
            notes.append(f"it waits for the MAC of {held['ip']} first: {held['why']}")
    return found._replace(notes=tuple(notes))


def _connect(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"sent SYN to {peer(event)} because the program called tcp_connect; it offers a window of "
        f"{event['wnd']}",
        "RFC 9293 §3.5, §3.10.1",
        "tcp_connect",
        (f"rto {event['rto']}: {ticks(run, event, event['rto'])} if nobody answers",),
    )


def _syn_ack(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"sent SYN-ACK to {peer(event)} because its SYN came for a listener that had room; ack "
        f"{event['ack']}, "
        f"window {event['wnd']}",
        "RFC 9293 §3.10.7.2",
        "tcp_listen_input",
    )


def _room(event: Record) -> str:
    """The arithmetic of the window."""
    smaller = "cwnd" if event["cwnd"] < event["snd_wnd"] else "snd_wnd"
    return f"{fits(event, '≤', smaller)} (cwnd {event['cwnd']}, snd_wnd {event['snd_wnd']})"


def _nagle(run: Run, event: Record) -> str:
    """Why Nagle did not hold it back."""
    before = run.last(event, "tcb") or {}
    flags = before.get("flags", [])
    if event["seq"] <= event["una"]:  # also after a window probe, whose byte goes out again
        return "Nagle lets it go: nothing is in flight"
    if event["unsent"] > 1:
        return "Nagle lets it go: more waits behind it"
    if event["len"] >= before.get("mss", event["len"]):
        return "Nagle lets it go: it is a full segment"
    for flag, why in (
        ("NODELAY", "it is off (TCP_NODELAY)"),
        ("INFR", "fast recovery is on"),
        ("NAGLEMEMERR", "memory ran out before"),
        ("FIN", "the FIN is queued"),
    ):
        if flag in flags:
            return f"Nagle lets it go: {why}"
    full = "the send buffer is full" if not before.get("snd_buf", 0) else "its queue of buffers is full"
    return f"Nagle lets it go: {full}"


def _data(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"sent {label(event)}{clause(run, event)} because it fits into the window: {_room(event)}",
        "RFC 9293 §3.8.6, RFC 5681 §3.1",
        "tcp_output",
        (_nagle(run, event),),
    )


def _fin(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"sent {label(event)} because the program closed its sending side and all data before it is sent",
        "RFC 9293 §3.6, §3.10.4",
        "tcp_send_fin",
        ("Nagle does not hold a FIN back",),
    )


def _fin_with_data(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"sent {label(event)}: the program closed while this data still waited, so the FIN rides on the last "
        f"segment; {_room(event)}",
        "RFC 9293 §3.6, §3.10.4",
        "tcp_send_fin",
    )


def _persist_split(run: Run, event: Record) -> Explanation:
    fired = run.last(event, "timer-fired") or {}
    return Explanation(
        f"sent {label(event)}, the part of the first waiting segment that the peer's window of "
        f"{event['snd_wnd']} has room for, because the persist timer found no better for "
        f"{fired.get('count', '?')} ticks",
        "RFC 9293 §3.8.6.2.1, RFC 1122 §4.2.3.4",
        "tcp_split_unsent_seg",
        ("the rest became a segment of its own",),
    )


def _persist_probe(run: Run, event: Record) -> Explanation:
    what = "its FIN" if "F" in event["flags"] else f"byte {event['seq']}"
    fired = run.last(event, "timer-fired") or {}
    return Explanation(
        f"probed the peer's closed window with {what} because the persist timer had counted "
        f"{ticks(run, event, fired.get('limit', 0))} (stage {event['stage']}, probe {event['probes']})",
        "RFC 9293 §3.8.6.1, RFC 1122 §4.2.2.17",
        "tcp_zero_window_probe",
        ("if the ACK that opened the window was lost, the answer tells",),
    )


def _keepalive(run: Run, event: Record) -> Explanation:
    fired = run.last(event, "timer-fired") or {}
    return Explanation(
        f"sent keep-alive probe {event['probes'] + 1}, an ACK with sequence number {event['seq']}, one "
        "before the "
        f"next, because nothing came for {plural(event['idle'], 'tick')} > {fired.get('limit', '?')}",
        "RFC 9293 §3.8.4, RFC 1122 §4.2.3.6",
        "tcp_keepalive",
        ("a living peer must answer a number that it has seen",),
    )


def _rto(run: Run, event: Record) -> Explanation:
    fired = run.last(event, "timer-fired")
    first = f"first transmission at {seconds(event.get('first'))}"
    if fired is None or run.within(event, "timer") is None or fired["t"] != event["t"]:
        since = "" if fired is None else f" at {seconds(fired['t'])}"
        return Explanation(
            f"retransmitted {label(event)}{clause(run, event)}: since the time-out{since} everything that "
            "was in "
            f"flight goes out again, as far as cwnd {event['cwnd']} allows (go-back-N)",
            "RFC 6298 §5.4, RFC 5681 §3.1",
            "tcp_rexmit_rto_commit, tcp_output",
            (first,),
        )
    syn = "S" in event["flags"] and "A" not in event["flags"]
    notes = [first, ticks(run, event, fired["limit"])]
    if event["rto"] > fired["limit"]:
        notes.append(f"rto is {event['rto']} now, RFC 6298 §5.5")
    elif syn:
        notes.append("lwIP does not back off for a SYN")
    return Explanation(
        f"retransmitted {label(event)} because the slow tick at {seconds(event['t'])} found rtime "
        f"{fired['count']} ≥ rto {fired['limit']}",
        "RFC 6298 §5.4",
        "tcp_slowtmr",
        tuple(notes),
    )


def _fast(run: Run, event: Record) -> Explanation:
    by = run.within(event, "segment-in")
    ack = "" if by is None else f" of {by['ack']}"
    return Explanation(
        f"retransmitted {label(event)} because the third duplicate ACK{ack} came (dupacks "
        f"{event['dupacks']}): the "
        "peer has got what is behind it, but not this",
        "RFC 5681 §3.2",
        "tcp_rexmit_fast",
        (f"first transmission at {seconds(event.get('first'))}",),
    )


def _syn_sent_rst(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"sent SYN again at once {occasion(run, event)}: the peer has an old connection between these "
        "ports, which "
        "the reset ends",
        "RFC 9293 §3.5.1, §3.10.7.3",
        "tcp_process, tcp_rexmit_rto",
        (f"try {event['nrtx']}", "lwIP does it for any ACK it cannot use"),
    )


def _dup_syn(run: Run, event: Record) -> Explanation:
    return Explanation(
        "sent SYN-ACK again because the peer's SYN came again: when it sent that it had not got ours",
        "RFC 9293 §3.10.7.4",
        "tcp_process, tcp_rexmit",
        (
            f"first transmission at {seconds(event.get('first'))}",
            f"it counts as a retry, nrtx {event['nrtx']}, but does not restart the timer",
        ),
    )


CAUSES: dict[str, Answer] = {
    "connect": _connect,
    "syn-ack": _syn_ack,
    "data": _data,
    "fin": _fin,
    "fin-with-data": _fin_with_data,
    "persist-split": _persist_split,
    "persist-probe": _persist_probe,
    "keepalive": _keepalive,
    "rto": _rto,
    "fast": _fast,
    "syn-sent-rst": _syn_sent_rst,
    "dup-syn": _dup_syn,
    **ACKS,
    **RESETS,
}
