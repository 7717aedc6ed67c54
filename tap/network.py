"""A network of emulated devices in virtual or in real time: the experiment bench.

    with Network(seed=1) as net:
        server = net.add(Device("micropython", address="10.0.0.1/24", **net.socket("server")))
        ...
        net.cable(server, client, delay=5 * MS)
        net.program(serve, on=server, daemon=True)
        net.program(ask, on=client)
        net.run()

Anything with a stack on a link can be a device (``Station``); ``usocket.emulation.Network`` makes those of
``usocket``. In virtual time the result of a run is a pure function of the code, the scenario and the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from errno import EBUSY
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from tap.cable import Cable, Direction, Port, Stage
from tap.clock import Clock, RealClock, VirtualClock
from tap.host import Host
from tap.impair import words
from tap.link import Link
from tap.passage import Recorder
from tap.program import Program, collector_off
from tap.records import Records
from tap.router import Router
from tap.scheduler import Scheduler
from tap.streams import Stream, stream
from tap.switch import Switch
from tap.tun import TapLink
from tap.uplink import Uplink
from tap.verdicts import Replayed

if TYPE_CHECKING:
    from netstack.stack import Stack
    from tap.devicefault.faults import DeviceFaults


class Named(Protocol):
    """Something that cables can be plugged into: a device, a switch."""

    @property
    def name(self) -> str:
        """Its name in the network."""


class Station(Named, Protocol):
    """A device of the network: something with a host that programs run on."""

    host: Host
    is_open: bool

    def open(self) -> object:
        """Switch it on."""

    def close(self) -> object:
        """Switch it off."""

    def use(self) -> AbstractContextManager[object]:
        """Within, programs are on this device."""


S = TypeVar("S", bound=Station)
End = str | Port | Named
Until = int | Callable[[], object] | None


class Network:
    """Devices, what joins them, and the programs on them, on one clock.

    ``seed`` is that of everything random in it; ``clock`` "virtual", "real" or a clock of one's own.
    ``capture`` names a pcapng file in which every device is an interface, ``journal`` a file for everything
    that is done to a frame or in a device (``tap.journal``), in which ``header`` stands first. ``digest``:
    have ``digest()`` to compare runs (a journal has it, too); ``keep``: keep the ``verdicts``.

    ``verdicts``, those of a journal or of another run, are played: no stage draws a number, and a frame
    without a verdict suffers no chance (``tap.verdicts``).
    """

    def __init__(
        self,
        seed: int = 0,
        clock: Literal["virtual", "real"] | Clock = "virtual",
        *,
        capture: str | PathLike[str] | None = None,
        journal: str | PathLike[str] | None = None,
        header: Mapping[str, object] | None = None,
        verdicts: Iterable[Mapping[str, Any]] | None = None,
        digest: bool = False,
        keep: bool = False,
    ) -> None:
        if isinstance(clock, str):
            if clock not in ("virtual", "real"):
                raise ValueError(f'no clock is called {clock!r}: give "virtual" or "real"')
            clock = VirtualClock() if clock == "virtual" else RealClock()
        self.seed = seed
        self.clock: Clock = clock
        self.scheduler = Scheduler(clock)
        self.devices: dict[str, Station] = {}
        self.cables: dict[str, Cable] = {}
        self.records = Records(
            clock, capture=capture, journal=journal, header={"seed": seed, **(header or {})},
            verdicts=verdicts, digest=digest, keep=keep,
        )  # fmt: skip
        self._impaired: dict[tuple[str, str], int] = {}  # (direction, kind) -> how many were made
        self._sockets: dict[str, Callable[[], Port]] = {}  # node -> a port for one cable more
        self._switched: dict[str, str] = {}  # switch -> another that it is joined to, up to one for all
        self._resources = ExitStack()
        self._closed = False

    # What it is made of

    def socket(self, name: str, mtu: int = 1500) -> dict[str, Any]:
        """What a device ``name`` is to be made with, keywords of ``usocket.Device``: name, link, clock,
        seed.
        """
        port = self.port(name, mtu)

        def stack() -> Stack | None:
            host: Host | None = getattr(self.devices.get(name), "host", None)  # none before it is switched on
            return None if host is None else host.stack

        return {
            "name": name,
            "link": self.records.link(port, name, stack),
            "clock": self.clock,
            "seed": self.stream(f"{name}.stack").state,  # a hash of seed and name: nothing is drawn
        }

    def port(self, name: str, mtu: int = 1500) -> Port:
        """The port of a new node that has one: the link of a device that is made by hand."""
        port = Port(name, mtu)
        self._claim(name, lambda: port)
        return port

    def add(self, device: S) -> S:
        """Have a device that was made with ``socket`` in the network; it is switched on by ``run``."""
        if device.name not in self._sockets:
            raise ValueError(f"{device.name} has no port: make it with net.socket({device.name!r})")
        self.devices[device.name] = device
        faults: DeviceFaults | None = getattr(device, "faults", None)
        if faults is not None:
            self.records.listen(device.name, faults)
        return device

    def find(self, name: str) -> Station:
        """The device of that name."""
        if name not in self.devices:
            raise ValueError(f"no device is called {name}: there are {', '.join(self.devices)}")
        return self.devices[name]

    def switch(self, name: str) -> Switch:
        """A switch with as many ports as there are cables."""
        switch = Switch(name, self.clock)
        self._claim(name, switch.new_port)
        self._switched[name] = name
        return switch

    def router(self, name: str) -> Router:
        """A router; ``router.interface("10.0.1.1/24")`` is what a cable is plugged into."""
        router = Router(name, self.clock)
        self._claim(name, router.no_port)
        return router

    def uplink(self, name: str, link: Link | None = None, **tap: Any) -> Uplink:
        """A TAP as a node, in real time: what is cabled to it and Linux can reach one another.

        ``tap`` are the arguments of ``TapLink.open``: name (as ``tap``), address, netns, ... Raises TapError.
        """
        if self.clock.virtual:
            raise ValueError('Linux does not wait for virtual time: an uplink needs Network(clock="real")')
        if link is None:
            link = TapLink.open(tap.pop("tap", ""), **tap)
        uplink = Uplink(name, link)
        self._claim(name, lambda: uplink.port)
        self.scheduler.add(uplink)
        self._resources.callback(link.close)
        return uplink

    def cable(self, one: End, other: End, *, rate: int | None = None, delay: int = 0) -> Cable:
        """Plug a cable in at both; ``rate`` in bit/s (None: any), ``delay`` one way in ns.

        An end is a node, its name, or a port. Its name is made of theirs, as in ``client-switch``.
        """
        names = [end if isinstance(end, str) else end.name for end in (one, other)]
        self._check_for_loop(*names)
        ports = [end if isinstance(end, Port) else self._port_of(name)
                 for end, name in zip((one, other), names, strict=True)]  # fmt: skip
        cable = Cable(self.clock, ports[0], ports[1], rate, delay, self)
        self.cables[cable.name] = cable
        self.records.join(cable)
        return cable

    def direction(self, name: str) -> Direction:
        """The direction of that name, as in ``client>server``."""
        directions = [way for cable in self.cables.values() for way in cable.directions]
        for direction in directions:
            if direction.name == name:
                return direction
        raise ValueError(f"no direction is called {name}: there are {', '.join(d.name for d in directions)}")

    def impair(self, direction: str, text: str) -> Stage:
        """Add the stage that ``text`` names, as ``loss rate=1%`` (docs/impairments.md), to a direction. Its
        stream is called ``client>server.loss``, of the second one of a kind ``client>server.loss2``.
        """
        way, kind = self.direction(direction), text.partition(" ")[0]
        number = self._impaired[direction, kind] = self._impaired.get((direction, kind), 0) + 1
        name = kind if number == 1 else f"{kind}{number}"
        stage = words.stage(text, stream=self.stream(f"{direction}.{name}"), clock=self.clock, name=name)
        way.add(stage)
        return stage

    def netem(self, direction: str, text: str) -> list[Stage]:
        """Add the stages that tc-netem's words name, as ``delay 80ms loss 1%``, to a direction."""
        return self.direction(direction).netem(text)

    def stream(self, name: str) -> Stream:
        """The stream of random numbers for purpose ``name``."""
        return stream(self.seed, name)

    # What is written down

    def watch(self, recorder: Recorder) -> None:
        """Have ``recorder`` told of every frame on every cable, also of those to come."""
        self.records.watch(recorder)

    def digest(self) -> str:
        """A SHA-256 over every frame so far that a device sent or received, with time, way and device."""
        if self.records.digest is None:
            raise ValueError("no digest is kept: make the network with digest=True")
        return self.records.digest.hexdigest()

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """Every verdict and device fault so far, as lines of a journal (with ``keep=True``)."""
        return self.records.verdicts

    @property
    def replayed(self) -> Replayed | None:
        """What the run is played from."""
        return self.records.replayed

    def _claim(self, name: str, new_port: Callable[[], Port]) -> None:
        if name in self._sockets:
            raise ValueError(f"two nodes are called {name}: give each a name of its own")
        self._sockets[name] = new_port

    def _port_of(self, name: str) -> Port:
        if name not in self._sockets:
            raise ValueError(f"no node is called {name}: there are {', '.join(self._sockets)}")
        return self._sockets[name]()

    def _check_for_loop(self, one: str, other: str) -> None:
        """Switches in a circle would send a broadcast round for ever."""
        if one in self._switched and other in self._switched:
            roots = [self._root(one), self._root(other)]
            if roots[0] == roots[1]:
                raise ValueError(
                    f"a cable {one}-{other} would close a loop of switches, where a broadcast goes round for "
                    "ever: leave one cable of the loop out"
                )
            self._switched[roots[0]] = roots[1]

    def _root(self, switch: str) -> str:
        while self._switched[switch] != switch:
            switch = self._switched[switch]
        return switch

    # Programs

    def program(
        self,
        function: Callable[..., object],
        *args: Any,
        on: Station | str,
        name: str = "",
        at: int | None = None,
        daemon: bool = False,
    ) -> Program:
        """Run ``function(*args)`` on a device, from time ``at`` on (None: from now on), when the network
        runs.

        ``daemon``: the run need not wait for its end, as for that of a server.
        """
        device = self.find(on) if isinstance(on, str) else on

        def run() -> object:
            with device.use():
                return function(*args)

        name = name or f"{getattr(function, '__name__', 'program')} on {device.name}"
        program = Program(name, run, daemon)
        self.scheduler.start(program, self.clock.now() if at is None else at)
        return program

    def switch_on(self) -> None:
        """Switch on the devices that are not, in the order in which they were added (``run`` does it)."""
        for device in self.devices.values():
            if not device.is_open:
                device.open()

    def run(self, until: Until = None) -> bool:
        """Let time pass until a time (clock's ns), a predicate is true, or (None) all programs have ended.

        True when the predicate came true or all programs have ended, which also ends a run up to a time
        (that time passes all the same). Raises what a program raises; Deadlock, naming who waits for what,
        when nothing can happen any more although a program that is no daemon waits.
        """
        if self._closed:
            raise OSError(EBUSY, "the network has been closed: make a new one")
        self.switch_on()
        try:
            with collector_off() if self.clock.virtual else nullcontext():
                if until is None:
                    return self.scheduler.run(None, None)
                if callable(until):
                    return self.scheduler.run(until, None)
                self.scheduler.run(lambda: False, until)
                return not self.scheduler.awaited
        except BaseException as error:
            self.records.failed(error)
            raise

    # The end

    def close(self) -> None:
        """End the programs, switch everything off."""
        if self._closed:
            return
        self._closed = True
        try:
            self.scheduler.kill()
            for device in reversed(self.devices.values()):
                if device.is_open:
                    device.close()
        finally:
            self._resources.close()
            self.records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
