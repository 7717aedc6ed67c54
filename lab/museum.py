"""What the exhibits of the museum are made of: a board and a peer on a cable in virtual time.

An exhibit is a file of ``examples/museum``. Its docstring is a title and four paragraphs (what one sees, why,
what cures it, who reported it); its functions ``pain(stage)`` and ``cure...(stage)`` are scenes: each plays
with a board of its own, says what happens, and returns its outcome in one line. The docstring of a scene is
its caption. ``on_board`` gives a scene another profile or other lwIP options.

Both sides are ``usocket`` devices, so blocking calls work as on a board: while one side waits, the other's
stack goes on. Two programs that both block would need a scheduler; here one function plays both.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from netstack.errors import ERR_OK
from netstack.profile import Profile
from netstack.profiles import named
from netstack.trace import TraceHook
from tap.clock import MS, SECOND, VirtualClock
from tap.link import LinkWrapper
from tap.wire import wire
from usocket import Device, socket

__all__ = ["BOARD", "PEER", "Cable", "Exhibit", "Scene", "Stage", "error_of", "exhibits", "on_board"]

PEER = "10.0.0.1"
BOARD = "10.0.0.2"
PROFILE = "micropython"
PEER_PROFILE = "full"  # a peer with memory to spare
DELAY = MS  # of the cable, one way

Show = Callable[[str], object]
Function = TypeVar("Function", bound=Callable[["Stage"], str])


def on_board(profile: str = PROFILE, **options: int | str) -> Callable[[Function], Function]:
    """Have a scene play on another board: ``@on_board(MEMP_NUM_TCP_PCB=8)``."""

    def mark(function: Function) -> Function:
        function.__dict__["board"] = profile, {name.lower(): value for name, value in options.items()}
        return function

    return mark


def error_of(call: Callable[..., object], *args: object) -> str | None:
    """The name of the errno with which a call fails ("ENOMEM"), or None when it does not."""
    try:
        call(*args)
    except OSError as error:
        return str(error).rpartition(" ")[2]
    return None


class Cable(LinkWrapper):
    """The peer's end of the cable. Frames can be lost on it, in one direction or in both, without either side
    being told, as with a switch between them.
    """

    to_board = True  # what the peer sends arrives
    to_peer = True

    def pull_out(self) -> None:
        """From now on nothing arrives anywhere."""
        self.to_board = self.to_peer = False

    def put_in(self) -> None:
        """From now on everything arrives."""
        self.to_board = self.to_peer = True

    def send(self, frame: bytes) -> None:
        if self.to_board:
            self.inner.send(frame)

    def receive(self) -> bytes | None:
        frame = self.inner.receive()
        while frame is not None and not self.to_peer:
            frame = self.inner.receive()
        return frame


class Stage:
    """What a scene plays on: two devices, their cable and their clock."""

    def __init__(self, board: Device, peer: Device, cable: Cable, show: Show) -> None:
        self.board = board
        self.peer = peer
        self.cable = cable
        self._show = show
        self._last = 0

    @property
    def now(self) -> float:
        """Seconds since the board was switched on."""
        return self.board.clock.now() / SECOND

    def say(self, text: str) -> None:
        """Tell the visitor what happens, with the time."""
        self._show(f"{self.now:9.4f}   {text}")

    def sleep(self, seconds: float) -> None:
        """Let time pass; both devices go on answering."""
        self.board.sleep(seconds)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Have ``call`` run later, while somebody waits."""
        clock = self.board.clock
        clock.call_at(clock.now() + round(seconds * SECOND), call)

    def took(self, call: Callable[..., object], *args: object) -> float:
        """Seconds that a call took."""
        start = self.now
        call(*args)
        return self.now - start

    def listener(self, port: int = 80, backlog: int = 5) -> socket:
        """A listening socket of the board."""
        server = self.board.socket()
        server.bind(("", port))
        server.listen(backlog)
        return server

    def client(self, port: int = 80) -> socket:
        """A socket of the peer that is connected to the board."""
        sock = self.peer.socket()
        sock.connect((BOARD, port))
        return sock

    def connection(self, port: int = 80) -> tuple[socket, socket]:
        """A connection that the peer has opened and the board accepted: (the board's end, the peer's)."""
        with self.listener(port) as server:
            client = self.client(port)
            accepted, _ = server.accept()
        return accepted, client

    def another_peer(self) -> None:
        """The peer is gone without a word; another host, 10.0.0.3, is at the other end of the cable."""
        self.peer.ip += 2
        self.peer.power_cycle()
        self.cable.put_in()

    def ping(self) -> bool:
        """Whether the board answers the peer's echo request within a second."""
        answers: list[int] = []
        stack = self.peer.stack
        pcb = stack.raw.new(1)
        assert pcb is not None

        def receive(pcb: Any, packet: Any, source: int) -> bool:
            answered = bool(packet.data[20:21] == b"\x00")  # behind the IP header: an echo reply
            if answered:
                answers.append(source)
                packet.free()
            return answered

        pcb.recv = receive
        with self.peer.host.lock:
            err = stack.raw.sendto(pcb, bytes.fromhex("0800f7ff00000000"), self.board.ip)
        answered = err == ERR_OK and self.peer.wait(
            lambda: bool(answers), self.peer.clock.now() + SECOND, "ping"
        )
        with self.peer.host.lock:
            stack.raw.remove(pcb)
        return answered


@dataclass(frozen=True, slots=True)
class Scene:
    """A function of an exhibit and the board it plays on."""

    name: str
    caption: str
    profile: str
    options: Mapping[str, int | str]
    function: Callable[[Stage], str]

    @property
    def is_cure(self) -> bool:
        """Whether it shows a cure, not the pain."""
        return self.name != "pain"

    def board(self, settings: Mapping[str, int | str]) -> Profile:
        """Its board's profile, with what the visitor changes; a cure keeps what it consists of. Raises
        ProfileError.
        """
        profile = named(self.profile)
        options: dict[str, Any] = {**self.options, **settings}
        if self.is_cure:
            options |= self.options
        return profile.replace(**options) if options else profile

    def play(
        self, show: Show, trace: TraceHook | None = None, settings: Mapping[str, int | str] | None = None
    ) -> str:
        """Play it: its outcome. ``show`` gets the lines that it says; ``trace`` watches the board."""
        with staged(self.board(settings or {}), show, trace) as stage:
            return self.function(stage)


@contextmanager
def staged(profile: Profile, show: Show, trace: TraceHook | None = None) -> Iterator[Stage]:
    """A stage with a board of this profile. Sockets that nobody closed are closed by ``gc.collect`` only, as
    on a board.
    """
    clock = VirtualClock()
    near, far = wire(clock, delay=DELAY)
    cable = Cable(far)
    board = Device(
        profile, address=f"{BOARD}/24", link=near, clock=clock, name="board", gc="manual", trace=trace
    )
    peer = Device(PEER_PROFILE, address=f"{PEER}/24", link=cable, clock=clock, name="peer")
    with board, peer:
        yield Stage(board, peer, cable, show)


class Exhibit:
    """A file of the museum: ``07_short_send.py`` has the number 7 and the name ``short_send``."""

    def __init__(self, path: Path) -> None:
        number, _, self.name = path.stem.partition("_")
        self.number = int(number)
        self.path = path

    @cached_property
    def _module(self) -> Any:
        spec = importlib.util.spec_from_file_location(f"museum_{self.path.stem}", self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @cached_property
    def _paragraphs(self) -> list[str]:
        text = str(self._module.__doc__).strip().replace("``", "`")
        return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text)]

    @property
    def title(self) -> str:
        """The first line of its docstring."""
        return self._paragraphs[0]

    @property
    def text(self) -> dict[str, str]:
        """What one sees, why, the cure, who reported it: the paragraphs by their first word."""
        parts = (paragraph.partition(": ") for paragraph in self._paragraphs[1:])
        return {head: body for head, _, body in parts}

    @cached_property
    def scenes(self) -> list[Scene]:
        """The pain and the cures, in the order in which they stand in the file."""
        return [
            Scene(name, str(function.__doc__).strip().rstrip("."), *_board_of(function), function)
            for name, function in vars(self._module).items()
            if name == "pain" or name.startswith("cure")
        ]


def _board_of(function: Callable[[Stage], str]) -> tuple[str, Mapping[str, int | str]]:
    profile, options = function.__dict__.get("board", (PROFILE, {}))
    return profile, options


def exhibits() -> list[Exhibit]:
    """All exhibits by their numbers, from the source tree or where the installed package has the examples."""
    here = Path(__file__).resolve().parent
    for folder in (here.parent / "examples" / "museum", here / "examples" / "museum"):
        if folder.is_dir():
            return sorted((Exhibit(path) for path in folder.glob("[0-9]*_*.py")), key=lambda one: one.number)
    return []
