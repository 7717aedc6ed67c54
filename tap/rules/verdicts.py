"""What can be done to a frame: the verdicts that rules carry and callbacks return.

A verdict works on a ``Delivery``, what comes of one frame: at first the frame itself, now. ``str`` of a
verdict is the text of the rule that does the same. Times are ns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import SupportsBytes

from tap.impair.fields import get, put, repair
from tap.rules.craft import Crafted, check, craft
from tap.rules.errors import RuleError
from tap.rules.fields import field_name, field_value
from tap.rules.place import Position, position
from tap.rules.view import FrameView

Note = Callable[[str, str], None]  # (action, detail)
PATIENCE = 1_000_000_000  # ns that a frame waits for others to overtake it


@dataclass(slots=True)
class Sent:
    """A frame that leaves the rules ``at`` ns; ``injected``: nobody sent it."""

    at: int
    frame: bytes
    injected: bool = False


@dataclass(slots=True)
class Delivery:
    """What comes of a frame: ``sent`` in this order, ``back`` the other way; all but the injected ones only
    once ``behind`` later frames have passed, or ``patience`` ns.
    """

    view: FrameView
    sent: list[Sent]
    back: list[Sent] = field(default_factory=list)
    behind: int = 0
    patience: int = PATIENCE

    def own(self) -> list[Sent]:
        """The frame and its copies."""
        return [one for one in self.sent if not one.injected]


class Verdict:
    """Something that is done to a frame."""

    __slots__ = ()

    def apply(self, to: Delivery, note: Note) -> None:
        """Do it, and ``note`` it with the numbers that it takes to do it again."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Pass(Verdict):
    """Nothing: the frame passes, and later rules do not meet it."""

    def apply(self, to: Delivery, note: Note) -> None:
        note("pass", "")

    def __str__(self) -> str:
        return "pass"


@dataclass(frozen=True, slots=True)
class Drop(Verdict):
    """The frame is lost."""

    def apply(self, to: Delivery, note: Note) -> None:
        note("drop", "")
        to.sent = [one for one in to.sent if one.injected]

    def __str__(self) -> str:
        return "drop"


PASS, DROP = Pass(), Drop()


@dataclass(frozen=True, slots=True)
class Delay(Verdict):
    """The frame leaves ``time`` ns later; those behind it do not wait."""

    time: int

    def __post_init__(self) -> None:
        _at_least(self.time, 0, "a delay (ns)")

    def apply(self, to: Delivery, note: Note) -> None:
        note("delay", f"{self.time} ns")
        for one in to.own():
            one.at += self.time

    def __str__(self) -> str:
        return f"delay {time_text(self.time)}"


@dataclass(frozen=True, slots=True)
class Duplicate(Verdict):
    """The frame is followed by ``copies`` more, each ``spacing`` ns after the one before."""

    copies: int = 1
    spacing: int = 0

    def __post_init__(self) -> None:
        _at_least(self.copies, 1, "copies")
        _at_least(self.spacing, 0, "a spacing (ns)")
        if self.copies > 1000:
            raise RuleError(f"copies={self.copies} is a flood: give 1000 at most")

    def apply(self, to: Delivery, note: Note) -> None:
        spacing = f", {self.spacing} ns apart" if self.spacing else ""
        note("duplicate", f"{self.copies} x{spacing}")
        to.sent += [
            Sent(one.at + copy * self.spacing, one.frame)
            for one in to.own()
            for copy in range(1, self.copies + 1)
        ]

    def __str__(self) -> str:
        spacing = f" spacing={time_text(self.spacing)}" if self.spacing else ""
        return f"duplicate copies={self.copies}{spacing}"


@dataclass(frozen=True, slots=True)
class Corrupt(Verdict):
    """One place of the frame is changed, by default the last bit. ``byte``: all its bits are flipped, or it
    becomes ``value``, or just ``bit`` (0, the lowest, to 7) of it is flipped. ``bit`` alone: bit (8 * byte +
    0 .. 7) of the frame. ``field``: becomes ``value``, or its lowest bit is flipped. ``repaired``: the
    checksums of IPv4, TCP, UDP and ICMP are made right again.
    """

    byte: Position | int | str | None = None
    bit: Position | int | str | None = None
    field: str | None = None
    value: int | str | None = None
    repaired: bool = False

    def __post_init__(self) -> None:
        for key in ("byte", "bit"):
            if (place := getattr(self, key)) is not None:
                object.__setattr__(self, key, position(place))
        if self.field is not None:
            if self.byte is not None or self.bit is not None:
                raise RuleError("corrupt takes a field, or a byte or bit: leave one out")
            object.__setattr__(self, "field", field_name(self.field))
            if self.value is not None:
                field_value(self.field, self.value)
        elif self.value is not None:
            if self.byte is None or self.bit is not None:
                raise RuleError("corrupt sets a value in a byte or a field: add byte=54 or field=tcp.seq")
            if not isinstance(self.value, int) or not 0 <= self.value <= 0xFF:
                raise RuleError(f"a byte cannot be {self.value!r}: give 0 to 255")
        if self.byte is not None and self.bit is not None:
            bit = position(self.bit)
            if bit.layer or not 0 <= bit.offset <= 7:
                raise RuleError(f"a byte has no bit {bit}: give 0 to 7")

    def apply(self, to: Delivery, note: Note) -> None:
        done = ""
        for one in to.own():
            changed = bytearray(one.frame)
            done = self._change(changed)
            if done and self.repaired:
                repair(changed)
                done += ", repaired"
            one.frame = bytes(changed)
        if done:
            note("corrupt", done)
        elif to.own():
            note("pass", "there is no such place in the frame")

    def _change(self, changed: bytearray) -> str:
        if self.field is not None:
            old = get(changed, self.field)
            if old is None:
                return ""
            value = old ^ 1 if self.value is None else field_value(self.field, self.value)
            put(changed, self.field, value)
            return f"{self.field} = {value}"
        if self.byte is None:
            bit = position(-8 if self.bit is None else self.bit).find(changed, 8)
            return "" if bit is None else _flip(changed, bit)
        at = position(self.byte).find(changed)
        if at is None:
            return ""
        if self.bit is not None:
            return _flip(changed, at * 8 + position(self.bit).offset)
        changed[at] = int(self.value) if self.value is not None else changed[at] ^ 0xFF
        return f"byte {at} = {changed[at]}"

    def __str__(self) -> str:
        words = [f"{key}={value}" for key in ("byte", "bit", "field", "value")
                 if (value := getattr(self, key)) is not None]  # fmt: skip
        return " ".join(["corrupt", *words, *["repaired"] * self.repaired])


def _flip(changed: bytearray, bit: int) -> str:
    changed[bit >> 3] ^= 1 << (bit & 7)
    return f"bit {bit & 7} of byte {bit >> 3}"


@dataclass(frozen=True, slots=True)
class Rewrite(Verdict):
    """The frame becomes another: ``what`` is that (bytes, a scapy packet), taken as it is, or the fields that
    change, ``{"tcp.window": 0}``, with the checksums made right again unless not ``repaired``.
    """

    what: bytes | SupportsBytes | Mapping[str, int | str]
    repaired: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.what, Mapping):
            if not self.what:
                raise RuleError("rewrite needs a field: write rewrite tcp.window=0")
            for name, value in self.what.items():
                field_value(field_name(name), value)
        else:
            object.__setattr__(self, "what", as_bytes(self.what))

    def apply(self, to: Delivery, note: Note) -> None:
        if not isinstance(self.what, Mapping):
            frame = bytes(self.what)
            for one in to.own():
                one.frame = frame
            note("rewrite", frame.hex())
            return
        values = {field_name(name): value for name, value in self.what.items()}
        done: list[str] = []
        for one in to.own():
            changed = bytearray(one.frame)
            done = []
            for name, value in values.items():
                if get(changed, name) is not None:
                    put(changed, name, field_value(name, value))
                    done.append(f"{name} = {field_value(name, value)}")
            if done and self.repaired:
                repair(changed)
            one.frame = bytes(changed)
        if done:
            note("rewrite", ", ".join([*done, *["repaired"] * self.repaired]))
        elif to.own():
            note("pass", f"the frame has no {' and no '.join(values)}")

    def __str__(self) -> str:
        if not isinstance(self.what, Mapping):
            return f"rewrite hex={bytes(self.what).hex()}"
        words = [f"{name}={value}" for name, value in self.what.items()]
        return " ".join(["rewrite", *words, *["repaired=no"] * (not self.repaired)])


@dataclass(frozen=True, slots=True)
class Reorder(Verdict):
    """The frame waits until ``behind`` later ones have passed, but for ``patience`` ns at most."""

    behind: int = 1
    patience: int = PATIENCE

    def __post_init__(self) -> None:
        _at_least(self.behind, 1, "behind")
        _at_least(self.patience, 1, "patience (ns)")

    def apply(self, to: Delivery, note: Note) -> None:
        note("reorder", f"{self.behind} behind")
        to.behind, to.patience = self.behind, self.patience

    def __str__(self) -> str:
        patience = "" if self.patience == PATIENCE else f" patience={time_text(self.patience)}"
        return f"reorder behind={self.behind}{patience}"


@dataclass(frozen=True, slots=True)
class Inject(Verdict):
    """Another frame is sent besides: ``what`` is bytes, a scapy packet, or a name of ``tap.rules.craft`` with
    its ``options``. It goes ``to`` the receiver or the sender of the frame (None: as its name says, else the
    receiver), ``delay`` ns later, and to the receiver ``before`` or after the frame.
    """

    what: bytes | SupportsBytes | str
    before: bool = False
    to: str | None = None
    delay: int = 0
    options: Mapping[str, int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _at_least(self.delay, 0, "a delay (ns)")
        if self.to not in (None, "receiver", "sender"):
            raise RuleError(f"nobody is called {self.to!r}: give to=receiver or to=sender")
        if isinstance(self.what, str):
            check(self.what, self.options)
        elif self.options:
            raise RuleError(f"{next(iter(self.options))} is for crafted frames: leave it out")
        else:
            object.__setattr__(self, "what", as_bytes(self.what))

    def apply(self, to: Delivery, note: Note) -> None:
        made: Crafted | None
        if isinstance(self.what, str):
            made = craft(self.what, to.view.frame, self.before, self.to, self.options)
        else:
            made = Crafted(bytes(self.what), self.to or "receiver")
        name = self.what if isinstance(self.what, str) else "frame"
        if made is None:
            note("pass", f"{name} answers no such frame")
            return
        when = "" if made.to == "sender" else " before" if self.before else " after"
        note("inject", f"{name}{when} to {made.to}, {self.delay} ns later: {made.frame.hex()}")
        one = Sent(to.view.now + self.delay, made.frame, injected=True)
        if made.to == "sender":
            to.back.append(one)
        elif self.before:
            to.sent.insert(0, one)
        else:
            to.sent.append(one)

    def __str__(self) -> str:
        what = self.what if isinstance(self.what, str) else "hex=" + bytes(self.what).hex()
        words = ["inject", what]
        words += ["before"] * self.before
        words += [f"to={self.to}"] * (self.to is not None)
        words += [f"delay={time_text(self.delay)}"] * bool(self.delay)
        return " ".join(words + [f"{key}={value}" for key, value in self.options.items()])


def verdicts(returned: object) -> tuple[Verdict, ...]:
    """What a callback returned: a verdict, several, or None for none. Raises RuleError."""
    if returned is None:
        return ()
    found: list[Verdict] = []
    for one in returned if isinstance(returned, Iterable) else [returned]:
        if not isinstance(one, Verdict):
            raise RuleError(f"{one!r} is no verdict: return PASS, DROP, Delay(ns), Rewrite(...) or the like")
        found.append(one)
    return tuple(found)


def as_bytes(what: object) -> bytes:
    """A frame from bytes or from anything that has them. Raises RuleError."""
    if isinstance(what, bytes | bytearray | memoryview) or hasattr(what, "__bytes__"):
        frame = bytes(what)
        if 14 <= len(frame) <= 65549:
            return frame
        raise RuleError(f"{len(frame)} bytes are no frame: give 14 (the Ethernet header) to 65549")
    raise RuleError(f"{what!r} is no frame: give bytes, or a packet that has them")


def time_text(time: int) -> str:
    """ns in the largest unit that needs no fraction."""
    for unit, ns in (("s", 10**9), ("ms", 10**6), ("us", 1000)):
        if time and time % ns == 0:
            return f"{time // ns}{unit}"
    return f"{time}ns"


def _at_least(value: object, least: int, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RuleError(f"{what} of {value!r} does not do: give a whole number, {least} or more")
