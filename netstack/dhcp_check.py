"""What a careful DHCP client makes of a reply before it believes it (RFC 2131 4.4.1, RFC 1122 3.2.1.3).

lwIP believes what comes (quirk dhcp_reply_unchecked). Without the quirk a reply must have the magic cookie,
come from the server that was asked, and give an address that a host can have with a mask that is one; a
router outside the subnet is left out, and so are times that are out of order. A lease of almost for ever is
cut to what the client can count.
"""

from __future__ import annotations

from netstack.dhcp_message import (
    ACK,
    LEASE_TIME,
    MAGIC_COOKIE,
    NAK,
    REBINDING_TIME,
    RENEWAL_TIME,
    ROUTER,
    SERVER_ID,
    SUBNET_MASK,
    DhcpMessage,
)

INFINITE = 0xFFFFFFFF
LONGEST = 0xFFFF * 60  # seconds that a lease's ticks can count


def checked(reply: DhcpMessage, server: int) -> DhcpMessage | None:
    """The reply with what is wrong in details mended, None if it must not be believed.

    ``server`` is the one that was asked, 0: any may answer.
    """
    if reply.cookie != MAGIC_COOKIE:
        return None
    if reply.type == NAK:
        return reply
    if reply.type == ACK and server and reply.number(SERVER_ID) != server:
        return None
    mask = reply.number(SUBNET_MASK)
    if (mask is not None and not _is_mask(mask)) or not _is_host(reply.yiaddr, mask or 0):
        return None
    _mend_router(reply, mask)
    _mend_times(reply)
    return reply


def _is_mask(mask: int) -> bool:
    inverted = ~mask & 0xFFFFFFFF
    return mask != 0 and inverted & inverted + 1 == 0


def _is_host(address: int, mask: int) -> bool:
    """Whether a host may have the address: not 0/8, 127/8, class D or E, nor its subnet's first or last."""
    hosts = ~mask & 0xFFFFFFFF
    if not 1 <= address >> 24 <= 223 or address >> 24 == 127:
        return False
    return not mask or hosts <= 1 or address & hosts not in (0, hosts)


def _mend_router(reply: DhcpMessage, mask: int | None) -> None:
    router = reply.number(ROUTER)
    if router is not None and mask is not None and (router ^ reply.yiaddr) & mask:
        del reply.options[ROUTER]


def _mend_times(reply: DhcpMessage) -> None:
    lease, t1, t2 = (reply.number(code) for code in (LEASE_TIME, RENEWAL_TIME, REBINDING_TIME))
    if lease is not None and LONGEST < lease < INFINITE:
        lease = LONGEST
        reply.options[LEASE_TIME] = lease.to_bytes(4, "big")
    known = [time for time in (t1, t2, lease) if time is not None]
    if known != sorted(known):
        reply.options.pop(RENEWAL_TIME, None)
        reply.options.pop(REBINDING_TIME, None)
