"""What the fixtures of one test share: the network or the TAP, the faults, and what a failure leaves."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self

from lab.trail import Trail, TrailLink
from netstack.profile import Profile
from netstack.profiles import named
from tap.cable import Cable, Direction
from tap.capture import Capture, CaptureLink
from tap.clock import RealClock
from tap.devicefault.catalogue import KINDS
from tap.devicefault.fault import DeviceFault
from tap.rules.rule import Rule
from tap.tun import TapLink
from usocket import Device, Network

CAPTURE, JOURNAL = "frames.pcapng", "journal.jsonl"
TAP_NAMES = ("device", "linux")  # of the lifelines
TAP_DEVICE, LINUX = "192.168.7.2/24", "192.168.7.1/24"


class Bench:
    """The fixtures of a test; each is made when it is first asked for. ``folder`` has capture and journal."""

    def __init__(self, seed: int, profile: str, options: dict[str, Any], folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.failed = False
        self._profile = named(profile).replace(**options) if options else named(profile)
        self._trail = Trail()
        self._resources = ExitStack()
        self._net: Network | None = None
        self._cable: Cable | None = None
        self.faults = Faults(self)

    @property
    def net(self) -> Network:
        """The network."""
        if self._net is None:
            self._net = Network(self.seed, capture=self.folder / CAPTURE, journal=self.folder / JOURNAL)
            self._resources.enter_context(self._net)
            self._net.watch(self._trail)
        return self._net

    @property
    def device(self) -> Device:
        """The device under test."""
        return self._station("device", self._profile, "10.0.0.2/24")

    @property
    def peer(self) -> Device:
        """What it talks to; with it comes the cable."""
        found = self._station("peer", named("full"), "10.0.0.1/24")
        if self._cable is None:
            self._cable = self.net.cable(self.device, found)
        return found

    @property
    def cable(self) -> Cable:
        """That between device and peer."""
        assert self.peer is not None
        assert self._cable is not None
        return self._cable

    def _station(self, name: str, profile: Profile, address: str) -> Device:
        net = self.net
        if name not in net.devices:
            net.device(name, profile, address=address)
        found = net.devices[name]
        assert isinstance(found, Device)
        return found

    def open_tap(self) -> AbstractContextManager[Device]:
        """The device on a TAP, for a ``with`` block. Raises TapError."""
        clock = RealClock()
        tap = TapLink.open("", address=LINUX, netns="new")
        self._resources.callback(tap.close)
        capture = self._resources.enter_context(Capture(self.folder / CAPTURE))
        link = CaptureLink(TrailLink(tap, self._trail, clock, *TAP_NAMES), capture, clock, tap.name)
        return Device(
            self._profile, address=TAP_DEVICE, gateway=LINUX.partition("/")[0], link=link, clock=clock,
            seed=self.seed, service=True,
        )  # fmt: skip

    def story(self, again: str, folder: Path) -> str:
        """What a failure shows; ``folder`` is where its files will be."""
        files = [name for name in (CAPTURE, JOURNAL) if (self.folder / name).exists()]
        lines = [f"seed {self.seed}; again: {again}", *(f"{folder / name}" for name in files), ""]
        return "\n".join(lines) + (self._trail.ladder() or "no frame was sent")

    def move(self, folder: Path) -> None:
        """Have the files in ``folder`` instead."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (CAPTURE, JOURNAL):
            if (self.folder / name).exists():
                shutil.move(self.folder / name, folder / name)

    def close(self) -> None:
        """End and close everything."""
        self._resources.close()


class Both:
    """A scripted fault in several directions."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules

    def remove(self) -> None:
        """It happens no more."""
        for rule in self.rules:
            rule.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults:
    """The fixture ``fault``: what is to go wrong between ``device`` and ``peer``, or inside ``device``."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __call__(self, text: str, *, on: str = "") -> Both | DeviceFault:
        """A scripted fault by protocol coordinate (docs/rules.md), ``drop kind=syn-ack n=1``, or a fault in a
        device (docs/device-faults.md), ``pool-fail pool=TCP_SEG nth=3``. In ``with`` it ends with the block.

        ``on`` is a direction, as ``device>peer`` (empty: both), or a device (empty: the one under test).
        """
        if text.partition(" ")[0] in KINDS:
            target = self._bench.net.find(on) if on else self._bench.device
            assert isinstance(target, Device)
            return target.faults.add(text)
        return Both([direction.rules.add(text) for direction in self._directions(on)])

    def wire(self, text: str, *, on: str = "") -> None:
        """An impairment of all frames (docs/impairments.md), ``loss rate=1%``, from now on."""
        for direction in self._directions(on):
            self._bench.net.impair(direction.name, text)

    def netem(self, text: str, *, on: str = "") -> None:
        """The same in tc-netem's words, ``delay 80ms 20ms loss gemodel 1% 10%``."""
        for direction in self._directions(on):
            direction.netem(text)

    def _directions(self, on: str) -> tuple[Direction, ...]:
        cable = self._bench.cable
        return (self._bench.net.direction(on),) if on else cable.directions
