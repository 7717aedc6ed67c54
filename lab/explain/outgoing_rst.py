"""Why a reset was sent: the RST causes of a ``segment-out``."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import label, plural, seconds
from lab.trace.writer import Record


def _arrived(run: Run, event: Record) -> str:
    cause = run.within(event, "segment-in")
    return "a segment" if cause is None else label(cause)


def _no_pcb(run: Run, event: Record) -> Explanation:
    port = str(event["flow"]).partition(">")[0]
    text = (
        f"sent RST because {_arrived(run, event)} came for {port}, where there is no connection and no "
        "listener"
    )
    return Explanation(text, "RFC 9293 §3.5.2, §3.10.7.1", "tcp_input")


def _listener(run: Run, event: Record) -> Explanation:
    text = f"sent RST because {_arrived(run, event)} came for a listener, which takes nothing but a SYN"
    return Explanation(text, "RFC 9293 §3.10.7.2", "tcp_listen_input")


def _syn_sent(run: Run, event: Record) -> Explanation:
    text = (
        f"sent RST because {_arrived(run, event)} is not the answer to our SYN: its ACK is of something else"
    )
    return Explanation(text, "RFC 9293 §3.10.7.3", "tcp_process")


def _syn_rcvd(run: Run, event: Record) -> Explanation:
    text = f"sent RST because {_arrived(run, event)} does not acknowledge our SYN-ACK; the connection stays"
    return Explanation(text, "RFC 9293 §3.10.7.4 (fifth step)", "tcp_process")


def _time_wait(run: Run, event: Record) -> Explanation:
    text = "sent RST because a SYN came inside the window of a connection in TIME_WAIT, which stays"
    return Explanation(text, "RFC 9293 §3.10.7.4", "tcp_timewait_input")


def _unread(run: Run, event: Record) -> Explanation:
    before = run.last(event, "tcb") or {}
    count = max(before.get("unread", 0), before.get("refused", 0))
    unread = f" ({plural(count, 'byte')})" if count else ""
    text = (
        f"sent RST instead of a FIN because the program closed with received data unread{unread}: the peer "
        "must know "
        "that it is lost"
    )
    return Explanation(text, "RFC 9293 §3.10.4, RFC 1122 §4.2.2.13", "tcp_close_shutdown")


def _after_close(run: Run, event: Record) -> Explanation:
    text = f"sent RST because {_arrived(run, event)} brought data after the program had closed the connection"
    return Explanation(text, "RFC 1122 §4.2.2.13", "tcp_input")


def _refused(run: Run, event: Record) -> Explanation:
    text = (
        "sent RST because the handshake was finished, but the program did not accept (or its listener is "
        "gone)"
    )
    return Explanation(text, "RFC 9293 §3.10.7.4", "tcp_process, tcp_abort")


def _abort(run: Run, event: Record) -> Explanation:
    call = run.within(event, "api")
    who = "the program" if call is None else f"the program, in {call['call']},"
    text = f"sent RST because {who} aborted the connection"
    return Explanation(text, "RFC 9293 §3.10.5", "tcp_abandon")


def _killed(run: Run, event: Record) -> Explanation:
    limit = (run.device(event).get("limits") or {}).get("TCP_PCB", "?")
    text = (
        f"sent RST because this connection was killed for a new one: all {limit} pcbs were in use, and this "
        "one had "
        "a lower priority"
    )
    return Explanation(text, "", "tcp_kill_prio")


def _address(run: Run, event: Record) -> Explanation:
    text = "sent RST because the interface got another address: connections from the old one cannot go on"
    return Explanation(text, "", "tcp_netif_ip_addr_changed")


def _keepalive(run: Run, event: Record) -> Explanation:
    fired = run.last(event, "timer-fired") or {}
    text = (
        f"sent RST and gave up because {fired.get('probes', '?')} keep-alive probes were not answered: idle "
        "for "
        f"{fired.get('count', '?')} ticks > {fired.get('limit', '?')}"
    )
    return Explanation(text, "RFC 1122 §4.2.3.6, RFC 9293 §3.8.4", "tcp_slowtmr")


def _gave_up(run: Run, event: Record) -> Explanation:
    fired = run.last(event, "timer-fired") or {}
    text = f"sent RST because it gave up at {seconds(event['t'])} (timer {fired.get('timer', '?')})"
    notes = ("lwIP sends none; this profile has its quirk no_rst_on_give_up off",)
    return Explanation(text, "RFC 9293 §3.8.3", "tcp_slowtmr", notes)


Answer = Callable[[Run, Record], Explanation]


def _noted(answer: Answer) -> Answer:
    """With what is lwIP's own about it, where the profile has its quirks (``strict`` has not)."""

    def noted(run: Run, event: Record) -> Explanation:
        found = answer(run, event)
        if event["wnd"] == run.device(event).get("wnd"):
            return found
        own = "lwIP sets ACK on every RST and writes its window with swapped bytes"
        return found._replace(notes=(own, *found.notes))

    return noted


_REASONS: dict[str, Answer] = {
    "rst-no-pcb": _no_pcb,
    "rst-listener": _listener,
    "rst-syn-sent": _syn_sent,
    "rst-syn-rcvd": _syn_rcvd,
    "rst-time-wait": _time_wait,
    "rst-unread": _unread,
    "rst-after-close": _after_close,
    "rst-refused": _refused,
    "rst-abort": _abort,
    "rst-killed": _killed,
    "rst-address": _address,
    "rst-keepalive": _keepalive,
    "rst-gave-up": _gave_up,
}
RESETS = {cause: _noted(answer) for cause, answer in _REASONS.items()}
