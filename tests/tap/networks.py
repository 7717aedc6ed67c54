"""Networks and programs that several tests use. Without pytest: other interpreters run these, too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import usocket
from tap.cable import Note, PassOn
from tap.clock import MS, SECOND
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


# One of each stage with chance, and what they are put into the way of.
CHANCES = (
    "loss rate=1%",
    "gilbert-elliott loss=1% burst=2",
    "four-state p13=1%",
    "duplicate rate=3% copies=2 spacing=1ms",
    "corrupt rate=2%",
    "corrupt rate=1% field=tcp.ack repaired=true",
    "truncate rate=1%",
    "reorder rate=3% behind=3 patience=40ms",
    "delay delay=5ms jitter=3ms distribution=normal correlation=30%",
    "slots minimum=1ms maximum=3ms packets=4",
)
NETEM = "delay 3ms 2ms loss 1% duplicate 2% corrupt 1% reorder 5% rate 20mbit slot 1ms 2ms"


def impaired_run(
    folder: Path, name: str, seed: int = 1, verdicts: Sequence[Mapping[str, Any]] | None = None
) -> tuple[str, int]:
    """40 kB one way and 20 kB back through everything that chance can do: the run's digest and when it was
    over. Leaves ``name``.pcapng and ``name``.jsonl.
    """
    got: list[bytes] = []

    def server() -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(1)
        connection, _ = listener.accept()
        got.append(connection.read(40_000))
        connection.sendall(DATA[40_000:])
        connection.close()

    def client() -> None:
        sock = usocket.socket()
        sock.connect(("10.0.0.1", PORT))
        sock.sendall(DATA[:40_000])
        got.append(sock.read())
        sock.close()

    capture, journal = folder / f"{name}.pcapng", folder / f"{name}.jsonl"
    with usocket.Network(seed, capture=capture, journal=journal, verdicts=verdicts) as net:
        for device_name, address in (("server", "10.0.0.1/24"), ("client", "10.0.0.2/24")):
            net.device(device_name, address=address)
        net.cable("client", "server", rate=10_000_000)
        for way in ("client>server", "server>client"):
            for text in CHANCES:
                net.impair(way, text)
            net.netem(way, NETEM)
            net.impair(way, "drophead rate=8mbit limit_packets=3")
        net.program(server, on="server")
        net.program(client, on="client")
        net.run()
        return net.digest(), net.clock.now()


SERVER = """
import socket, _thread, select, time
lock = _thread.allocate_lock()

def handle(connection):
    connection.settimeout(20)
    with lock:
        data = connection.recv(1000)
        time.sleep_ms(len(data) % 7)
        connection.send(data[::-1])
    loop = [connection]  # a cycle that only the collector finds, now and then
    loop.append(loop)
    if len(data) % 5:
        connection.close()

listener = socket.socket()
listener.bind(("", 7))
listener.listen(3)
while True:
    _thread.start_new_thread(handle, (listener.accept()[0],))
"""

CLIENT = """
import asyncio, random, sys
async def ask(number):
    await asyncio.sleep_ms(random.randrange(3000))
    reader, writer = await asyncio.open_connection("10.0.1.2", 7)
    writer.write(b"x" * (number + int(sys.argv[1])))
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(1000), 10)
    writer.close()
    print(sys.argv[1], number, len(answer))

async def main():
    for outcome in await asyncio.gather(*[ask(n) for n in range(2)], return_exceptions=True):
        if outcome:
            print(sys.argv[1], repr(outcome))
asyncio.run(main())
"""


def fleet_run(folder: Path, seed: int = 1) -> int:
    """Eight clients with asyncio behind a switch and a router, a server with threads: when it was over."""
    (folder / "server.py").write_text(SERVER)
    (folder / "client.py").write_text(CLIENT)
    with usocket.Network(seed, capture=folder / "fleet.pcapng") as net:
        server = net.device("server", address="10.0.1.2/24", gateway="10.0.1.1")
        switch, router = net.switch("switch"), net.router("router")
        slow = net.cable(server, router.interface("10.0.1.1/24"), rate=1_000_000, delay=3 * MS)
        slow.forth.add(Lossy(net))
        net.cable(switch, router.interface("10.0.2.1/24"))
        net.script(folder / "server.py", on=server, daemon=True)
        for number in range(8):
            profile = "micropython-esp32" if number % 2 else "micropython"
            client = net.device(f"c{number}", profile, address=f"10.0.2.{10 + number}/24", gateway="10.0.2.1")
            net.cable(client, switch, delay=number * MS // 7)
            net.script(folder / "client.py", [str(number)], on=client, at=number * SECOND // 3)
        net.run()
        return net.clock.now()
