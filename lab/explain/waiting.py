"""Why nothing was sent: every reason of a ``held``."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import clause, fits, plural, seconds, span
from lab.trace.writer import Record


def explain(run: Run, event: Record) -> Explanation:
    """The explanation of a ``held``."""
    return REASONS[event["why"]](run, event)


def _waits(event: Record) -> str:
    return f"{span(event.get('seq', 0), event['len'])} waits" if event.get("len") else "nothing is sent"


def _window(run: Run, event: Record) -> Explanation:
    notes = [f"cwnd {event['cwnd']} would allow it"] if event["cwnd"] > event["snd_wnd"] else []
    if event["seq"] <= event["una"]:
        notes.append("nothing in flight will bring an ACK, so the persist timer runs")
    return Explanation(
        f"{_waits(event)} because the peer's window has no room: {fits(event, '>', 'snd_wnd')}",
        "RFC 9293 §3.8.6",
        "tcp_output",
        tuple(notes),
    )


def _cwnd(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_waits(event)} because the congestion window is full: {fits(event, '>', 'cwnd')}",
        "RFC 5681 §3.1",
        "tcp_output",
        (f"the peer's window of {event['snd_wnd']} has room", "the next ACK of new data lets it go"),
    )


def _handshake(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_waits(event)} because the connection is not established yet: cwnd is "
        f"{plural(event['cwnd'], 'byte')}",
        "RFC 9293 §3.10.2",
        "tcp_output",
        ("data written early is sent with or after the ACK of the handshake",),
    )


def _nagle(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_waits(event)} because Nagle holds a single short segment ({event['len']} < mss {event['mss']}) "
        "while "
        f"{plural(event['flight'], 'byte')} are in flight",
        "RFC 9293 §3.7.4, RFC 1122 §4.2.3.4",
        "tcp_do_output_nagle",
        ("it goes with the next ACK, when the segment is full, or at once with TCP_NODELAY",),
    )


def _not_connected(run: Run, event: Record) -> Explanation:
    state = run.last(event, "state") or {}
    return Explanation(
        f"tcp_write took nothing of {plural(event['len'], 'byte')} (ERR_CONN): in "
        f"{state.get('new', 'this state')} "
        "nothing can be sent",
        "RFC 9293 §3.10.2",
        "tcp_write_checks",
    )


def _snd_buf(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"tcp_write took nothing of {plural(event['len'], 'byte')} (ERR_MEM) because the send buffer has "
        "room for "
        f"{event['snd_buf']}",
        "",
        "tcp_write_checks",
        ("TCP_SND_BUF; it is freed by ACKs",),
    )


def _queuelen(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"tcp_write took nothing of {plural(event['len'], 'byte')} (ERR_MEM) because {_buffers(event)}",
        "",
        "tcp_write",
        ("TCP_SND_QUEUELEN: many small writes need more buffers than bytes",),
    )


def _buffers(event: Record) -> str:
    queued, limit = event["snd_queuelen"], event["queuelen_limit"]
    if queued < limit:
        return f"{plural(queued, 'buffer')} are queued, and with its own they would be more than {limit}"
    return f"{queued} buffers are queued and the limit is {limit}"


def _tcp_seg(run: Run, event: Record) -> Explanation:
    what = (
        f"{plural(event['len'], 'byte')} could not be queued" if event["len"] else "no segment could be made"
    )
    state = "is empty" if event["used"] == event["size"] else "gave nothing, by an injected fault"
    return Explanation(
        f"{what} (ERR_MEM) because the pool TCP_SEG {state}: {event['used']} of {event['size']} in use",
        "",
        "tcp_create_segment",
        ("MEMP_NUM_TCP_SEG; out-of-order data takes from it, too",),
    )


def _heap(run: Run, event: Record) -> Explanation:
    what = (
        f"{plural(event['len'], 'byte')} could not be queued" if event["len"] else "no segment could be made"
    )
    return Explanation(
        f"{what} (ERR_MEM) because the heap has no hole for it: {event['used']} of {event['size']} bytes in "
        "use",
        "",
        "pbuf_alloc, mem_malloc",
        ("MEM_SIZE; what is queued stays there until it is acknowledged",),
    )


def _no_route(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_waits(event)} because there is no route: the interface or its link is down, or it has no address "
        "(ERR_RTE)",
        "RFC 1122 §3.3.1",
        "ip4_route",
        ("a slow tick tries again",),
    )


def _no_memory(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_waits(event)} because the heap had no room for the packet (ERR_MEM)",
        "",
        "tcp_output_alloc_header, etharp_query",
        ("the next tick, or the next ACK, tries again",),
    )


def _driver(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"{_waits(event)} because the driver refused the frame ({event.get('err', 'an error')})",
        "",
        "netif->linkoutput",
        ("the segment stays first in the queue; the next output tries again",),
    )


def _arp_pending(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the packet with {_what(event)} waits because the MAC of {event['ip']} is not known yet; it was "
        "asked for",
        "RFC 826, RFC 1122 §2.3.2.2",
        "etharp_query",
        (f"lwIP keeps {_arp_queue(run, event)} for each address" + (_COUNTED if "seq" in event else ""),),
    )


_COUNTED = ", and TCP counts it as sent"


def _arp_queue(run: Run, event: Record) -> str:
    """How many packets wait for one address."""
    options = run.device(event).get("options") or {}
    return f"{options.get('arp_queue_len', 3)} packets" if options.get("arp_queueing") else "one packet"


def _what(event: Record) -> str:
    if "seq" not in event:
        return f"{plural(event['len'], 'byte')}"
    return span(event["seq"], event["len"]) if event["len"] else f"number {event['seq']} and no data"


def _arp_replaced(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the packet with {_what(event)} was thrown away: it waited for the MAC of {event['ip']}, and a "
        "newer packet "
        "took its place",
        "RFC 1122 §2.3.2.2",
        "etharp_query",
        ("nobody is told" + ("; TCP finds out by its retransmission timer" if "seq" in event else ""),),
    )


def _arp_gave_up(run: Run, event: Record) -> Explanation:
    entry = run.last({"on": event["on"], "i": event["i"]}, "arp") or {}
    if entry.get("what") == "evicted":
        why, note = f"the place of {event['ip']} in the ARP table was needed", "ARP_TABLE_SIZE"
    elif entry.get("what") == "cleared":
        why, note = f"the entry of {event['ip']} was removed", "or the interface went down"
    else:
        why = f"nobody answered for {event['ip']}"
        note = "lwIP asks five times, a second apart (ARP_MAXPENDING)"
    text = f"the packet with {_what(event)} was thrown away because {why}"
    return Explanation(text, "RFC 1122 §2.3.2.1", "etharp_free_entry", (note,))


def _arp_no_entry(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the packet with {_what(event)} cannot be sent because the ARP table has no entry for "
        f"{event['ip']} to spare",
        "",
        "etharp_find_entry",
        ("ARP_TABLE_SIZE",),
    )


def _busy(run: Run, event: Record) -> Explanation:
    first = "not sent again" if event.get("xmits") else "counted as sent"
    return Explanation(
        f"{_what(event)} is {first} because its buffer is still in use below: it waits for ARP, or in the "
        "driver",
        "",
        "tcp_output_segment_busy",
        ("each slow tick looks again",),
    )


def _delayed_ack(run: Run, event: Record) -> Explanation:
    segment = run.within(event, "segment-in")
    if segment is not None and "F" in segment["flags"]:
        return Explanation(
            f"the ACK of {event['rcv_nxt']} is marked as delayed, as for any data, but the FIN that came "
            "with it makes it immediate",
            "RFC 9293 §3.10.7.4",
            "tcp_ack, tcp_process",
        )
    armed = run.next(event, "timer-armed")
    due = "" if armed is None or armed["timer"] != "delayed-ack" else f" at {seconds(armed['due'])}"
    return Explanation(
        f"the ACK of {event['rcv_nxt']} is delayed{clause(run, event)}: it goes with data, with the second "
        "segment, "
        f"or at the next fast tick{due}",
        "RFC 9293 §3.8.6.3, RFC 1122 §4.2.3.2",
        "tcp_ack",
    )


def _behind_nagle(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"the ACK of {event['rcv_nxt']} is not sent although it is due: Nagle holds a short segment, and "
        "lwIP's "
        "tcp_output then returns without looking at the ACK",
        "RFC 9293 §3.8.6.3 wants it within 0.5 s",
        "tcp_output",
        ("a quirk of all lwIP versions: ack_starvation_behind_nagle",),
    )


def _ack_forgotten(run: Run, event: Record) -> Explanation:
    before = run.last(event, "held")
    nagle = before is not None and before["why"] == "ack-behind-nagle" and before["t"] == event["t"]
    why, quirk = ("Nagle holds a short segment", "ack_starvation_behind_nagle") if nagle else (
        "no memory, or no way out", "ack_lost_without_memory"
    )  # fmt: skip
    return Explanation(
        f"the ACK of {event['rcv_nxt']} is forgotten: the fast tick could not send it ({why}) and clears the "
        "flag all the same",
        "RFC 9293 §3.8.6.3",
        "tcp_fasttmr",
        (f"a quirk of lwIP: {quirk}",),
    )


def _small_update(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"no window update is sent although the program has read {plural(event['read'], 'byte')}: the "
        "window has "
        f"grown by {event['grown']} < {event['threshold']}",
        "RFC 9293 §3.8.6.2.2, RFC 1122 §4.2.3.3",
        "tcp_recved",
        (f"announced {event['rcv_ann_wnd']}, free {event['rcv_wnd']}", "TCP_WND_UPDATE_THRESHOLD"),
    )


def _close_pending(run: Run, event: Record) -> Explanation:
    return Explanation(
        "the FIN is not sent because there was no memory for it; the program was told that all is well",
        "RFC 9293 §3.10.4",
        "tcp_close_shutdown_fin",
        ("the next fast tick tries again",),
    )


def _challenge_limit(run: Run, event: Record) -> Explanation:
    return Explanation(
        f"no challenge ACK is sent: {event['challenges'] - 1} were, and {event['limit']} in "
        f"{event['span_ms'] / 1000:g} s are enough",
        "RFC 5961 §7",
        "tcp_process",
        ("lwIP has no limit; this profile has its quirk no_rate_limits off",),
    )


REASONS: dict[str, Callable[[Run, Record], Explanation]] = {
    "window": _window,
    "cwnd": _cwnd,
    "handshake": _handshake,
    "nagle": _nagle,
    "not-connected": _not_connected,
    "snd-buf": _snd_buf,
    "snd-queuelen": _queuelen,
    "tcp-seg": _tcp_seg,
    "heap": _heap,
    "no-route": _no_route,
    "no-memory": _no_memory,
    "driver": _driver,
    "arp-pending": _arp_pending,
    "arp-replaced": _arp_replaced,
    "arp-gave-up": _arp_gave_up,
    "arp-no-entry": _arp_no_entry,
    "busy": _busy,
    "delayed-ack": _delayed_ack,
    "ack-behind-nagle": _behind_nagle,
    "ack-forgotten": _ack_forgotten,
    "small-update": _small_update,
    "close-pending": _close_pending,
    "challenge-limit": _challenge_limit,
}
