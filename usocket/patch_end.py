"""One socket of lwIP's own socket API on a device (``api/sockets.c``), as a program in CPython needs it:
without waiting, with errors as OSError, and with a descriptor that tells when it is ready.

lwIP's layer is ``netstack.api.netconn``. Here are the few things in which BSD sockets on Linux differ and
programs rely on it: the end of a stream stays readable, sending on a connection that is gone is EPIPE, and a
send that finds no memory waits.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, TypeAlias

from netstack.api import netconn
from netstack.api.common import Conn, errno_name
from netstack.api.modlwip import raw_socket
from netstack.api.netconn_udp import UdpSocket
from netstack.errors import ERR_CONN, ERR_INPROGRESS, ERR_MEM, ERR_OK, ERR_WOULDBLOCK
from tap.clock import MS
from usocket.esp32_layer import Layer, can_read, can_write, taken
from usocket.patch_ready import Readiness

if TYPE_CHECKING:
    from usocket.device import Device

STREAM, DATAGRAM, RAW = 1, 2, 3  # Linux's SOCK_STREAM, SOCK_DGRAM, SOCK_RAW

MEMORY_PAUSE = 50 * MS  # after which a send that found no memory is tried again

# What makes a socket readable, whatever it was before (``EventHook``).
_ARRIVALS = frozenset(("recv", "fin", "err", "udp-recv", "pending", "accept-err"))

Address: TypeAlias = tuple[int, int]  # IP address and port


def os_error(number: int, text: str = "") -> OSError:
    """The OSError of that number, which is the subclass that CPython has for it."""
    return OSError(number, text or os.strerror(number))


def unsupported(what: str) -> OSError:
    """For what cannot work with a socket of a device."""
    return os_error(errno.EOPNOTSUPP, f"{what}: not with a socket of a device")


def lwip_error(err: int) -> OSError:
    """The OSError for an err_t (``err_to_errno``)."""
    return os_error(getattr(errno, errno_name(err)))


def new_layer(device: Device, kind: int, protocol: int) -> Layer:
    """A socket of lwIP's layer. ENOMEM when the pool of control blocks is empty."""
    layer: Layer | None
    if kind == STREAM:
        layer, err = netconn.tcp_socket(device.stack)
    elif kind == DATAGRAM:
        layer, err = netconn.udp_socket(device.stack)
    else:
        layer, err = raw_socket(device.stack, None, protocol)
    if layer is None:
        raise lwip_error(err)
    return layer


class End:
    """The device's side of a socket. All methods but ``close`` are called with the device's lock held.

    ``connected``: has been connected. ``linger``: what SO_LINGER was set to, (on, seconds).
    """

    def __init__(self, device: Device, layer: Layer, *, connected: bool = False) -> None:
        self.device = device
        self.layer = layer
        self.connected = connected
        self.closed = False
        self.linger = (0, 0)
        self.ready = Readiness()
        self._stream = layer if isinstance(layer, netconn.TcpSocket) else None
        self._ended = False  # nothing will be received any more
        self._starved = False  # the last send found no memory
        self._abandoned = False
        if isinstance(layer, netconn.TcpSocket | UdpSocket):
            layer._on_event = self._on_event
        else:
            layer.on_event = self._on_event
        device.adopt(layer, lambda leaving: self._shut())
        self.update()

    # Readiness

    def _on_event(self, kind: str, sock: Any, conn: Conn | None, **fields: Any) -> None:
        """Called by the layer, at times just before it has done what it tells of."""
        if self.device.on_event is not None:
            self.device.on_event(kind, sock, conn, **fields)
        if sock is not self.layer and fields.get("listener") is not self.layer:
            return  # of a connection that waits to be accepted
        if kind == "connected":
            self.connected = True
        self.ready.show(kind in _ARRIVALS or self.can_read, self.can_write)

    @property
    def can_read(self) -> bool:
        """Whether receiving (or accepting) would not wait."""
        return self._ended or self.closed or can_read(self.layer)

    @property
    def can_write(self) -> bool:
        """Whether sending would not wait."""
        return self.closed or (not self._starved and can_write(self.layer))

    def update(self) -> None:
        """Show what can be done now; after each operation."""
        self.ready.show(self.can_read, self.can_write)

    # Operations: None means that it would have to wait

    def bind(self, ip: int, port: int) -> None:
        """EADDRINUSE; EINVAL (bound before, connected); EIO (raw)."""
        self._check(self._open().bind(ip, port))

    def listen(self, backlog: int) -> None:
        """ENOMEM, EADDRINUSE, EINVAL (connected), EOPNOTSUPP (not a stream)."""
        self._open()
        self._check(self._of_stream().listen(backlog))
        self.update()

    def accept(self) -> End | None:
        """The oldest connection. EINVAL (not listening), ECONNABORTED (a SYN was lost for want of memory)."""
        self._open()
        layer, err = self._of_stream().accept()
        self.update()
        if layer is not None:
            return End(self.device, layer, connected=True)
        if err == ERR_WOULDBLOCK:
            return None
        raise lwip_error(err)

    def connect(self, ip: int, port: int) -> bool:
        """Begin to connect: whether that is all, as with datagrams. EALREADY, EISCONN, EHOSTUNREACH, ..."""
        err = self._open().connect(ip, port)
        self.update()
        if err == ERR_INPROGRESS:
            return False
        self._check(err)
        return True

    def is_connected(self) -> bool | None:
        """True once it is; ECONNRESET (refused), ECONNABORTED (no answer)."""
        layer = self._open()
        if layer.pcb is None and not self.connected:
            raise lwip_error(self.pending_error() or ERR_CONN)
        return self.connected or None

    def pending_error(self) -> int:
        """The err_t that SO_ERROR gives, which clears it."""
        return self._stream.error() if self._stream is not None else ERR_OK

    def receive(self, size: int, peek: bool = False) -> tuple[bytes, Address] | None:
        """Up to ``size`` bytes and where they come from; ``b""`` at the end of a stream."""
        layer = self._open()
        if self._ended or (not size and self._stream is not None):
            return b"", (0, 0)
        if not self._may_receive():
            raise os_error(errno.ENOTCONN)
        got, err = taken(layer, size, peek)
        if err == ERR_WOULDBLOCK:
            return None
        if err == ERR_CONN and self.connected:
            got, err = (b"", 0, 0), ERR_OK  # it failed, and that has been told
        if err != ERR_OK or got is None:
            self.update()
            raise lwip_error(err)
        data, ip, port = got
        self._ended = self._stream is not None and not data
        if not peek:
            self._tell("receive", data)
        self.update()
        return data, (ip, port)

    def _may_receive(self) -> bool:
        """A stream that was never asked to connect would wait for ever."""
        return self._stream is None or self.connected or bool(self._stream.conn[0] or self._stream._mbox)

    def send(self, data: bytes) -> int | None:
        """Send as much as fits, or a datagram: how many bytes."""
        layer = self._open()
        if not data and self._stream is not None:
            return 0
        count, err = layer.write(data)
        if err == ERR_MEM and self._stream is not None:
            self._starve()
            err = ERR_WOULDBLOCK
        self.update()
        if err in (ERR_WOULDBLOCK, ERR_INPROGRESS):
            return None
        if err == ERR_CONN and self.connected:
            raise os_error(errno.EPIPE)
        self._check(err)
        self._tell("send", data[:count])
        return count

    def _tell(self, kind: str, data: bytes) -> None:
        """Tell who watches the device of a part of a stream."""
        if self.device.on_event is not None and self._stream is not None:
            self.device.on_event(kind, self._stream, self._stream.conn, data=data)

    def send_to(self, data: bytes, ip: int, port: int) -> int:
        """Send a datagram. ENOMEM, EHOSTUNREACH, EISCONN (a stream)."""
        layer = self._open()
        if isinstance(layer, netconn.TcpSocket):
            raise os_error(errno.EISCONN if self.connected else errno.ENOTCONN)
        count, err = layer.sendto(data, ip, port)
        self._check(err)
        return count

    def shutdown(self, receiving: bool, sending: bool) -> None:
        """Close a side or both. ENOTCONN."""
        self._open()
        if self._stream is None or not self._stream.conn[0]:
            raise os_error(errno.ENOTCONN)
        self._check(self._stream.shutdown(receiving, sending))
        self._ended |= receiving
        self.update()

    def _starve(self) -> None:
        """No memory: not writable for a moment, so that nobody tries in a loop."""
        if not self._starved:
            self._starved = True
            self.device.call_at(self.device.clock.now() + MEMORY_PAUSE, self._try_again)

    def _try_again(self) -> None:
        self._starved = False
        self.update()

    # Addresses

    def local(self) -> Address:
        """Its own address."""
        pcb = self._open().pcb
        if pcb is None:
            return 0, self._stream.conn[0] if self._stream is not None else 0
        return pcb.local_ip, getattr(pcb, "local_port", 0)

    def remote(self) -> Address:
        """The peer's address. ENOTCONN."""
        pcb = self._open().pcb
        if self._stream is not None:
            if pcb is None or not self.connected:
                raise os_error(errno.ENOTCONN)
            return self._stream.conn[1:]
        ip, port = getattr(pcb, "remote_ip", 0), getattr(pcb, "remote_port", 0)
        if not ip:
            raise os_error(errno.ENOTCONN)
        return ip, port

    @property
    def peer(self) -> Address:
        """Where a connection comes from, also when it is gone already."""
        return self._stream.conn[1:] if self._stream is not None else (0, 0)

    # Closing

    def abandon(self) -> None:
        """The program has dropped the socket unclosed: it is closed soon, but not inside the stack."""
        self._abandoned = True
        self.device.orphan(self.layer)

    def close(self) -> None:
        """Close it, and let go of the descriptor. Takes the lock; twice is fine."""
        with self.device.host.lock:
            self._shut()
            self.device.release(self.layer)
            self.ready.close()

    def _shut(self) -> None:
        """The device closes, or the socket does: whoever polls is told."""
        if self.closed:
            return
        if self.linger == (1, 0):
            self.layer.abort()
        else:
            self.layer.close()
        self.closed = True
        self.update()
        if self._abandoned:
            self.ready.close()

    def _open(self) -> Layer:
        if self.closed:
            raise os_error(errno.EBADF)
        return self.layer

    def _of_stream(self) -> netconn.TcpSocket:
        if self._stream is None:
            raise os_error(errno.EOPNOTSUPP)
        return self._stream

    @staticmethod
    def _check(err: int) -> None:
        if err != ERR_OK:
            raise lwip_error(err)
