"""What stands between the stack and a student's part: it asks, notes the answers in the ladder, and judges.

A test has rules, functions that look at one answer and say what is wrong with it. A mistake against which a
test has no rule does not matter to that test, so each costs the points of its own test only. After the first
finding the part is lwIP's again, and the test ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lab.exercises.student import Broken, Student

if TYPE_CHECKING:
    from lab.exercises.bench import Bench
    from netstack.tcp.layer import Tcp
    from netstack.tcp.tcb import Tcb

Answer = TypeVar("Answer")
Rule = Callable[[Any], str | None]  # of an Answer: what is wrong, OK, or None: it does not apply
OK = ""
Side = TypeVar("Side")


class Plug(Generic[Side]):
    """The part of one stack. ``Side`` is what is kept of a connection: the student's object and what the
    rules compare it with.
    """

    def __init__(self, bench: Bench, tcp: Tcp, rules: Sequence[Rule]) -> None:
        self.bench = bench
        self.tcp = tcp
        self._rules = rules
        self._sides: dict[Tcb, Side] = {}

    def make(self, pcb: Tcb) -> Side | None:
        """The student's object for a new connection; None when it cannot be made."""
        raise NotImplementedError

    def side(self, pcb: Tcb) -> Side | None:
        """That of a connection, made when it is asked for first; None when there is a finding."""
        if self.bench.over:
            return None
        if pcb not in self._sides:
            made = self.make(pcb)
            if made is None:
                return None
            self._sides[pcb] = made
        return self._sides[pcb]

    def forget(self, pcb: Tcb) -> None:
        """Begin anew with the connection."""
        self._sides.pop(pcb, None)

    def ask(self, student: Student, method: str, shape: Callable[[object], Any], **arguments: object) -> Any:
        """The student's answer; None when it is a finding."""
        try:
            return student.call(method, shape, **arguments)
        except Broken as broken:
            self.bench.fail(str(broken))
            return None

    def judge(self, answer: object) -> None:
        """Apply the rules of the test."""
        for rule in self._rules:
            wrong = rule(answer)
            if wrong:
                self.bench.fail(wrong)
                return
            self.bench.judged |= wrong == OK
