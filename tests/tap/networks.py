"""Networks and programs that several tests use. Without pytest: other interpreters run these, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

import usocket
from tap.cable import Note, PassOn
from tap.clock import MS
from tap.network import Network
from usocket import Device

PORT = 7


def device(net: Network, name: str, address: str, **options: object) -> Device:
    return net.add(Device(address=address, **net.socket(name), **options))  # type: ignore[arg-type]


def pair(net: Network, **line: int) -> tuple[Device, Device]:
    """A server and a client on a cable."""
    made = device(net, "server", "10.0.0.1/24"), device(net, "client", "10.0.0.2/24")
    net.cable(*made, **line)
    return made


def serve() -> None:
    """Send back in capitals what comes, one connection after the other."""
    listener = usocket.socket()
    listener.bind(("", PORT))
    listener.listen(2)
    while True:
        connection, _ = listener.accept()
        while data := connection.recv(1000):
            connection.sendall(data.upper())
        connection.close()


def ask(text: bytes, address: str = "10.0.0.1") -> bytes:
    """What the server answers."""
    sock = usocket.socket()
    sock.connect((address, PORT))
    sock.sendall(text)
    answer = bytes(sock.recv(1000))
    sock.close()
    return answer


class Lossy:
    """A stage that loses by chance."""

    name = "lossy"

    def __init__(self, net: Network) -> None:
        self.chance = net.stream("server>client.lossy")
        self.lost = 0

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self.chance.below(5):
            pass_on(frame, now + self.chance.below(MS))
        else:
            self.lost += 1


DATA = hashlib.shake_128(b"network").digest(60_000)


def lossy_run(path: Path | None, seed: int = 1) -> tuple[bytes, int]:
    """60 kB both ways with loss, four programs: what arrived, and when it was over."""
    got: list[bytes] = []

    def sink(port: int) -> None:
        listener = usocket.socket()
        listener.bind(("", port))
        listener.listen(1)
        connection, _ = listener.accept()
        got.append(connection.read())
        connection.close()

    def source(port: int, address: str) -> None:
        sock = usocket.socket()
        sock.connect((address, port))
        sock.sendall(DATA)
        sock.close()

    with Network(seed, capture=path) as net:
        server, client = pair(net, delay=2 * MS)
        for direction in net.cables["server-client"].directions:
            direction.add(Lossy(net))
        for one, other, address in ((server, client, "10.0.0.2"), (client, server, "10.0.0.1")):
            net.program(sink, PORT, on=other)
            net.program(source, PORT, address, on=one)
        net.run()
        assert got == [DATA, DATA]
        return b"".join(got), net.clock.now()
