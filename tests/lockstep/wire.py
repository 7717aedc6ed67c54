"""The binary language between the test and the oracle (oracle/oracle.h): configuration and events in,
records out.
"""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import NamedTuple

_EVENT = struct.Struct("<IBH")
_RECORD = struct.Struct("<cIH")

NO_LIMIT = 0xFFFF  # elements of a pool: more than a conversation can use


class Op(IntEnum):
    """What an event does; ``oracle.h: enum op``."""

    NOP = 0
    FRAME = 1
    LISTEN = 2
    CONNECT = 3
    WRITE = 4
    OUTPUT = 5
    RECVED = 6
    CLOSE = 7
    SHUTDOWN = 8
    ABORT = 9
    POLICY = 10
    OPTION = 11
    TXFAIL = 12
    NETIF = 13
    LINK = 14
    ADDR = 15
    MTU = 16
    HEAPFAIL = 17


class Callback(IntEnum):
    """What a callback record says; ``oracle.h: enum callback_type``."""

    ACCEPT = 0
    RECV = 1
    FIN = 2
    SENT = 3
    POLL = 4
    ERR = 5
    CONNECTED = 6
    CLOSED = 7  # the application called tcp_close; argument: its result
    SLOT = 8  # a new slot; argument: 1 for a listener


@dataclass(frozen=True)
class Config:
    """One conversation's world; ``oracle.h: struct config``. Addresses are ints in host order, times ms.

    The library's pools are malloc; ``tcp_pcb``, ``tcp_pcb_listen`` and ``tcp_seg`` give them the sizes of a
    device.
    """

    iss: int = 1_000_000
    iss_step: int = 64_000
    ephemeral_first: int = 49153
    clock_start: int = 0
    ip: int = 0x0A000001
    netmask: int = 0xFFFFFF00
    gateway: int = 0x0A0000FE
    mtu: int = 1500
    poll_ms: int = 1  # timers run at multiples of this only
    tcp_pcb: int = NO_LIMIT
    tcp_pcb_listen: int = NO_LIMIT
    tcp_seg: int = NO_LIMIT
    state: int = 0  # 1: the state of all connections after every event

    def encode(self) -> bytes:
        """The struct as the oracle reads it."""
        return struct.pack("<13I", *astuple(self))


class Record(NamedTuple):
    """One thing the stack did: ``kind`` is M F R E S A or X (``oracle.h: enum record_kind``), ``time`` ms."""

    kind: str
    time: int
    body: bytes


def encode_event(time: int, op: int, args: bytes = b"") -> bytes:
    """An event at ``time`` ms."""
    return _EVENT.pack(time, op, len(args)) + args


def decode_records(data: bytes) -> list[Record]:
    """All records of an answer."""
    records = []
    at = 0
    while at < len(data):
        kind, time, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        records.append(Record(kind.decode(), time, data[at : at + length]))
        at += length
    return records
