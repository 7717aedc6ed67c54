"""Which datagrams at the DHCP client's port are replies to it (RFC 2131 4.4.1).

lwIP: looks at op, MAC, xid and the form of the options; cookie, server, addresses and times are believed
(quirk dhcp_reply_unchecked; without it see ``dhcp_check.py``).
Source: lwIP ``dhcp.c:dhcp_recv``.
"""

from __future__ import annotations

from netstack.dhcp_check import checked
from netstack.dhcp_message import BOOTREPLY, DhcpMessage, parse
from netstack.pbuf import Pbuf
from netstack.stats import Drop

MIN_REPLY_LEN = 44  # up to sname, and in the first buffer

DHCP_SHORT = Drop("dhcp_short", "udp", (), "a DHCP message, or its first buffer, of less than 44 bytes")
DHCP_OPTIONS = Drop("dhcp_options", "udp", (), "a DHCP message whose options cannot be read")
DHCP_NOT_OURS = Drop(
    "dhcp_not_ours", "udp", (), "a DHCP message that is no reply, or for another client or question"
)
DHCP_IMPLAUSIBLE = Drop(
    "dhcp_implausible", "udp", (), "a DHCP reply that must not be believed (quirk dhcp_reply_unchecked off)"
)
DHCP_UNEXPECTED = Drop(
    "dhcp_unexpected", "udp", (), "a DHCP message that means nothing in this state, or says no type"
)


def read_reply(p: Pbuf, mac: bytes, xid: int, server: int | None = None) -> DhcpMessage | Drop:
    """The reply to ``mac`` and ``xid`` that a datagram holds, or why it is none; the Pbuf is not freed.

    ``server`` None: it is believed; else it must be plausible, and come from that server (0: from any).
    """
    if p.first_len < MIN_REPLY_LEN:
        return DHCP_SHORT
    message = parse(p.data, needs_end=server is None)
    if message is None:
        return DHCP_OPTIONS
    if message.op != BOOTREPLY or message.chaddr != mac or message.xid != xid:
        return DHCP_NOT_OURS
    if server is not None:
        return checked(message, server) or DHCP_IMPLAUSIBLE
    return message
