"""The calls of a script on a socket layer: descriptors, buffers with the stream's bytes, results and
callbacks as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.pkt.events import Argument, Call, IntList, SocketAddress
from lab.pkt.frames import Addressing, IssTable, pattern
from lab.pkt.transcript import Transcript
from netstack.address import format_ip
from netstack.api import modlwip, netconn
from netstack.api.common import ERR_BADF, ERR_NOPROTOOPT, BaseSocket, Conn, errno_name
from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL, ERR_WOULDBLOCK, err_name
from netstack.stack import Stack

FIRST_FD = 3
_U32 = 0xFFFFFFFF


class Descriptor:
    """An open or closed descriptor. ``pcb`` is the control block last seen, also after close; ``received``
    counts bytes."""

    __slots__ = ("open", "pcb", "received", "socket")

    def __init__(self, socket: BaseSocket) -> None:
        self.socket = socket
        self.pcb = socket.pcb
        self.received = 0
        self.open = True


class Sockets:
    """Executes the calls of a script. ``descriptors`` maps numbers, never used again, to what they stand
    for."""

    def __init__(self, stack: Stack, addressing: Addressing, isses: IssTable, transcript: Transcript) -> None:
        self._stack = stack
        self._netconn = stack.profile.api == "netconn"
        self._layer: Any = netconn if self._netconn else modlwip
        self._addressing = addressing
        self._isses = isses
        self._transcript = transcript
        self.descriptors: dict[int, Descriptor] = {}
        self._fds: dict[BaseSocket, int] = {}
        self._next_fd = FIRST_FD
        # More than a connection takes at once, or a datagram may hold; what is longer makes no difference.
        self._longest_write = stack.profile.tcp_snd_buf + 2 * 0xFFFF

    def call(self, call: Call) -> None:
        """Execute ``call`` and enter its result (and, of data that is not the peer's stream, the fault)."""
        if call.name == "socket":
            call.result = self._socket(call.args)
            return
        fd = call.args[0]
        assert isinstance(fd, int)
        descriptor = self.descriptors.get(fd)
        if descriptor is None or not descriptor.open:
            call.result = self._text(call.name, 0, ERR_BADF)
            return
        handler: Callable[[Call, Descriptor], str] = getattr(self, f"_{call.name}")
        call.result = handler(call, descriptor)
        if descriptor.socket.pcb is not None:
            descriptor.pcb = descriptor.socket.pcb

    # Descriptors

    def _open(self, socket: BaseSocket) -> str:
        fd = self._next_fd
        self._next_fd += 1
        self.descriptors[fd] = Descriptor(socket)
        self._fds[socket] = fd
        return str(fd)

    def _socket(self, args: list[Argument]) -> str:
        make = self._layer.udp_socket if args[1] == "SOCK_DGRAM" else self._layer.tcp_socket
        socket, err = make(self._stack, self.on_event)
        return self._text("socket", 0, err) if socket is None else self._open(socket)

    def _accept(self, call: Call, descriptor: Descriptor) -> str:
        accept = getattr(descriptor.socket, "accept", None)
        if accept is None:
            return self._text("accept", 0, ERR_VAL)
        socket, err = accept()
        return self._text("accept", 0, err) if socket is None else self._open(socket)

    def _close(self, call: Call, descriptor: Descriptor) -> str:
        descriptor.open = False
        return self._text("close", 0, descriptor.socket.close())

    def _abort(self, call: Call, descriptor: Descriptor) -> str:
        descriptor.open = False
        descriptor.socket.abort()
        return "0"

    # Addresses and options

    def _bind(self, call: Call, descriptor: Descriptor) -> str:
        ip, port = self._address(call.args[1], 0, self._addressing.local_port)
        return self._text("bind", 0, descriptor.socket.bind(ip, port))

    def _connect(self, call: Call, descriptor: Descriptor) -> str:
        ip, port = self._address(call.args[1], self._addressing.peer_ip, self._addressing.peer_port)
        return self._text("connect", 0, descriptor.socket.connect(ip, port))

    def _listen(self, call: Call, descriptor: Descriptor) -> str:
        listen = getattr(descriptor.socket, "listen", None)
        return self._text("listen", 0, ERR_VAL if listen is None else listen(_int(call.args[1])))

    def _shutdown(self, call: Call, descriptor: Descriptor) -> str:
        shutdown = getattr(descriptor.socket, "shutdown", None)
        how = call.args[1]
        err = ERR_VAL if shutdown is None else shutdown(how != "SHUT_WR", how != "SHUT_RD")
        return self._text("shutdown", 0, err)

    def _setsockopt(self, call: Call, descriptor: Descriptor) -> str:
        value = call.args[3]
        assert isinstance(value, IntList)
        return self._text("setsockopt", 0, descriptor.socket.setsockopt(str(call.args[2]), value.value))

    @staticmethod
    def _address(arg: Argument, ip: int, port: int) -> tuple[int, int]:
        return (arg.ip, arg.port) if isinstance(arg, SocketAddress) else (ip, port)

    # Data

    def _read(self, call: Call, descriptor: Descriptor) -> str:
        data, err = descriptor.socket.read(_int(call.args[2]))
        if data is None:
            return self._text("read", 0, err)
        expected = 0 if hasattr(descriptor.socket, "recvfrom") else descriptor.received
        if data != pattern(expected, len(data)):
            call.fault = "the data read is not what the peer sent"
        descriptor.received += len(data)
        return str(len(data))

    def _recvfrom(self, call: Call, descriptor: Descriptor) -> str:
        recvfrom = getattr(descriptor.socket, "recvfrom", None)
        if recvfrom is None:
            return self._read(call, descriptor)
        got = recvfrom(_int(call.args[2]))
        if isinstance(got, int):
            return self._text("recvfrom", 0, got)
        if got[0] != pattern(0, len(got[0])):
            call.fault = "the datagram is not what the peer sent"
        return str(len(got[0]))

    def _write(self, call: Call, descriptor: Descriptor) -> str:
        more = call.name == "send" and call.args[3] == "MSG_MORE"
        data = pattern(self._stream_position(descriptor), min(_int(call.args[2]), self._longest_write))
        count, err = descriptor.socket.write(data, more)
        if err == ERR_MEM and isinstance(descriptor.socket, modlwip.TcpSocket):
            descriptor.socket.output()  # as MicroPython does before it waits and tries again
        return self._text("write", count, err)

    _send = _write

    def _sendto(self, call: Call, descriptor: Descriptor) -> str:
        address = call.args[4]
        sendto = getattr(descriptor.socket, "sendto", None)
        if sendto is None or not isinstance(address, SocketAddress):
            return self._write(call, descriptor)
        data = pattern(0, min(_int(call.args[2]), self._longest_write))
        count, err = sendto(data, address.ip, address.port)
        return self._text("sendto", count, err)

    def _stream_position(self, descriptor: Descriptor) -> int:
        """Which byte of our stream is written next: TCP's own number, as a failed write may queue its data
        all the same."""
        pcb = descriptor.socket.pcb
        next_seq = getattr(pcb, "snd_lbb", None)
        if next_seq is None:
            return 0
        base = self._isses.base(pcb.local_port, pcb.remote_ip, pcb.remote_port)
        return int(next_seq - base - 1) & _U32

    # Text

    def _text(self, call: str, value: int, err: int) -> str:
        """The result behind the ``=``: a number, or -1 with errno and, where lwIP and not the socket layer
        decided, err_t."""
        if err == ERR_OK:
            return str(value)
        errno, origin = errno_name(err), err_name(err)
        if err in (ERR_BADF, ERR_NOPROTOOPT):
            origin = "-"
        elif self._netconn:
            if call == "socket":
                errno, origin = "ENOBUFS", "-"
            elif err == ERR_MEM and call == "write":
                errno = "EAGAIN"
            elif err == ERR_WOULDBLOCK and call not in ("read", "write"):
                origin = "-"
        elif err == ERR_WOULDBLOCK:
            origin = "-"
        return f"-1 {errno} ({origin})"

    def on_event(self, kind: str, sock: Any, conn: Conn | None, **fields: Any) -> None:
        """A callback into the application (``common.EventHook``)."""
        values: dict[str, object] = {"fd": self._fds.get(sock, "-")}
        if conn is not None:
            values["conn"] = self.connection(conn)
        values["type"] = kind
        for name, value in fields.items():
            if name == "err":
                value = err_name(value)
            elif name == "listener":
                value = self._fds.get(value, "-")
            elif name == "src":
                value = f"{format_ip(value[0])}:{value[1]}"
            values[name] = value
        self._transcript.probe("ev", **values)

    def connection(self, conn: Conn) -> str:
        """``L>P``, or ``L>IP:P`` when the peer is not the script's."""
        local, ip, port = conn
        if ip in (self._addressing.peer_ip, 0):
            return f"{local}>{port}"
        return f"{local}>{format_ip(ip)}:{port}"


def _int(arg: Argument) -> int:
    return arg if isinstance(arg, int) else 0
