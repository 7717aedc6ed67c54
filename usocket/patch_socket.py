"""CPython's socket class on a device: what ``socket.socket`` is while ``usocket.patch`` is in force.

It is a subclass of the real one whose descriptor only tells whether it is ready (``usocket.patch_ready``);
everything that moves data or asks the network goes to the device (``usocket.patch_end``). So isinstance,
time-outs, ``makefile``, ``with`` and the reference counting of files are CPython's own.

Where the family is AF_UNIX, or the address one of this machine (127.0.0.0/8, which a board has not), it is an
ordinary socket: libraries talk to themselves through these. All families but AF_INET are refused.

Sources: CPython Lib/socket.py, Modules/socketmodule.c.
"""

from __future__ import annotations

import errno
import functools
import os
import socket
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar

from tap.clock import SECOND
from usocket.patch_end import RAW, STREAM, Address, End, new_layer, os_error, unsupported
from usocket.patch_names import address_argument, is_local, shown
from usocket.patch_options import get_option, set_option, switched_on

if TYPE_CHECKING:
    from usocket.device import Device

REAL = socket.socket  # as it is when nothing is patched

KIND = 0xF  # of the argument ``type``; the bits above are flags (SOCK_NONBLOCK, SOCK_CLOEXEC)
KNOWN_FLAGS = socket.MSG_PEEK | socket.MSG_DONTWAIT | socket.MSG_WAITALL | socket.MSG_NOSIGNAL
PROTOCOLS = {1: (0, socket.IPPROTO_TCP), 2: (0, socket.IPPROTO_UDP)}

P = ParamSpec("P")
T = TypeVar("T")


def _on_device(
    method: Callable[Concatenate[DeviceSocket, P], T],
) -> Callable[Concatenate[DeviceSocket, P], T]:
    """The method is for sockets of a device; an ordinary one does what the real class does."""
    real = getattr(REAL, method.__name__)

    @functools.wraps(method)
    def either(self: DeviceSocket, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._end is None:
            result: T = real(self, *args, **kwargs)
            return result
        return method(self, *args, **kwargs)

    return either  # type: ignore[return-value]  # mypy minds the name "self"


class _SocketType(type):
    """For programs every socket is an instance of ``socket.socket``, also one made before."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, REAL) if cls is DeviceSocket else super().__instancecheck__(instance)


class DeviceSocket(REAL, metaclass=_SocketType):
    """``socket.socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None)``.

    Of ``device`` while there is one, else an ordinary socket. ``sockets`` are the open ones of devices.
    """

    __slots__ = ("_end",)

    device: ClassVar[Device | None] = None
    sockets: ClassVar[weakref.WeakSet[DeviceSocket]] = weakref.WeakSet()

    _end: End | None

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        self._end = None
        device = DeviceSocket.device
        if device is None or fileno is not None or family == socket.AF_UNIX:
            if fileno is not None and is_descriptor(fileno):
                raise unsupported("a second socket on one descriptor")
            super().__init__(family, type, proto, fileno)
            return
        if family not in (-1, socket.AF_INET):
            raise os_error(errno.EAFNOSUPPORT, f"a device has IPv4 only, no sockets of family {family!r}")
        kind = STREAM if type == -1 else type & KIND
        proto = max(proto, 0)
        if kind not in (*PROTOCOLS, RAW) or (kind in PROTOCOLS and proto not in PROTOCOLS[kind]):
            raise os_error(errno.EPROTONOSUPPORT)
        device.enter()
        with device.host.lock:
            end = End(device, new_layer(device, kind, proto))
        self._own(end, kind, proto)
        if type != -1 and type & socket.SOCK_NONBLOCK:
            self.setblocking(False)

    def _own(self, end: End, kind: int, proto: int) -> None:
        super().__init__(socket.AF_INET, kind, proto, end.ready.descriptor)
        self._end = end
        DeviceSocket.sockets.add(self)

    def _open(self) -> End:
        assert self._end is not None
        self._end.device.enter()
        return self._end

    # Opening and closing

    @_on_device
    def bind(self, address: Any, /) -> None:
        """Give it a local address; one of this machine makes it an ordinary socket."""
        end = self._open()
        ip, port = address_argument(end.device, "bind", address)
        if is_local(ip):
            self._leave_device(end)
            super().bind(shown((ip, port)))
            return
        with end.device.host.lock:
            end.bind(ip, port)

    @_on_device
    def listen(self, backlog: int = 128, /) -> None:
        """Become a listener; lwIP counts in its backlog, at most 255, what has not been accepted yet."""
        end = self._open()
        with end.device.host.lock:
            end.listen(max(0, backlog))

    @_on_device
    def accept(self) -> tuple[socket.socket, Any]:
        """The oldest connection and its (ip, port)."""
        end = self._attempt(self._open().accept, "accept")
        accepted = DeviceSocket.__new__(DeviceSocket)
        accepted._own(end, STREAM, self.proto)
        return accepted, shown(end.peer)

    @_on_device
    def connect(self, address: Any, /) -> None:
        """Connect; to an address of this machine as an ordinary socket.

        ConnectionResetError (refused: lwIP does not tell that apart), ConnectionAbortedError (no answer).
        """
        end = self._open()
        ip, port = address_argument(end.device, "connect", address)
        if is_local(ip):
            self._leave_device(end)
            super().connect(shown((ip, port)))
            return
        with end.device.host.lock:
            if end.connect(ip, port):
                return
        if self.gettimeout() == 0:
            raise os_error(errno.EINPROGRESS)
        self._attempt(end.is_connected, "connect")

    def connect_ex(self, address: Any, /) -> int:
        """As ``connect``: 0, or the errno."""
        try:
            self.connect(address)
        except socket.gaierror:
            raise
        except OSError as error:
            return error.errno or errno.EAGAIN
        return 0

    def _leave_device(self, end: End) -> None:
        """Become an ordinary socket, under the same descriptor, with what was set so far."""
        with REAL(socket.AF_INET, self.type, self.proto) as ordinary:
            with end.device.host.lock:
                options = switched_on(end, self.type)
            for level, option in options:
                ordinary.setsockopt(level, option, 1)
            os.dup2(ordinary.fileno(), self.fileno(), inheritable=False)
        end.close()
        self._end = None
        DeviceSocket.sockets.discard(self)
        self.settimeout(self.gettimeout())

    def _real_close(self, *args: Any) -> None:
        if self._end is not None:
            self._end.close()
            DeviceSocket.sockets.discard(self)
        super()._real_close(*args)  # type: ignore[misc]

    def drop(self) -> None:
        """Close it now, whatever files there are on it."""
        self._closed = True
        self._real_close()

    def hand_over(self) -> End:
        """What is behind it, for another socket object; this one is closed, the connection is not."""
        end = self._open()
        super().detach()
        self._end = None
        self._closed = True
        DeviceSocket.sockets.discard(self)
        return end

    def __del__(self) -> None:
        end = getattr(self, "_end", None)
        if end is not None and not end.closed:
            end.abandon()
        super().__del__()  # type: ignore[misc]

    @_on_device
    def shutdown(self, how: int, /) -> None:
        """Close a side, or both."""
        end = self._open()
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise os_error(errno.EINVAL)
        with end.device.host.lock:
            end.shutdown(how != socket.SHUT_WR, how != socket.SHUT_RD)

    @_on_device
    def detach(self) -> int:
        """EOPNOTSUPP: a descriptor alone is no connection of a device."""
        raise unsupported("detach()")

    @_on_device
    def dup(self) -> Any:
        """EOPNOTSUPP."""
        raise unsupported("dup()")

    # Addresses and options

    @_on_device
    def getsockname(self) -> Any:
        """Its own (ip, port)."""
        end = self._open()
        with end.device.host.lock:
            return shown(end.local())

    @_on_device
    def getpeername(self) -> Any:
        """The peer's (ip, port). ENOTCONN."""
        end = self._open()
        with end.device.host.lock:
            return shown(end.remote())

    @_on_device
    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None, /) -> None:
        """Set an option that lwIP has. ENOPROTOOPT."""
        end = self._open()
        with end.device.host.lock:
            set_option(end, level, optname, value)

    @_on_device
    def getsockopt(self, level: int, optname: int, buflen: int = 0, /) -> Any:
        """An option that lwIP has, as an int, or with ``buflen`` as bytes. ENOPROTOOPT."""
        end = self._open()
        with end.device.host.lock:
            value = get_option(end, self.type, level, optname)
            end.update()
        if isinstance(value, int):
            return value.to_bytes(4, "little")[:buflen] if buflen else value
        return value[:buflen]

    # Sending

    @_on_device
    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send what there is room for now: how many bytes."""
        payload = self._payload(data)
        _check_flags(flags)
        end = self._open()
        return self._attempt(lambda: end.send(payload), "send", flags)

    @_on_device
    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all, within the time-out."""
        _check_flags(flags)
        end = self._open()
        rest = memoryview(data).cast("B")
        deadline = self._deadline()
        if not rest:
            self._attempt(lambda: end.send(b""), "sendall")
        while rest:
            payload = self._payload(rest)
            rest = rest[self._attempt(lambda: end.send(payload), "sendall", flags, deadline) :]  # noqa: B023

    @_on_device
    def sendto(self, data: Any, *args: Any) -> int:
        """``sendto(data, address)``, ``sendto(data, flags, address)``: send a datagram."""
        flags, address = (0, args[0]) if len(args) == 1 else args
        _check_flags(flags)
        end = self._open()
        ip, port = address_argument(end.device, "sendto", address)
        if is_local(ip):
            self._leave_device(end)
            return super().sendto(data, flags, shown((ip, port)))
        payload = bytes(data)
        with end.device.host.lock:
            return end.send_to(payload, ip, port)

    @_on_device
    def sendmsg(
        self, buffers: Iterable[Any], ancdata: Iterable[Any] = (), flags: int = 0, address: Any = None, /
    ) -> int:
        """Send several buffers as one; with an address as a datagram. EOPNOTSUPP for ancillary data."""
        if list(ancdata):
            raise unsupported("ancillary data")
        data = b"".join(bytes(buffer) for buffer in buffers)
        return self.send(data, flags) if address is None else self.sendto(data, flags, address)

    @_on_device
    def _sendfile_use_sendfile(self, *args: Any) -> int:
        raise socket._GiveupOnSendfile("a socket of a device")  # type: ignore[attr-defined]

    def _payload(self, data: Any) -> bytes:
        """What of ``data`` may fit."""
        view = memoryview(data).cast("B")
        assert self._end is not None
        return bytes(view[: self._end.device.profile.tcp_snd_buf] if self.type == STREAM else view)

    # Receiving

    @_on_device
    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """What has arrived, at most ``bufsize`` bytes; ``b""`` at the end."""
        return self._receive(bufsize, flags)[0]

    @_on_device
    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """As ``recv``, with the source of a datagram."""
        data, source = self._receive(bufsize, flags)
        return data, None if self.type == STREAM else shown(source)

    @_on_device
    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As ``recv``, into a buffer: how many bytes."""
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    @_on_device
    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As ``recvfrom``, into a buffer."""
        if nbytes < 0:
            raise ValueError("negative buffersize in recv_into")
        with memoryview(buffer) as view, view.cast("B") as target:
            if nbytes > len(target):
                raise ValueError("buffer too small for requested bytes")
            data, source = self.recvfrom(nbytes or len(target), flags)
            target[: len(data)] = data
        return len(data), source

    @_on_device
    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """``(data, no ancillary data, no flags, source)``."""
        data, source = self.recvfrom(bufsize, flags)
        return data, [], 0, source

    @_on_device
    def recvmsg_into(self, buffers: Iterable[Any], ancbufsize: int = 0, flags: int = 0, /) -> Any:
        """As ``recvmsg``, into several buffers."""
        views = [memoryview(buffer).cast("B") for buffer in buffers]
        data, source = self.recvfrom(sum(map(len, views)), flags)
        rest = data
        for view in views:
            view[: len(rest)], rest = rest[: len(view)], rest[len(view) :]
        return len(data), [], 0, source

    def _receive(self, size: int, flags: int) -> tuple[bytes, Address]:
        if size < 0:
            raise ValueError("negative buffersize in recv")
        _check_flags(flags)
        end = self._open()
        peek = bool(flags & socket.MSG_PEEK)
        data, source = self._attempt(lambda: end.receive(size, peek), "recv", flags)
        while flags & socket.MSG_WAITALL and not peek and self.type == STREAM and 0 < len(data) < size:
            missing = size - len(data)
            more, _ = self._attempt(lambda: end.receive(missing), "recv", flags)  # noqa: B023
            if not more:
                break
            data += more
        return data, source

    # Waiting

    def _deadline(self) -> int | None:
        """The clock's time at the end of the time-out; None for ever."""
        timeout = self.gettimeout()
        assert self._end is not None
        return None if timeout is None else self._end.device.clock.now() + round(timeout * SECOND)

    def _attempt(
        self, operation: Callable[[], T | None], what: str, flags: int = 0, deadline: int | None = None
    ) -> T:
        """The result of an operation that gives None while it has to wait. BlockingIOError, TimeoutError."""
        assert self._end is not None
        device = self._end.device
        result: T | None = None
        failure: OSError | None = None

        def look() -> bool:
            nonlocal result, failure
            try:
                result = operation()
            except OSError as error:
                failure = error
            return result is not None or failure is not None

        with device.host.lock:
            done = look()
        if not done:
            if self.gettimeout() == 0 or flags & socket.MSG_DONTWAIT:
                raise os_error(errno.EAGAIN)
            if not device.wait(look, self._deadline() if deadline is None else deadline, what):
                raise TimeoutError("timed out")
        if failure is not None:
            raise failure
        assert result is not None
        return result


def is_descriptor(number: int) -> bool:
    """Whether a descriptor is that of a device's socket, or a duplicate: for readiness only."""
    sockets = list(DeviceSocket.sockets)
    if not sockets:
        return False
    inode = os.fstat(number).st_ino
    return any(sock._end is not None and sock._end.ready.number == inode for sock in sockets)


def on_device(sock: object) -> bool:
    """Whether it is a socket of a device."""
    return DeviceSocket in type(sock).__mro__ and getattr(sock, "_end", None) is not None


def _check_flags(flags: int) -> None:
    if flags & ~KNOWN_FLAGS:
        raise os_error(errno.EOPNOTSUPP, f"flags {flags:#x}: lwIP knows PEEK, DONTWAIT, WAITALL and NOSIGNAL")
