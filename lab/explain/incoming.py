"""What became of a segment that came, and why: every verdict of a ``segment-in``."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import kept, label, plural, span
from lab.trace.writer import Record

_STEP = "RFC 9293 §3.10.7.4"


def explain(run: Run, event: Record) -> Explanation:
    """The explanation of a ``segment-in``."""
    found = VERDICTS[event["verdict"]](run, event)
    notes = [*found.notes, *_of_ack(event)]
    if event.get("wnd_taken") == 0 and event["verdict"] in ("in-order", "ack-only", "out-of-order", "old"):
        notes.append(
            f"its window of {event['wnd']} is not believed: the segment is not newer, or only shrinks it"
        )
    after = event.get("state_after")
    if after and after != event["state"]:
        notes.append(f"{event['state']} → {after}")
    return found._replace(notes=tuple(notes))


def _of_ack(event: Record) -> list[str]:
    """What its ACK did."""
    kind = event["ack_kind"]
    if kind == "new" and event.get("acked"):
        return [f"its ACK {event['ack']} is new: {_acknowledged(event)} (RFC 9293 §3.10.7.4, fifth step)"]
    if kind == "duplicate":
        return [f"its ACK is duplicate number {event['dupacks']} (RFC 5681 §2)"]
    if kind == "future":
        return ["its ACK is of what was never sent"]
    return []


def _acknowledged(event: Record) -> str:
    """What a new ACK is of; SYN and FIN count as one each."""
    old, new, count = event["state"], event.get("state_after") or event["state"], event["acked"]
    if old in ("SYN_SENT", "SYN_RCVD"):
        return "of our SYN"
    if (old == "FIN_WAIT_1" and new in ("FIN_WAIT_2", "TIME_WAIT")) or (
        old in ("CLOSING", "LAST_ACK") and new != old
    ):
        return f"{plural(count - 1, 'byte')} more and our FIN" if count > 1 else "of our FIN"
    return f"{count} more"


def _edges(event: Record) -> str:
    return f"[{event['rcv_nxt']}, {event['rcv_nxt'] + event['rcv_wnd']})"


def _in_order(run: Run, event: Record) -> Explanation:
    trimmed, delivered = event["trimmed"], event["delivered"]
    notes = []
    if event.get("state_after") == "CLOSED" and event["len"]:
        return Explanation(
            f"{label(event)} came, next in sequence (RCV.NXT {event['rcv_nxt']}), but the program has closed "
            "its receiving side: the connection is aborted",
            "RFC 1122 §4.2.2.13",
            "tcp_input, tcp_abort",
        )
    if trimmed:
        notes.append(f"{plural(trimmed, 'byte')} of it were received before, or lie beyond the window")
    if delivered > event["accepted"]:
        notes.append(f"with what had waited out of order, the program gets {plural(delivered, 'byte')}")
    return Explanation(
        f"{label(event)} came and was taken: it is next, RCV.NXT {event['rcv_nxt']}",
        f"{_STEP} (seventh step)",
        "tcp_receive",
        tuple(notes),
    )


def _ack_only(run: Run, event: Record) -> Explanation:
    nothing = "" if _of_ack(event) else f"; it tells nothing new but its window of {event['wnd']}"
    return Explanation(f"{label(event)} came, without data{nothing}", f"{_STEP} (fifth step)", "tcp_receive")


def _out_of_order(run: Run, event: Record) -> Explanation:
    missing = span(event["rcv_nxt"], event["seq"] - event["rcv_nxt"])
    return Explanation(
        f"{label(event)} came too early, {missing} is missing: {kept(run, event)}, and answered at once by a "
        "duplicate ACK",
        f"{_STEP}, RFC 5681 §4.2",
        "tcp_receive",
    )


def _answered(run: Run, event: Record, what: str) -> str:
    """Whether it was answered while it was processed: lwIP's ACK may get stuck behind Nagle, or memory."""
    sent = run.beside_of(event, "segment-out")
    return f"answered by {what}" if sent else "the answer that is due does not go out now"


def _old(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{label(event)} came, and all of it had been received (RCV.NXT {event['rcv_nxt']}): dropped, and "
        f"{_answered(run, event, 'an ACK')}",
        f"{_STEP} (first step)",
        "tcp_receive",
    )


def _outside(run: Run, event: Record) -> Explanation:
    fate = "dropped" if event["len"] or "F" in event["flags"] else "only its ACK is looked at"
    return Explanation(
        f"{label(event)} came with number {event['seq']}, outside the receive window {_edges(event)}: "
        f"{fate}, and {_answered(run, event, 'an ACK')}",
        f"{_STEP} (first step)",
        "tcp_receive",
    )


def _after_fin(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{label(event)} came behind the end of the peer's stream, in {event['state']}: its data is ignored",
        f"{_STEP} (seventh step)",
        "tcp_receive",
    )


def _refused(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{label(event)} came while the program has not taken earlier data: dropped whole, its ACK, too",
        "",
        "tcp_input, tcp_process_refused_data",
        ("the peer will send it again",),
    )


def _unacceptable(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{label(event)} came and is not acceptable: no part of it lies in the window {_edges(event)}, or "
        "its ACK "
        "forbids its data",
        f"{_STEP} (first and fifth step)",
        "tcp_process",
        ("lwIP would look at it; this profile has the quirk off",),
    )


def _handshake(run: Run, event: Record) -> Explanation:
    if event["state"] == "SYN_SENT":
        text = f"{label(event)} came and answers our SYN: connected, window {event['wnd']}"
        return Explanation(text, "RFC 9293 §3.10.7.3", "tcp_process")
    text = f"{label(event)} came and acknowledges our SYN-ACK: connected"
    return Explanation(text, f"{_STEP} (fifth step)", "tcp_process")


def _syn_ignored(run: Run, event: Record) -> Explanation:
    if event["state"] == "SYN_SENT":
        text = "a SYN without ACK came in SYN_SENT and was ignored: lwIP knows no simultaneous open"
        return Explanation(text, "RFC 9293 §3.5, §3.10.7.3", "tcp_process")
    if run.beside_of(event, "segment-out"):
        text = "the SYN that began this connection came again: so does our SYN-ACK"
    else:
        text = "a SYN came in SYN_RCVD that is not the one which began this connection: ignored"
    return Explanation(text, _STEP, "tcp_process")


def _bad_ack(run: Run, event: Record) -> Explanation:
    text = f"{label(event)} came in {event['state']} with an ACK that is not of our SYN: answered by a RST"
    section = "RFC 9293 §3.10.7.3" if event["state"] == "SYN_SENT" else f"{_STEP} (fifth step)"
    return Explanation(text, section, "tcp_process")


def _no_ack(run: Run, event: Record) -> Explanation:
    text = f"{label(event)} came in {event['state']} without SYN and ACK that are waited for: ignored"
    return Explanation(text, "RFC 9293 §3.10.7", "tcp_process")


def _reset(run: Run, event: Record) -> Explanation:
    if event["state"] == "SYN_SENT":
        text = "a RST came that acknowledges our SYN: refused, nobody listens there"
        return Explanation(text, "RFC 9293 §3.10.7.3", "tcp_process")
    text = f"a RST came with exactly RCV.NXT {event['rcv_nxt']}: the connection is gone"
    return Explanation(text, f"{_STEP} (second step), RFC 5961 §3.2", "tcp_process")


def _reset_ignored(run: Run, event: Record) -> Explanation:
    what = (
        "does not acknowledge our SYN"
        if event["state"] == "SYN_SENT"
        else f"is outside the window {_edges(event)}"
    )
    return Explanation(f"a RST came that {what}: ignored", "RFC 5961 §3.2", "tcp_process")


def _challenge_reset(run: Run, event: Record) -> Explanation:
    text = (
        f"a RST came with number {event['seq']}, in the window but not RCV.NXT {event['rcv_nxt']}: not "
        f"believed, {_answered(run, event, 'a challenge ACK')}"
    )
    return Explanation(text, "RFC 5961 §3.2", "tcp_process")


def _challenge_syn(run: Run, event: Record) -> Explanation:
    text = f"{label(event)} came in {event['state']}: not believed, " + _answered(
        run, event, "a challenge ACK"
    )
    return Explanation(text, "RFC 5961 §4.2", "tcp_process")


def _time_wait(run: Run, event: Record) -> Explanation:
    answered = "answered" if run.beside_of(event, "segment-out") else "not answered"
    return Explanation(
        f"{label(event)} came for a connection in TIME_WAIT: {answered}",
        f"{_STEP}, RFC 1337",
        "tcp_timewait_input",
    )


def _listen(run: Run, event: Record) -> Explanation:
    if "S" in event["flags"] and not {"A", "R"} & set(event["flags"]):
        text = "SYN came for a listener"
    else:
        text = f"{label(event)} came for a listener, which takes nothing but a SYN"
    return Explanation(text, "RFC 9293 §3.10.7.2", "tcp_listen_input")


def _no_connection(run: Run, event: Record) -> Explanation:
    answer = "a RST is never answered" if "R" in event["flags"] else "answered by a RST"
    return Explanation(
        f"{label(event)} came where there is no connection and no listener: {answer}",
        "RFC 9293 §3.10.7.1",
        "tcp_input",
    )


VERDICTS: dict[str, Callable[[Run, Record], Explanation]] = {
    "in-order": _in_order,
    "ack-only": _ack_only,
    "out-of-order": _out_of_order,
    "old": _old,
    "outside": _outside,
    "after-fin": _after_fin,
    "refused": _refused,
    "unacceptable": _unacceptable,
    "handshake": _handshake,
    "syn-ignored": _syn_ignored,
    "bad-ack": _bad_ack,
    "no-ack": _no_ack,
    "reset": _reset,
    "reset-ignored": _reset_ignored,
    "challenge-reset": _challenge_reset,
    "challenge-syn": _challenge_syn,
    "time-wait": _time_wait,
    "listen": _listen,
    "no-connection": _no_connection,
}
