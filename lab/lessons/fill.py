"""What stands between a page's markers: numbers in the prose, and whole blocks, both from the runs.

    It came again after <!--=gap-->2.75 s<!--/-->, on a board that does what the RFC says after
    <!--=gap@rfc-->3 s<!--/-->.

    <!--[ladder run=rfc until=10s states]-->
    (a ladder)
    <!--/-->

Blocks, with what may stand behind their names:

    ladder       run=NAME from=0s until=10s most=20 cable=a-b arp calls states
    why          run=NAME kind=segment-out on=client n=1 most=3, and any field of the event with its value
    table        runs=NAME,NAME and measures: a column for each run, a row for each measure
    vary         runs=NAME,NAME and measures: the commands of these runs, and what changes
    predictions  the questions, their answers folded away
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lab.lessons.definition import MAIN, Choice, Prediction, Runs, shown
from lab.lessons.ladder import ladder
from lab.lessons.played import Played
from lab.scenario.units import time_of

MARKED = re.compile(r"<!--(=|\[)(.*?)-->(.*?)<!--/-->", re.DOTALL)

LETTERS = "abcdef"  # of choices
MOST = 60  # lines of a ladder that no page asked for

Words = list[str]
Given = dict[str, str]


class MarkerError(ValueError):
    """A marker that says nothing; the text names it."""


def fill(text: str, runs: Runs) -> str:
    """A page with everything between its markers made anew. Raises MarkerError."""
    return MARKED.sub(lambda found: _filled(found[1], found[2], runs), text)


def bare(text: str) -> str:
    """A page without its markers."""
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def _filled(sign: str, inside: str, runs: Runs) -> str:
    try:
        if sign == "=":
            return f"<!--={inside}-->{runs.text(inside)}<!--/-->"
        words = inside.rstrip("]").split()
        given = dict(word.split("=", 1) for word in words if "=" in word)
        made = BLOCKS[words[0]](runs, [word for word in words[1:] if "=" not in word], given)
    except KeyError as missing:
        raise MarkerError(f"<!--{sign}{inside}--> names {missing}, which the lesson lacks") from None
    return f"<!--[{inside}-->\n{made}\n<!--/-->"


def _ladder(runs: Runs, words: Words, given: Given) -> str:
    return f"```text\n{_drawn(runs[given.get('run', MAIN)], words, given)}\n```"


def _drawn(played: Played, words: Words, given: Given) -> str:
    until, most = given.get("until"), given.get("most")
    return ladder(
        played,
        begin=time_of(given.get("from", "0s")),
        end=None if until is None else time_of(until),
        cable=given.get("cable", ""),
        most=None if most is None else int(most),
        arp="arp" in words,
        calls="calls" in words,
        states="states" in words,
    )


def ladder_of(page: str, played: Played) -> str:
    """The ladder of a run, drawn as the page's first one is: all of it, up to MOST lines."""
    found = re.search(r"<!--\[ladder(.*?)\]-->", page)
    words = found[1].split() if found else []
    given = dict(word.split("=", 1) for word in words if "=" in word)
    for name in ("run", "until", "most"):
        given.pop(name, None)
    return _drawn(played, words, {**given, "most": str(MOST)})


def _why(runs: Runs, words: Words, given: Given) -> str:
    played = runs[given.pop("run", MAIN)]
    kind, on = given.pop("kind"), given.pop("on", None)
    first, most = int(given.pop("n", "1")), int(given.pop("most", "1"))
    fields = {name: int(value) if value.lstrip("-").isdigit() else value for name, value in given.items()}
    events = played.all(kind, on, **fields)[first - 1 : first - 1 + most]
    if not events:
        raise MarkerError(f"no event {kind} on {on} with {given} in the run")
    return "\n".join(
        f"> *{event['t'] / 1e9:.4f} s, {event['on']}:* {_escaped(played.explainer.explain(event).line())}\n>"
        for event in events
    ).removesuffix("\n>")


def _escaped(text: str) -> str:
    """For Markdown: ``>``, ``*`` and ``_`` mean themselves."""
    return re.sub(r"([*_<>\[\]])", r"\\\1", text)


def _table(runs: Runs, words: Words, given: Given) -> str:
    names = given.get("runs", MAIN).split(",")
    heads = [runs.lesson.runs[name].label for name in names]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for word in words:
        measure = runs.lesson.measures[word]
        values = [measure.text(runs[name]) for name in names]
        lines.append(f"| {measure.meaning} | {' | '.join(values)} |")
    return "\n".join(lines)


def _vary(runs: Runs, words: Words, given: Given) -> str:
    lesson = runs.lesson
    names = given["runs"].split(",")
    commands = [f"$ {lesson.runs[name].command(lesson.number)}" for name in names]
    table = _table(runs, words, {"runs": ",".join([MAIN, *names])})
    return "\n".join(["```console", *commands, "```", "", table])


def _predictions(runs: Runs, words: Words, given: Given) -> str:
    return "\n\n".join(
        _prediction(runs, number, one) for number, one in enumerate(runs.lesson.predictions, 1)
    )


def _prediction(runs: Runs, number: int, asked: Prediction) -> str:
    lines = [f"{number}. {runs.fill(asked.question)}", ""]
    texts = choices(runs, asked)
    lines += [f"   - {letter}) {text}" for letter, text in zip(LETTERS, texts, strict=False)]
    lines += [""] if asked.choices else []
    lines += ["   <details><summary>Answer</summary>", "", f"   {solution(runs, asked)}", ""]
    lines.append(f"   {runs.fill(asked.why)}")
    lines += ["", "   </details>"]
    return "\n".join(lines)


def choices(runs: Runs, asked: Prediction) -> list[str]:
    """The choices of a question as texts."""
    measure, _ = runs.lesson.asked(asked)
    return [runs.fill(choice.text) or shown(choice.value, measure.unit) for choice in asked.choices]


def right(runs: Runs, asked: Prediction) -> Choice | None:
    """The choice that the run makes the right one; None where a number is asked for. Raises MarkerError."""
    if not asked.choices:
        return None
    measure, run = runs.lesson.asked(asked)
    value = measure.of(runs[run])
    found = [choice for choice in asked.choices if choice.value == value]
    if len(found) != 1:
        raise MarkerError(f"{asked.question}: {value} is {len(found)} of its choices")
    return found[0]


def solution(runs: Runs, asked: Prediction) -> str:
    """The right answer in words, with its letter."""
    measure, run = runs.lesson.asked(asked)
    choice = right(runs, asked)
    if choice is None:
        return f"**{measure.text(runs[run])}**"
    place = asked.choices.index(choice)
    return f"**{LETTERS[place]}) {choices(runs, asked)[place]}**"


BLOCKS: dict[str, Callable[[Runs, Words, Given], str]] = {
    "ladder": _ladder,
    "why": _why,
    "table": _table,
    "vary": _vary,
    "predictions": _predictions,
}
