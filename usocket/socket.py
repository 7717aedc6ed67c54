"""MicroPython's socket class on lwIP boards: what ``extmod/modlwip.c`` does around ``netstack.api.modlwip``.

One class for stream and datagram sockets, as there. Blocking is waiting on the device's host; each call is a
few tries of the layer's operation. Errors are OSError with MicroPython's numbers. What differs from CPython:
a refused connect is ECONNRESET, ``recv`` gives one segment at most, ``send`` what the send buffer takes,
time-outs are ETIMEDOUT and are inherited by accepted sockets, ``makefile`` is the socket itself.

Source: micropython/micropython:extmod/modlwip.c of v1.28, measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from netstack.address import format_ip
from netstack.api.modlwip import (
    CONNECTED,
    CONNECTING,
    LISTENING,
    NEW,
    PEER_CLOSED,
    PEER_RST_HANDLED,
    AnySocket,
    PacketSocket,
    RawSocket,
    TcpSocket,
    raw_socket,
    tcp_socket,
    udp_socket,
)
from netstack.errors import ERR_CLSD, ERR_INPROGRESS, ERR_MEM, ERR_OK, ERR_VAL, ERR_WOULDBLOCK
from usocket.addrinfo import integer, milliseconds, parse_address
from usocket.constants import AF_INET, MSG_DONTWAIT, MSG_PEEK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM
from usocket.current import NoDevice, current_device
from usocket.errno import (
    EAGAIN,
    EBADF,
    EINPROGRESS,
    EINVAL,
    EIO,
    ENOBUFS,
    ENOTCONN,
    EOPNOTSUPP,
    ETIMEDOUT,
    MicroPythonError,
)
from usocket.options import set_option
from usocket.stream import Stream, buffer_of

if TYPE_CHECKING:
    from usocket.device import Device

DEFAULT_BACKLOG = 2  # MICROPY_PY_SOCKET_LISTEN_BACKLOG_DEFAULT
LARGEST_BACKLOG = 255
WRITABLE = 16  # bytes that must be free before a sender who waits goes on
MEMORY_TRIES = 200  # how often a write that finds no memory is tried
MEMORY_PAUSE = 50_000_000  # ns between these tries: 10 s in all, also when the socket does not block

Address = tuple[str, int]


class socket(Stream):
    """``socket(af=AF_INET, type=SOCK_STREAM, proto=0)`` on the current device; takes a pcb at once.

    ``af`` and ``proto`` change nothing, as on a board. Raises OSError: EINVAL (type), ENOMEM (no pcb left).
    """

    __module__ = "builtins"  # prints as <class 'socket'>
    __slots__ = ("__weakref__", "_device", "_layer", "_timeout")

    def __new__(cls, *args: Any) -> Any:
        """On an esp32 a socket is one of ``usocket.esp32``."""
        if current_device().port.api == "esp32":
            from usocket.esp32 import EspSocket

            return EspSocket(*args)
        return object.__new__(cls)

    def __init__(
        self, af: int = AF_INET, type: int = SOCK_STREAM, proto: int = 0, fileno: object = None, /
    ) -> None:
        integer(af)
        kind = integer(type)
        protocol = integer(proto) if kind == SOCK_RAW else 0
        device = current_device()
        if not device.is_open:
            raise NoDevice(f"{device.name} is closed: open it with `with`")
        device.enter()
        with device.host.lock:
            made, err = self._new(device, kind, protocol)
        if made is None:
            raise device.error_of(err)
        self._own(device, made, None)

    def _own(self, device: Device, layer: AnySocket, timeout: int | None) -> None:
        self._device = device
        self._layer = layer
        self._timeout = timeout  # ms, None: for ever
        device.adopt(layer, lambda leaving: layer.close(forget_single=not leaving))

    def __del__(self) -> None:
        layer = getattr(self, "_layer", None)  # None: the constructor failed
        if layer is not None and layer.pcb is not None:
            self._device.orphan(layer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        layer = self._layer
        timeout = 0xFFFFFFFF if self._timeout is None else self._timeout
        start = f"<socket state={layer.state} timeout={timeout} incoming="
        if isinstance(layer, PacketSocket):
            return f"{start}{len(layer.queue)}>"
        return f"{start}{sum(map(len, layer.incoming)):x} off=0>"

    def _enter(self) -> tuple[Device, AnySocket]:
        self._device.enter()
        return self._device, self._layer

    # Opening and closing

    def bind(self, address: Address, /) -> None:
        """Give it a local address. EADDRINUSE; EINVAL (connected, listening, bound before); EIO (closed)."""
        ip, port = parse_address(address)
        device, layer = self._enter()
        with device.host.lock:
            err = layer.bind(ip, port)
        if err == ERR_VAL and layer.state == NEW:
            raise _explained(device.error(EINVAL), device.note("second-bind"))
        self._check(err)

    def listen(self, backlog: int = DEFAULT_BACKLOG, /) -> None:
        """Become a listener with a queue of max(1, ``backlog``) finished connections; one more is reset.

        ENOMEM (eight listeners), ENOTCONN (not new), EBADF (closed), EOPNOTSUPP (datagram).
        """
        size = max(0, integer(backlog))
        device, layer = self._enter()
        if isinstance(layer, PacketSocket):
            raise device.error(EBADF if layer.pcb is None else EOPNOTSUPP)
        if size > LARGEST_BACKLOG:
            device.note("backlog-over-255")
            size = LARGEST_BACKLOG
        with device.host.lock:
            err = ERR_CLSD if layer.state == LISTENING else layer.listen(size)
        self._check(err)

    def accept(self) -> tuple[socket, Address]:
        """The oldest finished connection, with this socket's time-out, and its (ip, port).

        ETIMEDOUT, EAGAIN (after a look of 1 ms), EINVAL (no listener), EBADF (closed), EOPNOTSUPP (datagram).
        """
        device, layer = self._enter()
        if isinstance(layer, PacketSocket):
            raise device.error(EBADF if layer.pcb is None else EOPNOTSUPP)
        accepted: TcpSocket | None = None
        err = ERR_OK

        def take() -> bool:
            nonlocal accepted, err
            accepted, err = layer.accept()
            return err != ERR_WOULDBLOCK

        device.attempt(take, self._timeout, "accept", step=True)
        if accepted is None:
            raise self._failed(err, self._timeout)
        made: socket = object.__new__(socket)
        made._own(device, accepted, self._timeout)
        _, ip, port = accepted.conn
        return made, (format_ip(ip), port)

    def connect(self, address: Address, /) -> None:
        """Connect. ECONNRESET (refused), ECONNABORTED (no answer in 18 s), EHOSTUNREACH, EALREADY, 106
        (connected), EBADF.

        ETIMEDOUT, or EINPROGRESS without blocking (after a look of 1 ms): the attempt goes on.
        """
        ip, port = parse_address(address)
        device, layer = self._enter()
        with device.host.lock:
            err = layer.connect(ip, port)
        if isinstance(layer, PacketSocket):
            self._check(err)
            return
        if err != ERR_INPROGRESS:
            raise device.error_of(err)
        if not device.attempt(lambda: layer.state != CONNECTING, self._timeout, "connect", step=True):
            raise device.error(ETIMEDOUT if self._timeout else EINPROGRESS)
        if layer.state < 0:
            raise device.error_of(layer.state)

    def close(self) -> None:
        """Close; twice is fine. Unread data or connections not accepted are reset; see
        ``netstack.api.modlwip``.
        """
        device, layer = self._enter()
        with device.host.lock:
            layer.close(forget_single=True)
            device.release(layer)

    # Sending

    def send(self, data: Any, /) -> int:
        """Send what the send buffer takes: how many bytes. Waits while it is full: ETIMEDOUT, EAGAIN.

        ENOTCONN, ECONNRESET once after a reset, EBADF. Without memory it waits 10 s even when it should not
        block, and then says that all was sent (counted in ``device.oddities``).
        """
        return self._send(buffer_of(data))

    def sendall(self, data: Any, /) -> None:
        """Send all. The time-out holds for each part. Not blocking: all or, with EAGAIN, nothing."""
        rest = memoryview(buffer_of(data))
        device, layer = self._enter()
        if isinstance(layer, RawSocket):
            return
        if isinstance(layer, PacketSocket):
            raise NotImplementedError
        if self._timeout == 0 and layer.state in (CONNECTED, PEER_CLOSED) and len(rest) > layer.room:
            raise device.error(EAGAIN)
        most = device.profile.tcp_snd_buf
        while rest:
            rest = rest[self._send(bytes(rest[:most])) :]

    def sendto(self, data: Any, address: Address, /) -> int:
        """Send a datagram. ENOMEM (no room for it), EHOSTUNREACH, EBADF. A stream ignores the address."""
        payload = buffer_of(data)
        ip, port = parse_address(address)
        device, layer = self._enter()
        if isinstance(layer, TcpSocket):
            return self._send(payload)
        with device.host.lock:
            count, err = layer.sendto(payload, ip, port)
        self._check(err)
        return count

    def _send(self, data: bytes) -> int:
        device, layer = self._enter()
        if isinstance(layer, PacketSocket):
            with device.host.lock:
                count, err = layer.write(data)
            self._check(err)
            return count
        if layer.state == PEER_RST_HANDLED:
            raise _explained(device.error(EBADF), device.note("send-after-reset"))
        if not data and layer.state >= CONNECTED:
            return 0
        count, err = self._send_stream(device, layer, data)
        if err == ERR_MEM and not count and device.send_nomem != "board":
            raise device.error(EAGAIN if device.send_nomem == "eagain" else ENOBUFS)
        if err == ERR_MEM and not count:  # else the driver had none: the data is queued
            count, err = self._insist(device, layer, data[: layer.room])
        if err != ERR_OK:
            raise self._failed(err, self._timeout)
        if device.on_event is not None:
            device.on_event("send", layer, layer.conn, data=data[:count])
        return count

    def _send_stream(self, device: Device, layer: TcpSocket, data: bytes) -> tuple[int, int]:
        """One write, as soon as there is room."""
        count, err, room = 0, ERR_OK, 1

        def write() -> bool:
            nonlocal count, err, room
            if layer.state in (CONNECTED, PEER_CLOSED) and layer.room < room:
                err = ERR_WOULDBLOCK
                return False
            room = WRITABLE
            count, err = layer.write(data)
            return err != ERR_WOULDBLOCK

        device.attempt(write, _longer(self._timeout), "send")
        return count, err

    @staticmethod
    def _insist(device: Device, layer: TcpSocket, data: bytes) -> tuple[int, int]:
        """No memory for a write: have lwIP send, wait, try again, for 10 s; then the data is lost without an
        error.
        """
        for _ in range(MEMORY_TRIES):
            with device.host.lock:
                err = layer.output()
            if err != ERR_OK:
                return 0, err
            device.sleep_ns(MEMORY_PAUSE)
            with device.host.lock:
                count, err = layer.write(data)
            if err != ERR_MEM or count:
                return count, err
        device.note("send-lost")
        return len(data), ERR_OK

    # Receiving

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """At most ``size`` bytes of the first segment (or datagram) that waits; ``b""`` after the peer's FIN.

        ETIMEDOUT, EAGAIN, ENOTCONN, ECONNRESET once (after the data that came before it), EBADF.
        """
        return self._receive(size, flags)[0]

    def recvfrom(self, size: int, flags: int = 0, /) -> tuple[bytes, Address]:
        """As ``recv``, with the source; of a stream: what was given to connect."""
        data, ip, port = self._receive(size, flags)
        return data, (format_ip(ip), port)

    def _receive(self, size: int, flags: int) -> tuple[bytes, int, int]:
        """What ``recvfrom`` gives, the address as an int."""
        limit = integer(size)
        if limit < 0:
            raise _explained(ValueError("size must not be negative"), self._device.note("negative-size"))
        peek = bool(flags & MSG_PEEK)
        timeout = 0 if flags & MSG_DONTWAIT else self._timeout
        device, layer = self._enter()
        if isinstance(layer, TcpSocket) and layer.state in (NEW, CONNECTING) and timeout != 0:
            raise device.error(ENOTCONN)
        got: tuple[bytes, int, int] | int = ERR_OK

        def take() -> bool:
            nonlocal got
            got = _take(layer, limit, peek)
            return got != ERR_WOULDBLOCK

        device.attempt(take, _longer(timeout), "recv")
        if isinstance(got, int):
            raise self._failed(got, timeout)
        if device.on_event is not None and isinstance(layer, TcpSocket) and not peek:
            device.on_event("receive", layer, layer.conn, data=got[0])
        return got

    # One step of the stream methods

    def _read_some(self, size: int) -> bytes:
        if isinstance(self._layer, PacketSocket) and self._layer.pcb is None:
            if self._timeout is None:
                raise _explained(self._device.error(EBADF), self._device.note("read-after-close"))
            self._device.attempt(lambda: False, _longer(self._timeout), "read of a closed socket")
            raise self._failed(ERR_WOULDBLOCK, self._timeout)
        return self._receive(size, 0)[0]

    def _write_some(self, data: bytes) -> int:
        if isinstance(self._layer, PacketSocket) and self._layer.pcb is None:
            raise self._device.error(EIO)
        return self._send(data)

    # Settings

    def settimeout(self, value: float | None, /) -> None:
        """How long calls wait: seconds, None for ever, 0 not at all (also what is under a millisecond, and
        negative).
        """
        self._timeout = None if value is None else max(0, milliseconds(value))

    def setblocking(self, flag: object, /) -> None:
        """True: wait for ever; False: do not wait."""
        self._timeout = None if flag else 0

    def setsockopt(self, level: int, option: int, value: Any, /) -> None:
        """Set an option; see ``usocket.options``."""
        integer(level)
        device, layer = self._enter()
        with device.host.lock:
            set_option(device, self, layer, integer(option), value)

    def _poll(self, mask: int) -> int:
        """Poll flags, for ``usocket.select``. Called with the device's lock."""
        return self._layer.poll(mask)

    # Parts

    @staticmethod
    def _new(device: Device, kind: int, protocol: int) -> tuple[AnySocket | None, int]:
        """A socket of the layer. EINVAL for an unknown kind."""
        if kind == SOCK_STREAM:
            return tcp_socket(device.stack, device.on_event)
        if kind == SOCK_DGRAM:
            return udp_socket(device.stack, device.on_event)
        if kind == SOCK_RAW:
            return raw_socket(device.stack, device.on_event, protocol)
        raise device.error(EINVAL)

    def _check(self, err: int) -> None:
        if err != ERR_OK:
            raise self._device.error_of(err)

    def _failed(self, err: int, timeout: int | None) -> MicroPythonError:
        """The error of a call that may have waited: nothing came in ``timeout`` ms, or ``err``."""
        if err == ERR_WOULDBLOCK:
            return self._device.error(ETIMEDOUT if timeout else EAGAIN)
        return self._device.error_of(err)


def _take(layer: AnySocket, size: int, peek: bool) -> tuple[bytes, int, int] | int:
    """What waits in the layer and where it came from, or an err_t."""
    if isinstance(layer, PacketSocket):
        return layer.recvfrom(size, peek)
    data, err = layer.read(size, peek)
    return err if data is None else (data, *layer.peer)


E = TypeVar("E", bound=Exception)


def _explained(error: E, oddity: str) -> E:
    """The error, with what a board would do instead."""
    error.add_note(oddity)
    return error


def _longer(timeout: int | None) -> int | None:
    """Sending and receiving give up when more than the time-out is over, connecting and accepting when all of
    it is.
    """
    return timeout + 1 if timeout else timeout
