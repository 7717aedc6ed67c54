"""A cable in virtual time with rules, frames to send through it, and what became of them."""

from __future__ import annotations

from netstack.address import parse_ip
from netstack.ip_header import build
from netstack.tcp.header import ACK, FIN, PSH, RST, SYN, emit
from tap.cable import Cable, Port
from tap.clock import VirtualClock
from tap.passage import Passage, Visit
from tap.streams import Stream, stream

CLIENT, SERVER = parse_ip("10.0.0.2"), parse_ip("10.0.0.1")
MACS = {CLIENT: bytes.fromhex("020000000002"), SERVER: bytes.fromhex("020000000001")}
PORTS = {CLIENT: 49153, SERVER: 80}
ISS = {CLIENT: 0xFFFFFF00, SERVER: 5000}  # the client's numbers wrap

__all__ = ["ACK", "CLIENT", "FIN", "PSH", "RST", "SERVER", "SYN", "Bench", "packet", "tcp", "udp"]


def packet(source: int, target: int, protocol: int, above: bytes, fragment: int = 0) -> bytes:
    """A frame with an IPv4 packet."""
    header = build(0, 20 + len(above), 1, fragment, 64, protocol, source, target)
    macs = MACS.get(target, b"\xff" * 6) + MACS.get(source, b"\x02\0\0\0\0\x09")
    return macs + b"\x08\x00" + header + above


def tcp(
    flags: int,
    seq: int,
    ack: int = 0,
    data: bytes = b"",
    window: int = 4096,
    source: int = CLIENT,
    port: int | None = None,
    options: bytes = b"",
) -> bytes:
    """A segment of the connection client>server or back; ``seq`` and ``ack`` are relative."""
    target = SERVER if source == CLIENT else CLIENT
    ports = dict(PORTS) if port is None else PORTS | {CLIENT: port}
    numbers = ISS[source] + seq & 0xFFFFFFFF, ISS[target] + ack & 0xFFFFFFFF if flags & ACK else 0
    above = emit(source, target, ports[source], ports[target], *numbers, flags, window, options, data)
    return packet(source, target, 6, above)


def udp(source_port: int, target_port: int, data: bytes, source: int = CLIENT) -> bytes:
    """A datagram without a checksum."""
    target = SERVER if source == CLIENT else CLIENT
    header = b"".join(x.to_bytes(2, "big") for x in (source_port, target_port, 8 + len(data), 0))
    return packet(source, target, 17, header + data)


class FakeWorld:
    """What a cable asks of its network."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.devices: dict[str, object] = {}
        self.names: list[str] = []

    def stream(self, name: str) -> Stream:
        self.names.append(name)
        return stream(self.seed, name)

    def find(self, name: str) -> object:
        if name not in self.devices:
            raise ValueError(f"no device is called {name}: there are {', '.join(self.devices)}")
        return self.devices[name]


class Bench:
    """A cable client-server. ``at_server`` and ``at_client``: (ns, frame) that came out there; as a
    recorder of both directions it keeps ``entered`` coordinates and ``notes`` (coordinate, rule, action,
    detail).
    """

    def __init__(self, seed: int = 1, recorded: bool = True) -> None:
        self.clock = VirtualClock()
        self.world = FakeWorld(seed)
        self.at_server: list[tuple[int, bytes]] = []
        self.at_client: list[tuple[int, bytes]] = []
        self.log: list[tuple[str, str]] = []
        self.entries: list[Passage] = []
        self.visits: list[Visit] = []
        self.notes: list[tuple[str, str, str, str]] = []
        client = Port("client", handler=lambda frame: self.at_client.append((self.clock.now(), frame)))
        server = Port("server", handler=lambda frame: self.at_server.append((self.clock.now(), frame)))
        self.cable = Cable(self.clock, client, server, world=self.world)
        self.forth, self.back = self.cable.directions
        if recorded:
            self.cable.record(self)

    def send(self, frame: bytes, at: int | None = None) -> None:
        """Have a frame enter, by its source address in this direction or that."""
        source = int.from_bytes(frame[26:30], "big")
        direction = self.back if source == SERVER else self.forth
        if at is None:
            direction.send(frame)
        else:
            self.clock.call_at(at, lambda: direction.send(frame))

    def run(self) -> None:
        """Let all that is due happen."""
        while self.clock.next_event() is not None:
            self.clock.wait(None)
            self.clock.run_due()

    def pass_all(self, *frames: bytes) -> list[bytes]:
        """Send these, now; what has arrived at the server when all is over."""
        for frame in frames:
            self.send(frame)
        self.run()
        return [frame for _, frame in self.at_server]

    @property
    def coordinates(self) -> list[str]:
        """Of all that entered."""
        return [str(passage.coordinate) for passage in self.entries]

    # The recorder

    def entered(self, passage: Passage) -> None:
        self.log.append(("entered", str(passage.coordinate)))
        self.entries.append(passage)

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        self.log.append(("noted", f"{rule}: {action} {detail}".strip()))
        self.notes.append((str(visit.passage.coordinate), rule, action, detail))

    def handled(self, visit: Visit) -> None:
        self.log.append(("handled", f"{visit.stage.name}, {len(visit.out)} out"))
        self.visits.append(visit)

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        self.log.append(("passed", f"{visit.stage.name} at {at}"))

    def arrived(self, passage: Passage, frame: bytes) -> None:
        self.log.append(("arrived", str(passage.coordinate)))
