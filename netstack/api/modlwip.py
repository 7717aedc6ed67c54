"""MicroPython's socket layer on the raw API, without its waiting: what ``extmod/modlwip.c`` keeps per socket
and does per call.

Every operation is one try that returns a result or an err_t; ``usocket`` waits around it. A socket has
MicroPython's state number (``print(sock)`` shows it): 0 NEW, 1 LISTENING, 2 CONNECTING, 3 CONNECTED, 4
ACTIVE_UDP, 5 PEER_CLOSED, 6 PEER_RST_HANDLED, or, negative, the err_t that ended it (-17: closed by us).

What an observer knows this layer by:

* ``accept`` queue of max(1, backlog) places; one finished handshake more is reset (``accept-full``), since
  lwIP's own backlog counts half-open connections only.
* A connection nobody has accepted refuses its data (lwIP parks one segment and offers it again every 250 ms),
  and the notification of a FIN without data is lost.
* ``read`` returns at most what is left of the first pbuf, and opens the window by just that.
* ``close`` with unread data resets; else the FIN gets 10 s, then a poll callback aborts whatever is left.

Source: micropython/micropython:extmod/modlwip.c of v1.28, measured.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from netstack.api.common import ERR_BADF, Conn, EventHook, conn_of, set_pcb_option
from netstack.api.modlwip_datagram import (
    POLL_HUP,
    POLL_IN,
    POLL_NVAL,
    POLL_OUT,
    PacketSocket,
    RawSocket,
    UdpSocket,
    raw_socket,
    udp_socket,
)
from netstack.errors import (
    ERR_ABRT,
    ERR_ALREADY,
    ERR_ARG,
    ERR_BUF,
    ERR_CLSD,
    ERR_CONN,
    ERR_INPROGRESS,
    ERR_ISCONN,
    ERR_MEM,
    ERR_OK,
    ERR_RST,
    ERR_VAL,
    ERR_WOULDBLOCK,
)
from netstack.tcp.states import CLOSED
from netstack.tcp.tcb import ListenTcb, Tcb

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf
    from netstack.stack import Stack

__all__ = [
    "AnySocket",
    "PacketSocket",
    "RawSocket",
    "TcpSocket",
    "UdpSocket",
    "raw_socket",
    "tcp_socket",
    "udp_socket",
]

NEW, LISTENING, CONNECTING, CONNECTED = range(4)
PEER_CLOSED, PEER_RST_HANDLED = 5, 6

POLL_ERR = 8

_MS_PER_POLL = 500  # tcp_poll counts slow ticks; modlwip divides its 10000 ms by this


class TcpSocket:
    """A stream socket. ``pcb`` is None once lwIP or ``close`` has freed it; ``state`` then says why.

    ``peer`` is the (ip, port) that was given to connect.
    """

    __slots__ = (
        "_listener",
        "_pcb",
        "_stack",
        "_tcp",
        "conn",
        "incoming",
        "on_event",
        "peer",
        "queue",
        "slots",
        "state",
    )

    def __init__(
        self, stack: Stack, pcb: Tcb, on_event: EventHook | None, listener: TcpSocket | None = None
    ) -> None:
        self._stack = stack
        self._tcp = stack.tcp
        self.on_event = on_event
        self._listener = listener  # in whose queue it waits to be accepted
        self._pcb: Tcb | ListenTcb | None = pcb
        self.conn: Conn = conn_of(pcb)
        self.state = NEW if listener is None else CONNECTED
        self.peer = (0, 0)
        self.incoming: deque[Pbuf] = deque()  # received, not yet read
        self.queue: deque[TcpSocket] = deque()  # a listener's finished handshakes, not yet accepted
        self.slots = 0
        pcb.errf = self._error
        pcb.recv = self._recv
        pcb.sent = self._sent

    @property
    def pcb(self) -> Tcb | ListenTcb | None:
        """lwIP's control block; None once it is gone.

        lwIP frees it without a word when TIME_WAIT ends, or for another connection when the pool is empty; a
        board then goes on with memory that is anybody's. Here it is gone.
        """
        pcb = self._pcb
        if self.state > NEW and isinstance(pcb, Tcb) and pcb.state == CLOSED:
            self._pcb = pcb = None
        return pcb

    # Calls

    def bind(self, ip: int, port: int) -> int:
        """Give it a local address. ERR_USE, ERR_VAL (not new, or bound before), ERR_ARG (closed).

        A second bind to another port corrupts lwIP's list of bound pcbs (the board hangs); it is refused
        here.
        """
        pcb = self.pcb
        if pcb is None:
            return ERR_ARG
        if not isinstance(pcb, Tcb) or self.state != NEW or pcb.local_port not in (0, port):
            return ERR_VAL
        return self._tcp.bind(pcb, ip, port)

    def listen(self, backlog: int) -> int:
        """Become a listener, on a port of its own if unbound: a small listening pcb replaces the full one.

        ERR_MEM or ERR_USE (stays new), ERR_CLSD (not new), ERR_BADF. A listener stays as it is.
        """
        pcb = self.pcb
        if pcb is None:
            return ERR_BADF
        if isinstance(pcb, ListenTcb):
            return ERR_OK
        if self.state != NEW:
            return ERR_CLSD
        if not pcb.local_port and (err := self._tcp.bind(pcb, 0, 0)) != ERR_OK:
            return err
        listener, err = self._tcp.listen(pcb, backlog)
        if listener is None:
            return err
        self._pcb = listener
        self.slots = max(1, backlog)
        self.state = LISTENING
        self.conn = conn_of(listener)
        listener.accept = self._accept
        return ERR_OK

    def accept(self) -> tuple[TcpSocket | None, int]:
        """Take the oldest finished handshake from the queue; ERR_WOULDBLOCK, ERR_VAL (no listener), ERR_BADF.
        """
        if self.pcb is None:
            return None, ERR_BADF
        if self.state != LISTENING:
            return None, ERR_VAL
        if not self.queue:
            return None, ERR_WOULDBLOCK
        accepted = self.queue.popleft()
        accepted._listener = None
        return accepted, ERR_OK

    @property
    def queued(self) -> int:
        """How many connections wait to be accepted."""
        return len(self.queue)

    @property
    def room(self) -> int:
        """Bytes that ``write`` would take now (``tcp_sndbuf``)."""
        return pcb.snd_buf if isinstance(pcb := self.pcb, Tcb) else 0

    def connect(self, ip: int, port: int) -> int:
        """Send a SYN: ERR_INPROGRESS. ERR_ISCONN, ERR_ALREADY, ERR_BADF, or what routing and pools say (stays
        new).
        """
        pcb = self.pcb
        if pcb is None:
            return ERR_BADF
        if not isinstance(pcb, Tcb) or self.state != NEW:
            return ERR_ISCONN if self.state == CONNECTED else ERR_ALREADY
        pcb.connected = self._connected
        self.state = CONNECTING
        err = self._tcp.connect(pcb, ip, port)
        if err != ERR_OK:
            self.state = NEW
            return err
        self.peer = (ip, port)
        self.conn = conn_of(pcb)
        return ERR_INPROGRESS

    def read(self, size: int, peek: bool = False) -> tuple[bytes | None, int]:
        """At most what is left of the first pbuf; ``b""`` after the peer's FIN; the connection's error once.

        ERR_WOULDBLOCK when nothing is there, also while new or connecting; ERR_CONN on a listener.
        """
        if not self.incoming:
            return self._nothing_to_read()
        first = self.incoming[0]
        count = min(size, first.first_len)
        data = first.data[:count]
        if not peek:
            left = len(first) - count
            first.consume(count)
            if not left:
                first.free()
                self.incoming.popleft()
            if isinstance(pcb := self.pcb, Tcb):
                self._tcp.recved(pcb, count)
        return data, ERR_OK

    def write(self, data: bytes, more: bool = False) -> tuple[int, int]:
        """Queue ``min(len(data), snd_buf)`` bytes, then send if Nagle allows. ``more`` is ignored, as
        MicroPython has none.

        ERR_WOULDBLOCK (buffer full, or connecting), ERR_CONN (no connection), ERR_MEM (heap or segments;
        MicroPython waits up to 10 s then), the connection's error once. An err with a count is from routing
        or the driver: so much is queued all the same.
        """
        pcb = self.pcb
        if pcb is None:
            return 0, self._error_of_send()
        if not isinstance(pcb, Tcb) or self.state == NEW:
            return 0, ERR_CONN
        if self.state == CONNECTING or not pcb.snd_buf:
            return 0, ERR_WOULDBLOCK
        count = min(len(data), pcb.snd_buf)
        err = self._tcp.write(pcb, data if count == len(data) else data[:count])
        if err == ERR_OK:
            err = self._tcp.output_nagle(pcb)
            return count, err
        return 0, err

    def output(self) -> int:
        """Have lwIP send what it may (``tcp_output``): MicroPython calls it between its tries to write."""
        return self._tcp.output(self.pcb) if isinstance(self.pcb, Tcb) else ERR_CONN

    def shutdown(self, rx: bool, tx: bool) -> int:
        """``tcp_shutdown``; MicroPython's socket has no such method. ERR_CONN where there is nothing to shut
        down.
        """
        pcb = self.pcb
        if not isinstance(pcb, Tcb):
            return ERR_CONN
        if rx:
            pcb.recv = None
        if tx:
            pcb.sent = None
        err = self._tcp.shutdown(pcb, rx, tx)
        if rx and tx and err == ERR_OK and pcb.state == CLOSED:
            self._forget()  # lwIP freed the pcb without a word
            self.state = ERR_CLSD
        return err

    def close(self, *, forget_single: bool = False) -> int:
        """Close; twice is fine. Unread data or waiting connections are reset, else a FIN goes out and 10 s
        begin.

        ``forget_single``: a listener with one place forgets the connection in it, as MicroPython does: nobody
        ever answers it, and its pcb is held until the client gives up.
        """
        pcb = self.pcb
        self._forget()
        if pcb is None:
            return ERR_OK
        if isinstance(pcb, ListenTcb):
            pcb.accept = None
            self._empty_queue(abort=not (forget_single and self.slots == 1))
        else:
            _detach(pcb)
            timeout = self._stack.profile.api_close_timeout_ms
            if timeout:
                pcb.poll = self._close_timeout
                pcb.pollinterval = timeout // _MS_PER_POLL
        if self._tcp.close(pcb) != ERR_OK and isinstance(pcb, Tcb):
            self._tcp.abort(pcb)
        return ERR_OK

    def abort(self) -> None:
        """Reset the connection and forget it (``tcp_abort``); a listener is closed."""
        pcb = self.pcb
        if not isinstance(pcb, Tcb):
            self.close()
            return
        self._forget()
        _detach(pcb)
        self._tcp.abort(pcb)

    def setsockopt(self, name: str, value: int) -> int:
        """Set an option by its name; see ``common.set_pcb_option``. ERR_BADF without a pcb (the board
        crashes).
        """
        return ERR_BADF if self.pcb is None else set_pcb_option(self.pcb, name, value, self._stack.profile)

    def poll(self, mask: int) -> int:
        """Poll flags (``ioctl(MP_STREAM_POLL)``): IN 1, OUT 4, ERR 8, HUP 16, NVAL 32; the last three
        unasked.
        """
        state, pcb = self.state, self.pcb
        flags = 0
        if self.queue or self.incoming:
            flags |= mask & POLL_IN
        if isinstance(pcb, Tcb) and state != CONNECTING and pcb.snd_buf:
            flags |= mask & POLL_OUT
        if state == NEW:
            flags |= POLL_HUP
        elif state == PEER_CLOSED:
            flags |= mask & (POLL_IN | POLL_OUT)
        elif state == PEER_RST_HANDLED:
            flags |= mask & POLL_IN | POLL_HUP
        elif state == ERR_RST:
            flags |= mask & (POLL_IN | POLL_OUT) | POLL_ERR | POLL_HUP
        elif state == ERR_BADF:
            flags |= POLL_NVAL
        elif state < 0:
            flags |= POLL_ERR
        return flags

    # What the calls are made of

    def _nothing_to_read(self) -> tuple[bytes | None, int]:
        state = self.state
        if state < 0:
            self.state = PEER_RST_HANDLED if state == ERR_RST else ERR_BADF
            return None, state
        if state >= PEER_CLOSED:
            return b"", ERR_OK
        return None, ERR_CONN if state == LISTENING else ERR_WOULDBLOCK

    def _error_of_send(self) -> int:
        """The error of a connection that is gone: once, then ERR_BADF. After a read had it: ERR_CONN."""
        if self.state == PEER_RST_HANDLED:
            return ERR_CONN
        err, self.state = self.state, ERR_BADF
        return err

    def _empty_queue(self, abort: bool) -> None:
        waiting = list(self.queue)
        self.queue.clear()
        for sock in waiting:
            if abort:
                sock.abort()

    def _forget(self) -> None:
        self._pcb = None
        self.state = ERR_BADF
        while self.incoming:
            self.incoming.popleft().free()

    def _event(self, kind: str, **fields: object) -> None:
        if self.on_event is not None:
            self.on_event(kind, self, self.conn, **fields)

    # lwIP's callbacks

    def _connected(self, pcb: Tcb, err: int) -> int:
        self.state = CONNECTED
        self._event("connected")
        return ERR_OK

    def _recv(self, pcb: Tcb, p: Pbuf | None, err: int) -> int:
        if self._listener is not None:
            return self._refuse(p)
        if p is None:
            self.state = PEER_CLOSED
            self._event("fin")
        else:
            self.incoming.append(p)
            if self.on_event is not None:
                self._event("recv", len=len(p))
        return ERR_OK

    def _refuse(self, p: Pbuf | None) -> int:
        """Nobody has accepted yet. lwIP parks a refused segment, but forgets a refused FIN
        (``tcp_in.c:tcp_input``), so the reader never sees the end of file.
        """
        if p is None:
            if "lone_fin_before_accept_lost" not in self._stack.profile.quirks:
                self.state = PEER_CLOSED
                self._event("fin")
                return ERR_OK
            self._event("fin-lost")
        else:
            self._event("refused", len=len(p))
        return ERR_BUF

    def _sent(self, pcb: Tcb, count: int) -> int:
        self._event("sent", len=count)
        return ERR_OK

    def _error(self, err: int) -> None:
        """lwIP has freed the pcb; what was received stays readable. In an accept queue the later ones move
        up.
        """
        self._event("err", err=err)
        self._pcb = None
        self.state = err
        if self._listener is not None and self in self._listener.queue:
            self._listener.queue.remove(self)

    def _accept(self, pcb: Tcb | None, err: int) -> int:
        """A handshake is complete (or a SYN found no free pcb: ``pcb`` None)."""
        if pcb is None or err != ERR_OK:
            self._event("accept-err", err=err)
            return ERR_OK
        if len(self.queue) >= self.slots:
            if self.on_event is not None:
                self.on_event("accept-full", self, conn_of(pcb))
            return ERR_BUF
        waiting = TcpSocket(self._stack, pcb, self.on_event, self)
        self.queue.append(waiting)
        waiting._event("pending", listener=self)
        return ERR_OK

    def _close_timeout(self, pcb: Tcb) -> int:
        """The connection outlived ``close`` by 10 s: reset it to have its memory back
        (``_lwip_tcp_close_poll``).
        """
        self._tcp.abort(pcb)
        return ERR_ABRT


def _detach(pcb: Tcb) -> None:
    pcb.errf = pcb.recv = pcb.sent = pcb.connected = None


def tcp_socket(stack: Stack, on_event: EventHook | None = None) -> tuple[TcpSocket | None, int]:
    """A stream socket, which takes a pcb at once; ERR_MEM when there is none."""
    pcb = stack.tcp.new()
    return (None, ERR_MEM) if pcb is None else (TcpSocket(stack, pcb, on_event), ERR_OK)


AnySocket = TcpSocket | UdpSocket | RawSocket
