"""DNS messages: the query a stub resolver sends, and the little it reads of a reply (RFC 1035 section 4).

    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
    |                      ID                       |
    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
    |QR|   Opcode  |AA|TC|RD|RA|   Z    |   RCODE   |
    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
    |                    QDCOUNT                    |
    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
    |                    ANCOUNT                    |
    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
    |                    NSCOUNT                    |
    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
    |                    ARCOUNT                    |
    +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+

A question is NAME TYPE CLASS, an answer NAME TYPE CLASS TTL RDLENGTH RDATA; a name is a sequence of labels
(length, bytes) that ends with a zero or with a pointer to a name earlier in the message (4.1.4).

lwIP never follows a pointer: it skips the names of answers without reading them (``skip_name``). A stack
without the quirk dns_answer_name_ignored reads them (``read_name``). Names are bytes in dotted form.
Source: lwIP ``dns.c``.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

HEADER_LEN = 12
QUESTION_LEN = 4  # type and class, behind the name
RECORD_LEN = 10  # type, class, TTL and RDLENGTH, behind the name
MAX_NAME_LEN = 255  # on the wire (RFC 1035 2.3.4)

RESPONSE = 0x8000
TRUNCATED = 0x0200
RECURSION_DESIRED = 0x0100
RCODE_MASK = 0x000F

TYPE_A = 1
TYPE_CNAME = 5
CLASS_IN = 1

_POINTER = 0xC0  # the two high bits of a length byte; 01 and 10 are reserved

_HEADER = Struct("!6H")
_QUESTION = Struct("!HH")
_RECORD = Struct("!HHIH")


class DnsHeader:
    """The header; ``authorities`` and ``additionals`` are counts that nobody reads here."""

    __slots__ = ("additionals", "answers", "authorities", "flags", "ident", "questions")

    def __init__(
        self,
        ident: int,
        flags: int,
        questions: int,
        answers: int = 0,
        authorities: int = 0,
        additionals: int = 0,
    ) -> None:
        self.ident = ident
        self.flags = flags
        self.questions = questions
        self.answers = answers
        self.authorities = authorities
        self.additionals = additionals


class Found(NamedTuple):
    """What the answers of a reply come to: an address with its TTL in seconds, or none (``ip`` None)."""

    ip: int | None
    ttl: int


class _Record(NamedTuple):
    kind: tuple[int, int]  # type and class
    ttl: int
    data_at: int
    length: int


def parse(data: bytes) -> DnsHeader | None:
    """The header of a message; None when the message ends before it does."""
    return DnsHeader(*_HEADER.unpack_from(data)) if len(data) >= HEADER_LEN else None


def emit(header: DnsHeader) -> bytes:
    """The header as 12 bytes."""
    return _HEADER.pack(
        header.ident, header.flags, header.questions, header.answers, header.authorities, header.additionals
    )


def emit_name(name: bytes) -> bytes:
    """A dotted name as labels, with a zero behind.

    Nothing is checked: as in lwIP a label of more than 63 bytes goes out as it is, and its length byte is cut
    to 8 bits.
    """
    return b"".join(bytes((len(label) & 0xFF,)) + label for label in name.split(b".")) + b"\0"


def emit_query(ident: int, name: bytes) -> bytes:
    """A recursive question for the address of ``name``."""
    header = DnsHeader(ident, RECURSION_DESIRED, 1)
    return emit(header) + emit_name(name) + _QUESTION.pack(TYPE_A, CLASS_IN)


def match_question(data: bytes, name: bytes, *, whole: bool) -> int | None:
    """Where the answers begin, if the message's question is the one for ``name`` (case apart); else None.

    ``whole`` False is lwIP's comparison (``dns_compare_name``): the question's labels must agree with
    ``name`` as far as they go. Compressed names never agree.
    """
    wanted = name.lower() + b"\0"
    at, offset = 0, HEADER_LEN
    while True:
        length = data[offset]
        offset += 1
        if length & _POINTER == _POINTER:
            return None
        label = data[offset : offset + length]
        if len(label) < length or label.lower() != wanted[at : at + length]:
            return None
        at += length + 1
        offset += length
        if offset >= len(data):
            return None
        if not data[offset]:
            break
    offset += 1
    if whole and at != len(wanted):
        return None
    if len(data) < offset + QUESTION_LEN or _QUESTION.unpack_from(data, offset) != (TYPE_A, CLASS_IN):
        return None
    return offset + QUESTION_LEN


def first_address(data: bytes, offset: int, answers: int) -> Found | None:
    """The first address among the answers at ``offset``, whoever it belongs to (lwIP ``dns_recv``); None when
    the message is malformed.
    """
    while answers and offset < len(data):
        end = skip_name(data, offset)
        record = None if end is None else _record(data, end)
        if record is None:
            return None
        if record.kind == (TYPE_A, CLASS_IN) and record.length == 4:
            return _address(data, record)
        offset = record.data_at + record.length
        if offset > 0xFFFF:
            return None
        answers -= 1
    return Found(None, 0)


def address_of(data: bytes, offset: int, answers: int, name: bytes) -> Found | None:
    """The address of ``name`` among the answers at ``offset``, through a chain of CNAMEs in their order (RFC
    1034 3.6.2); None when the message is malformed.
    """
    wanted = name.lower()
    while answers and offset < len(data):
        owner = read_name(data, offset)
        record = None if owner is None else _record(data, owner[1])
        if owner is None or record is None or record.data_at + record.length > len(data):
            return None
        if owner[0] == wanted and record.kind == (TYPE_A, CLASS_IN) and record.length == 4:
            return _address(data, record)
        if owner[0] == wanted and record.kind == (TYPE_CNAME, CLASS_IN):
            alias = read_name(data, record.data_at)
            if alias is None:
                return None
            wanted = alias[0]
        offset = record.data_at + record.length
        answers -= 1
    return Found(None, 0)


def skip_name(data: bytes, offset: int) -> int | None:
    """Where the name at ``offset`` ends; None when the message ends first. Pointers are not followed, and the
    reserved length bits count as length (``dns_skip_name``).
    """
    while True:
        length = data[offset]
        offset += 1
        if length & _POINTER == _POINTER:
            break
        offset += length
        if offset >= len(data):
            return None
        if not data[offset]:
            break
    return offset + 1


def read_name(data: bytes, offset: int) -> tuple[bytes, int] | None:
    """The name at ``offset``, dotted and in lower case, and where it ends.

    None when it is malformed: cut off, longer than 255 bytes, with reserved length bits, or with a pointer
    that does not point back before the name (so that there is no loop).
    """
    labels: list[bytes] = []
    end = 0  # behind the first pointer, once there was one
    start = offset  # of the part of the name that is being read
    total = 1
    while offset < len(data):
        length = data[offset]
        if not length:
            return b".".join(labels).lower(), end or offset + 1
        if length & _POINTER == _POINTER:
            if offset + 1 >= len(data):
                return None
            target = (length & ~_POINTER) << 8 | data[offset + 1]
            if target >= start:
                return None
            end = end or offset + 2
            start = offset = target
            continue
        total += 1 + length
        if length & _POINTER or total > MAX_NAME_LEN or offset + 1 + length > len(data):
            return None
        labels.append(data[offset + 1 : offset + 1 + length])
        offset += 1 + length
    return None


def _record(data: bytes, offset: int) -> _Record | None:
    """The part of an answer behind its name; None when it is cut off."""
    if len(data) < offset + RECORD_LEN:
        return None
    kind, cls, ttl, length = _RECORD.unpack_from(data, offset)
    return _Record((kind, cls), ttl, offset + RECORD_LEN, length)


def _address(data: bytes, record: _Record) -> Found | None:
    address = data[record.data_at : record.data_at + 4]
    return Found(int.from_bytes(address, "big"), record.ttl) if len(address) == 4 else None
