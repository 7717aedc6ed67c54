"""The ``socket`` module of MicroPython's esp32 port, on lwIP's own sockets (``netstack.api.netconn``).

What a program for the other boards notices: names in ``bind`` and ``connect``; time-outs in steps of 100 ms
(one step more than asked for; under 100 ms it is EAGAIN that comes); accepted sockets block; ``recv`` joins
segments; ``send`` waits until all is sent; a finished handshake waits to be accepted with its data and its
end; at most ten sockets (ENFILE); ``getaddrinfo`` fails with -202; ``fileno``; the errno numbers of newlib.

Source: micropython/micropython:ports/esp32/modsocket.c of v1.24 and later.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from netstack.address import format_ip
from netstack.api import netconn
from netstack.api.common import Conn, errno_name
from netstack.api.modlwip import raw_socket
from netstack.errors import ERR_INPROGRESS, ERR_MEM, ERR_OK, ERR_WOULDBLOCK
from usocket import errno
from usocket.addrinfo import integer, milliseconds, parse_address, text
from usocket.constants import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM
from usocket.current import PerDevice, current_device
from usocket.errno import MicroPythonError
from usocket.esp32_layer import Layer, can_read, can_write, taken
from usocket.esp32_names import NAMES, getaddrinfo, looked_up
from usocket.stream import Stream, buffer_of

if TYPE_CHECKING:
    from usocket.device import Device

MSG_PEEK, MSG_DONTWAIT = 1, 8
_OPTIONS = {0x04: "SO_REUSEADDR", 0x20: "SO_BROADCAST", 1: "TCP_NODELAY"}
SO_BINDTODEVICE, CALLBACK, IP_ADD_MEMBERSHIP = 0x100B, 20, 3

DEFAULT_BACKLOG = 2
STEP = 100  # ms: a wait of lwIP's, after which the port looks at what else there is to do
FIRST_FILENO = 54  # LWIP_SOCKET_OFFSET
MOST_SOCKETS = 10  # CONFIG_LWIP_MAX_SOCKETS
EVENT_STEP = 8_000_000  # ns after which a callback is called again while its socket can be read

NEW, CONNECTED, PEER_CLOSED = range(3)
POLL_IN, POLL_OUT, POLL_HUP, POLL_NVAL = 1, 4, 16, 32

Address = tuple[Any, Any]

_used: PerDevice[set[int]] = PerDevice(lambda _: set())  # numbers of the open sockets


class EspSocket(Stream):
    """``socket(af=AF_INET, type=SOCK_STREAM, proto=0)``. EINVAL; ENFILE (ten are open); ENOBUFS (no pcb)."""

    __slots__ = ("__weakref__", "_callback", "_device", "_fileno", "_layer", "_state", "_timeout")

    def __init__(self, af: int = AF_INET, type: int = SOCK_STREAM, proto: int = 0, /) -> None:
        device = current_device()
        if integer(af) not in (AF_INET, AF_INET6):
            raise device.error(errno.EINVAL)
        kind = integer(type)
        device.enter()
        if len(_used.of(device)) >= MOST_SOCKETS:
            device.collect()
            if len(_used.of(device)) >= MOST_SOCKETS:
                raise device.error(errno.ENFILE)
        self._callback: Callable[[Any], object] | None = None
        layer: Layer | None
        with device.host.lock:
            if kind == SOCK_STREAM:
                layer, _ = netconn.tcp_socket(device.stack, self._on_event(device))
            elif kind == SOCK_DGRAM:
                layer, _ = netconn.udp_socket(device.stack, self._on_event(device))
            elif kind == SOCK_RAW:
                layer, _ = raw_socket(device.stack, self._on_event(device), integer(proto))
            else:
                raise device.error(errno.EINVAL)
        if layer is None:
            raise device.error(errno.ENOBUFS)
        self._own(device, layer, NEW if kind == SOCK_STREAM else CONNECTED)

    def _own(self, device: Device, layer: Layer, state: int) -> None:
        self._device = device
        self._layer = layer
        self._state = state
        self._timeout: int | None = None  # ms, None: for ever
        used = _used.of(device)
        self._fileno = min(set(range(FIRST_FILENO, FIRST_FILENO + MOST_SOCKETS + 1)) - used)
        used.add(self._fileno)
        number = self._fileno

        def close(leaving: bool) -> None:
            used.discard(number)
            layer.close()

        device.adopt(layer, close)

    def __del__(self) -> None:
        layer = getattr(self, "_layer", None)
        if layer is not None and self._fileno >= 0:
            self._device.orphan(layer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<socket>"

    # Opening and closing

    def bind(self, address: Address, /) -> None:
        """Give it a local address; a name is looked up. EADDRINUSE, EINVAL, EBADF."""
        ip, port = looked_up(self._device, address)
        self._state = CONNECTED
        self._call(lambda layer: layer.bind(ip, port))

    def listen(self, backlog: int = DEFAULT_BACKLOG, /) -> None:
        """Become a listener with room for ``backlog`` connections. EINVAL, EADDRINUSE, EOPNOTSUPP, EBADF."""
        size = max(0, integer(backlog))
        layer = self._open()
        self._state = CONNECTED
        if not isinstance(layer, netconn.TcpSocket):
            raise self._device.error(errno.EOPNOTSUPP)
        self._call(lambda _: layer.listen(size))

    def accept(self) -> tuple[EspSocket, tuple[str, int]]:
        """The oldest connection, which blocks whatever this socket does, and its (ip, port).

        ETIMEDOUT, EAGAIN, EINVAL (no listener), ENFILE, EBADF.
        """
        layer = self._open()
        if not isinstance(layer, netconn.TcpSocket):
            raise self._device.error(errno.EOPNOTSUPP)
        got = self._attempt(layer.accept, "accept")
        if got is None:
            raise self._expired()
        device = self._device
        if len(_used.of(device)) >= MOST_SOCKETS:
            with device.host.lock:
                got.close()
            raise device.error(errno.ENFILE)
        made: EspSocket = object.__new__(EspSocket)
        made._callback = None
        made._own(device, got, CONNECTED)
        _, ip, port = got.conn
        return made, (format_ip(ip), port)

    def connect(self, address: Address, /) -> None:
        """Connect; a name is looked up. ECONNRESET, ECONNABORTED, EALREADY, EISCONN, EBADF.

        ETIMEDOUT (at most a step late), or EINPROGRESS without blocking: the attempt goes on.
        """
        ip, port = looked_up(self._device, address)
        layer = self._open()
        self._state = CONNECTED
        with self._device.host.lock:
            err = layer.connect(ip, port)
        if not isinstance(layer, netconn.TcpSocket) or err != ERR_INPROGRESS:
            self._check(err)
            return
        if self._timeout == 0:
            raise self._device.error(errno.EINPROGRESS)
        if not self._device.attempt(lambda: can_write(layer), self._patience(), "connect"):
            raise self._device.error(errno.ETIMEDOUT)
        with self._device.host.lock:
            err = layer.error()
        self._check(err)

    def close(self) -> None:
        """Close; twice is fine. Unread data and connections not accepted are reset."""
        self._device.enter()
        if self._fileno < 0:
            return
        with self._device.host.lock:
            self._layer.close()
            self._device.release(self._layer)
        _used.of(self._device).discard(self._fileno)
        self._fileno = -1
        self._callback = None

    def fileno(self) -> int:
        """Its number, 54 and up; -1 when closed."""
        return self._fileno

    # Sending

    def send(self, data: Any, /) -> int:
        """Send all, waiting for room: how many bytes, fewer only after a time-out; ETIMEDOUT when none."""
        payload = buffer_of(data)
        sent = self._send(payload, whole=True)
        if not sent:  # also when there was nothing to send
            raise self._expired()
        return sent

    def sendall(self, data: Any, /) -> None:
        """Send all. ETIMEDOUT, also without blocking, when not all went: nobody knows how much did."""
        payload = buffer_of(data)
        if self.send(payload) < len(payload):
            raise self._device.error(errno.ETIMEDOUT)

    def sendto(self, data: Any, address: Address, /) -> int:
        """Send a datagram to a numeric address. ENOMEM, EHOSTUNREACH, EBADF."""
        payload = buffer_of(data)
        ip, port = parse_address(address)
        layer = self._open()
        if isinstance(layer, netconn.TcpSocket):
            return self.send(payload)
        with self._device.host.lock:
            count, err = layer.sendto(payload, ip, port)
        self._check(err)
        if not payload:  # the port takes 0 for a failure and sends again and again
            if self._timeout is None:
                raise _explained(self._device, errno.EINVAL, "esp32-empty-datagram")
            self._device.attempt(lambda: False, self._patience(), "sendto")
            raise self._device.error(errno.ETIMEDOUT)
        return count

    def _send(self, data: bytes, *, whole: bool) -> int:
        """Write as much as goes in time, or, if not ``whole``, in one step."""
        layer = self._open()
        sent = 0

        def write() -> bool:
            nonlocal sent
            while sent < len(data):
                count, err = layer.write(data[sent:] if sent else data)
                if err in (ERR_WOULDBLOCK, ERR_MEM, ERR_INPROGRESS):
                    return False
                self._check(err)
                self._tell("send", data[sent : sent + count])
                sent += count
                if not whole:
                    break
            return True

        self._device.attempt(write, self._patience(), "send")
        return sent

    # Receiving

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Up to ``size`` bytes of all that has arrived, or one datagram; ``b""`` after the peer's FIN."""
        return self._receive(size, flags)[0]

    def recvfrom(self, size: int, flags: int = 0, /) -> tuple[bytes, tuple[str, int]]:
        """As ``recv``, with the source."""
        data, ip, port = self._receive(size, flags)
        return data, (format_ip(ip), port)

    def _receive(self, size: int, flags: int) -> tuple[bytes, int, int]:
        limit = integer(size)
        if limit < 0:
            raise MemoryError("memory allocation failed")
        if self._state == NEW:
            raise self._device.error(errno.ENOTCONN)
        if self._state == PEER_CLOSED:
            return b"", 0, 0
        layer = self._open()
        dont_wait = bool(flags & MSG_DONTWAIT)

        def take() -> tuple[tuple[bytes, int, int] | None, int]:
            return taken(layer, limit, bool(flags & MSG_PEEK))

        got: tuple[bytes, int, int] | None
        got = self._attempt(take, "recv", 0 if dont_wait else self._patience())
        if got is None:
            raise self._device.error(errno.EAGAIN) if dont_wait else self._expired()
        if not got[0]:
            self._state = PEER_CLOSED  # for a datagram of no bytes, too: the port does not tell them apart
            if not isinstance(layer, netconn.TcpSocket):
                self._device.note("esp32-empty-received")
        if not flags & MSG_PEEK:
            self._tell("receive", got[0])
        return got

    def _tell(self, kind: str, data: bytes) -> None:
        """Tell who watches the device of a part of a stream."""
        layer, on_event = self._layer, self._device.on_event
        if on_event is not None and isinstance(layer, netconn.TcpSocket):
            on_event(kind, layer, layer.conn, data=data)

    def _read_some(self, size: int) -> bytes:
        return self._receive(size, 0)[0]

    def _write_some(self, data: bytes) -> int:
        sent = self._send(data, whole=False)
        if not sent:
            raise self._expired()
        return sent

    # Settings

    def settimeout(self, value: float | None, /) -> None:
        """How long calls wait: seconds, None for ever, 0 not at all (also what is under a millisecond)."""
        self._timeout = None if value is None else max(0, milliseconds(value))

    def setblocking(self, flag: object, /) -> None:
        """True: wait for ever; False: do not wait."""
        self._timeout = None if flag else 0

    def setsockopt(self, level: int, option: int, value: Any, /) -> None:
        """SO_REUSEADDR, SO_BROADCAST, TCP_NODELAY, SO_BINDTODEVICE, IP_ADD_MEMBERSHIP; 20: a callback, which
        is called again and again while there is something to read.
        """
        integer(level)
        number = integer(option)
        layer = self._open()
        if number == CALLBACK:
            self._callback = value
            self._look_for_events()
        elif number == SO_BINDTODEVICE:
            text(value)  # there is one interface
        elif number == IP_ADD_MEMBERSHIP:
            data = buffer_of(value)
            if len(data) != 8:
                raise ValueError
            with self._device.host.lock:
                err = self._device.stack.igmp.join(int.from_bytes(data[:4], "big"))
            if err != ERR_OK:
                raise MicroPythonError(-err)
        elif number in _OPTIONS:
            with self._device.host.lock:
                layer.setsockopt(_OPTIONS[number], integer(value))
        else:
            sys.stdout.write("Warning: lwip.setsockopt() option not implemented\n")

    def _poll(self, mask: int) -> int:
        """Poll flags, for ``usocket.select``. Called with the device's lock."""
        if self._fileno < 0:
            return POLL_NVAL
        flags = 0
        if mask & POLL_IN and can_read(self._layer):
            flags |= POLL_IN
        if mask & POLL_OUT and can_write(self._layer):
            flags |= POLL_OUT
        if self._state == NEW:
            flags |= mask & POLL_OUT | POLL_HUP
        return flags

    # Callbacks

    def _on_event(self, device: Device) -> Any:
        owner = weakref.ref(self)

        def on_event(kind: str, sock: Any, conn: Conn | None, **fields: Any) -> None:
            if device.on_event is not None:
                device.on_event(kind, sock, conn, **fields)
            alive = owner()
            if alive is not None and alive._callback is not None:
                alive._look_for_events()

        return on_event

    def _look_for_events(self) -> None:
        """Have the callback called if there is something to read, now and, while there is, later."""
        device, callback = self._device, self._callback
        if callback is None or self._fileno < 0:
            return
        with device.host.lock:
            if can_read(self._layer):
                device.schedule(lambda: callback(self))
                device.call_at(device.clock.now() + EVENT_STEP, self._look_for_events)

    # Parts

    def _open(self) -> Layer:
        self._device.enter()
        if self._fileno < 0:
            raise self._device.error(errno.EBADF)
        return self._layer

    def _call(self, operation: Callable[[Layer], int]) -> None:
        layer = self._open()
        with self._device.host.lock:
            err = operation(layer)
        self._check(err)

    def _attempt(self, operation: Callable[[], tuple[Any, int]], what: str, timeout: Any = ...) -> Any:
        """The result of an operation, tried until it does not have to wait; None after the time-out."""
        result, err = None, ERR_OK

        def look() -> bool:
            nonlocal result, err
            result, err = operation()
            return err != ERR_WOULDBLOCK

        self._device.attempt(look, self._patience() if timeout is ... else timeout, what)
        if err not in (ERR_OK, ERR_WOULDBLOCK):
            self._check(err)
        return result

    def _patience(self) -> int | None:
        """The ms that a call waits: whole steps, one more than asked for."""
        return (self._timeout // STEP + 1) * STEP if self._timeout else self._timeout

    def _expired(self) -> MicroPythonError:
        no_steps = self._timeout is not None and self._timeout < STEP
        return self._device.error(errno.EAGAIN if no_steps else errno.ETIMEDOUT)

    def _check(self, err: int) -> None:
        if err != ERR_OK:
            name = errno_name(err)
            raise self._device.error(errno.EISCONN if name == "EISCONN" else getattr(errno, name))


# In tracebacks and messages it is what it is on a board.
EspSocket.__name__ = EspSocket.__qualname__ = "socket"
EspSocket.__module__ = "builtins"


def _explained(device: Device, number: int, oddity: str) -> MicroPythonError:
    error = device.error(number)
    error.add_note(device.note(oddity))
    return error


def contents() -> dict[str, object]:
    """The contents of the module ``socket`` on an esp32."""
    return {"getaddrinfo": getaddrinfo, "socket": EspSocket} | NAMES
