"""Loss: the formulas of the models are the oracle, over a million frames."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap.impair.loss import FourState, GilbertElliott, Loss, LossStage
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst, mean_burst, order, share, tcp_frame

MILLION = 1_000_000


def verdicts(stage: LossStage, count: int = MILLION) -> list[bool]:
    lost = stage.lost
    return [lost() for _ in range(count)]


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_bernoulli(rate: float) -> None:
    drawn = verdicts(Loss(rate, stream=stream(1, "bernoulli")))
    assert share(drawn) == pytest.approx(rate, rel=0.02)
    assert mean_burst(drawn) == pytest.approx(1 / (1 - rate), rel=0.02)


def test_correlation_keeps_the_rate_and_makes_bursts() -> None:
    drawn = verdicts(Loss(0.05, stream=stream(1, "kept"), correlation=0.75))
    assert share(drawn) == pytest.approx(0.05, rel=0.02)
    assert mean_burst(drawn) > 1.5


@pytest.mark.parametrize(
    ("rate", "correlation", "becomes", "within"),
    [(0.01, 0.25, 0.000003, 0.00001), (0.1, 0.25, 0.0175, 0.001), (0.2, 0.75, 0.0011, 0.0003),
     (0.3, 0.75, 0.032, 0.004), (0.003, 0.25, 0.0, 0.000005)],
)  # fmt: skip
def test_netems_correlation_destroys_the_rate(
    rate: float, correlation: float, becomes: float, within: float
) -> None:
    """The measured figures: 1 %/25 % loses 0.0003 %, 20 %/75 % loses 0.11 %."""
    drawn = verdicts(Loss(rate, stream=stream(1, "netem"), correlation=correlation, how="netem"), 400_000)
    assert share(drawn) == pytest.approx(becomes, abs=within)


@pytest.mark.parametrize(("loss", "length"), [(0.02, 4), (0.2, 10), (0.5, 1.5), (0.05, 1)])
def test_gilbert_elliott_by_mean_loss_and_burst(loss: float, length: float) -> None:
    drawn = verdicts(GilbertElliott(loss, length, stream=stream(3, "burst")))
    assert share(drawn) == pytest.approx(loss, rel=0.02)
    assert mean_burst(drawn) == pytest.approx(length, rel=0.02)


@pytest.mark.parametrize(
    ("p", "r", "bad", "good"), [(0.01, 0.1, 1, 0), (0.05, 0.3, 0.7, 0.01), (0.2, 0.2, 0.5, 0.1)]
)
def test_gilbert_elliott_by_its_probabilities(p: float, r: float, bad: float, good: float) -> None:
    """p/(p+r) * (1-h) + r/(p+r) * (1-k)"""
    drawn = verdicts(GilbertElliott.of(p, r, bad, good, stream=stream(4, "ge")))
    assert share(drawn) == pytest.approx(p / (p + r) * bad + r / (p + r) * good, rel=0.02)
    if bad == 1 and not good:
        assert mean_burst(drawn) == pytest.approx(1 / r, rel=0.02)


@pytest.mark.parametrize(
    ("p13", "p31", "p32", "p23", "p14"),
    [(0.02, 0.3, 0, 1, 0), (0.02, 0.3, 0.2, 0.4, 0.01), (0.05, 0.5, 0.1, 0.9, 0.1)],
)
def test_four_states(p13: float, p31: float, p32: float, p23: float, p14: float) -> None:
    """(p13/p31 + p14) / (1 + p14 + p13/p31 * (1 + p32/p23))"""
    drawn = verdicts(FourState(p13, p31, p32, p23, p14, stream=stream(5, "4 states")))
    odds = p13 / p31
    assert share(drawn) == pytest.approx((odds + p14) / (1 + p14 + odds * (1 + p32 / p23)), rel=0.02)


def test_defaults_of_the_four_states_are_netems() -> None:
    """With p13 alone it is Bernoulli."""
    drawn = verdicts(FourState(0.1, stream=stream(6, "p13")), 300_000)
    assert share(drawn) == pytest.approx(0.1, rel=0.03)
    assert mean_burst(drawn) == pytest.approx(1 / 0.9, rel=0.02)


@settings(max_examples=25)
@given(st.floats(0.01, 0.6), st.floats(1, 20), st.integers(0, 2**64))
def test_the_rate_is_kept_whatever_the_burst(loss: float, length: float, seed: int) -> None:
    if loss > length * (1 - loss):
        with pytest.raises(ImpairmentError, match="cannot lose"):
            GilbertElliott(loss, length, stream=stream(seed, "x"))
        return
    drawn = verdicts(GilbertElliott(loss, length, stream=stream(seed, "x")), 20_000)
    # variance of a mean of a two-state chain: share * (1 - share) * (1 + l) / (1 - l) / n, l = 1 - p - r
    p, r = loss / (1 - loss) / length, 1 / length
    sigma = (loss * (1 - loss) * (2 - p - r) / (p + r) / 20_000) ** 0.5
    assert abs(share(drawn) - loss) < 5.5 * sigma + 20 / 20_000


@pytest.mark.parametrize(("rate", "arrive"), [(0, 50), (1, 0)])
def test_never_and_always(rate: int, arrive: int) -> None:
    rig = Rig(Loss(rate, stream=stream(1, "x")))
    burst(rig, 50)
    assert len(rig.arrived) == arrive
    assert rig.notes == [("drop", "loss")] * (50 - arrive)


def test_what_is_lost_is_noted_and_the_rest_is_untouched() -> None:
    rig = Rig(Loss(0.3, stream=stream(1, "x")))
    frames = burst(rig, 200, gap=10)
    assert len(rig.arrived) + len(rig.notes) == 200
    assert rig.frames == [frames[number] for number in order(rig.frames)]
    assert rig.times == [10 * number for number in order(rig.frames)]


def test_ecn_marks_what_can_be_marked() -> None:
    rig = Rig(Loss(1, stream=stream(1, "x"), ecn=True))
    rig.send(tcp_frame(tos=2))
    rig.send(tcp_frame(tos=0))
    rig.run()
    assert rig.notes == [("mark", "ce"), ("drop", "loss")]
    assert [frame[15] for frame in rig.frames] == [3]


def test_the_same_seed_gives_the_same_losses() -> None:
    one, other = (verdicts(GilbertElliott(0.1, 3, stream=stream(9, "x")), 1000) for _ in range(2))
    assert one == other
    assert one != verdicts(GilbertElliott(0.1, 3, stream=stream(10, "x")), 1000)


def test_what_makes_no_sense() -> None:
    numbers = stream(1, "x")
    with pytest.raises(ImpairmentError, match=r"loss rate 1.5 is not between 0 and 1: 0.01 is one percent"):
        Loss(1.5, stream=numbers)
    with pytest.raises(ImpairmentError, match=r"bursts of 2 frames cannot lose 0.9 of all: give 9 frames"):
        GilbertElliott(0.9, 2, stream=numbers)
    with pytest.raises(ImpairmentError, match=r"a burst of 0.5 frames is none"):
        GilbertElliott(0.1, 0.5, stream=numbers)
    with pytest.raises(ImpairmentError, match="take a blackhole"):
        GilbertElliott(1, 5, stream=numbers)
    with pytest.raises(ImpairmentError, match=r"p13 0.7 and p14 0.5 are over 1 together"):
        FourState(0.7, p14=0.5, stream=numbers)
    with pytest.raises(ImpairmentError, match=r"p31 0.7 and p32 0.5 are over 1 together"):
        FourState(0.1, 0.7, 0.5, stream=numbers)
