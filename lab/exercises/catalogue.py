"""The exercises by name."""

from __future__ import annotations

from lab.exercises import congestion, reassembly, rto, window
from lab.exercises.definition import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (reassembly.EXERCISE, rto.EXERCISE, congestion.EXERCISE, window.EXERCISE)
}
