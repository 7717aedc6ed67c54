"""What programs sent and received over TCP, connection by connection, and whether it is the same.

It is observed where programs call ``usocket``: sent is what a call said it had sent, received what a call
gave to the program. So data that a board loses after a send without an error is missing here, too. Each part
is compared as soon as both sides have it, so only what is on its way is kept; totals and SHA-256 are of all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netstack.address import format_ip

if TYPE_CHECKING:
    from netstack.api.common import Conn
    from usocket.device import Device

Key = tuple[int, int, int, int]  # local ip, local port, remote ip, remote port


@dataclass(eq=False)
class End:
    """One end of a connection: what its program sent and received."""

    device: str
    key: Key
    is_alive: Callable[[], bool]  # whether its program may still receive
    peer: End | None = None
    sent: int = 0
    received: int = 0
    queued: int = 0  # bytes that the stack has had for the program so far
    sent_hash: Any = field(default_factory=hashlib.sha256)
    received_hash: Any = field(default_factory=hashlib.sha256)
    on_its_way: bytearray = field(default_factory=bytearray)  # sent, not yet compared
    unexplained: bytearray = field(default_factory=bytearray)  # received, not yet compared
    compared: int = 0
    differs_at: int | None = None  # the first byte that arrived as another

    def compare(self) -> None:
        """Compare what this end sent with what the other has received since."""
        if self.peer is None or self.differs_at is not None:
            return
        arrived = self.peer.unexplained
        count = min(len(self.on_its_way), len(arrived))
        if self.on_its_way[:count] != arrived[:count]:
            same = next(n for n in range(count) if self.on_its_way[n] != arrived[n])
            self.differs_at = self.compared + same
            return
        self.compared += count
        del self.on_its_way[:count], arrived[:count]

    @property
    def arrived(self) -> int:
        """Bytes that the other end's program has received."""
        return 0 if self.peer is None else self.peer.received

    @property
    def is_delivered(self) -> bool:
        """Whether all that was sent, and nothing else, has been received."""
        if self.peer is None:
            return not self.sent
        return (
            self.sent == self.arrived
            and self.differs_at is None
            and self.sent_hash.digest() == self.peer.received_hash.digest()
        )

    def problem(self, name: str) -> str:
        """What is not as it was sent, in words; ``name`` is that of the stream."""
        if self.peer is None:
            return f"{name}: none of {self.sent} bytes arrived"
        if self.differs_at is not None:
            return f"{name}: byte {self.differs_at} arrived as another"
        return f"{name}: {self.arrived} of {self.sent} bytes arrived"


@dataclass(frozen=True)
class Route:
    """Which streams: from a device (and port) to a device (and port); None for any."""

    source: str | None = None
    source_port: int | None = None
    target: str | None = None
    target_port: int | None = None

    def matches(self, source: str, target: str, key: Key) -> bool:
        """Whether a stream from ``source`` with the sender's ``key`` is one of them."""
        return (
            self.source in (None, source)
            and self.target in (None, target)
            and self.source_port in (None, key[1])
            and self.target_port in (None, key[3])
        )


class Streams:
    """All streams of a run. ``names`` are the devices by their addresses."""

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._ends: dict[object, End] = {}  # by the socket of the layer, in the order of first use
        self._single: dict[Key, list[End]] = {}  # whose other end has not been seen

    def watch(self, device: Device) -> None:
        """Observe what programs on ``device`` send and receive."""
        before = device.on_event

        def on_event(kind: str, sock: Any, conn: Conn | None, **fields: Any) -> None:
            if before is not None:
                before(kind, sock, conn, **fields)
            if sock is None or conn is None or kind not in ("send", "recv", "receive"):
                return
            end = self._ends.get(sock) or self._first(device, sock, conn)
            if kind == "recv":
                end.queued += fields["len"]
            else:
                self._add(end, kind, fields["data"])

        device.on_event = on_event

    def _first(self, device: Device, sock: Any, conn: Conn) -> End:
        """An end is seen for the first time: it belongs to the youngest that has no other end yet."""
        port, remote, remote_port = conn
        key = (device.stack.netif.ip, port, remote, remote_port)
        stack = device.stack
        end = End(device.name, key, lambda: device.stack is stack and sock.pcb is not None)
        self._ends[sock] = end
        others = self._single.get((remote, remote_port, key[0], port))
        if others:
            end.peer = others.pop()
            end.peer.peer = end
        else:
            self._single.setdefault(key, []).append(end)
        return end

    @staticmethod
    def _add(end: End, kind: str, data: bytes) -> None:
        if kind == "send":
            end.sent += len(data)
            end.sent_hash.update(data)
            end.on_its_way += data
            end.compare()
        else:
            end.received += len(data)
            end.received_hash.update(data)
            end.unexplained += data
            if end.peer is not None:
                end.peer.compare()

    @property
    def is_busy(self) -> bool:
        """Whether something has arrived that a program has not read yet, and still may."""
        return any(end.queued > end.received and end.is_alive() for end in self._ends.values())

    def of(self, route: Route) -> Iterator[tuple[str, End]]:
        """The ends that sent something along ``route``, each with the name of the stream."""
        for end in self._ends.values():
            target = self._target(end)
            if end.sent and route.matches(end.device, target, end.key):
                yield f"{end.device}:{end.key[1]}>{target}:{end.key[3]}", end

    def _target(self, end: End) -> str:
        if end.peer is not None:
            return end.peer.device
        return self._names.get(end.key[2], format_ip(end.key[2]))

    def sent(self, route: Route) -> int:
        """Bytes that were sent along ``route``."""
        return sum(end.sent for _, end in self.of(route))

    def delivered(self, route: Route) -> int:
        """Bytes that arrived along ``route``, as they were or not."""
        return sum(end.arrived for _, end in self.of(route))
