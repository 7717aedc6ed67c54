"""DHCP messages: the fixed part that comes from BOOTP, and the options (RFC 951, RFC 2131 2, RFC 2132).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |     op (1)    |   htype (1)   |   hlen (1)    |   hops (1)    |
    +---------------+---------------+---------------+---------------+
    |                            xid (4)                            |
    +-------------------------------+-------------------------------+
    |           secs (2)            |           flags (2)           |
    +-------------------------------+-------------------------------+
    |              ciaddr (4), yiaddr (4), siaddr (4), giaddr (4)   |
    +---------------------------------------------------------------+
    |            chaddr (16), sname (64), file (128)                |
    +---------------------------------------------------------------+
    |       magic cookie (4): 99.130.83.99; options (variable)      |
    +---------------------------------------------------------------+

An option is a code, a length and a value; code 0 is a lone byte of padding, 255 the end. A server that runs
out of room goes on in ``file`` and ``sname`` (option overload). What lwIP neither sends nor looks at (secs,
flags, siaddr, giaddr) is 0 in our messages.
Source: lwIP ``dhcp.c:dhcp_create_msg``, ``dhcp_parse_reply``.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

BOOTREQUEST, BOOTREPLY = 1, 2

# Message types (option 53)
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

# Options (RFC 2132)
PAD = 0
SUBNET_MASK = 1
ROUTER = 3
DNS_SERVER = 6
HOSTNAME = 12
BROADCAST = 28
REQUESTED_IP = 50
LEASE_TIME = 51
OVERLOAD = 52
MESSAGE_TYPE = 53
SERVER_ID = 54
PARAMETER_REQUEST_LIST = 55
MAX_MESSAGE_SIZE = 57
RENEWAL_TIME = 58  # T1
REBINDING_TIME = 59  # T2
END = 255

MAGIC_COOKIE = 0x63825363
HEADER_LEN = 240
OPTIONS_LEN = 68  # DHCP_OPTIONS_LEN: room for options in our messages, which always fill it
MESSAGE_LEN = HEADER_LEN + OPTIONS_LEN

_HEADER = Struct("!BBBBIHHIIII16s64s128sI")
_FILE = range(108, 236)
_SNAME = range(44, 108)
_HTYPE_ETHERNET = 1
_HLEN_ETHERNET = 6

# What lwIP asks of the length of the options that it reads
_FIXED_LENGTHS = {
    SUBNET_MASK: 4,
    LEASE_TIME: 4,
    OVERLOAD: 1,
    MESSAGE_TYPE: 1,
    SERVER_ID: 4,
    RENEWAL_TIME: 4,
    REBINDING_TIME: 4,
}


class DhcpMessage:
    """A message: addresses are ints, ``chaddr`` is our MAC, ``options`` maps codes to values, in their order.

    Of an option that occurs twice the first counts; padding, end and overload are no part of ``options``.
    """

    __slots__ = ("chaddr", "ciaddr", "cookie", "op", "options", "xid", "yiaddr")

    def __init__(
        self,
        op: int,
        xid: int,
        chaddr: bytes,
        options: dict[int, bytes],
        *,
        ciaddr: int = 0,
        yiaddr: int = 0,
        cookie: int = MAGIC_COOKIE,
    ) -> None:
        self.op = op
        self.xid = xid
        self.chaddr = chaddr
        self.options = options
        self.ciaddr = ciaddr
        self.yiaddr = yiaddr
        self.cookie = cookie

    @property
    def type(self) -> int:
        """DISCOVER to INFORM, or 0 in a message that does not say, as those of BOOTP."""
        return self.number(MESSAGE_TYPE) or 0

    def number(self, code: int) -> int | None:
        """The value of an option that is a number or an address (of several, the first); None: not given."""
        value = self.options.get(code)
        return None if value is None else int.from_bytes(value[:4], "big")


def room_left(options: dict[int, bytes]) -> int:
    """Bytes that a message of ours has left beside these options, its type and the end."""
    return OPTIONS_LEN - sum(2 + len(value) for value in options.values()) - 3 - 1


def emit(message: DhcpMessage) -> bytes:
    """The message as sent: filled up with zeros to ``MESSAGE_LEN`` bytes and to a multiple of 4."""
    head = _HEADER.pack(
        message.op, _HTYPE_ETHERNET, _HLEN_ETHERNET, 0,
        message.xid, 0, 0,
        message.ciaddr, message.yiaddr, 0, 0,
        message.chaddr, b"", b"",
        message.cookie,
    )  # fmt: skip
    options = b"".join(bytes((code, len(value))) + value for code, value in message.options.items())
    data = head + options + bytes((END,))
    return data.ljust(max(MESSAGE_LEN, len(data) + -len(data) % 4), b"\0")


def parse(data: bytes, needs_end: bool = True) -> DhcpMessage | None:
    """The message; None when it has no options, ends within one or (``needs_end``) without an end, or when an
    option that we read has a length that it must not have.

    The caller judges op, xid, chaddr and cookie.
    """
    if not needs_end:
        data += bytes((END,))
    if len(data) <= HEADER_LEN:
        return None
    op, _, _, _, xid, _, _, ciaddr, yiaddr, _, _, chaddr, _, _, cookie = _HEADER.unpack_from(data)
    options: dict[int, bytes] = {}
    if not _collect(data, range(HEADER_LEN, len(data)), options):
        return None
    overload = options.pop(OVERLOAD, b"\0")[0]
    # RFC 2131 4.1: file first, then sname
    for field, bit in ((_FILE, 1), (_SNAME, 2)):
        if overload <= 3 and overload & bit:
            if not _collect(data, field, options) or OVERLOAD in options:
                return None
    return DhcpMessage(op, xid, chaddr[:6], options, ciaddr=ciaddr, yiaddr=yiaddr, cookie=cookie)


def _collect(data: bytes, field: range, options: dict[int, bytes]) -> bool:
    """Add the options of one field of the message, which may run on into the next field but not past the
    message; False when they are malformed.
    """
    for code, value in _walk(data, field):
        if value is None or not _has_right_length(code, len(value)):
            return False
        if value:
            options.setdefault(code, value)
    return True


def _walk(data: bytes, field: range) -> Iterator[tuple[int, bytes | None]]:
    """Code and value of each option up to the end; the value is None where the message ends too early."""
    offset = field.start
    while offset < field.stop and data[offset] != END:
        code = data[offset]
        if code == PAD:
            offset += 1
        else:
            start = offset + 2
            offset = start + (data[offset + 1] if offset + 1 < len(data) else 0)
            if offset <= len(data):
                yield code, data[start:offset]
        if offset >= len(data):
            yield code, None
            return


def _has_right_length(code: int, length: int) -> bool:
    if code == ROUTER:
        return length >= 4
    if code == DNS_SERVER:
        return length % 4 == 0
    return _FIXED_LENGTHS.get(code, length) == length
