"""How explanations write times, ticks, segments and reasons."""

from __future__ import annotations

from lab.explain.run import Run
from lab.trace.writer import Record

MS = 1_000_000
STAGES = (3, 6, 12, 24, 48, 96, 120)


def seconds(time: int | None) -> str:
    """``2.750 s``; microseconds where there are any."""
    if time is None:
        return "?"
    digits = 3 if time % MS == 0 else 6
    return f"{time / 1e9:.{digits}f} s"


def duration(time: int) -> str:
    """``3 s``, ``1.5 s``, ``20 ms``."""
    if abs(time) < 1_000 * MS:
        return f"{time / MS:g} ms"
    return f"{round(time / 1e9, 3):g} s"


def ticks(run: Run, event: Record, count: int) -> str:
    """``6 ticks of 500 ms = 3 s``."""
    tick = run.slow_tick(event)
    return f"{plural(count, 'tick')} of {tick // MS} ms = {duration(count * tick)}"


def plural(count: int, word: str) -> str:
    """``1 byte``, ``2 bytes``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def span(seq: int, length: int) -> str:
    """``1:537``; the number alone where there is no data."""
    return f"{seq}:{seq + length}" if length else f"{seq}"


def label(event: Record) -> str:
    """A segment in a few words: ``SYN``, ``1:537``, ``FIN 537``, ``ACK 1601``."""
    flags, seq, length = event["flags"], event["seq"], event["len"]
    if "R" in flags:
        return "RST"
    if "S" in flags:
        return "SYN-ACK" if "A" in flags else "SYN"
    if length:
        return span(seq, length) + (" with FIN" if "F" in flags else "")
    if "F" in flags:
        return f"FIN {seq}"
    return f"ACK {event['ack']}" if event["ack"] is not None else f"a segment without flags at {seq}"


def fits(event: Record, sign: str, window: str) -> str:
    """``1600 in flight + 800 > 2000 = cwnd``: lwIP's comparison of what is to be sent with a window. Of a
    segment whose first byte was acknowledged as a window probe only the rest counts.
    """
    used, length = event["seq"] - event["una"], event["len"]
    need = f"{used} in flight + {length}" if used >= 0 else f"{length + used} of {length} not acknowledged"
    return f"{need} {sign} {event[window]} = {window}"


def kept(run: Run, segment: Record) -> str:
    """``kept``, ``kept (800 bytes)``, ``not kept``: the fate of a segment that came out of order."""
    stored = any(other["what"] == "stored" for other in run.beside_of(segment, "reassembly"))
    if segment["queued"]:
        return f"kept ({plural(segment['queued'], 'byte')})"
    return "kept" if stored else "not kept"


def peer(event: Record) -> str:
    """The far end of its connection: ``10.0.0.1:80``."""
    return str(event["flow"]).partition(">")[2]


def occasion(run: Run, event: Record) -> str:
    """What was under way: ``when ACK 801 came``, ``in tcp_write``, ``at the tick at 2.750 s``."""
    cause = run.cause(event)
    if cause is None:
        return ""
    kind = cause["kind"]
    if kind == "segment-in":
        return f"when {label(cause)} came"
    if kind == "api":
        return f"when the program called {cause['call']}"
    if kind == "timer":
        name = "tick" if cause["name"] == "tcp" else f"run of the timer {cause['name']}"
        return f"at the {name} at {seconds(cause['t'])}"
    frame = run.frames.get(cause.get("frame", -1))
    return "when a frame came" if frame is None else f"when a frame came ({frame['info']})"


def clause(run: Run, event: Record) -> str:
    """The occasion with a space in front, or nothing."""
    found = occasion(run, event)
    return f" {found}" if found else ""
