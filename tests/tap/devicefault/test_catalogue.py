"""Faults by text."""

from __future__ import annotations

from inspect import Parameter

import pytest

from tap.clock import SECOND
from tap.devicefault.catalogue import KINDS, NOT_VALUES, Kind, check, make, parse
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.values import UNITS
from tap.streams import stream
from tests.tap.devicefault.rig import added, rig, sends

KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@KIND
def test_each_kind_is_described_and_made_from_its_example(kind: Kind) -> None:
    assert set(kind.units) == set(kind.parameters())
    assert set(kind.units.values()) <= set(UNITS)
    assert kind.build.__doc__
    assert kind.sees
    check(kind.example)
    name, values = parse(kind.example)
    assert name == kind.name
    with rig() as made:
        fault = make(name, values, device=made.client, stream=stream(1, "x"), name="mine")
        assert fault.name == "mine"
        assert not fault.running
    required = [
        parameter
        for parameter in kind.parameters().values()
        if parameter.default is Parameter.empty
    ]
    if required:
        with pytest.raises(DeviceFaultError, match=f"^{kind.name} needs {required[0].name}: "):
            check(kind.name)


@KIND
@pytest.mark.parametrize("where", ["client", "server"])
def test_each_can_come_and_go_in_a_session_and_all_memory_comes_back(kind: Kind, where: str) -> None:
    """The rig compares all pools at its end."""
    with rig() as made:
        made.serve()
        device = made.net.find(where)
        program = made.start(sends(12_000))
        made.advance(SECOND // 100)
        fault = added(device, kind.example)  # type: ignore[arg-type]
        made.advance(20 * SECOND)
        device.faults.remove(fault)  # type: ignore[attr-defined]
        assert not fault.running
        made.advance(100 * SECOND)
        made.run(sends(500))
        assert program is not None


@KIND
def test_an_idle_hour_costs_nothing(kind: Kind) -> None:
    """What happens again and again is an event each time, all else none."""
    with rig() as made:
        for device in (made.client, made.server):
            added(device, kind.example)
        made.advance(60 * SECOND)
        steps = made.net.scheduler.steps
        made.advance(3600 * SECOND)
        often = "every" in kind.example and kind.name in ("arp-flush", "duplicate-ip")
        assert made.net.scheduler.steps - steps < (5000 if often else 10)


@KIND
def test_a_run_repeats(kind: Kind) -> None:
    def story() -> object:
        with rig(seed=7) as made:
            made.serve()
            added(made.server, kind.example)
            made.start(sends(12_000))
            made.advance(60 * SECOND)
            return made.story, bytes(made.received), made.net.scheduler.steps

    assert story() == story()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no fault '' in a device: there are pool-fail"),
        ("pool-fial pool=HEAP", "there is no fault 'pool-fial' in a device: did you mean pool-fail?"),
        ("pool-fail", "pool-fail needs pool: a pool: HEAP, PBUF_POOL"),
        ("pool-fail pool", "pool-fail: 'pool' is no value of a parameter: write it as key=value"),
        ("pool-fail pool=HEAP pool=HEAP", "pool-fail: pool is given twice"),
        ("pool-fail pool=HEAP ntn=5", "pool-fail has no 'ntn': did you mean nth?"),
        ("pool-fail pool=HEAP nth=x", "pool-fail nth: 'x' does not do: give a whole number"),
        ("pool-fail pool=HEAP nth=1 every=2", "pool-fail: nth and every exclude each other"),
        ("cpu frame=50", "cpu frame: '50' has no unit: write it as 80ms, 1.5s or 20us"),
        ("reboot keep=ram", "reboot: no device remembers 'ram'"),
        ("tx-refuse lasting=5s period=2s", "tx-refuse: what lasts"),
        ("cpu stream=1", "cpu has no 'stream'"),
    ],
)
def test_mistakes_are_one_line_with_the_mend(text: str, says: str) -> None:
    with pytest.raises(DeviceFaultError) as caught:
        check(text)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_what_is_no_value_is_not_taken_from_a_text() -> None:
    assert not any(name in kind.units for kind in KINDS.values() for name in NOT_VALUES)
