"""The bench: a scenario's network while it runs, and all that statements ask about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.scenario.frames import Frames, Seen
from lab.scenario.guard import Guard
from lab.scenario.load import Scenario
from lab.scenario.names import Way
from lab.scenario.outcome import Outcome
from lab.scenario.output import Output
from lab.scenario.pools import Usage, usage
from lab.scenario.programs import ProgramPlan
from lab.scenario.rules import meets
from lab.scenario.streams import Streams
from netstack.address import parse_ip
from usocket.emulation import Network

if TYPE_CHECKING:
    from tap.cable import Cable, Direction
    from tap.rules.conditions import Conditions
    from usocket.device import Device

_RAISED = re.compile(r"OSError: (?:\[Errno -?\d+\] )?(\w+)\s*$")


class Bench:
    """A network that has been built from a scenario."""

    def __init__(self, scenario: Scenario, net: Network) -> None:
        self.scenario = scenario
        self.net = net
        self.clock = net.clock
        self.cables: dict[str, Cable] = {}
        self.devices: dict[str, Device] = {}
        self.bases: dict[str, Usage] = {}  # what pools had in use at power-on
        self.outcomes: dict[str, Outcome] = {}
        self.streams = Streams(
            {parse_ip(address.partition("/")[0]): name
             for name, address in scenario.plan.names.devices.items() if address}
        )  # fmt: skip
        self.frames = Frames(scenario.plan.names.faults)
        net.watch(self.frames)
        self._seen: dict[str, list[Seen]] = {}  # by direction and conditions
        self.conditions: list[tuple[Callable[[], bool], Callable[[], None]]] = []  # what faults wait for
        self.output = Output(net.clock)
        self.guard = Guard(None)  # whether the run has taken too long

    def device(self, name: str) -> Device:
        """The device of that name."""
        return self.devices[name]

    def direction(self, way: Way) -> Direction:
        """The direction of a cable."""
        cable = self.cables[way.link]
        return cable.forth if way.is_forth else cable.back

    def seen(self, way: Way, text: str, asks: Conditions) -> list[Seen]:
        """The frames of a direction that meet conditions (``text`` says both); first asked before the run."""
        if text not in self._seen:
            direction = self.direction(way)
            self._seen[text] = self.frames.watch(direction.name, meets(asks, direction, self.net))
        return self._seen[text]

    def output_of(self, device: str) -> str:
        """What programs of a device printed."""
        return self.output.of(device)

    def watch(self, device: Device) -> None:
        """Observe what programs of a device send and receive, and what faults in it do."""
        self.streams.watch(device)
        before = device.faults.observer

        def observe(fault: str, action: str, detail: str) -> None:
            self.frames.hit(fault)
            if before is not None:
                before(fault, action, detail)

        device.faults.observer = observe

    # Programs

    def note_bases(self) -> None:
        """All devices have been switched on: what is in use now is what they begin with."""
        self.bases = {name: usage(device) for name, device in self.devices.items()}

    def start(self, plan: ProgramPlan, at: int) -> None:
        """Have a program run from ``at`` (clock's ns) on."""
        device = self.device(plan.on)
        outcome = self.outcomes[plan.name] = Outcome(plan.name, plan.daemon)
        body = plan.make(device, self.net.stream(f"{plan.name}.data"))
        run = self._observed(plan, outcome, body)
        self.net.program(run, on=device, name=plan.name, at=at, daemon=plan.daemon)

    def _observed(
        self, plan: ProgramPlan, outcome: Outcome, body: Callable[[], object]
    ) -> Callable[[], None]:
        """The program, its end noted, however it ends."""

        def run() -> None:
            outcome.begun = self.clock.now()
            printed = len(self.output.of(plan.on))
            try:
                outcome.result = body()
                if plan.is_script and outcome.result:
                    outcome.error = _raised(self.output.of(plan.on)[printed:])
            except OSError as error:
                outcome.error = str(error).rpartition(" ")[2]
            except Exception as error:
                outcome.error = " ".join(f"{type(error).__name__}: {error}".split())
            except BaseException:  # it is ended: by a reset, or as all is over
                outcome.begun = None
                outcome.reboots += 1
                raise
            outcome.ended = self.clock.now()

        return run

    def note_waits(self) -> None:
        """Say of programs that have not ended what they wait for."""
        for program in self.net.scheduler.programs:
            if program.name in self.outcomes:
                self.outcomes[program.name].waits_for = program.what

    @property
    def is_quiet(self) -> bool:
        """Whether no connection has anything on its way, or arrived that no program has read yet."""
        return not self.streams.is_busy and not any(
            pcb.unsent or pcb.unacked or pcb.refused_data
            for device in self.devices.values()
            for pcb in device.stack.tcp.active_pcbs
        )

    def counters(self) -> dict[str, int]:
        """lwIP's counters of all devices that are not 0, as ``client.tcp.xmit``."""
        found: dict[str, int] = {}
        for name, device in self.devices.items():
            if not device.is_open:
                continue
            for counter, value in device.stack.stats.items():
                if value:
                    found[f"{name}.{counter}"] = value
        return found


def _raised(printed: str) -> str:
    """The error that ended a script, by what it printed last."""
    last = printed.strip().rpartition("\n")[2]
    found = _RAISED.search(last)
    return found[1] if found else last or "exit"
