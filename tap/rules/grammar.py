"""The language of rules: ``ACTION [words] CONDITIONS``, as in ``drop kind=data n=3 xmit=1``.

The first word is the action; the order of the others does not matter. A word with ``>`` names the direction
of the cable that the rule is for, so that a coordinate from a journal can stand there as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tap.rules import conditions
from tap.rules.actions import ACTIONS, verdict
from tap.rules.conditions import CONDITIONS
from tap.rules.errors import RuleError, instead
from tap.rules.verdicts import PASS, Verdict
from tap.rules.words import Word, words

# Words that any rule may have.
RULE_WORDS = {
    "chain": "rules after this one may meet the same frame, too",
    "name": "what the journal calls the rule, instead of its text",
}


@dataclass(slots=True)
class Parsed:
    """What a text says; ``values`` are the conditions by their words, converted."""

    verdict: Verdict
    values: dict[str, object] = field(default_factory=dict)
    chain: bool = False
    name: str = ""
    direction: Word | None = None


def parse(text: str) -> Parsed:
    """The rule that ``text`` is. Raises RuleError, with the column."""
    found = words(text)
    if not found:
        raise RuleError(f"there is no action: write {', '.join(ACTIONS)}, as in drop kind=data n=3", 1)
    first = found[0]
    bare: list[Word] = []
    options: list[Word] = []
    if first.key or first.value not in ACTIONS:
        raise RuleError(_no_action(first), first.column)
    action = ACTIONS[first.value]
    parsed = Parsed(PASS)
    seen: set[str] = set()
    for word in found[1:]:
        if not word.key:
            if word.value == "chain":
                parsed.chain = True
            elif word.value in action.options and action.options[word.value].flag:
                options.append(Word(word.value, "yes", word.column))
                _once(word.value, word, seen)
            elif ">" in word.value and parsed.direction is None:
                parsed.direction = word
            elif word.value in CONDITIONS or word.value in action.options:
                raise RuleError(f"{word.value} needs a value: write {word.value}=...", word.column)
            else:
                bare.append(word)
            continue
        _once(word.key, word, seen)
        if word.key == "name":
            parsed.name = word.value
        elif word.key in action.options or (action.fields and "." in word.key):
            options.append(word)
        else:
            parsed.values[word.key] = _condition(word, first.value)
    parsed.verdict = verdict(first, bare, options)
    return parsed


def _once(key: str, word: Word, seen: set[str]) -> None:
    if key in seen:
        raise RuleError(f"{key!r} stands here a second time: leave one out", word.column)
    seen.add(key)


def _condition(word: Word, action: str) -> object:
    if word.key not in CONDITIONS:
        known = [*CONDITIONS, *RULE_WORDS, *ACTIONS[action].options]
        raise RuleError(f"{word.key!r} is no word of {action}: {instead(word.key, known)}", word.column)
    try:
        return conditions.convert(word.key, word.value)
    except RuleError as error:
        raise RuleError(error.bare, word.column) from None


def _no_action(word: Word) -> str:
    if word.key:
        return f"a rule begins with its action, {', '.join(ACTIONS)}: write drop kind=data"
    return f"there is no action {word.value!r}: {instead(word.value, ACTIONS)}"


def keywords(given: Mapping[str, object]) -> dict[str, object]:
    """The conditions that are keywords of Python (``from_`` is from), converted. Raises RuleError."""
    values: dict[str, object] = {}
    for key, value in given.items():
        word = key.rstrip("_")
        values[word] = conditions.convert(word, value)
    return values
