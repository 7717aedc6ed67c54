"""Which datagrams are replies to a DHCP client, and why the others are not."""

from __future__ import annotations

import pytest

from netstack.dhcp_input import DHCP_NOT_OURS, DHCP_OPTIONS, DHCP_SHORT, read_reply
from netstack.dhcp_message import BOOTREPLY, BOOTREQUEST, OFFER, DhcpMessage, emit
from netstack.pbuf import Pbuf
from netstack.pool import Pool
from netstack.stats import Drop

MAC, OTHER, XID = bytes.fromhex("020000000001"), bytes.fromhex("020000000009"), 0x1234


def read(data: bytes, first_len: int | None = None) -> DhcpMessage | Drop:
    """What a datagram of one buffer, or of two, is read as; its buffers are still taken then."""
    pool = Pool("PBUF_POOL", 2)
    parts = None if first_len is None else [first_len, len(data) - first_len]
    buffers = 1 if parts is None else 2
    assert pool.take(buffers)
    result = read_reply(Pbuf(data, pool, buffers, parts), MAC, XID)
    assert pool.used == buffers
    return result


def reply(op: int = BOOTREPLY, xid: int = XID, mac: bytes = MAC) -> bytes:
    return emit(DhcpMessage(op, xid, mac, {53: bytes((OFFER,))}))


@pytest.mark.parametrize("first_len", [None, 44, 250])
def test_a_reply(first_len: int | None) -> None:
    message = read(reply(), first_len)
    assert isinstance(message, DhcpMessage)
    assert (message.type, message.xid) == (OFFER, XID)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", DHCP_SHORT),
        (reply()[:43], DHCP_SHORT),
        (reply()[:44], DHCP_OPTIONS),
        (reply()[:240], DHCP_OPTIONS),
        (reply(op=BOOTREQUEST), DHCP_NOT_OURS),
        (reply(xid=XID + 1), DHCP_NOT_OURS),
        (reply(mac=OTHER), DHCP_NOT_OURS),
    ],
)
def test_why_it_is_none(data: bytes, reason: Drop) -> None:
    assert read(data) is reason


def test_the_first_buffer_must_hold_the_beginning() -> None:
    assert read(reply(), 43) is DHCP_SHORT
