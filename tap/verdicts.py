"""What was done to a frame, as a value that can be written down and done again without any chance.

A ``Verdict`` says of one frame at one stage what the stage noted and what it handed on. Played in place of a
stage with chance (``Player``), the verdicts of a run make the same run again; with some left out, they make
the run in which just those things did not happen, which is how a failing run is shrunk.

A stage with chance has a method ``without_chance() -> Stage | None``: what is left of it when chance does
nothing, as a delay without its jitter; None when frames just pass, itself when it has no chance as it is.
Such a stage hands a frame on while it handles it, now or for a later time, or never (``Reorder``, which holds
frames back, is known here). A stage without that method is never replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tap.cable import AnyStage, Direction, Stage
from tap.clock import Clock
from tap.impair.reorder import Holding, Reorder
from tap.passage import Visit

Treat = Callable[[Visit], None]

_NEEDED = ("t", "dir", "frame", "stage", "action", "detail")
_DIFFERENT = re.compile(rb"[^\0]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame is handed on ``after`` ns: as it was, or changed. ``keep``: only so many of its first bytes
    (None: all); ``masks``: (offset, bits that are flipped from there on); ``added`` at its end.
    """

    after: int
    keep: int | None = None
    masks: tuple[tuple[int, bytes], ...] = ()
    added: bytes = b""

    @classmethod
    def of(cls, after: int, frame: bytes, sent: bytes) -> Sent:
        """What makes ``sent`` of ``frame``."""
        if sent == frame:
            return cls(after)
        size = min(len(frame), len(sent))
        bits = int.from_bytes(frame[:size], "big") ^ int.from_bytes(sent[:size], "big")
        found = _DIFFERENT.finditer(bits.to_bytes(size, "big"))
        masks = tuple((run.start(), run.group()) for run in found)
        return cls(after, size if size < len(frame) else None, masks, sent[size:])

    def made_of(self, frame: bytes) -> bytes:
        """The frame that is handed on; what lies behind its end is not changed."""
        if self.keep is None and not self.masks and not self.added:
            return frame
        changed = bytearray(frame[: self.keep])
        for offset, mask in self.masks:
            for place, bits in enumerate(mask[: max(0, len(changed) - offset)], offset):
                changed[place] ^= bits
        return bytes(changed + self.added)

    def json(self) -> object:
        """For the journal: the time alone for a frame as it was."""
        if self.keep is None and not self.masks and not self.added:
            return self.after
        fields: dict[str, object] = {"after": self.after}
        fields |= {} if self.keep is None else {"keep": self.keep}
        fields |= {"xor": [[offset, mask.hex()] for offset, mask in self.masks]} if self.masks else {}
        return fields | ({"add": self.added.hex()} if self.added else {})


@dataclass(frozen=True, slots=True)
class Held:
    """A frame is held until ``behind`` others have passed, or for ``patience`` ns."""

    behind: int
    patience: int

    def json(self) -> object:
        """For the journal."""
        return {"behind": self.behind, "patience": self.patience}


def _piece(value: object) -> Sent | Held:
    """What a piece of an outcome in a journal stands for. Raises ValueError."""
    try:
        if isinstance(value, int):
            return Sent(_natural(value))
        if isinstance(value, dict):
            if "behind" in value:
                return Held(_natural(value["behind"]), _natural(value["patience"]))
            masks = tuple((_natural(offset), bytes.fromhex(mask)) for offset, mask in value.get("xor", ()))
            keep = _natural(value["keep"]) if "keep" in value else None
            return Sent(_natural(value["after"]), keep, masks, bytes.fromhex(value.get("add", "")))
    except (KeyError, TypeError, ValueError):
        pass
    raise ValueError(f"the outcome {value!r} is none: it is ns, or what was changed or held")


def _natural(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stage ``stage`` of ``direction`` did at ``time`` (ns) to the frame with coordinate ``frame``.

    ``notes`` are (action, detail, rule), the last "" outside rules. ``out`` is what came of the frame, none:
    it was lost; None when no chance was in it, so that it comes out the same by itself. ``copy``: which of
    the copies that stages before have made, 1 the first.
    """

    time: int
    direction: str
    frame: str
    stage: str
    notes: tuple[tuple[str, str, str], ...]
    out: tuple[Sent | Held, ...] | None = None
    copy: int = 1

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Verdict:
        """The verdict of a line of a journal. Raises ValueError."""
        missing = [name for name in _NEEDED if name not in line]
        if missing:
            raise ValueError(f"a verdict without {', '.join(missing)}")
        first, also = (line["action"], line["detail"], line.get("rule", "")), line.get("also", [])
        notes = [first, *also] if isinstance(also, list) else [also]
        if not all(isinstance(n, list | tuple) and [type(x) for x in n] == [str] * 3 for n in notes):
            raise ValueError(f"the notes {notes!r} are not action, detail and rule")
        out = line.get("out")
        if out is not None and not isinstance(out, list):
            raise ValueError(f"the outcome {out!r} is no list")
        return cls(
            line["t"], line["dir"], line["frame"], line["stage"],
            tuple((action, detail, rule) for action, detail, rule in notes if action),
            None if out is None else tuple(_piece(piece) for piece in out),
            _natural(line.get("copy", 1)),
        )  # fmt: skip

    def line(self) -> dict[str, Any]:
        """Its line in a journal."""
        (action, detail, rule), *others = self.notes or (("", "", ""),)
        fields: dict[str, Any] = {
            "t": self.time, "dir": self.direction, "frame": self.frame, "stage": self.stage,
        }  # fmt: skip
        fields |= {"rule": rule} if rule else {}
        fields |= {"action": action, "detail": detail}
        fields |= {"also": [list(note) for note in others]} if others else {}
        fields |= {"copy": self.copy} if self.copy > 1 else {}
        return fields | ({} if self.out is None else {"out": [piece.json() for piece in self.out]})

    def rule(self) -> str | None:
        """The text of a rule (``tap.rules``) that does the same to the same frame, without the direction;
        None where rules have no words for it.
        """
        from tap.rules.verdicts import DROP, Corrupt, Delay, Duplicate, Reorder

        what: object = None
        match self.out:
            case ():
                what = DROP
            case (Held(behind, patience),):
                what = Reorder(behind, patience)
            case (Sent(after, None, (), b""),) if after:
                what = Delay(after)
            case (Sent(0, None, ((place, mask),), b""),) if len(mask) == 1 and mask[0].bit_count() == 1:
                what = Corrupt(byte=place, bit=mask[0].bit_length() - 1)
            case (Sent(0), second, *others) if isinstance(second, Sent):
                spacing, copies = second.after, 1 + len(others)
                if self.out == tuple(Sent(number * spacing) for number in range(copies + 1)):
                    what = Duplicate(copies, spacing)
        conditions = self.frame.partition(" ")[2]
        return None if what is None or self.copy > 1 else f"{what} {conditions}"

    def play(self, visit: Visit, holding: Holding | None = None) -> None:
        """Do it again: note it, and hand on what came of the frame."""
        for action, detail, rule in self.notes:
            visit.note(action, detail, rule)
        for piece in self.out or ():
            if isinstance(piece, Sent):
                visit.pass_on(piece.made_of(visit.frame), visit.at + piece.after)
            elif holding is not None:
                holding.hold(visit.frame, piece.behind, piece.patience, visit.at, visit.pass_on)


class Replayed:
    """The verdicts and device faults (lines of a journal) that a run is played from."""

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Raises ValueError for a line that is neither."""
        self._stages: dict[tuple[str, str], dict[tuple[str, int], Verdict]] = {}
        self._rules: dict[tuple[str, str, str, int], Verdict] = {}
        self._devices: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for line in lines:
            if "device" in line:
                if "fault" not in line:
                    raise ValueError("a device fault without fault")
                self._devices.setdefault((line["device"], line["fault"]), []).append(line)
            else:
                self._add(Verdict.of(line))

    def _add(self, verdict: Verdict) -> None:
        if verdict.out is not None:
            stage = self._stages.setdefault((verdict.direction, verdict.stage), {})
            stage[verdict.frame, verdict.copy] = verdict
        for rule in dict.fromkeys(rule for _, _, rule in verdict.notes if rule):
            self._rules[verdict.direction, rule, verdict.frame, verdict.copy] = verdict

    def of_stage(self, direction: str, stage: str) -> Mapping[tuple[str, int], Verdict]:
        """The verdicts of a stage, by coordinate and copy."""
        return self._stages.get((direction, stage), {})

    def of_rule(self, direction: str, rule: str, frame: str, copy: int = 1) -> Verdict | None:
        """The verdict in which a rule took part, None when it did not meet that frame."""
        return self._rules.get((direction, rule, frame, copy))

    def of_device(self, device: str, fault: str) -> list[Mapping[str, Any]]:
        """The lines of a device fault, in their order."""
        return self._devices.get((device, fault), [])


class Player:
    """Plays ``verdicts`` in place of a stage with chance; a frame without one passes ``plain``, the part of
    the stage without chance. ``in_order``: frames of the plain part do not overtake those that were played.
    """

    def __init__(
        self,
        verdicts: Mapping[tuple[str, int], Verdict],
        plain: Stage | None,
        in_order: bool,
        clock: Clock,
    ) -> None:
        self._verdicts = verdicts
        self._plain = plain
        self._in_order = in_order
        self._latest = 0  # when the last frame leaves
        self._held = Holding(clock)

    def judge(self, visit: Visit) -> None:
        """A frame has come."""
        verdict = self._verdicts.get((str(visit.passage.coordinate), visit.copy))
        if verdict is not None:
            verdict.play(visit, self._held)
        elif self._plain is None:
            visit.pass_on(visit.frame, visit.at)
        else:
            least = self._latest if self._in_order else 0
            self._plain.handle(
                visit.frame, visit.at, lambda frame, at: visit.pass_on(frame, max(at, least)), visit.note
            )
        if visit.out:
            self._latest = max(self._latest, *(at for at, _ in visit.out))
            if self._held:
                self._held.passed(visit.at)


class _Role:
    """What is known of a stage of a direction; it keeps the stage, so that its id stays its own."""

    __slots__ = ("chance", "label", "stage", "treat")

    def __init__(self, stage: AnyStage, label: str, chance: bool, treat: Treat | None) -> None:
        self.stage = stage
        self.label = label
        self.chance = chance
        self.treat = treat


class Roles:
    """The stages of a network's directions: each has a label of its own there (``loss``, ``loss2``) by which
    verdicts name it, and those with chance are played in a run that has ``replayed``.
    """

    def __init__(self, replayed: Replayed | None) -> None:
        self._replayed = replayed
        self._roles: dict[tuple[str, int], _Role] = {}
        self._labels: dict[tuple[str, str], int] = {}  # how many stages of a direction have a name

    def player(self, direction: Direction, stage: AnyStage) -> Treat | None:
        """What treats frames in the stage's place; None: the stage itself."""
        return self._role(direction, stage).treat

    def label(self, visit: Visit) -> str:
        """The label of the visited stage."""
        return self._role(visit.passage.direction, visit.stage).label

    def verdict(self, visit: Visit) -> Verdict | None:
        """What came of a visit that is over; None when there is nothing to say."""
        role = self._role(visit.passage.direction, visit.stage)
        if not visit.notes and (not role.chance or visit.out == [(visit.at, visit.frame)]):
            return None
        chance = role.chance or _ruled_by_chance(visit)
        return Verdict(
            visit.at,
            visit.passage.direction.name,
            str(visit.passage.coordinate),
            role.label,
            tuple((action, detail, rule) for rule, action, detail in visit.notes),
            _outcome(visit) if chance else None,
            visit.copy,
        )

    def _role(self, direction: Direction, stage: AnyStage) -> _Role:
        key = direction.name, id(stage)
        role = self._roles.get(key)
        if role is None:
            role = self._roles[key] = self._new(direction, stage)
        return role

    def _new(self, direction: Direction, stage: AnyStage) -> _Role:
        number = self._labels[direction.name, stage.name] = (
            self._labels.get((direction.name, stage.name), 0) + 1
        )
        label = stage.name if number == 1 else f"{stage.name}{number}"
        without: Callable[[], Stage | None] | None = getattr(stage, "without_chance", None)
        if without is None or (plain := without()) is stage:
            return _Role(stage, label, False, None)
        treat = None
        if self._replayed is not None:
            verdicts = self._replayed.of_stage(direction.name, label)
            treat = Player(verdicts, plain, getattr(stage, "in_order", False), direction.clock).judge
        return _Role(stage, label, True, treat)


def _ruled_by_chance(visit: Visit) -> bool:
    """Whether a rule with p took part in a verdict of rules."""
    if not any(rule for rule, _, _ in visit.notes):
        return False
    from tap.rules.stage import Rules

    took_part = {rule for rule, _, _ in visit.notes}
    rules = visit.stage if isinstance(visit.stage, Rules) else ()
    return any(rule.text in took_part and rule.conditions.p is not None for rule in rules)


def _outcome(visit: Visit) -> tuple[Sent | Held, ...]:
    """What came of the frame while the stage handled it."""
    if isinstance(visit.stage, Reorder) and not visit.out:
        return (Held(visit.stage.behind, visit.stage.patience),)
    return tuple(Sent.of(at - visit.at, visit.frame, frame) for at, frame in visit.out)
