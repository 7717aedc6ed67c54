"""lwIP's own socket layer (netconn under sockets) on the raw API, without its waiting: always non-blocking.

Every operation is one try that returns a result or an err_t. What an observer knows this layer by:

* A connection counts against the backlog until it is accepted; it takes data and the peer's FIN before that.
* Each delivery is one message in a mailbox; ``read`` gathers over messages and opens the window once.
* After the peer's FIN ``read`` gives ``b""`` once and shuts the receiving side down; then ERR_CONN.
* An error is told after the data that came before it, twice (the message in the mailbox, then the pending
  error), then ERR_CONN.
* ``close`` drops unread data without opening the window, so the peer is reset.

Source: lwIP ``api/api_msg.c``, ``api/api_lib.c``, ``api/sockets.c``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from netstack.api.common import ERR_BADF, Conn, EventHook, conn_of, set_pcb_option
from netstack.api.netconn_udp import UdpSocket
from netstack.errors import (
    ERR_ABRT,
    ERR_ALREADY,
    ERR_CLSD,
    ERR_CONN,
    ERR_INPROGRESS,
    ERR_ISCONN,
    ERR_MEM,
    ERR_OK,
    ERR_RST,
    ERR_RTE,
    ERR_VAL,
    ERR_WOULDBLOCK,
)
from netstack.tcp.states import CLOSED, CLOSING, FIN_WAIT_1, FIN_WAIT_2
from netstack.tcp.tcb import TF_RXCLOSED

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf
    from netstack.stack import Stack
    from netstack.tcp.tcb import ListenTcb, Tcb

_POLL_INTERVAL = 2  # slow ticks between retries of tcp_output (NETCONN_TCP_POLL_INTERVAL)
_MAX_CHUNK = 0xFFFF  # tcp_write and tcp_recved take 16-bit lengths


class TcpSocket:
    """A stream socket: a connection (or what may become one), or a listener."""

    __slots__ = (
        "_accepts",
        "_connecting",
        "_listener",
        "_mbox",
        "_mbox_closed",
        "_mbox_valid",
        "_on_event",
        "_pending_err",
        "_stack",
        "_tcb",
        "_tcp",
        "conn",
    )

    def __init__(self, stack: Stack, pcb: Tcb, on_event: EventHook | None) -> None:
        self._stack = stack
        self._tcp = stack.tcp
        self._on_event = on_event
        self._tcb: Tcb | None = pcb
        self._listener: ListenTcb | None = None
        self.conn: Conn = (0, 0, 0)  # of a connection or listener, also when it is gone
        self._connecting = False
        # recvmbox: data, or the err_t of a message (FIN: ERR_CLSD). Not valid once the receiving side is shut
        # down; closed when the connection failed and nothing more comes.
        self._mbox: deque[Pbuf | int] = deque()
        self._mbox_valid = True
        self._mbox_closed = False
        self._pending_err = ERR_OK
        # acceptmbox: connections, or the err_t of one that was lost
        self._accepts: deque[TcpSocket | int] = deque()

    @property
    def pcb(self) -> Tcb | ListenTcb | None:
        """lwIP's control block; None once lwIP has freed it or the socket is closed."""
        return self._pcb or self._listener

    @property
    def _pcb(self) -> Tcb | None:
        """The control block of a connection (or of what may become one).

        lwIP frees it without a word when TIME_WAIT ends (and uses it all the same: it is anybody's then).
        """
        pcb = self._tcb
        if pcb is not None and pcb.state == CLOSED and self.conn[0]:
            self._tcb = pcb = None
        return pcb

    # Calls

    def bind(self, ip: int, port: int) -> int:
        """Give it a local address. ERR_USE; ERR_VAL when it has one, listens or is gone; ERR_BUF without a
        free port.
        """
        pcb = self._pcb
        return ERR_VAL if pcb is None else self._tcp.bind(pcb, ip, port)

    def listen(self, backlog: int) -> int:
        """Become a listener, or change the backlog of one. ERR_VAL (connected), ERR_MEM, ERR_USE, ERR_CONN
        (connecting, or gone).
        """
        backlog = min(backlog, 0xFF)
        if self._stack.profile.tcp_listen_backlog:
            backlog = max(backlog, 1)
        if self._listener is not None:
            self._listener.backlog = backlog
            return ERR_OK
        pcb = self._pcb
        if pcb is None or self._connecting:
            return ERR_CONN
        if pcb.state != CLOSED:
            return ERR_VAL
        listener, err = self._tcp.listen(pcb, backlog)
        if listener is None:
            return err
        self._tcb, self._listener = None, listener
        self.conn = conn_of(listener)
        self._mbox_valid = False
        listener.accept = self._accept
        return ERR_OK

    def accept(self) -> tuple[TcpSocket | None, int]:
        """The oldest waiting connection. ERR_WOULDBLOCK; ERR_ABRT for one lost to a full pool; ERR_VAL on no
        listener (``netconn_accept`` says ERR_CLSD, ``lwip_accept`` makes it EINVAL).
        """
        err = self._take_pending_err()
        if err != ERR_OK:
            return None, err
        if self._listener is None:
            return None, ERR_VAL
        if not self._accepts:
            return None, ERR_WOULDBLOCK
        new = self._accepts.popleft()
        if isinstance(new, int):
            return None, new
        pcb = new._pcb
        if pcb is not None:
            self._tcp.backlog_accepted(pcb)
        return new, ERR_OK

    @property
    def queued(self) -> int:
        """How many connections wait to be accepted."""
        return len(self._accepts)

    def connect(self, ip: int, port: int) -> int:
        """Send a SYN: ERR_INPROGRESS. ERR_ALREADY, ERR_ISCONN, ERR_CLSD (gone), or what ports, routing and
        pools say."""
        pcb = self._pcb
        if self._listener is not None:
            return ERR_ISCONN
        if pcb is None:
            return ERR_CLSD
        if self._connecting:
            return ERR_ALREADY
        self._setup(pcb)
        pcb.connected = self._connected
        err = self._tcp.connect(pcb, ip, port)
        if err != ERR_OK:
            return err
        self._connecting = True
        self.conn = conn_of(pcb)
        return ERR_INPROGRESS

    def read(self, size: int) -> tuple[bytes | None, int]:
        """Up to ``size`` bytes over all queued messages; ``b""`` after the FIN, once; then ERR_CONN.

        ERR_WOULDBLOCK when nothing is there; the connection's error behind its data (``lwip_recv_tcp``).
        """
        parts: list[bytes] = []
        left = size
        mbox = self._mbox
        while left and mbox and not isinstance(data := mbox[0], int):
            count = min(left, len(data))
            parts.append(data.data[:count])
            left -= count
            if count == len(data):
                mbox.popleft()
                data.free()
            else:
                data.consume(count)
        if parts or not size:
            self._recved(size - left)
            return b"".join(parts), ERR_OK
        return self._read_message()

    def write(self, data: bytes, more: bool = False) -> tuple[int, int]:
        """Queue what fits into the send buffer and send what may go (``lwip_netconn_do_writemore``,
        non-blocking).

        ERR_WOULDBLOCK (buffer full), ERR_MEM (heap, segments or queue full), ERR_INPROGRESS (connecting),
        ERR_CONN, the pending error once, ERR_RTE when the packets have no way out. ``more`` is MSG_MORE.
        """
        if not data:
            return 0, ERR_OK
        err = self._take_pending_err()
        if err != ERR_OK:
            return 0, err
        if self._connecting or self._listener is not None:
            return 0, ERR_INPROGRESS
        pcb = self._pcb
        if pcb is None:
            return 0, ERR_CONN
        done, err = self._write_chunks(pcb, data, more)
        if err == ERR_MEM:
            pcb.poll = self._poll
        if (done or err == ERR_MEM) and self._tcp.output(pcb) == ERR_RTE:
            return 0, ERR_RTE
        return (done, ERR_OK) if done else (0, err)

    def shutdown(self, rx: bool, tx: bool) -> int:
        """Close one side or both. ERR_CONN while connecting, on a listener (unless both), or when it is
        gone."""
        if self._listener is not None and rx and tx:
            return self.close()
        pcb = self._pcb
        if pcb is None or self._connecting:
            return ERR_CONN
        if rx:
            self._drain()
        return self._close_sides(pcb, rx, tx)

    def close(self) -> int:
        """Close: unread data is dropped (and the peer reset for it), connections waiting to be accepted are
        aborted.
        """
        self._drain()
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.accept = None
            return self._tcp.close(listener)
        pcb = self._pcb
        if pcb is not None and self._close_sides(pcb, True, True) != ERR_OK:
            self._tcb = None
            self._tcp.abort(pcb)
        return ERR_OK

    def abort(self) -> None:
        """Reset the connection and forget it (``tcp_abort``); a listener is closed."""
        pcb = self._pcb
        if pcb is None:
            self.close()
            return
        self._drain()
        self._tcb = None
        pcb.recv = pcb.sent = pcb.errf = pcb.connected = None
        self._tcp.abort(pcb)

    def setsockopt(self, name: str, value: int) -> int:
        """Set an option by its name; see ``common.set_pcb_option``. ERR_BADF when the connection is gone."""
        pcb = self.pcb
        return ERR_BADF if pcb is None else set_pcb_option(pcb, name, value, self._stack.profile)

    def error(self) -> int:
        """The pending err_t, cleared by asking (SO_ERROR)."""
        return self._take_pending_err()

    # Callbacks from TCP

    def _accept(self, newpcb: Tcb | None, err: int) -> int:
        if newpcb is None:
            self._event("accept-err", err=err)
            if self._accept_has_room():
                self._accepts.append(ERR_ABRT)
            return ERR_VAL
        if not self._accept_has_room():
            if self._on_event is not None:
                self._on_event("accept-full", self, conn_of(newpcb))
            return ERR_MEM  # tcp_input aborts it
        new = TcpSocket(self._stack, newpcb, self._on_event)
        new.conn = conn_of(newpcb)
        new._setup(newpcb)
        self._tcp.backlog_delayed(newpcb)
        self._accepts.append(new)
        new._event("pending", listener=self)
        return ERR_OK

    def _accept_has_room(self) -> bool:
        most = self._stack.profile.api_listen_queue  # the size of acceptmbox, 0: as many as listen said
        if not most and self._listener is not None:
            most = self._listener.backlog
        return len(self._accepts) < most

    def _recv(self, pcb: Tcb, data: Pbuf | None, err: int) -> int:
        if data is None:
            self._event("fin")
            self._mbox.append(ERR_CLSD)
        else:
            self._event("recv", len=len(data))
            self._mbox.append(data)
        return ERR_OK

    def _sent(self, pcb: Tcb, count: int) -> int:
        self._event("sent", len=count)
        return ERR_OK

    def _poll(self, pcb: Tcb) -> int:
        """A write found no memory, and who waits tries again now (``poll_tcp``). With nothing on its way that
        is all that happens, and without this callback the tick would be stepped over.
        """
        pcb.poll = None
        return ERR_OK

    def _connected(self, pcb: Tcb, err: int) -> int:
        self._connecting = False
        self._event("connected")
        return ERR_OK

    def _errf(self, err: int) -> None:
        self._tcb = None
        self._connecting = False
        self._pending_err = err
        self._mbox_closed = True
        if self._mbox_valid:
            self._mbox.append(err)
        self._event("err", err=err)

    # What the calls are made of

    def _setup(self, pcb: Tcb) -> None:
        pcb.recv = self._recv
        pcb.sent = self._sent
        pcb.errf = self._errf
        pcb.pollinterval = _POLL_INTERVAL

    def _read_message(self) -> tuple[bytes | None, int]:
        """What is there instead of data: the peer's FIN, an error, or nothing (``netconn_recv_data_tcp``)."""
        if not self._mbox_valid:
            return None, ERR_CONN
        if not self._mbox:
            nothing = ERR_CONN if self._mbox_closed else ERR_WOULDBLOCK
            return None, self._take_pending_err() or nothing
        message = self._mbox.popleft()
        if message != ERR_CLSD:
            assert isinstance(message, int)
            return None, message
        pcb = self._pcb
        if pcb is None:  # the connection failed after the FIN
            return None, self._take_pending_err() or ERR_RST
        self._drain()
        self._close_sides(pcb, True, False)
        return b"", ERR_OK

    def _take_pending_err(self) -> int:
        err, self._pending_err = self._pending_err, ERR_OK
        return err

    def _recved(self, count: int) -> None:
        while count and (pcb := self._pcb) is not None:
            chunk = min(count, _MAX_CHUNK)
            self._tcp.recved(pcb, chunk)
            count -= chunk

    def _write_chunks(self, pcb: Tcb, data: bytes, more: bool) -> tuple[int, int]:
        done = 0
        while done < len(data):
            count = min(len(data) - done, _MAX_CHUNK)
            rest_follows = len(data) - done > _MAX_CHUNK
            room = pcb.snd_buf
            if room < count:
                count = room
                if not count:
                    return done, ERR_WOULDBLOCK
            err = self._tcp.write(pcb, data[done : done + count], more or rest_follows)
            if err != ERR_OK:
                return done, err
            done += count
            if not rest_follows:
                break
        return done, ERR_OK

    def _close_sides(self, pcb: Tcb, rx: bool, tx: bool) -> int:
        """``lwip_netconn_do_close_internal``: closing the second side is closing the whole connection."""
        whole = (
            (rx and tx)
            or (rx and pcb.state in (FIN_WAIT_1, FIN_WAIT_2, CLOSING))
            or (tx and bool(pcb.flags & TF_RXCLOSED))
        )
        if rx:
            pcb.recv = None
        if tx:
            pcb.sent = None
        if not whole:
            return self._tcp.shutdown(pcb, rx, tx)
        pcb.errf = None
        pcb.pollinterval = 0
        err = self._tcp.close(pcb)
        if err == ERR_OK:
            self._tcb = None
        return err

    def _drain(self) -> None:
        """Drop what was received and not read, without opening the window, and abort who waits
        (``netconn_drain``)."""
        for message in self._mbox:
            if not isinstance(message, int):
                message.free()
        self._mbox.clear()
        self._mbox_valid = False
        while self._accepts:
            waiting = self._accepts.popleft()
            if not isinstance(waiting, int):
                waiting.abort()

    def _event(self, kind: str, **fields: object) -> None:
        if self._on_event is not None:
            self._on_event(kind, self, self.conn, **fields)


def tcp_socket(stack: Stack, on_event: EventHook | None = None) -> tuple[TcpSocket | None, int]:
    """A stream socket, which takes a pcb at once; ERR_MEM when there is none."""
    pcb = stack.tcp.new()
    return (None, ERR_MEM) if pcb is None else (TcpSocket(stack, pcb, on_event), ERR_OK)


def udp_socket(stack: Stack, on_event: EventHook | None = None) -> tuple[UdpSocket | None, int]:
    """A datagram socket; ERR_MEM when no pcb is left."""
    pcb = stack.udp.new()
    return (None, ERR_MEM) if pcb is None else (UdpSocket(stack, pcb, on_event), ERR_OK)
