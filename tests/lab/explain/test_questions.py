"""Questions and answers about runs (questions.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lab.explain import Explainer, Question, answer
from lab.explain_command import Time
from lab.trace import Trace, load_run
from tests.lab.explain import fetch

HERE = Path(__file__).parent
GOLDEN = HERE.parent.parent / "golden"
QUESTIONS = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))["question"]


@cache
def explainer(run: str) -> Explainer:
    return Explainer(_trace(run))


def _trace(run: str) -> Trace:
    return fetch.run() if run == "fetch" else load_run(GOLDEN / f"{run}.pkt")


def test_there_are_fifty() -> None:
    assert len(QUESTIONS) >= 50
    assert len({question["what"] for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=[question["what"] for question in QUESTIONS])
def test_the_answer_is_the_right_one(question: dict[str, Any]) -> None:
    at = Time().convert(question["at"], None, None) if "at" in question else None
    asked = Question(at, question.get("segment"), question.get("device"), question.get("event"))
    lines = list(answer(explainer(question["run"]), asked))
    best = max(lines, key=lambda line: sum(words in line for words in question["answer"]))
    missing = [words for words in question["answer"] if words not in best]
    assert not missing, "\n".join([f"{missing} not in", best, "of", *lines[:60]])
