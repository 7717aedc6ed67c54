"""A sheet: questions drawn from a seed, no kind twice before all were there."""

from __future__ import annotations

from dataclasses import dataclass

from lab.exam.kinds import KINDS
from lab.exam.scene import Question
from tap.streams import stream


@dataclass(frozen=True)
class Sheet:
    """Questions in their order."""

    seed: int
    questions: tuple[Question, ...]

    @property
    def points(self) -> int:
        """What can be had."""
        return sum(question.points for question in self.questions)


def draw(seed: int, count: int) -> Sheet:
    """``count`` questions, 1 or more. Same seed, same sheet; more questions begin with the same ones."""
    order = stream(seed, "exam.order")
    questions: list[Question] = []
    while len(questions) < count:
        left = list(KINDS)
        while left and len(questions) < count:
            kind = left.pop(order.below(len(left)))
            questions.append(kind(stream(seed, f"exam.{len(questions)}.{kind.__name__}")))
    return Sheet(seed, tuple(questions))
