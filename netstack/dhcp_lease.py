"""A DHCP lease: what the server lends, and the minutes that are left of it (RFC 2131 4.4.5).

lwIP counts in ticks of a minute and rounds to them: a lease of 10 s lives for a whole one, and where two of
T1, T2 and the end fall on the same tick the later one has its way. The number of ticks fits 16 bits, which is
45 days. Seconds are calculated in 32 bits and may wrap: a lease of 4294967294 s lives for a minute.
Source: lwIP ``dhcp.c:dhcp_handle_ack``, ``dhcp_bind``, ``dhcp_coarse_tmr``.
"""

from __future__ import annotations

from netstack.address import IP_ANY
from netstack.dhcp_message import (
    DNS_SERVER,
    LEASE_TIME,
    REBINDING_TIME,
    RENEWAL_TIME,
    ROUTER,
    SUBNET_MASK,
    DhcpMessage,
)

TICK_S = 60
INFINITE = 0xFFFFFFFF
_MAX_TICKS = 0xFFFF
_U32 = 0xFFFFFFFF

# What a tick may bring
NOTHING, RENEW, REBIND, EXPIRED = range(4)


class Lease:
    """What a server offered or lends; addresses are ints, 0 (the mask: None) where it said nothing.

    ``t0`` (the lease), ``t1`` (renewal) and ``t2`` (rebinding) are seconds as the server said or as they
    follow from t0; INFINITE: for ever. ``used`` and ``ticks_t0`` to ``ticks_t2`` are counted in ticks since
    the last ACK; ``until_renewal`` and ``until_rebinding`` are ticks until the next message, 0: none.
    """

    __slots__ = (
        "address",
        "dns_servers",
        "gateway",
        "netmask",
        "server",
        "t0",
        "t1",
        "t2",
        "ticks_t0",
        "ticks_t2",
        "until_rebinding",
        "until_renewal",
        "used",
    )

    def __init__(self) -> None:
        self.address = IP_ANY
        self.netmask: int | None = None
        self.gateway = IP_ANY
        self.server = IP_ANY
        self.dns_servers: tuple[int, ...] = ()
        self.t0 = self.t1 = self.t2 = 0
        self.used = self.ticks_t0 = self.ticks_t2 = 0
        self.until_renewal = self.until_rebinding = 0

    def take(self, ack: DhcpMessage, max_dns_servers: int) -> None:
        """Note what an ACK says; a lease time that it leaves out stays as it was (``dhcp_handle_ack``)."""
        t0, t1, t2 = (ack.number(code) for code in (LEASE_TIME, RENEWAL_TIME, REBINDING_TIME))
        if t0 is not None:
            self.t0 = t0
        self.t1 = self.t0 // 2 if t1 is None else t1
        self.t2 = (self.t0 * 7 & _U32) // 8 if t2 is None else t2
        self.address = ack.yiaddr
        self.netmask = ack.number(SUBNET_MASK)
        self.gateway = ack.number(ROUTER) or IP_ANY
        servers = ack.options.get(DNS_SERVER, b"")[: 4 * max_dns_servers]
        self.dns_servers = tuple(int.from_bytes(servers[i : i + 4], "big") for i in range(0, len(servers), 4))

    def start(self) -> None:
        """The lease begins, anew when it was renewed. Where the new one is for ever the old tick counts stay
        (``dhcp_bind``).
        """
        self.used = 0
        if self.t0 != INFINITE:
            self.ticks_t0 = _ticks(self.t0)
        if self.t1 != INFINITE:
            self.until_renewal = _ticks(self.t1)
        if self.t2 != INFINITE:
            self.ticks_t2 = self.until_rebinding = _ticks(self.t2)

    def tick(self) -> int:
        """A minute is over: EXPIRED, REBIND, RENEW or NOTHING (``dhcp_coarse_tmr``)."""
        if self.ticks_t0:
            self.used = self.used + 1 & 0xFFFF
            if self.used == self.ticks_t0:
                return EXPIRED
        if self.until_rebinding:
            self.until_rebinding -= 1
            if not self.until_rebinding:
                return REBIND
        if self.until_renewal:
            self.until_renewal -= 1
            if not self.until_renewal:
                return RENEW
        return NOTHING

    @property
    def counts(self) -> bool:
        """Whether a tick changes anything."""
        return bool(self.ticks_t0 or self.until_rebinding or self.until_renewal)

    def renewed_in_vain(self) -> None:
        """No answer yet to a renewal: the next one after half of the time up to T2, if that is a tick or more
        (``dhcp_t1_timeout``; RFC 2131 4.4.5).
        """
        self.until_renewal = max((self.ticks_t2 - self.used) // 2, 0)

    def rebound_in_vain(self) -> None:
        """The same for a rebinding and the end of the lease (``dhcp_t2_timeout``)."""
        self.until_rebinding = max((self.ticks_t0 - self.used) // 2, 0)

    @property
    def mask(self) -> int:
        """The netmask: where the server said none, that of the address's class (RFC 791 3.2), as lwIP draws
        the borders.
        """
        if self.netmask is not None:
            return self.netmask
        first = self.address >> 24
        return 0xFF000000 if first <= 127 else 0xFFFF0000 if first < 192 else 0xFFFFFF00


def _ticks(seconds: int) -> int:
    return min((seconds + TICK_S // 2 & _U32) // TICK_S, _MAX_TICKS) or 1
