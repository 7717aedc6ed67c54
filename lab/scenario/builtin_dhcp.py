"""A DHCP server as a program of a device: it lends the addresses of a range, each MAC the same one.

It is small and plain: OFFER and ACK to who asks, NAK to who wants what it did not lend. Answers are broadcast
(RFC 2131 4.1 allows that), since the client has no address yet that could be asked for by ARP.
"""

from __future__ import annotations

import usocket
from netstack.dhcp_message import (
    ACK,
    BOOTREPLY,
    BOOTREQUEST,
    DISCOVER,
    DNS_SERVER,
    LEASE_TIME,
    MESSAGE_TYPE,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    REQUESTED_IP,
    ROUTER,
    SERVER_ID,
    SUBNET_MASK,
    DhcpMessage,
    emit,
    parse,
)
from tap.clock import SECOND
from usocket.constants import SO_BROADCAST, SOL_SOCKET
from usocket.current import current_device

SERVER_PORT, CLIENT_PORT = 67, 68
HOUR = 3600 * SECOND


def dhcp_server(
    range: tuple[int, int], lease: int = HOUR, gateway: int | None = None, dns: int | None = None
) -> dict[str, int | str]:
    """Lend the addresses of ``range`` for ``lease`` each, for ever."""
    device = current_device()
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)
    sock.bind(("", SERVER_PORT))
    own = device.stack.netif.ip
    terms = {
        LEASE_TIME: max(1, lease // SECOND),
        SUBNET_MASK: device.netmask,
        ROUTER: gateway,
        DNS_SERVER: dns,
    }
    lent: dict[bytes, int] = {}
    while True:
        data, _ = sock.recvfrom(1500)
        message = parse(data)
        if message is None or message.op != BOOTREQUEST:
            continue
        answer = _answer(message, own, range, lent)
        if answer is None:
            continue
        kind, address = answer
        reply = {MESSAGE_TYPE: bytes((kind,)), SERVER_ID: own.to_bytes(4, "big")}
        if kind != NAK:
            given = {code: value for code, value in terms.items() if value is not None}
            reply |= {code: value.to_bytes(4, "big") for code, value in given.items()}
        sent = DhcpMessage(BOOTREPLY, message.xid, message.chaddr, reply, yiaddr=address)
        sock.sendto(emit(sent), ("255.255.255.255", CLIENT_PORT))


def _answer(
    message: DhcpMessage, own: int, range: tuple[int, int], lent: dict[bytes, int]
) -> tuple[int, int] | None:
    """(type, address) of the answer; None for none."""
    if message.type == RELEASE:
        lent.pop(message.chaddr, None)
    if message.type == DISCOVER:
        address = _address_for(message.chaddr, range, lent)
        return None if address is None else (OFFER, address)
    if message.type != REQUEST or message.number(SERVER_ID) not in (None, own):
        return None
    wanted = message.number(REQUESTED_IP) or message.ciaddr
    address = _address_for(message.chaddr, range, lent)
    if address is None or wanted != address:
        return NAK, 0
    return ACK, address


def _address_for(mac: bytes, range: tuple[int, int], lent: dict[bytes, int]) -> int | None:
    """The address that is this MAC's, or becomes it; None when all are lent."""
    if mac not in lent:
        taken = set(lent.values())
        first, last = range
        free = first
        while free <= last and free in taken:
            free += 1
        if free > last:
            return None
        lent[mac] = free
    return lent[mac]
