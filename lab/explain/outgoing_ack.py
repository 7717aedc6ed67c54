"""Why an ACK without data was sent: the ACK causes of a ``segment-out``."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import kept, label, seconds
from lab.trace.writer import Record

_AT_ONCE = "RFC 9293 §3.10.7.4"


def _arrived(run: Run, event: Record) -> str:
    """The segment that is answered."""
    cause = run.within(event, "segment-in")
    return "a segment" if cause is None else label(cause)


def _ack(event: Record) -> str:
    return f"sent ACK {event['ack']} (window {event['wnd']})"


def _handshake(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} because the SYN-ACK came: the connection is established on this side",
        "RFC 9293 §3.10.7.3",
        "tcp_process",
    )


def _delayed(run: Run, event: Record) -> Explanation:
    held = run.last(event, "held")
    while held is not None and held["why"] != "delayed-ack":
        held = run.last(held, "held")
    since = "" if held is None else f", pending since {seconds(held['t'])}"
    return Explanation(
        f"{_ack(event)} because the fast tick at {seconds(event['t'])} found a delayed ACK{since}",
        "RFC 9293 §3.8.6.3, RFC 1122 §4.2.3.2",
        "tcp_fasttmr",
        ("lwIP waits for the next run of the 250 ms timer, not for a time of its own",),
    )


def _second(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} at once because {_arrived(run, event)} is the second segment in order since the "
        "last ACK",
        "RFC 9293 §3.8.6.3, RFC 5681 §4.2",
        "tcp_receive, tcp_ack",
        ("lwIP counts segments, whatever their size",),
    )


def _fin(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} at once because the peer's FIN came; it takes one sequence number",
        _AT_ONCE,
        "tcp_process",
    )


def _out_of_order(run: Run, event: Record) -> Explanation:
    cause = run.within(event, "segment-in")
    came = "a segment" if cause is None else label(cause)
    fate = "kept or not, as there was room" if cause is None else kept(run, cause)
    return Explanation(
        f"{_ack(event)} at once because {came} lies beyond RCV.NXT {event['ack']}: a duplicate ACK tells "
        "the sender "
        f"what is missing; the segment was {fate}",
        "RFC 5681 §4.2",
        "tcp_receive",
    )


def _sack(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} at once because holes remain: SACK blocks travel in empty ACKs only",
        "RFC 2018 §4",
        "tcp_receive",
    )


def _hole(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} at once because {_arrived(run, event)} filled (part of) a hole",
        "RFC 5681 §4.2",
        "tcp_receive",
        ("lwIP delays this ACK; this profile has its quirk hole_fill_ack_delayed off",),
    )


def _outside(run: Run, event: Record) -> Explanation:
    cause = run.within(event, "segment-in")
    window = "" if cause is None else f" [{cause['rcv_nxt']}, {cause['rcv_nxt'] + cause['rcv_wnd']})"
    where = "a segment" if cause is None else f"number {cause['seq']}"
    return Explanation(
        f"{_ack(event)} because {where} is outside the receive window{window}",
        f"{_AT_ONCE} (first step)",
        "tcp_receive",
        ("this is also what answers keep-alives and window probes",),
    )


def _old(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} at once because {_arrived(run, event)} had all been received: our ACK of it was "
        "lost, or late",
        f"{_AT_ONCE} (first step)",
        "tcp_receive",
    )


def _unsent(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} because the peer acknowledged what was never sent (its ACK is beyond SND.NXT "
        f"{event['seq']})",
        f"{_AT_ONCE} (fifth step)",
        "tcp_receive",
    )


def _text_after_fin(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} because {_arrived(run, event)} carries data behind the peer's own FIN",
        f"{_AT_ONCE} (seventh step)",
        "tcp_receive",
        ("lwIP says nothing; this profile has its quirk text_after_fin_unanswered off",),
    )


def _not_acceptable(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} because no part of {_arrived(run, event)} lies in the receive window",
        f"{_AT_ONCE} (first step)",
        "tcp_process",
        ("lwIP looks at its ACK all the same; this profile has its quirk ack_from_any_segment off",),
    )


def _time_wait(run: Run, event: Record) -> Explanation:
    cause = run.within(event, "segment-in")
    lost = ": the peer has not got our last ACK" if cause is not None and "F" in cause["flags"] else ""
    return Explanation(
        f"{_ack(event)} because {_arrived(run, event)} came for a connection in TIME_WAIT{lost}",
        f"{_AT_ONCE}, RFC 1337",
        "tcp_timewait_input",
        ("a FIN restarts the 2 MSL",),
    )


def _refused(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} because {_arrived(run, event)} probes a closed window: the program has not taken "
        "what it "
        "has got",
        "RFC 9293 §3.8.6.1",
        "tcp_input, tcp_process_refused_data",
    )


def _challenge_rst(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)}, a challenge, because a RST came with a number that is in the window but not the "
        "next: a "
        "true peer answers with the right one",
        "RFC 5961 §3.2",
        "tcp_process",
    )


def _challenge_syn(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)}, a challenge, because {_arrived(run, event)} came for a connection that exists: a "
        "peer that "
        "has restarted answers with a RST",
        "RFC 5961 §4.2",
        "tcp_process",
    )


def _challenge_ack(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)}, a challenge, because {_arrived(run, event)} acknowledges something older than the "
        "largest "
        "window",
        "RFC 5961 §5.2",
        "tcp_receive",
        ("lwIP takes its data; this profile has its quirk data_with_old_ack_accepted off",),
    )


def _window_update(run: Run, event: Record) -> Explanation:
    call = run.within(event, "api")
    read = "" if call is None or len(call.get("args", ())) < 2 else f" {call['args'][1]} bytes"
    return Explanation(
        f"sent a window update, ACK {event['ack']} with window {event['wnd']}, because the program has "
        f"read{read} and "
        "the window has grown by the threshold or more",
        "RFC 9293 §3.8.6.2.2, RFC 1122 §4.2.3.3",
        "tcp_recved",
        ("TCP_WND_UPDATE_THRESHOLD",),
    )


def _abort_flush(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)} because the connection is being removed while a delayed ACK was pending: lwIP sends "
        "that "
        "first",
        "",
        "tcp_pcb_remove",
    )


def _pending(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_ack(event)}, which was due since before the trace began",
        "RFC 9293 §3.8.6.3",
        "tcp_output",
    )


ACKS: dict[str, Callable[[Run, Record], Explanation]] = {
    "handshake": _handshake,
    "delayed-ack": _delayed,
    "second-segment": _second,
    "fin-received": _fin,
    "out-of-order": _out_of_order,
    "sack-hole": _sack,
    "hole-filled": _hole,
    "outside-window": _outside,
    "old-segment": _old,
    "unsent-acked": _unsent,
    "text-after-fin": _text_after_fin,
    "not-acceptable": _not_acceptable,
    "time-wait": _time_wait,
    "refused-data": _refused,
    "challenge-rst": _challenge_rst,
    "challenge-syn": _challenge_syn,
    "challenge-ack": _challenge_ack,
    "window-update": _window_update,
    "abort-flush": _abort_flush,
    "pending": _pending,
}
