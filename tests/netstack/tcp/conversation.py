"""One TCP connection of a device, seen and driven from the other end of the wire.

    talk = Conversation("micropython")  # a device with a listener on port 80; we are 10.0.0.2:40000
    talk.segment(SYN, seq=0, mss=1460)
    talk.expect(SYN | ACK, seq=0, ack=1, win=6400, mss=800)
    talk.segment(ACK, seq=1, ack=1)
    talk.write(b"hello")                            # the device's application
    talk.expect(PSH | ACK, seq=1, data=b"hello")
    talk.advance(ms=250)
    talk.expect_nothing()

Sequence numbers count from each side's initial one. Frames are built and decoded by scapy. States are reached
by real segments. A failing expectation tells the story so far with virtual times.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from netstack.errors import ERR_OK
from netstack.pbuf import Pbuf
from netstack.tcp.header import ACK, FIN, PSH, RST, SYN
from netstack.tcp.states import STATE_NAMES
from netstack.tcp.tcb import ListenTcb, Tcb
from tests.netstack.peer import OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of

__all__ = ["ACK", "FIN", "PSH", "RST", "SYN", "Conversation", "established"]

PORT = 80
PEER_PORT = 40000
OUR_ISS, PEER_ISS = 0x10000, 0xFFFFFF00  # the peer's numbers wrap early on


@lru_cache(maxsize=4096)
def _frame(
    port: int, to: int, seq: int, ack: int, flags: int, win: int, options: tuple[Any, ...], data: bytes
) -> bytes:
    """A frame from us, built once: scapy takes longer than the stack, and handshakes repeat."""
    segment = TCP(
        sport=port, dport=to, seq=seq, ack=ack, flags=flags, window=win, options=list(options)
    )  # fmt: skip
    return bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER, dst=OURS) / segment / data)


def _shown(fields: dict[str, Any]) -> str:
    """The fields of a segment in one line, however long its data is."""
    data = fields.get("data", b"")
    short = fields if len(data) <= 40 else fields | {"data": f"{len(data)} bytes, {data[:10]!r}..."}
    return ", ".join(f"{name} {value}" for name, value in short.items())


class Conversation(Peer):
    """The device's side of one connection is ``pcb``; its callbacks fill ``received``, ``events``.

    ``consumes``: the application takes what it gets at once; else ``read`` does. ``answer`` is what its
    receive callback returns.
    """

    def __init__(self, profile: str = "lwip-default", *, backlog: int = 5, **options: Any) -> None:
        super().__init__(profile, **options)
        self.tcp = self.stack.tcp
        self.tcp.iss_hook = lambda: OUR_ISS
        self.events: list[str] = []
        self.received = b""
        self.unread: list[Pbuf] = []
        self.consumes = True
        self.answer = ERR_OK
        self.pcb: Tcb
        pcb = self.tcp.new()
        assert pcb is not None
        assert self.tcp.bind(pcb, 0, PORT) == ERR_OK
        listener, err = self.tcp.listen(pcb, backlog)
        assert listener is not None
        assert err == ERR_OK
        listener.accept = self._accept
        self.listener: ListenTcb = listener

    # The device's application

    def _accept(self, pcb: Tcb | None, err: int) -> int:
        if pcb is None:
            self.events.append(f"accept {err}")
            return err
        self.events.append("accept")
        self._adopt(pcb)
        return ERR_OK

    def _adopt(self, pcb: Tcb) -> None:
        self.pcb = pcb
        pcb.recv = self._recv
        pcb.sent = self._sent
        pcb.errf = self._error

    def _recv(self, pcb: Tcb, p: Pbuf | None, err: int) -> int:
        if p is None:
            self.events.append("fin")
        elif self.answer != ERR_OK:
            self.events.append(f"refused {len(p)}")
            return self.answer
        else:
            self.events.append(f"recv {len(p)}")
            self.received += p.data
            self.unread.append(p)
            if self.consumes:
                self.read()
        return ERR_OK

    def _sent(self, pcb: Tcb, length: int) -> int:
        self.events.append(f"sent {length}")
        return ERR_OK

    def _error(self, err: int) -> None:
        self.events.append(f"err {err}")

    def read(self) -> None:
        """Consume everything delivered so far."""
        for p in self.unread:
            self.tcp.recved(self.pcb, len(p))
            p.free()
        self.unread.clear()

    def connect(self) -> int:
        """Open a connection to us from a new socket; it becomes ``pcb``."""
        pcb = self.tcp.new()
        assert pcb is not None
        assert self.tcp.bind(pcb, 0, 5000) == ERR_OK
        pcb.connected = self._connected
        self._adopt(pcb)
        return self.tcp.connect(pcb, ip_of(PEER), PEER_PORT)

    def _connected(self, pcb: Tcb, err: int) -> int:
        self.events.append("connected")
        return ERR_OK

    def write(self, data: bytes, more: bool = False) -> int:
        """Write and send."""
        err = self.tcp.write(self.pcb, data, more)
        self.tcp.output(self.pcb)
        return err

    def close(self) -> int:
        """Close both directions."""
        return self.tcp.close(self.pcb)

    @property
    def state(self) -> str:
        """The state of the connection."""
        return STATE_NAMES[self.pcb.state]

    def happened(self) -> list[str]:
        """The application's events since the last look."""
        events, self.events = self.events, []
        return events

    def expect_no_queue(self) -> None:
        """No TCP segment and no receive buffer is held any more."""
        assert self.stack.mem.tcp_seg.used == 0, self.story
        assert self.stack.mem.pbuf_pool.used == 0, self.story

    def sent_at(self) -> list[int]:
        """When each frame of the device left, ms."""
        return [time for time, direction, _ in self._story if direction == ">"]

    # Our side

    def segment(
        self,
        flags: int,
        seq: int = 0,
        ack: int | None = None,
        data: bytes = b"",
        *,
        win: int = 65535,
        mss: int | None = None,
        options: tuple[Any, ...] = (),
        port: int = PEER_PORT,
        to: int | None = None,
        iss: int = OUR_ISS,
    ) -> None:
        """A segment from us. ``ack`` counts from the device's SYN. ``to`` is the device's port, by default
        that of its connection.
        """
        if mss is not None:
            options = (("MSS", mss), *options)
        if to is None:
            to = getattr(self, "pcb", self.listener).local_port or PORT
        seq = (PEER_ISS + seq) & 0xFFFFFFFF
        ack = 0 if ack is None else (iss + ack) & 0xFFFFFFFF
        self.send(_frame(port, to, seq, ack, flags, win, options, data))

    def expect(
        self,
        flags: int,
        seq: int | None = None,
        ack: int | None = None,
        data: bytes | None = None,
        win: int | None = None,
        mss: int | None = None,
        iss: int = OUR_ISS,
    ) -> Any:
        """The next frame of the device is this segment (None: not looked at); returns scapy's view of it."""
        assert self.frames, f"nothing was sent\n{self.story}"
        packet = Ether(self.frames.pop(0))
        tcp = packet[TCP]
        got: dict[str, Any] = {"flags": int(tcp.flags) & 0x3F}
        want: dict[str, Any] = {"flags": flags}
        for name, wanted, value in (
            ("data", data, bytes(tcp.payload)),
            ("seq", seq, (tcp.seq - iss) & 0xFFFFFFFF),
            ("ack", ack, (tcp.ack - PEER_ISS) & 0xFFFFFFFF),
            ("win", win, tcp.window),
            ("mss", mss, dict(tcp.options).get("MSS")),
        ):
            if wanted is not None:
                got[name], want[name] = value, wanted
        if got != want:
            raise AssertionError(f"expected {_shown(want)}\n     got {_shown(got)}\n{self.story}")
        reference = IP(bytes(packet[IP]))
        del reference[IP].chksum, reference[TCP].chksum
        length = reference[IP].len
        assert bytes(packet[IP])[:length] == bytes(reference)[:length], "a wrong checksum"
        return tcp


def established(
    profile: str = "lwip-default",
    *,
    mss: int = 1460,
    win: int = 65535,
    handshake: tuple[Any, ...] = (),
    **options: Any,
) -> Conversation:
    """A conversation with its handshake done, the device being the passive side. Next: seq 1, ack 1.

    ``handshake`` are TCP options of both our segments; the MSS stands before them in the SYN.
    """
    talk = Conversation(profile, **options)
    talk.segment(SYN, 0, mss=mss, win=win, options=handshake)
    talk.expect(SYN | ACK, seq=0, ack=1)
    talk.segment(ACK, 1, 1, win=win, options=handshake)
    assert talk.happened() == ["accept"]
    assert talk.state == "ESTABLISHED"
    talk.expect_nothing()
    return talk
