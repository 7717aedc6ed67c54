"""A rule: which frames, what is done to them, and how often it was."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from tap.impair.units import threshold
from tap.rules.conditions import Conditions
from tap.rules.coordinate import MAX_FLOWS
from tap.rules.errors import RuleError
from tap.rules.state import is_in
from tap.rules.verdicts import Delivery, Verdict, verdicts
from tap.rules.view import FrameView

if TYPE_CHECKING:
    from tap.impair.draws import Draw
    from tap.rules.coordinate import Coordinate
    from tap.rules.stage import Rules

Callback = Callable[[FrameView], Verdict | Iterable[Verdict] | None]
Note = Callable[[str, str, str], None]  # (action, detail, rule)


class Rule:
    """A rule of a direction. ``text`` is what the journal calls it; ``met`` how many frames met all its
    conditions but n, every, p and count, ``hits`` how many it decided about.

    In ``with`` it is there meanwhile; ``remove`` takes it away for good.
    """

    def __init__(
        self,
        text: str,
        does: Verdict | Callback,
        conditions: Conditions,
        *,
        chain: bool = False,
        rules: Rules,
        draw: Draw | None = None,
        find: Callable[[], Any] | None = None,
    ) -> None:
        self.text = text
        self.does = does
        self.conditions = conditions
        self.chain = chain
        self.met = 0
        self.hits = 0
        self._rules = rules
        self._draw = draw
        self._below = threshold(conditions.p) if conditions.p is not None else 0
        self._find = find  # the device of the condition state
        self._counts: OrderedDict[tuple[str, int], int] = OrderedDict()  # (flow, conn) -> frames so far

    def meets(self, view: FrameView) -> bool:
        """Whether the rule is for this frame; asked once for each that enters, whatever other rules say."""
        asks, at = self.conditions, view.coordinate
        if not asks.place(at, view.now):
            return False
        if asks.state is not None and not self._in_state(view):
            return False
        self.met += 1
        if asks.whole:
            if asks.n is None or at.n not in asks.n or asks.kind is None or at.kind not in asks.kind:
                return False
        elif asks.n is not None or asks.every > 1:
            number = self._count(at.flow, at.conn)
            if (asks.n is not None and number not in asks.n) or number % asks.every:
                return False
        return self._draw is None or self._by_chance(self._draw, at)

    def _by_chance(self, draw: Draw, at: Coordinate) -> bool:
        chance = self._rules.chance
        return draw() < self._below if chance is None else chance(self, at)

    def _in_state(self, view: FrameView) -> bool:
        assert self._find is not None
        assert self.conditions.state is not None
        device = self._find()
        return device.is_open and is_in(device.host.stack, view.frame, self.conditions.state.states)

    def _count(self, flow: str, conn: int) -> int:
        key, counts = (flow, conn), self._counts
        number = counts[key] = counts.get(key, 0) + 1
        counts.move_to_end(key)  # the flow that was silent for longest is first
        if len(counts) > MAX_FLOWS:
            counts.popitem(last=False)
        return number

    @property
    def used_up(self) -> bool:
        """Whether it has done what ``count`` allows."""
        return self.conditions.count is not None and self.hits >= self.conditions.count

    def act(self, to: Delivery, note: Note) -> None:
        """Do to the frame what the rule wants. Raises RuleError when a callback returns no verdict."""
        self.hits += 1
        does = (self.does,) if isinstance(self.does, Verdict) else self._asked(to.view)
        for verdict in does:
            verdict.apply(to, lambda action, detail: note(action, detail, self.text))

    def _asked(self, view: FrameView) -> tuple[Verdict, ...]:
        assert not isinstance(self.does, Verdict)
        try:
            return verdicts(self.does(view))
        except RuleError as error:
            raise RuleError(f"{self.text}: {error.bare}") from None

    def remove(self) -> None:
        """Take the rule away; frames that it holds or delays still arrive."""
        self._rules.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rules.discard(self)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<rule {self.text}: {self.hits} hits>"
