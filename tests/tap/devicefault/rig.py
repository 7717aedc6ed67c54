"""A server and a client in virtual time, of which one has faults; and what must be as before afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import usocket
from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFault
from tap.devicefault.pools import memory_of
from tap.program import Program
from usocket import Device, Network

PORT = 80
SERVER = "10.0.0.1"
SETTLED = 300 * SECOND  # nothing of a connection is left after so long

Story = list[tuple[int, str, str]]  # (ns, action, detail)


class Rig:
    """``story`` is what the faults of both noted."""

    def __init__(self, seed: int = 1, profile: str = "micropython", **options: Any) -> None:
        self.net = Network(seed)
        self.server = self.net.device("server", profile, address=f"{SERVER}/24")
        self.client = self.net.device("client", profile, address="10.0.0.2/24", **options)
        self.cable = self.net.cable(self.server, self.client, delay=MS)
        self.story: Story = []
        self.received = bytearray()
        for device in (self.server, self.client):
            device.faults.observer = self._observe
        self.net.switch_on()
        self.base = self.used()

    def _observe(self, fault: str, action: str, detail: str) -> None:
        self.story.append((self.now, action, detail))

    @property
    def now(self) -> int:
        return self.net.clock.now()

    @property
    def actions(self) -> list[str]:
        return [action for _, action, _ in self.story]

    def used(self) -> dict[str, dict[str, int]]:
        """What is in use of each pool of both."""
        return {
            device.name: {name: pool.used for name, pool in memory_of(device.stack.mem).items()}
            for device in (self.server, self.client)
        }

    def run(self, function: Callable[[], object], on: Device | None = None, until: int = 600 * SECOND) -> Any:
        """Run a program (of the client) to its end and give its result; OSErrors of it are that."""
        program = self.start(function, on)
        self.net.run(lambda: program.finished or self.now >= until)
        assert program.finished, f"it waits for {program.what}"
        return program.result

    def start(
        self, function: Callable[[], object], on: Device | None = None, daemon: bool = False
    ) -> Program:
        """Have a program run when the network does."""

        def guarded() -> object:
            try:
                return function()
            except OSError as error:
                return error

        return self.net.program(guarded, on=on or self.client, daemon=daemon, name=function.__name__)

    def serve(self) -> None:
        """A server that keeps what comes and answers each connection's end with the number of its bytes."""
        self.start(self._serve, self.server, daemon=True)

    def _serve(self) -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(2)
        while True:
            connection, _ = listener.accept()
            count = 0
            try:
                while data := connection.recv(2000):
                    self.received += data
                    count += len(data)
            except OSError:
                pass
            connection.close()

    def advance(self, duration: int) -> None:
        """Let time pass."""
        self.net.clock.call_at(self.now + duration, lambda: None)
        self.net.run(self.now + duration)

    def settle(self) -> None:
        """All sockets are closed and connections over: every pool is as it was."""
        for device in (self.server, self.client):
            device.soft_reset()
        self.advance(SETTLED)
        assert self.used() == self.base
        assert not len(self.server.faults) + len(self.client.faults)


@contextmanager
def rig(seed: int = 1, profile: str = "micropython", **options: Any) -> Iterator[Rig]:
    """A rig; at the end all faults are removed, and pools have to be at their base."""
    made = Rig(seed, profile, **options)
    with made.net:
        yield made
        for device in (made.server, made.client):
            for fault in device.faults:
                device.faults.remove(fault)
        made.settle()


def sends(size: int, then: Callable[[usocket.socket], object] | None = None) -> Callable[[], object]:
    """A program that sends so many bytes to the server."""

    def send() -> object:
        sock = usocket.socket()
        sock.connect((SERVER, PORT))
        sock.sendall(pattern(size))
        result = then(sock) if then is not None else size
        sock.close()
        return result

    return send


def pattern(size: int) -> bytes:
    """Bytes that show when some are missing."""
    return (b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4))))[:size]


def errno_of(result: object) -> int:
    """The number of the OSError that a program ended with."""
    assert isinstance(result, OSError), result
    return int(result.args[0])


def added(device: Device, text: str) -> DeviceFault:
    """A fault, started."""
    fault = device.faults.add(text)
    assert fault.running
    return fault
