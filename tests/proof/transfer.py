"""A transfer that survives whatever a wire does: two programs that send each other streams at once over one
connection, and go on over another when that one dies.

Each end begins a connection by saying how many bytes it has got so far; the other goes on from there. An end
that has got everything says so with one byte after its stream. So a program here does nothing that a user's
could not: it uses ``usocket`` alone, and knows of the other end only what arrives.

Without pytest: other interpreters run this, too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import usocket
from usocket import select, time

PORT = 5000
HELLO = 8  # bytes: how many of the other's stream have arrived
DONE = b"\x06"
QUIET = 600_000  # ms without anything to read or to write, then another connection is tried
PAUSE = 250  # ms until a send that found no memory is tried again
BETWEEN = 1000  # ms until the next attempt to connect
AT_ONCE = 1 << 16  # bytes that are read at a time
PIECE = 1400  # bytes that are written at a time: all or nothing, so the smallest heap must hold them

# What may end a connection on a wire that loses (docs/usocket.md): nobody answers, given up, reset, timed out
MAY_END = {"ECONNABORTED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOTCONN", "EBADF"}
NO_MEMORY = {"ENOBUFS", "ENOMEM"}
NOT_NOW = {"EAGAIN"}


class Gone(Exception):
    """The connection is over before everything has arrived; the text is the errno's name, or "end"."""


def name_of(error: OSError) -> str:
    """The errno's name, whatever numbers the port has."""
    return str(error).rpartition(" ")[2]


@dataclass
class End:
    """One end: ``data`` is what it sends, ``expected`` how much it gets. ``received`` counts, ``arrived`` is
    the SHA-256 of what came. ``ended``: how connections ended before they were done, by errno.
    """

    data: bytes
    expected: int
    received: int = 0
    arrived: Any = field(default_factory=hashlib.sha256)
    connections: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    complete: bool = False  # the other end has everything, too

    def take(self, data: bytes) -> None:
        """The next bytes of the other's stream."""
        self.received += len(data)
        self.arrived.update(data)

    def gone(self, why: str) -> None:
        """A connection ended early."""
        self.ended[why] = self.ended.get(why, 0) + 1


class Conversation:
    """An end on one connection."""

    def __init__(self, end: End, sock: Any) -> None:
        self._end = end
        self._sock = sock
        self._start = bytearray()  # of the other's HELLO
        self._out = memoryview(end.received.to_bytes(HELLO, "big"))
        self._said_done = False
        end.connections += 1

    @property
    def wants_to_send(self) -> bool:
        """Whether something is left to be sent now."""
        return bool(self._out)

    def read(self) -> None:
        """Read until nothing is there. Raises Gone."""
        end = self._end
        while True:
            try:
                data = self._sock.recv(AT_ONCE)
            except OSError as error:
                self._judge(error, NOT_NOW)
                return
            if not data:
                raise Gone("end")
            if len(self._start) < HELLO:
                missing = HELLO - len(self._start)
                self._start += data[:missing]
                data = data[missing:]
                if len(self._start) == HELLO:
                    self._out = memoryview(bytes(self._out) + end.data[int.from_bytes(self._start, "big") :])
            more = end.expected - end.received
            end.take(data[:more])
            if data[more:] == DONE:
                end.complete = True
            else:
                assert not data[more:], f"{len(data) - more} bytes more than were sent"
            if end.received == end.expected and len(self._start) == HELLO and not self._said_done:
                self._said_done = True
                self._out = memoryview(bytes(self._out) + DONE)

    def write(self) -> bool:
        """Send until nothing more fits; False: there was no memory for it. Raises Gone."""
        while self._out:
            try:
                count = self._sock.send(bytes(self._out[:PIECE]))
            except OSError as error:
                self._judge(error, NOT_NOW | NO_MEMORY)
                return name_of(error) in NOT_NOW
            self._out = self._out[count:]
        return True

    @staticmethod
    def _judge(error: OSError, expected: set[str]) -> None:
        name = name_of(error)
        if name in MAY_END:
            raise Gone(name) from None
        if name not in expected:
            raise error


def client(end: End, address: str) -> None:
    """Connect, again and again, until both ends have everything."""
    while not (end.complete and end.received == end.expected):
        if end.connections:
            time.sleep_ms(BETWEEN)
        sock = usocket.socket()
        try:
            sock.connect((address, PORT))
            sock.setblocking(False)
            _converse(Conversation(end, sock), sock, end)
        except OSError as error:
            if name_of(error) not in MAY_END | NO_MEMORY:
                raise
            end.gone(name_of(error))
        except Gone as gone:
            end.gone(str(gone))
        sock.close()


def _converse(conversation: Conversation, sock: Any, end: End) -> None:
    poller = select.poll()
    poller.register(sock)
    while not (end.complete and end.received == end.expected):
        poller.modify(sock, select.POLLIN | (select.POLLOUT if conversation.wants_to_send else 0))
        ready = poller.poll(QUIET)
        if not ready:
            raise Gone("quiet")
        conversation.read()
        if not conversation.write():
            time.sleep_ms(PAUSE)


def server(end: End) -> None:
    """Accept for ever; a new connection takes the place of the one that is there."""
    listener = usocket.socket()
    listener.bind(("", PORT))
    listener.listen(1)
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    sock, conversation = None, None
    while True:
        if conversation is not None:
            poller.modify(sock, select.POLLIN | (select.POLLOUT if conversation.wants_to_send else 0))
        ready = {id(one) for one, _ in poller.poll()}
        try:
            if id(listener) in ready:
                if sock is not None:
                    raise Gone("replaced")
                sock, _ = listener.accept()
                sock.setblocking(False)
                conversation = Conversation(end, sock)
                poller.register(sock)
            elif conversation is not None:
                conversation.read()
                if not conversation.write():
                    time.sleep_ms(PAUSE)
        except Gone as gone:
            if not (str(gone) == "end" and end.complete):
                end.gone(str(gone))
            poller.unregister(sock)
            sock.close()
            sock = conversation = None
