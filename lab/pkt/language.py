"""Parser of the trace language: text of a ``.pkt`` file to a ``Script`` of event objects.

The language is a subset of packetdrill's (google/packetdrill, syntax.md) with extensions;
docs/trace-language.md describes it. Anything that does not fit raises ScriptError with file, line, column and
the reason.
"""

from __future__ import annotations

import re
from pathlib import Path

from lab.pkt.calls_syntax import parse_call
from lab.pkt.command_syntax import check_command
from lab.pkt.events import (
    Command,
    Comment,
    Event,
    Inbound,
    Item,
    OptionLine,
    Outbound,
    Probe,
    Script,
    is_stimulus,
)
from lab.pkt.packet_syntax import parse_packet
from lab.pkt.scanner import Scanner, ScriptError

_TIME = re.compile(r"\+?\d+(\.\d+)?")
_OPTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_TIME = 1 << 40  # ms; keeps sums far from anything a stack counts


def parse_file(path: str | Path) -> Script:
    """Read and parse a file. Raises ScriptError, or OSError when it cannot be read."""
    data = Path(path).read_bytes()
    return parse_text(_decode(data, str(path)), str(path))


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        column = failure.start - (data.rfind(b"\n", 0, failure.start) + 1) + 1
        raise ScriptError(path, line, column, "the file must be plain ASCII text") from None


def parse_text(text: str, path: str = "<script>") -> Script:
    """Parse the text of a script; ``path`` names it in errors."""
    if text and not text.endswith("\n"):
        text += "\n"
    state = _FileState(path)
    for number, line in enumerate(text.split("\n")[:-1], 1):
        state.add(Scanner(path, number, line))
    return Script(path, state.items)


class _FileState:
    """What the rules across lines need: options first and once, times that never decrease, `end` as the last
    stimulus."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.items: list[Item] = []
        self.names: set[str] = set()
        self.time = 0
        self.in_events = False
        self.ended = False

    def add(self, s: Scanner) -> None:
        if "\r" in s.text:
            raise s.error("carriage return: lines end with LF alone", s.text.index("\r"))
        if not s.text:
            self.items.append(Comment(s.line, None))
        elif s.accept("//"):
            self.items.append(Comment(s.line, s.rest()))
        elif s.accept("--"):
            self.items.append(self._option(s))
        else:
            self.items.append(self._event(s))

    def _option(self, s: Scanner) -> OptionLine:
        if self.in_events:
            raise s.error("options must come before the first event", 0)
        name = s.match(_OPTION_NAME, "an option name")
        if name in self.names:
            raise s.error(f"option {name} occurs twice", 2)
        self.names.add(name)
        s.expect("=", "'=' and the option's value")
        column = s.pos + 1
        return OptionLine(s.line, name, s.rest(), column)

    def _event(self, s: Scanner) -> Event:
        self.in_events = True
        time = self._time(s)
        event = parse_action(s, time)
        if self.ended and is_stimulus(event):
            raise s.error("nothing may follow `end`", 0)
        if isinstance(event, Command) and event.words == ["end"]:
            self.ended = True
        return event

    def _time(self, s: Scanner) -> int:
        text = s.match(_TIME, "a time in seconds (like 0.100), '//' for a comment or '--' for an option")
        whole, _, fraction = text.lstrip("+").partition(".")
        if len(fraction) > 3:
            raise s.error("times are whole milliseconds: at most three digits behind the point", 0)
        if len(whole) > 10:
            raise s.error("this time is too far in the future", 0)
        time = int(whole) * 1000 + int(fraction.ljust(3, "0"))
        if text.startswith("+"):
            time += self.time
        if time < self.time:
            raise s.error(
                f"time {text} is before the event above ({self.time // 1000}.{self.time % 1000:03})", 0
            )
        if time > _MAX_TIME:
            raise s.error("this time is too far in the future", 0)
        self.time = time
        s.expect(" ", "' ' after the time")
        return time


def parse_action(s: Scanner, time: int) -> Event:
    """What stands behind the time."""
    if s.accept("< "):
        return Inbound(s.line, time, parse_packet(s))
    if s.accept("> "):
        return Outbound(s.line, time, parse_packet(s))
    if s.accept("%{"):
        return _parse_probe(s, time)
    if s.accept("`"):
        return _parse_command(s, time)
    return parse_call(s, time)


def _parse_command(s: Scanner, time: int) -> Command:
    start = s.pos
    text = s.rest()
    if not text.endswith("`"):
        raise s.error("a command ends with '`'", start + len(text))
    words = _split_words(s, text[:-1], start)
    check_command(s, words, start)
    return Command(s.line, time, words)


def _parse_probe(s: Scanner, time: int) -> Probe:
    start = s.pos
    text = s.rest()
    if not text.endswith("}%"):
        raise s.error("a probe ends with '}%'", start + len(text))
    words = _split_words(s, text[:-2], start)
    if words[0] == "info" and (len(words) < 2 or not words[1].isdigit()):
        raise s.error("info needs a descriptor: %{info FD}%", start + 4)
    return Probe(s.line, time, words)


def _split_words(s: Scanner, text: str, start: int) -> list[str]:
    words = text.split(" ")
    for word in words:
        if not word:
            raise s.error("expected a word (words are separated by one space)", start)
        start += len(word) + 1
    return words
