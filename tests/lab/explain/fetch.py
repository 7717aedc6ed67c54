"""A run to ask about: a client fetches 20 kB, its first SYN-ACK and the third data segment are lost."""

from __future__ import annotations

import usocket
from lab.trace import MemorySink, Recorder, Trace
from tap.cable import Note, PassOn
from usocket.emulation import Network

MS = 1_000_000
SIZE = 20_000
_TCP = 14 + 20


class Script:
    """Loses the first SYN-ACK and the third segment with data."""

    name = "script"

    def __init__(self) -> None:
        self.syn_acks = 0
        self.data = 0

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        """One frame on its way."""
        if self._is_lost(frame):
            note("drop", "as the script wants")
        else:
            pass_on(frame, now)

    def _is_lost(self, frame: bytes) -> bool:
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            return False
        if frame[_TCP + 13] & 0x12 == 0x12:
            self.syn_acks += 1
            return self.syn_acks == 1
        if int.from_bytes(frame[16:18], "big") > 40:
            self.data += 1
            return self.data == 3
        return False


def serve() -> None:
    """Send 20 kB to the first client."""
    listener = usocket.socket()
    listener.bind(("0.0.0.0", 80))
    listener.listen(1)
    connection, _ = listener.accept()
    connection.recv(100)
    left = SIZE
    while left:
        left -= connection.send(bytes(left))
    connection.close()
    listener.close()


def fetch() -> int:
    """How many bytes came."""
    connection = usocket.socket()
    connection.connect(("10.0.0.1", 80))
    connection.send(b"GET\r\n")
    count = 0
    while data := connection.recv(1000):
        count += len(data)
    connection.close()
    return count


def run() -> Trace:
    """The run, recorded."""
    sink = MemorySink()
    with Network(seed=1) as net:
        server = net.device("server", address="10.0.0.1/24")
        client = net.device("client", address="10.0.0.2/24")
        cable = net.cable(server, client, delay=20 * MS)
        cable.forth.add(Script(), 0)
        recorder = Recorder(sink, source="virtual", title="fetch", seed=1)
        recorder.attach(net)
        net.program(serve, on=server)
        fetched = net.program(fetch, on=client, at=100 * MS)
        net.run()
        assert fetched.result == SIZE
        recorder.close()
    return Trace(sink.header, sink.events)
