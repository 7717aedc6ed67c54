"""Impairments as texts."""

from __future__ import annotations

import pytest

from tap.clock import MS, VirtualClock
from tap.impair.duplicate import Duplicate
from tap.impair.mahimahi import Mahimahi
from tap.impair.units import ImpairmentError
from tap.impair.words import split, stage
from tap.streams import stream


def made(text: str) -> object:
    return stage(text, stream=stream(1, "x"), clock=VirtualClock(), name="x")


def test_values_are_texts_numbers_or_lists() -> None:
    assert split("loss rate=1% correlation=25% ecn=true") == (
        "loss", {"rate": "1%", "correlation": "25%", "ecn": True},
    )  # fmt: skip
    assert split("gilbert-elliott loss=1% burst=2.5") == ("gilbert-elliott", {"loss": "1%", "burst": 2.5})
    assert split("delay delay=80ms jitter=20ms distribution=[1,2]")[1]["distribution"] == [1, 2]
    assert split("mahimahi trace=[1,3,3]") == ("mahimahi", {"trace": [1, 3, 3]})


def test_a_text_makes_a_stage() -> None:
    found = made("duplicate rate=100% copies=2 spacing=3ms")
    assert isinstance(found, Duplicate)
    sent: list[tuple[bytes, int]] = []
    found.handle(b"frame", MS, lambda frame, at: sent.append((frame, at)), lambda action, detail: None)
    assert sent == [(b"frame", MS), (b"frame", 4 * MS), (b"frame", 7 * MS)]
    assert isinstance(made("mahimahi trace=[1,3]"), Mahimahi)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("los rate=1%", "there is no impairment 'los': did you mean loss?"),
        ("", "there is no impairment '': there are loss, gilbert-elliott"),
        ("loss 1%", "loss: '1%' says nothing: write it as NAME=VALUE"),
        ("loss rate=", "loss: 'rate=' says nothing: write it as NAME=VALUE"),
        ("loss rate=1% rate=2%", "loss: rate stands here a second time: leave one out"),
        ("loss rate=1", "loss rate: '1' is no percentage: write it as 1% (or as the number 0.01)"),
        ("loss rate=1% ecn=maybe", "loss ecn: 'maybe' is neither true nor false"),
        ("loss", "loss needs rate: a probability, as 1% or 0.01"),
        ("delay delay=80", "delay delay: '80' has no unit: write it as 80ms, 1.5s or 20us"),
    ],
)
def test_mistakes_are_named(text: str, error: str) -> None:
    with pytest.raises(ImpairmentError) as caught:
        made(text)
    assert str(caught.value).startswith(error)
