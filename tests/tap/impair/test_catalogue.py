"""Stages by name and with units; and the whole house the same on every Python."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tap.clock import MS, VirtualClock
from tap.impair.catalogue import CONVERT, EXAMPLES, KINDS, NOT_VALUES, Kind, make
from tap.impair.netem import parse
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, tcp_frame

ROOT = Path(__file__).resolve().parents[3]

# Values for every parameter of every kind
VALUES: dict[str, dict[str, object]] = {
    "loss": {"rate": "1%", "correlation": 0.5, "how": "netem", "ecn": True},
    "gilbert-elliott": {"loss": "2%", "burst": 4, "ecn": False},
    "four-state": {"p13": "5%", "p31": "30%", "p32": "10%", "p23": "50%", "p14": "1%", "ecn": False},
    "delay": {"delay": "80ms", "jitter": "20ms", "distribution": "normal", "correlation": "25%",
              "how": "keep", "in_order": False},
    "reorder": {"rate": "5%", "behind": 3, "gap": 2, "patience": "1s", "correlation": "10%"},
    "duplicate": {"rate": "5%", "copies": 2, "spacing": "1ms", "correlation": "10%"},
    "corrupt": {"rate": "5%", "unit": "byte", "count": 2, "start": 14, "field": "tcp.seq", "value": 5,
                "repaired": True, "correlation": "10%"},
    "truncate": {"rate": "5%", "keep": 60, "correlation": "10%"},
    "rate": {"rate": "1mbit", "limit_packets": 20, "limit_bytes": "16kb", "overhead": 24},
    "drophead": {"rate": "1mbit", "limit_packets": 20, "limit_bytes": "16kb", "overhead": 24},
    "codel": {"rate": "1mbit", "limit_packets": 20, "limit_bytes": "16kb", "overhead": 24, "target": "20ms",
              "interval": "100ms", "ecn": True},
    "slots": {"minimum": "20ms", "maximum": None, "packets": 5, "size": "9kb", "jitter": "5ms",
              "distribution": [-8192, 0, 8192]},
    "mtu": {"mtu": 576},
    "mahimahi": {"trace": [1, 2, 5], "limit_packets": 20, "limit_bytes": "16kb", "start": "1s"},
    "blackhole": {"start": "1s", "lasting": "1s", "every": "5s"},
    "link-flap": {"start": "1s", "lasting": "1s", "every": "5s", "notice": "100ms"},
}  # fmt: skip


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


def digest() -> str:
    """Everything that 400 frames meet in all stages and in netem: arrivals and notes."""
    found = hashlib.sha256()
    for kind, values in VALUES.items():
        clock = VirtualClock()
        given = {key: value for key, value in values.items() if value is not None}
        stages = [make(kind, given, stream=stream(7, kind), clock=clock)]
        found.update(traffic(Rig(*stages, clock=clock)))
    words = (
        "delay 20ms 5ms 25% distribution paretonormal loss gemodel 2% 20% 90% 1% duplicate 2% 10% "
        "corrupt 3% reorder 5% gap 3 rate 2mbit 20 slot 3ms 6ms packets 4 limit 100"
    )
    found.update(traffic(Rig(*parse(words).stages(lambda purpose: stream(7, purpose)))))
    return found.hexdigest()


def traffic(rig: Rig) -> bytes:
    for number in range(400):
        rig.send(tcp_frame(number.to_bytes(4, "big") * (1 + number % 90), tos=number % 3), number * MS)
    rig.run()
    return repr((rig.arrived, rig.notes)).encode()


DIGEST = "757aa31e0036960a43f751007ced5de52f2f0497b67e469389c5a0c1d70b1fc4"


@pytest.mark.parametrize("hashseed", ["0", "12345"])
def test_the_same_frames_under_any_hash_seed_and_python(hashseed: str) -> None:
    """The figure holds for every version of Python: whoever runs this with another has the proof."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.tap.impair.test_catalogue import digest; print(digest())"],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hashseed}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == DIGEST, done.stderr
