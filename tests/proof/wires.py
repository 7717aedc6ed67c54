"""The wire of the proof, and two devices on it whose memory is looked at before and after."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING

import usocket
from lab.scenario.pools import Usage, usage
from tap.clock import MS, SECOND

if TYPE_CHECKING:
    from tap.cable import AnyStage, Direction, Note, PassOn
    from usocket.device import Device

# Each way. Changed bits leave the checksums wrong; those of the Ethernet header would just be further losses.
CHANCES = (
    "loss rate=30%",
    "duplicate rate=10%",
    "reorder rate=20% behind=3 patience=100ms",
    "corrupt rate=3% start=14",
)
# Of the frames that come to each stage, so many
SHARES = {"drop": 0.30, "duplicate": 0.10, "reorder": 0.20, "corrupt": 0.03}

# As long as connections may take to end when nobody uses them any more: lwIP's time-outs reach 128 RTTs, and
# an RTT that it measured on such a wire may be half a minute.
AFTERMATH = 7 * 24 * 3600 * SECOND
STEP = 60 * SECOND


class Tally:
    """What the stages of a direction did; as a stage, in front of the others, it counts the frames.

    ``seen`` is how many frames came to each kind of stage.
    """

    name = "tally"

    def __init__(self, direction: Direction) -> None:
        self.frames = 0
        self.done: Counter[str] = Counter()
        direction.add(self)
        direction.observer = self.noted

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        self.frames += 1
        pass_on(frame, now)

    def noted(self, direction: Direction, stage: AnyStage, frame: bytes, action: str, detail: str) -> None:
        self.done[action] += 1

    def unlikely(self) -> list[str]:
        """What a stage did to more or fewer frames than it should by five standard deviations."""
        left = self.frames - self.done["drop"]
        twice = left + self.done["duplicate"]
        come = {"drop": self.frames, "duplicate": left, "reorder": twice, "corrupt": twice}
        return [
            f"{action}: {self.done[action]} of {come[action]}"
            for action, share in SHARES.items()
            if abs(self.done[action] - share * come[action]) > 5 * sqrt(come[action] * share * (1 - share))
        ]


class Pair:
    """A client and a server at the ends of such a wire, switched on."""

    def __init__(self, net: usocket.Network, client: str, server: str) -> None:
        self.net = net
        # a send without memory says so, instead of saying after 10 s that all was sent, as boards do
        self.client, self.server = devices = tuple(
            net.device(name, profile, address=address, send_nomem="enobufs")
            for name, profile, address in (
                ("client", client, "10.0.0.2/24"),
                ("server", server, "10.0.0.1/24"),
            )
        )
        cable = net.cable(*devices, delay=5 * MS)
        self.tallies = [Tally(direction) for direction in cable.directions]
        for direction in cable.directions:
            for chance in CHANCES:
                net.impair(direction.name, chance)
        net.switch_on()
        self.base = self.usage()

    @property
    def devices(self) -> tuple[Device, Device]:
        """Both."""
        return self.client, self.server

    def usage(self) -> list[Usage]:
        """What is in use of heap and pools, on both."""
        return [usage(device) for device in self.devices]

    def clear_up(self) -> None:
        """End all programs and close their sockets; wait until the memory is as it was, a week at most."""
        net = self.net
        net.scheduler.kill()
        for device in self.devices:
            device.soft_reset()
        until = net.clock.now() + AFTERMATH
        while self.usage() != self.base and net.clock.now() < until:
            step = net.clock.now() + STEP
            net.clock.call_at(step, lambda: None)  # something is due: that nobody acts is no deadlock
            net.run(step)
