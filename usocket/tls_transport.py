"""What a TLS socket reads from and writes to: a socket of a device, or any object that MicroPython would take
for a stream.

Source: micropython/micropython:extmod/modtls_mbedtls.c, ``_mbedtls_ssl_send``, ``_mbedtls_ssl_recv``;
py/stream.c.
"""

from __future__ import annotations

from typing import Any

from usocket.errno import EAGAIN, EIO
from usocket.select import IOCTL_POLL
from usocket.stream import Stream

IOCTL_CLOSE = 4  # MP_STREAM_CLOSE


class StreamFailed(Exception):
    """The stream below has an error: ``number`` is the errno."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Transport:
    """One stream. Raises OSError at once for what is none."""

    def __init__(self, stream: Any) -> None:
        if not hasattr(stream, "write") or not (hasattr(stream, "readinto") or hasattr(stream, "read")):
            raise OSError("stream operation not supported")
        self.stream = stream

    def receive(self, size: int) -> bytes | None:
        """Up to ``size`` bytes in one step, ``b""`` at the end, None when there are none now."""
        stream = self.stream
        try:
            if isinstance(stream, Stream):
                return stream._read_some(size)
            if not hasattr(stream, "readinto"):
                data: bytes | None = stream.read(size)
                return data
            buffer = bytearray(size)
            count = stream.readinto(buffer)
            return None if count is None else bytes(buffer[:count])
        except OSError as error:
            _raise_unless_empty(error)
            return None

    def send(self, data: bytes) -> int | None:
        """Write what goes in one step: how many bytes, None when none go now."""
        stream = self.stream
        try:
            if isinstance(stream, Stream):
                return stream._write_some(data)
            count: int | None = stream.write(data)
            return count
        except OSError as error:
            _raise_unless_empty(error)
            return None

    def poll(self, mask: int) -> int:
        """Poll flags."""
        stream = self.stream
        flags: int
        if hasattr(stream, "_poll"):
            flags = stream._poll(mask)
        elif hasattr(stream, "ioctl"):
            flags = stream.ioctl(IOCTL_POLL, mask)
        else:
            flags = mask  # a buffer
        return flags

    def close(self) -> None:
        """Close the stream."""
        if isinstance(self.stream, Stream) or not hasattr(self.stream, "ioctl"):
            self.stream.close()
        else:
            self.stream.ioctl(IOCTL_CLOSE, 0)


def _raise_unless_empty(error: OSError) -> None:
    """Raise StreamFailed for any error but EAGAIN, which says that nothing goes now."""
    number = error.args[0] if error.args else EIO
    if number != EAGAIN:
        raise StreamFailed(number if isinstance(number, int) else EIO) from None
