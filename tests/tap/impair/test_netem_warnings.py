"""Where netem's words are traps."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tap.impair.netem import parse
from tap.impair.netem_warnings import real, spread
from tap.impair.page import TRAPS

# words -> how each warning begins (or what it holds)
WARNED = {
    "loss 20% 75%": ["20% becomes 0.1"],
    "loss 0.3% 25%": ["0.3% becomes under 0.05%"],
    "loss gemodel 1%": ["loss gemodel with P alone has no bursts"],
    "loss state 1%": ["loss state with P13 alone has no bursts"],
    "loss 1% ecn": ["lwIP never does"],
    "duplicate 5% 50%": ["duplicate: netem's correlation does not keep the rate"],
    "corrupt 5% 50%": ["corrupt: netem's correlation"],
    "delay 9ms reorder 25% 50%": ["reorder: netem's correlation"],
    "delay 80ms 20ms 25%": ["shrinks the jitter to 77% of 20 ms", "jitter reorders"],
    "delay 10ms 20ms rate 1mbit": ["the jitter is over the delay"],
    "delay 80ms 20ms distribution pareto rate 1mbit": ["the standard deviation of netem's pareto"],
    "delay 200ms rate 100mbit": ["limit 1000 is below the 1667 packets"],
    "delay 100": ["column 7: a bare 100 is 100 microseconds"],
    "rate 1mbps": ["column 6: mbps is bytes a second"],
    "loss 0.5": ["column 6: a bare 0.5 is 0.5 percent"],
}


@pytest.mark.parametrize("words", WARNED)
def test_traps_are_named(words: str) -> None:
    found = parse(words).warnings
    assert len(found) == len(WARNED[words])
    for line, says in zip(found, WARNED[words], strict=True):
        assert says in line
        assert "\n" not in line


@pytest.mark.parametrize(
    "words",
    [
        "delay 80ms", "loss 1%", "loss gemodel 1% 10%", "loss state 1% 20%", "delay 80ms 20ms rate 1mbit",
        "duplicate 1% corrupt 1%", "delay 10ms reorder 25% gap 5", "rate 1mbit limit 20",
        "slot 20ms packets 5",
    ],
)  # fmt: skip
def test_what_is_no_trap_is_not_warned_of(words: str) -> None:
    assert parse(words).warnings == []


@pytest.mark.parametrize("words", [words for words, _, _ in TRAPS])
def test_each_trap_of_the_page_warns(words: str) -> None:
    assert parse(words).warnings


def test_the_figures() -> None:
    assert real(Fraction(1, 5), Fraction(3, 4)).startswith("20% becomes 0.1")
    assert spread("normal") == pytest.approx(1, abs=0.002)
    assert 0.8 < spread("pareto") < 1.155, "pareto's own is 2 / sqrt(3), and the cut takes some"
