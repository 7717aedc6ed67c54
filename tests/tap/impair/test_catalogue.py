"""Stages by name and with units; and the whole house the same on every Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tap.clock import MS, VirtualClock
from tap.impair.catalogue import CONVERT, EXAMPLES, KINDS, NOT_VALUES, Kind, make
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.everything import VALUES
from tests.tap.impair.rig import Rig

ROOT = Path(__file__).resolve().parents[3]


def built(kind: str, values: dict[str, object], clock: VirtualClock | None = None) -> object:
    return make(kind, values, stream=stream(1, kind), clock=clock or VirtualClock(), name="mine")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_kind_is_made_with_each_parameter(kind: Kind) -> None:
    assert set(kind.units) == set(kind.parameters()) == set(VALUES[kind.name])
    assert set(kind.units.values()) <= set(CONVERT) == set(EXAMPLES)
    stage = make(
        kind.name,
        {key: value for key, value in VALUES[kind.name].items() if value is not None},
        stream=stream(1, kind.name), clock=VirtualClock(), name="mine",
    )  # fmt: skip
    assert stage.name == "mine"
    assert kind.build.__doc__
    assert "name" in NOT_VALUES


def test_values_have_units() -> None:
    clock = VirtualClock()
    rig = Rig(make("delay", {"delay": "80ms"}), clock=clock)
    rig.send(b"frame")
    assert rig.run() == [(80 * MS, b"frame")]
    assert CONVERT["probability"]("0.5%") == Fraction(1, 200)
    assert CONVERT["probability"](0.5) == Fraction(1, 2)


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        ("los", {}, "there is no impairment 'los': did you mean loss?"),
        ("xyz", {}, "there is no impairment 'xyz': there are loss, gilbert-elliott"),
        ("loss", {}, "loss needs rate: a probability, as 1% or 0.01"),
        ("loss", {"rats": "1%"}, "loss has no 'rats': did you mean rate?"),
        ("loss", {"rate": "1"}, "loss rate: '1' is no percentage: write it as 1%"),
        ("loss", {"rate": 5}, "loss rate: probability 5 is not between 0 and 1"),
        ("loss", {"rate": True}, "loss rate: True is no probability"),
        ("loss", {"rate": "1%", "ecn": "yes"}, "loss ecn: 'yes' is neither true nor false"),
        ("delay", {"delay": 80}, "delay delay: 80 has no unit: write it as 80ms"),
        ("delay", {"delay": "80"}, "delay delay: '80' has no unit: write it as 80ms"),
        ("delay", {"delay": "1ms", "distribution": 5}, "delay distribution: 5 is no list of whole numbers"),
        ("rate", {"rate": 1000}, "rate rate: 1000 has no unit: write it as 100kbit"),
        ("rate", {"rate": "1mbit", "limit_packets": -1}, "rate limit_packets: value -1 does not do"),
        ("gilbert-elliott", {"loss": "1%", "burst": "4"}, "gilbert-elliott burst: '4' is no number"),
        ("gilbert-elliott", {"loss": "1%", "burst": 0.5}, "a burst of 0.5 frames is none"),
        ("mtu", {"mtu": 3.5}, "mtu mtu: 3.5 is no size"),
        ("corrupt", {"rate": "1%", "unit": 3}, "corrupt unit: 3 is no text"),
    ],
)
def test_mistakes_are_one_line(kind: str, values: dict[str, object], says: str) -> None:
    with pytest.raises(ImpairmentError) as caught:
        built(kind, values)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_what_a_stage_lacks_is_said() -> None:
    with pytest.raises(ImpairmentError, match="loss needs a stream"):
        make("loss", {"rate": "1%"})
    with pytest.raises(ImpairmentError, match="codel needs a clock"):
        make("codel", {"rate": "1mbit"})


DIGEST = "757aa31e0036960a43f751007ced5de52f2f0497b67e469389c5a0c1d70b1fc4"


def pythons() -> list[str]:
    """This interpreter, and newer ones in PATH that run."""
    others = (shutil.which(f"python3.{minor}") for minor in range(sys.version_info.minor + 1, 16))
    return [sys.executable, *(other for other in others if other and runs(other))]


def runs(python: str) -> bool:
    return not subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode


def test_the_same_frames_under_any_hash_seed_and_python() -> None:
    """The figure holds for every version of Python: whoever runs this with another has the proof."""
    for python in pythons():
        for hash_seed in ("0", "12345"):
            done = subprocess.run(
                [python, "-c", "from tests.tap.impair.everything import digest; print(digest())"],
                cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert done.stdout.strip() == DIGEST, (python, done.stderr)
