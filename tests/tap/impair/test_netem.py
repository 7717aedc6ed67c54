"""tc-netem's words: what they become, and what is wrong with them."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.clock import MS, SECOND
from tap.impair.netem import WORDS, NetemError, Settings, parse
from tap.impair.netem_stage import Chance, Line
from tap.streams import stream

PERCENT = Fraction(1, 100)

# words -> the settings that differ from the defaults
ACCEPTED = {
    "netem delay 80ms 20ms loss gemodel 1% 10%": {
        "delay": 80 * MS, "jitter": 20 * MS, "loss_model": "gemodel", "loss": (PERCENT, 10 * PERCENT),
    },
    "tc qdisc add dev eth0 root handle 1: netem delay 100ms": {"delay": 100 * MS},
    "delay 100ms": {"delay": 100 * MS},
    "latency 1s": {"delay": SECOND},
    "delay 100ms 10ms 25%": {"delay": 100 * MS, "jitter": 10 * MS, "delay_correlation": 25 * PERCENT},
    "delay 100ms 20ms distribution normal": {
        "delay": 100 * MS, "jitter": 20 * MS, "distribution": "normal"
    },
    "delay 100 5": {"delay": 100_000, "jitter": 5_000},
    "loss 0.1%": {"loss_model": "random", "loss": (PERCENT / 10,)},
    "drop 1": {"loss_model": "random", "loss": (PERCENT,)},
    "loss random 0.3% 25%": {"loss_model": "random", "loss": (PERCENT * 3 / 10, 25 * PERCENT)},
    "loss state 1% 20% 5% 90% 2%": {
        "loss_model": "state", "loss": (PERCENT, 20 * PERCENT, 5 * PERCENT, 90 * PERCENT, 2 * PERCENT)
    },
    "loss gemodel 1% 10% 70% 0.1%": {
        "loss_model": "gemodel", "loss": (PERCENT, 10 * PERCENT, 70 * PERCENT, PERCENT / 10)
    },
    "loss 5% ecn": {"loss_model": "random", "loss": (5 * PERCENT,), "ecn": True},
    "duplicate 1% 50%": {"duplicate": asdict(Chance(PERCENT, 50 * PERCENT))},
    "corrupt 0.1%": {"corrupt": asdict(Chance(PERCENT / 10))},
    "delay 10ms reorder 25% 50%": {
        "delay": 10 * MS, "reorder": asdict(Chance(25 * PERCENT, 50 * PERCENT)), "gap": 1
    },
    "gap 5 delay 10ms reorder 100%": {"delay": 10 * MS, "reorder": asdict(Chance(Fraction(1))), "gap": 5},
    "delay 10ms reorder 25% gap 5": {"delay": 10 * MS, "reorder": asdict(Chance(25 * PERCENT)), "gap": 5},
    "rate 5kbit 20 100 5": {"rate": asdict(Line(5000, 20, 100, 5))},
    "rate 5kbit -20 limit 10": {"rate": asdict(Line(5000, -20)), "limit": 10},
    "limit 2k": {"limit": 2048},
    "seed 12": {"seed": 12},
    "dup 1%": {"duplicate": asdict(Chance(PERCENT))},
    "li 7": {"limit": 7},
}  # fmt: skip


@pytest.mark.parametrize("words", ACCEPTED)
def test_what_tc_accepts(words: str) -> None:
    found = asdict(parse(words))
    found.pop("warnings")
    expected = asdict(Settings()) | ACCEPTED[words]
    expected.pop("warnings")
    assert found == expected


@pytest.mark.parametrize(
    ("words", "slot"),
    [
        ("slot 20ms", (20 * MS, None, 0, "uniform", 0, 0)),
        ("slot 20ms 40ms packets 5 bytes 9000", (20 * MS, 40 * MS, 0, "uniform", 5, 9000)),
        ("slot distribution pareto 20ms 5ms bytes 3000", (20 * MS, None, 5 * MS, "pareto", 0, 3000)),
    ],
)
def test_slots(words: str, slot: tuple[object, ...]) -> None:
    found = parse(words).slot
    assert found is not None
    assert tuple(asdict(found).values()) == slot


REFUSED = {
    "": "column 1: there is no option",
    "netem": "column 6: there is no option",
    "netem dely 10ms": "column 7: 'dely' is no netem option: did you mean delay?",
    "zzz": "column 1: 'zzz' is no netem option: there are limit, latency, delay",
    "delay": "column 6: delay needs a time, and nothing follows",
    "delay 80parsec": "column 7: delay: '80parsec' is no time: write it as 80ms",
    "delay 80ms 20ms 125%": "column 17: delay: 125% is no percentage: give 0% to 100%",
    "delay 80ms loss": "column 16: loss needs a percentage, or random, state, gemodel, and nothing follows",
    "loss often": "column 6: 'often' is no loss: write 1%, or one of random, state, gemodel",
    "loss 1% loss 2%": "column 9: loss stands here a second time: leave one out",
    "loss state 70% 20% 0% 100% 50%": "column 6: p13 0.7 and p14 0.5 are over 1 together",
    "reorder 25%": "column 1: reorder sends a frame before delayed ones: add a delay",
    "delay 1ms gap 5": "column 11: gap says which frames may be reordered: add reorder 25%",
    "ecn": "column 1: ecn marks what would be lost: add a loss",
    "delay 1ms distribution normal": "column 11: a distribution needs delay and jitter: delay 80ms 20ms",
    "delay 9ms 1ms distribution gauss": "column 28: there is no distribution 'gauss': take uniform, normal",
    "rate 50%": "column 6: 50% of what? A cable has no speed: write 1mbit",
    "rate 0": "column 6: rate: a rate of 0 carries nothing",
    "rate 1mbit 20.5": "column 12: rate: '20.5' is no bytes of overhead",
    "slot 20ms 10ms": "column 11: the slot's maximum is below its minimum: exchange them",
    "seed x": "column 6: seed: 'x' is no whole number",
    "duplicate 1% 20%  corrupt 1% often": "column 30: 'often' is no netem option",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_refused(words: str) -> None:
    with pytest.raises(NetemError) as caught:
        parse(words)
    assert str(caught.value).startswith("netem, " + REFUSED[words])
    assert "\n" not in str(caught.value)
    assert f"column {caught.value.column}:" in str(caught.value)


def test_a_distribution_of_ones_own() -> None:
    assert parse("delay 9ms 1ms distribution mine", {"mine": [-8192, 8192]}).distribution == [-8192, 8192]


@given(
    st.lists(st.sampled_from([*WORDS, "1%", "10ms", "1mbit", "5", "netem", "random", "gemodel", "-3", "?"]))
)
def test_any_words_are_settings_or_a_netem_error(words: list[str]) -> None:
    try:
        found = parse(" ".join(words))
    except NetemError:
        return
    assert found.stages(lambda purpose: stream(1, purpose))
