"""IGMPv2, the host's side: which multicast groups we want, and telling the routers so (RFC 2236, RFC 1112).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |      Type     | Max Resp Time |           Checksum            |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                         Group Address                         |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Every message carries the Router Alert option (RFC 2113) and TTL 1. A query is answered after a random time,
counted in ticks of 100 ms. 224.0.0.1 is joined from the start, and never reported. A version 3 query is taken
as one of version 2, and one of version 1, too (quirk igmp_v1_routers_ignored).
Source: lwIP ``igmp.c``.
"""

from __future__ import annotations

from struct import Struct

from netstack.address import IP_ANY, is_multicast
from netstack.checksum import finish, is_valid, residue
from netstack.core import Core
from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL
from netstack.ip_header import PROTO_IGMP, Ipv4Header
from netstack.ipv4 import ALL_SYSTEMS, Ipv4
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.stats import Drop

ALL_ROUTERS = 0xE0000002  # 224.0.0.2
MESSAGE_LEN = 8
TTL = 1
ROUTER_ALERT = b"\x94\x04\x00\x00"

QUERY = 0x11
REPORT_V1 = 0x12
REPORT_V2 = 0x16
LEAVE = 0x17

TICK_MS = 100
JOIN_DELAY = 500 // TICK_MS  # ticks within which a join is reported again
V1_DELAY = 1000 // TICK_MS  # ticks a version 1 query (maximum response time 0) leaves for the answer
V1_ROUTER_PRESENT_MS = 400_000  # after such a query only version 1 is spoken (RFC 2236 8.11)

# States of a group (RFC 2236 section 6)
NON_MEMBER, DELAYING_MEMBER, IDLE_MEMBER = range(3)

IGMP_SHORT = Drop("igmp_short", "igmp", ("lenerr",), "an IGMP message of less than 8 bytes")
IGMP_CHECKSUM = Drop("igmp_checksum", "igmp", ("chkerr",), "an IGMP message whose checksum is wrong")
IGMP_NOT_MEMBER = Drop(
    "igmp_not_member", "igmp", ("drop",), "an IGMP message to, or a query for, a group we are not in"
)
IGMP_TYPE = Drop(
    "igmp_type",
    "igmp",
    ("proterr",),
    "an IGMP message that is neither query nor version 2 report, or a query for 0.0.0.0",
)

_MESSAGE = Struct("!BBHI")


class IgmpMessage:
    """An IGMP message: ``max_response`` in tenths of a second."""

    __slots__ = ("group", "max_response", "type")

    def __init__(self, type: int, max_response: int, group: int) -> None:
        self.type = type
        self.max_response = max_response
        self.group = group


def parse(data: bytes) -> IgmpMessage | None:
    """The message; None when it is too short. The checksum is not judged; more than 8 bytes are ignored."""
    if len(data) < MESSAGE_LEN:
        return None
    kind, max_response, _, group = _MESSAGE.unpack_from(data)
    return IgmpMessage(kind, max_response, group)


def emit(message: IgmpMessage) -> bytes:
    """The message as 8 bytes, with a right checksum."""
    total = (message.type << 8) + message.max_response + message.group
    return _MESSAGE.pack(message.type, message.max_response, finish(total), message.group)


class Group:
    """A group we are in: ``timer`` ticks until it is reported (0: never), ``use`` joins not yet undone."""

    __slots__ = ("address", "is_last_reporter", "state", "timer", "use")

    def __init__(self, address: int) -> None:
        self.address = address
        self.state = NON_MEMBER
        self.timer = 0
        self.use = 0
        self.is_last_reporter = False


class Igmp:
    """The groups of one interface; with LWIP_IGMP 0 there are none and every multicast is received."""

    __slots__ = ("_core", "_hears_v1", "_ipv4", "_netif", "_stats", "_v1_until", "groups")

    def __init__(self, core: Core, netif: Netif, ipv4: Ipv4) -> None:
        self._core = core
        self._netif = netif
        self._ipv4 = ipv4
        self._stats = core.stats.igmp
        self._hears_v1 = "igmp_v1_routers_ignored" not in core.profile.quirks
        self._v1_until = 0  # ms
        self.groups: list[Group] = []  # 224.0.0.1 first, then the newest
        if core.profile.lwip_igmp:
            ipv4.handlers[PROTO_IGMP] = self.input
            ipv4.is_member = self.is_member
            netif.on_report.append(self._report_all)
            core.timers.cyclic("igmp", TICK_MS, self._on_tick, self._idle)
            all_systems = self._enter(ALL_SYSTEMS)
            if all_systems is not None:
                all_systems.state = IDLE_MEMBER
                all_systems.use = 1

    def is_member(self, address: int) -> bool:
        """Whether packets to a group are for us."""
        return self._find(address) is not None

    # Receiving

    def input(self, p: Pbuf, header: Ipv4Header) -> None:
        """A query makes us report, another host's report makes ours superfluous (``igmp_input``)."""
        self._stats.recv += 1
        first = p.data[: p.first_len]  # lwIP: the checksum is taken over the first buffer
        message = parse(first)
        p.free()
        if message is None:
            self._core.drop(IGMP_SHORT)
            return
        if not is_valid(residue(first)):
            self._core.drop(IGMP_CHECKSUM)
            return
        group = self._find(header.dst)
        if group is None:
            self._core.drop(IGMP_NOT_MEMBER)
        elif message.type == QUERY:
            self._query(message, group)
        elif message.type == REPORT_V2 or (message.type == REPORT_V1 and self._hears_v1):
            if group.state == DELAYING_MEMBER:
                group.timer = 0
                group.state = IDLE_MEMBER
                group.is_last_reporter = False
        else:
            self._core.drop(IGMP_TYPE)

    def _query(self, message: IgmpMessage, to: Group) -> None:
        if message.group == IP_ANY:
            if to.address != ALL_SYSTEMS:
                self._core.drop(IGMP_TYPE)
                return
            if not message.max_response and self._hears_v1:
                self._v1_until = self._core.ms + V1_ROUTER_PRESENT_MS
            for group in self.groups[1:]:
                self._delay(group, message.max_response or V1_DELAY)
            return
        asked = self._find(message.group) if to.address == ALL_SYSTEMS else to
        if asked is None:
            self._core.drop(IGMP_NOT_MEMBER)
        else:
            self._delay(asked, message.max_response)

    # Membership

    def join(self, address: int) -> int:
        """Enter a group, or count one more use. ERR_VAL if it is none (or 224.0.0.1), ERR_MEM without a free
        place (``igmp_joingroup``).
        """
        if not self._core.profile.lwip_igmp or not is_multicast(address) or address == ALL_SYSTEMS:
            return ERR_VAL
        group = self._find(address) or self._enter(address)
        if group is None:
            return ERR_MEM
        if group.state == NON_MEMBER:
            self._send(group, REPORT_V2)
            self._start_timer(group, JOIN_DELAY)
            group.state = DELAYING_MEMBER
        group.use += 1
        return ERR_OK

    def leave(self, address: int) -> int:
        """Undo one join; the last one leaves the group, with a message if we were the last to report it.
        ERR_VAL if we are not in it (``igmp_leavegroup``).
        """
        group = self._find(address)
        if group is None or address == ALL_SYSTEMS:
            return ERR_VAL
        if group.use > 1:
            group.use -= 1
            return ERR_OK
        self.groups.remove(group)
        if group.is_last_reporter:
            self._send(group, LEAVE)
        self._core.mem.igmp_group.give()
        return ERR_OK

    def _find(self, address: int) -> Group | None:
        for group in self.groups:
            if group.address == address:
                return group
        return None

    def _enter(self, address: int) -> Group | None:
        if not self._core.mem.igmp_group.take():
            return None
        group = Group(address)
        self.groups.insert(1, group)
        return group

    # Reporting

    def _delay(self, group: Group, max_response: int) -> None:
        """Report within ``max_response`` ticks, unless that is due sooner (``igmp_delaying_member``)."""
        if group.state == IDLE_MEMBER or (
            group.state == DELAYING_MEMBER and (not group.timer or max_response < group.timer)
        ):
            self._start_timer(group, max_response)
            group.state = DELAYING_MEMBER

    def _start_timer(self, group: Group, max_ticks: int) -> None:
        group.timer = (self._core.rand() % max_ticks if max_ticks > 2 else 1) or 1

    def _report_all(self) -> None:
        for group in self.groups[1:]:
            self._delay(group, JOIN_DELAY)

    def _idle(self) -> bool:
        return not any(group.timer for group in self.groups)

    def _on_tick(self) -> None:
        for group in self.groups:
            if group.timer:
                group.timer -= 1
                if not group.timer and group.state == DELAYING_MEMBER and group.address != ALL_SYSTEMS:
                    group.state = IDLE_MEMBER
                    self._send(group, REPORT_V2)

    def _send(self, group: Group, kind: int) -> None:
        """Send a report to the group or a leave message to the routers, memory permitting (``igmp_send``)."""
        if self._core.ms < self._v1_until:
            if kind == LEAVE:
                return  # version 1 has none
            kind = REPORT_V1
        buf = self._core.mem.tx.transport(MESSAGE_LEN)
        if buf is None:
            self._stats.memerr += 1
            return
        if kind != LEAVE:
            group.is_last_reporter = True
        to = ALL_ROUTERS if kind == LEAVE else group.address
        self._stats.xmit += 1
        message = emit(IgmpMessage(kind, 0, group.address))
        self._ipv4.output_if(message, self._netif.ip, to, TTL, 0, PROTO_IGMP, buf, ROUTER_ALERT)
        buf.free()
