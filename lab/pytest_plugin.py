"""The pytest plugin: networks and devices as fixtures, and failures that tell what went over the wire.

    def test_a_lost_syn_ack_costs_a_second(net, device, peer, fault):
        net.program(serve, on=device, daemon=True)
        fault("drop kind=syn-ack n=1")
        asked = net.program(ask, on=peer)
        net.run()
        assert asked.result == b"hello"

It is there wherever the distribution is installed (entry point ``pytest11``); nothing of the stack is
imported before a test asks for a fixture. docs/testing.md is its manual.
"""

from __future__ import annotations

import os
import shlex
import shutil
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lab.pytest_bench import Bench, Faults
    from usocket import Device, Network

MARKER = (
    "netstack(profile=None, seed=None, options={}): the device's profile, the seed of everything random and "
    "lwIP options of a test with the fixtures net, device, tap_device"
)
_KNOWN = {"profile", "seed", "options"}

_bench = pytest.StashKey["Bench"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("netstack", "emulated networks")
    group.addoption(
        "--netstack-seed", type=int, metavar="N",
        help="seed of everything random in emulated networks (0, or what a test's marker says)",
    )  # fmt: skip
    group.addoption(
        "--netstack-artifacts", type=Path, metavar="DIR",
        help="where captures and journals of failed tests go (a folder of pytest's own)",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, also for --strict-markers; see that artifacts have somewhere to go."""
    config.addinivalue_line("markers", MARKER)
    kept = config.getoption("netstack_artifacts")
    if kept is None:
        return
    place = next(one for one in (kept, *kept.absolute().parents) if one.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise pytest.UsageError(f"--netstack-artifacts {kept}: {place} is no folder to write to: name one")


@pytest.fixture
def netstack_bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """What the other fixtures of one test share; not for tests."""
    from lab.pytest_bench import Bench

    folder = tmp_path_factory.mktemp("netstack")
    settings = _settings(request.node)
    chosen = request.config.getoption("netstack_seed")
    seed = chosen if chosen is not None else settings.get("seed") or 0
    bench = Bench(seed, settings.get("profile") or "micropython", settings.get("options") or {}, folder)
    request.node.stash[_bench] = bench
    yield bench
    bench.close()
    if not bench.failed:
        shutil.rmtree(folder, ignore_errors=True)
        return
    kept = request.config.getoption("netstack_artifacts")
    if kept is not None:
        try:
            bench.move(kept / _file_name(request.node.nodeid))
        except OSError as error:
            warnings.warn(f"artifacts are still in {folder}: {error}", stacklevel=1)


@pytest.fixture
def net(netstack_bench: Bench) -> Network:
    """An empty network in virtual time (usocket.Network)."""
    return netstack_bench.net


@pytest.fixture
def device(netstack_bench: Bench) -> Device:
    """The device under test in ``net``: 10.0.0.2/24, profile micropython unless the marker says another."""
    return netstack_bench.device


@pytest.fixture
def peer(netstack_bench: Bench) -> Device:
    """What ``device`` talks to: a device in ``net`` without an embedded one's limits, 10.0.0.1/24, and the
    cable between them.
    """
    return netstack_bench.peer


@pytest.fixture
def fault(netstack_bench: Bench) -> Faults:
    """Faults between ``device`` and ``peer`` and in ``device``: fault("drop kind=data n=3")."""
    return netstack_bench.faults


@pytest.fixture
def tap_device(netstack_bench: Bench) -> Iterator[Device]:
    """The device under test on a real TAP in a network namespace of its own, in real time: 192.168.7.2/24,
    Linux being 192.168.7.1. Skips the test, with the reason, where no TAP can be had.
    """
    from tap.link import TapError

    try:
        opened = netstack_bench.open_tap()
    except TapError as error:
        pytest.skip(f"no TAP can be had here: {error}")
    with opened as device:
        yield device


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add to a failure the seed, the command that repeats it, and the ladder of its last frames."""
    report = yield
    bench = item.stash.get(_bench, None)
    if bench is not None and report.failed and report.when == "call":
        bench.failed = True
        kept = item.config.getoption("netstack_artifacts")
        folder = bench.folder if kept is None else kept / _file_name(item.nodeid)
        again = f"pytest {shlex.quote(item.nodeid)} --netstack-seed {bench.seed}"
        report.sections.append(("netstack", bench.story(again, folder)))
    return report


def _settings(node: Any) -> dict[str, Any]:
    """What the marker says. Fails the test where it says something unknown."""
    marker = node.get_closest_marker("netstack")
    if marker is None:
        return {}
    unknown = ", ".join(sorted(set(marker.kwargs) - _KNOWN))
    if marker.args or unknown:
        what = f"has no {unknown}" if unknown else "takes its values by name"
        raise pytest.UsageError(
            f"{node.nodeid}: the marker netstack {what}: give {', '.join(sorted(_KNOWN))}"
        )
    seed = marker.kwargs.get("seed")
    if seed is not None and not isinstance(seed, int):
        raise pytest.UsageError(f"{node.nodeid}: the marker netstack has seed {seed!r}: give a whole number")
    return dict(marker.kwargs)


def _file_name(nodeid: str) -> str:
    """A folder's name for a test."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in nodeid)[-120:].strip(
        "-"
    )
