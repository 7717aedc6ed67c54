"""Captures: pcapng files that Wireshark and tshark read, written while the frames pass.

A ``Capture`` is one file; a ``CaptureLink`` around a link records what passes there as one interface of it,
each frame with its time in nanoseconds and its direction. Several interfaces, also of several hosts, may
share a file.

Every block is handed to the kernel at once, nothing waits in this process, and no block crosses a page of the
file: after kill -9 the file ends with a whole block, the last frame's. In virtual time the same run writes
the same bytes.

Source: the pcapng specification (draft-ietf-opsawg-pcapng), sections 4.1 to 4.3; all blocks have this form::

    +------------+--------------+------------------------------------------+--------------+
    | block type | total length | body, padded to 32 bits                  | total length |
    +------------+--------------+------------------------------------------+--------------+
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Protocol

from tap.link import Link, LinkWrapper
from tap.wholefile import WholeFile

if TYPE_CHECKING:
    from tap.clock import Clock

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
ENHANCED_PACKET = 6
FILLER = 0x80000000  # types with this bit are for local use: readers pass over them
BYTE_ORDER_MAGIC = 0x1A2B3C4D
LINKTYPE_ETHERNET = 1

OPT_COMMENT = 1
SHB_USERAPPL = 4
IF_NAME = 2
IF_MACADDR = 6
IF_TSRESOL = 9
EPB_FLAGS = 2

INBOUND = 1  # the low two bits of epb_flags
OUTBOUND = 2

PAGE = 4096  # bytes; where pages are larger, theirs are among the bounds of these
SMALLEST_BLOCK = 12

_HEAD = struct.Struct("<II")  # block type, total length
_SECTION = struct.Struct("<IHHq")  # byte order magic, version 1.0, section length (-1: not known)
_INTERFACE = struct.Struct("<HHI")  # link type, reserved, snap length (0: no limit)
_OPTION = struct.Struct("<HH")  # code, length
# Before a packet's data: block head, interface, time (upper, lower half), captured and original length;
# after it, less a comment: epb_flags, the end of the options, the total length.
_PACKET = struct.Struct("<IIIIIII")
_PACKET_END = struct.Struct("<HHIHHI")

_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")  # for a length of 0, 1, 2, 3 modulo 4


def _option(code: int, value: bytes) -> bytes:
    """One option, padded to 32 bits."""
    return _OPTION.pack(code, len(value)) + value + _PADDING[len(value) & 3]


def _comment(text: str) -> bytes:
    """The option for a comment, none for an empty one. The length is 16 bits: longer texts are cut."""
    value = text.encode("utf-8", "replace")
    if len(value) > 0xFFFF:
        value = value[:0xFFFF].decode("utf-8", "ignore").encode()
    return _option(OPT_COMMENT, value) if value else b""


def _block(kind: int, body: bytes, options: bytes) -> bytes:
    """A block of ``body`` (a multiple of 32 bits) and ``options``."""
    if options:
        options += _OPTION.pack(0, 0)  # opt_endofopt
    length = 12 + len(body) + len(options)
    return b"".join((_HEAD.pack(kind, length), body, options, length.to_bytes(4, "little")))


class Capture:
    """A pcapng file that is being written; a FIFO (``wireshark -k -i FIFO``) is as good.

    When a write fails (disk full), the file ends with its last whole block, ``problem`` says why, and nothing
    more is recorded (``tap.wholefile``).
    """

    def __init__(self, path: str | PathLike[str], comment: str = "") -> None:
        """Make the file, or empty it. ``comment`` is about the whole file. Raises TapError."""
        self._interfaces = 0
        self._file = WholeFile(path, "capture")
        options = _option(SHB_USERAPPL, b"netstack-emulator") + _comment(comment)
        self._append(_block(SECTION_HEADER, _SECTION.pack(BYTE_ORDER_MAGIC, 1, 0, -1), options))

    def interface(self, name: str, mac: bytes | None = None, comment: str = "") -> int:
        """Add an Ethernet interface; returns its number for ``packet``. ``mac`` is 6 bytes."""
        options = _option(IF_NAME, name.encode()) + _option(IF_TSRESOL, b"\x09")  # times count 10**-9 s
        if mac is not None:
            options += _option(IF_MACADDR, mac)
        body = _INTERFACE.pack(LINKTYPE_ETHERNET, 0, 0)
        self._append(_block(INTERFACE_DESCRIPTION, body, options + _comment(comment)))
        self._interfaces += 1
        return self._interfaces - 1

    def packet(self, interface: int, time: int, frame: bytes, direction: int, comment: str = "") -> None:
        """Record a frame: ``time`` in ns since 1970 UTC, ``direction`` (INBOUND, OUTBOUND) as the interface
        sees it.

        After ``close`` and after a ``problem`` nothing happens.
        """
        size = len(frame)
        padding = _PADDING[size & 3]
        note = _comment(comment) if comment else b""
        length = 44 + size + len(padding) + len(note)
        self._append(b"".join((
            _PACKET.pack(ENHANCED_PACKET, length, interface, time >> 32, time & 0xFFFFFFFF, size, size),
            frame,
            padding,
            note,
            _PACKET_END.pack(EPB_FLAGS, 4, direction, 0, 0, length),
        )))  # fmt: skip

    def _append(self, block: bytes) -> None:
        """Add a block, on the next page when it does not fit on this one.

        A process that is killed while it writes stops between two pages (fatal_signal_pending in the kernel's
        generic_perform_write), so a block on one page is written whole or not at all. Larger ones take their
        chance.
        """
        room = PAGE - self._file.size % PAGE
        left = room - len(block)
        if SMALLEST_BLOCK <= room < PAGE and (left < 0 or 0 < left < SMALLEST_BLOCK):
            self._file.write(_block(FILLER, bytes(room - SMALLEST_BLOCK), b""))
        self._file.write(block)

    @property
    def problem(self) -> str | None:
        """Why nothing more is recorded, or None."""
        return self._file.problem

    def close(self) -> None:
        """Record nothing more; twice is as good as once."""
        self._file.close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FrameSink(Protocol):
    """What frames can be recorded in: a ``Capture``, a ``tap.digest.Digest``."""

    def interface(self, name: str, mac: bytes | None = None, comment: str = "") -> int:
        """Add an interface; returns its number for ``packet``."""

    def packet(self, interface: int, time: int, frame: bytes, direction: int, comment: str = "") -> None:
        """Record a frame: ``time`` in ns since 1970 UTC, ``direction`` INBOUND or OUTBOUND."""


class CaptureLink(LinkWrapper):
    """A link around ``inner`` that records every frame that passes in ``capture``, which stays open at
    ``close``.

    ``name``, ``mac`` and ``comment`` describe the interface. INBOUND is what is received from ``inner``.
    ``describe`` gives a comment for a frame that is sent. Times are ``clock``'s: UTC in real time, since the
    clock's start in virtual time.
    """

    def __init__(
        self,
        inner: Link,
        capture: FrameSink,
        clock: Clock,
        name: str,
        mac: bytes | None = None,
        comment: str = "",
        describe: Callable[[bytes], str] | None = None,
    ) -> None:
        super().__init__(inner)
        self._packet = capture.packet
        self._now = clock.now
        self._epoch = clock.epoch
        self._interface = capture.interface(name, mac, comment)
        self._describe = describe
        self._note = ""

    def note(self, text: str) -> None:
        """Give the next frame that passes, whichever way, a comment; several notes become its lines."""
        self._note = f"{self._note}\n{text}" if self._note else text

    def send(self, frame: bytes) -> None:
        if self._describe is not None:
            self.note(self._describe(frame))
        self._record(frame, OUTBOUND)
        self.inner.send(frame)

    def receive(self) -> bytes | None:
        frame = self.inner.receive()
        if frame is not None:
            self._record(frame, INBOUND)
        return frame

    def _record(self, frame: bytes, direction: int) -> None:
        note, self._note = self._note, ""
        self._packet(self._interface, self._epoch + self._now(), frame, direction, note)
