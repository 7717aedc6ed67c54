"""Two devices on a virtual wire: what most tests of ``usocket`` play on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from netstack.profile import Profile
from tap.clock import MS, VirtualClock
from tap.wire import WireEnd, wire
from usocket import Device, socket
from usocket.errno import MicroPythonError

SERVER = "10.0.0.1"
CLIENT = "10.0.0.2"


class Pair(NamedTuple):
    """A server and a client device, their ends of the wire and their clock."""

    server: Device
    client: Device
    server_link: WireEnd
    client_link: WireEnd
    clock: VirtualClock

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.server.sleep_ns(ms * MS)

    def connected(self, backlog: int = 2, port: int = 80) -> tuple[socket, socket, socket]:
        """(listener, the server's end, the client's end) of a new connection."""
        listener = listening(self.server, port, backlog)
        client = self.client.socket()
        client.connect((SERVER, port))
        accepted, _ = listener.accept()
        return listener, accepted, client


def listening(device: Device, port: int = 80, backlog: int = 2) -> socket:
    """A listener."""
    listener = device.socket()
    listener.bind(("", port))
    listener.listen(backlog)
    return listener


@contextmanager
def two_devices(
    server: Profile | str = "micropython", client: Profile | str = "micropython", delay: int = MS
) -> Iterator[Pair]:
    """Open both; ``delay`` is one way, in ns."""
    clock = VirtualClock()
    one, other = wire(clock, delay=delay)
    with (
        Device(server, address=f"{SERVER}/24", link=one, clock=clock, name="server") as a,
        Device(client, address=f"{CLIENT}/24", link=other, clock=clock, name="client") as b,
    ):
        yield Pair(a, b, one, other, clock)


@contextmanager
def raises(number: int) -> Iterator[None]:
    """The block must end in OSError(number)."""
    with pytest.raises(MicroPythonError) as caught:
        yield
    assert caught.value.args == (number,)
    assert caught.value.errno == number
