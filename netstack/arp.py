"""ARP: which MAC answers to an IPv4 address (RFC 826, RFC 1122 2.3.2), with lwIP's small table.

An unknown address is asked for at once and then on each tick of the one 1 s timer, five times in all;
meanwhile one packet (with ARP_QUEUEING: a few) waits. A known address is asked again shortly before its entry
ends, but only when it is used.
Source: lwIP ``etharp.c``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from netstack.address import MAC_BROADCAST, MAC_ZERO, is_link_local, is_multicast, multicast_mac
from netstack.arp_packet import PACKET_LEN, REPLY, REQUEST, ArpPacket, emit, parse
from netstack.core import Core
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_RTE, ERR_VAL
from netstack.ethernet import HEADER_LEN, TYPE_ARP, TYPE_IPV4, Ethernet
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.stats import Drop
from netstack.trace import ArpEvent, HeldPacket

TICK_MS = 1000
MAX_PENDING_MS = 5 * TICK_MS  # ARP_MAXPENDING
REREQUEST_UNICAST_MS = 30 * TICK_MS  # before the end of an entry's life it is asked for by unicast,
REREQUEST_BROADCAST_MS = 15 * TICK_MS  # and later by broadcast,
REREQUEST_GAP_MS = 2 * TICK_MS  # but at most on every second tick

# States of an entry; the order matters: from STABLE on, the MAC is known.
EMPTY, PENDING, STABLE, STATIC = range(4)

ARP_FORMAT = Drop(
    "arp_format",
    "etharp",
    ("proterr", "drop"),
    "an ARP packet that is not Ethernet and IPv4 with lengths 6 and 4",
)
ARP_SHORT = Drop(
    "arp_short", "etharp", ("lenerr", "drop"), "an ARP packet that is cut off (quirk arp_length_ignored off)"
)
ARP_SENDER = Drop(
    "arp_sender",
    "etharp",
    ("drop",),
    "an ARP sender with a group MAC, a broadcast address or our own (quirk arp_sender_unchecked off)",
)
ARP_OPCODE = Drop(
    "arp_opcode",
    "etharp",
    ("err",),
    "an ARP packet that is neither request nor reply (the sender is learned all the same)",
)

class Holdable(Protocol):
    """Memory that stays taken while a packet waits."""

    def ref(self) -> Holdable:
        """Hold it once more."""

    def free(self) -> None:
        """Let go."""


class Entry:
    """One slot of the table.

    ``since`` and ``asked`` are readings of the tick clock (ms): when the age was last 0, and when it was last
    asked for again. ``queue`` holds the packets that wait, each with its memory.
    """

    __slots__ = ("asked", "ip", "mac", "queue", "since", "state")

    def __init__(self) -> None:
        self.state = EMPTY
        self.ip = 0
        self.mac = MAC_ZERO
        self.since = 0
        self.asked = 0
        self.queue: list[tuple[bytes, Holdable | None]] = []


class Arp:
    """The ARP table of one interface, and the way out for IPv4 packets.

    Ages are counted in ticks, as lwIP does, but only pending entries need the tick: the age of a known
    address is the difference of two readings of the tick clock, so that a neighbour that is merely remembered
    costs nothing.
    """

    __slots__ = (
        "_ask_again_at",
        "_core",
        "_ethernet",
        "_max_age",
        "_netif",
        "_pending",
        "_profile",
        "_recent",
        "_stats",
        "_table",
        "_tick",
        "on_arp",
    )

    def __init__(self, core: Core, netif: Netif, ethernet: Ethernet) -> None:
        self._core = core
        self._netif = netif
        self._ethernet = ethernet
        self._profile = profile = core.profile
        self._stats = core.stats.etharp
        self._max_age = profile.arp_maxage * TICK_MS
        self._ask_again_at = self._max_age - REREQUEST_UNICAST_MS  # the age from which on use asks again
        self._table = [Entry() for _ in range(profile.arp_table_size)]
        self._recent = self._table[0]  # the entry used last, looked at first
        self._pending = 0  # entries in this state
        self._tick = core.timers.cyclic("arp", TICK_MS, self._on_tick, self._idle)
        # conflict detection sees every packet before the table does
        self.on_arp: list[Callable[[ArpPacket], None]] = []
        ethernet.handlers[TYPE_ARP] = self.input
        netif.on_down.append(self._clear)
        if not profile.lwip_acd or "gratuitous_arp_despite_acd" in profile.quirks:
            netif.on_report.append(self._announce)

    # Receiving

    def input(self, p: Pbuf) -> None:
        """An ARP packet: learn the sender, answer a request for our address (``etharp_input``)."""
        data = p.data
        quirks = self._profile.quirks
        # lwIP: does not look at the length, so it reads what the buffer held before
        if len(data) < PACKET_LEN:
            if "arp_length_ignored" not in quirks:
                p.free()
                self._core.drop(ARP_SHORT)
                return
            data += self._ethernet.residue[HEADER_LEN + len(data) :]
        packet = parse(data)
        p.free()
        if packet is None:
            self._core.drop(ARP_FORMAT)
            return
        self._stats.recv += 1
        for listener in self.on_arp:
            listener(packet)
        if "arp_sender_unchecked" not in quirks and self._is_impossible(packet):
            self._core.drop(ARP_SENDER)
            return
        own = self._netif.ip
        for_us = own != 0 and packet.target_ip == own
        learns = for_us and (packet.opcode == REQUEST or "arp_unasked_reply_learned" in quirks)
        self._update(packet.sender_ip, packet.sender_mac, create=learns)
        if packet.opcode == REQUEST:
            if for_us and (packet.sender_ip != own or "arp_reply_to_own_ip_sender" in quirks):
                reply = ArpPacket(REPLY, self._netif.mac, own, packet.sender_mac, packet.sender_ip)
                self.send(packet.sender_mac, reply)
        elif packet.opcode != REPLY:
            self._core.drop(ARP_OPCODE)

    def _is_impossible(self, packet: ArpPacket) -> bool:
        """Whether no host can be the sender: a group MAC, a broadcast or multicast address, or ours."""
        ip = packet.sender_ip
        if packet.sender_mac[0] & 1 or is_multicast(ip):
            return True
        return ip != 0 and (ip == self._netif.ip or self._netif.is_broadcast(ip))

    def _update(self, ip: int, mac: bytes, *, create: bool, static: bool = False) -> int:
        """Enter an address and send what waited for it (``etharp_update_arp_entry``)."""
        if is_multicast(ip) or self._netif.is_broadcast(ip):
            return ERR_ARG
        entry = self._find(ip, create)
        if entry is None:
            return ERR_MEM
        if entry.state == STATIC and not static:
            return ERR_VAL
        self._tell("updated" if entry.state >= STABLE else "learned", entry, mac)
        if entry.state == PENDING:
            self._pending -= 1
        entry.state = STATIC if static else STABLE
        entry.mac = mac
        entry.since = self._tick.due
        entry.asked = entry.since - REREQUEST_GAP_MS
        while entry.queue:
            packet, held = entry.queue.pop(0)
            if self._profile.arp_queueing:
                self._core.mem.arp_queue.give()
            self._tell("released", entry, mac)
            self._ethernet.output(mac, TYPE_IPV4, packet)
            if held is not None:
                held.free()
        return ERR_OK

    # Sending

    def output(self, packet: bytes, dst: int, buf: Holdable | None, volatile: bool = False) -> int:
        """Send an IPv4 packet to the MAC of ``dst`` or of the gateway (``etharp_output``).

        A packet that must wait holds ``buf``; a ``volatile`` one refers to another packet's data and is
        copied to the heap. Returns ERR_RTE without gateway, ERR_MEM when the packet cannot wait, or the
        driver's err.
        """
        netif = self._netif
        if dst == netif.subnet_broadcast or dst >= 0xE0000000 or not dst:
            if netif.is_broadcast(dst):
                return self._ethernet.output(MAC_BROADCAST, TYPE_IPV4, packet)
            if is_multicast(dst):
                return self._ethernet.output(multicast_mac(dst), TYPE_IPV4, packet)
        if (dst ^ netif.ip) & netif.netmask and not is_link_local(dst):
            dst = netif.gateway
            if not dst:
                return ERR_RTE
        entry = self._recent
        if dst == entry.ip and entry.state >= STABLE:
            self._stats.cachehit += 1
        else:
            known = self._lookup(dst)
            if known is None:
                return self._wait(packet, dst, buf, volatile)
            self._recent = entry = known
        if entry.state == STABLE:
            age = self._tick.due - entry.since
            if age >= self._ask_again_at:
                if age >= self._max_age:
                    return self._wait(packet, dst, buf, volatile)
                self._ask_again(entry, age)
        return self._ethernet.output(entry.mac, TYPE_IPV4, packet)

    def _lookup(self, ip: int) -> Entry | None:
        for entry in self._table:
            if entry.ip == ip and entry.state >= STABLE:
                return entry
        return None

    def _ask_again(self, entry: Entry, age: int) -> None:
        """Ask for an address in use that is soon to be forgotten, by unicast at first (RFC 1122 2.3.2.1)."""
        if self._tick.due - entry.asked >= REREQUEST_GAP_MS:
            mac = MAC_BROADCAST if age >= self._max_age - REREQUEST_BROADCAST_MS else entry.mac
            self._tell("refreshed", entry, mac)
            if self.request(entry.ip, mac) == ERR_OK:
                entry.asked = self._tick.due

    def _wait(self, packet: bytes, ip: int, buf: Holdable | None, volatile: bool) -> int:
        """Ask for ``ip`` and keep the packet until the answer comes (``etharp_query``)."""
        entry, err = self._ask(ip, always=False)
        if entry is None:
            if err == ERR_MEM:
                self._stats.memerr += 1
            self._held("arp-no-entry", ip, packet)
            return err
        mem = self._core.mem
        held: Holdable | None
        if volatile:
            held = mem.tx.link(len(packet))
            if held is None:
                self._stats.memerr += 1
                self._held("no-memory", ip, packet)
                return ERR_MEM
        else:
            held = buf if buf is None else buf.ref()
        queueing = self._profile.arp_queueing
        if queueing and not mem.arp_queue.take():
            if held is not None:
                held.free()
            self._held("no-memory", ip, packet)
            return ERR_MEM
        entry.queue.append((packet, held))
        self._held("arp-pending", ip, packet)
        if len(entry.queue) > (self._profile.arp_queue_len if queueing else 1):
            self._forget_first(entry, "arp-replaced")
        return ERR_OK

    def _tell(self, what: str, entry: Entry, mac: bytes = MAC_ZERO) -> None:
        """Tell the observer, who is there, of an entry."""
        trace = self._core.trace
        if trace is not None:
            trace(ArpEvent(self._core.now, what, entry.ip, mac, len(entry.queue)))

    def _held(self, why: str, ip: int, packet: bytes) -> None:
        trace = self._core.trace
        if trace is not None:
            trace(HeldPacket(self._core.now, why, ip, packet))

    def _ask(self, ip: int, always: bool) -> tuple[Entry | None, int]:
        """The entry of ``ip``, made pending if it is new (None: there cannot be one), and the err of asking.

        Asked is for new entries, or ``always``, which makes a pending one young again. When a request cannot
        be sent, the next tick tries again.
        """
        if is_multicast(ip) or self._netif.is_broadcast(ip):
            return None, ERR_ARG
        entry = self._find(ip, create=True)
        if entry is None:
            return None, ERR_MEM
        if entry.state == EMPTY:
            entry.state = PENDING
            self._pending += 1
        elif not always:
            return entry, ERR_OK
        self._tell("asked", entry)
        err = self.request(ip)
        if err == ERR_OK:
            entry.since = self._tick.due
        return entry, err

    def _forget_first(self, entry: Entry, why: str) -> None:
        packet, held = entry.queue.pop(0)
        self._held(why, entry.ip, packet)
        if held is not None:
            held.free()
        if self._profile.arp_queueing:
            self._core.mem.arp_queue.give()

    def request(self, ip: int, mac: bytes = MAC_BROADCAST) -> int:
        """Ask ``mac`` (everybody) for the MAC of ``ip``; ERR_MEM: no heap (``etharp_request``)."""
        return self.send(mac, ArpPacket(REQUEST, self._netif.mac, self._netif.ip, MAC_ZERO, ip))

    def send(self, mac: bytes, packet: ArpPacket) -> int:
        """Send an ARP packet; ERR_MEM when the heap is full (``etharp_raw``)."""
        buf = self._core.mem.tx.link(PACKET_LEN)
        if buf is None:
            self._stats.memerr += 1
            return ERR_MEM
        to_all = self._profile.lwip_autoip and is_link_local(packet.sender_ip)  # RFC 3927 2.5
        self._ethernet.output(MAC_BROADCAST if to_all else mac, TYPE_ARP, emit(packet))
        self._stats.xmit += 1
        buf.free()
        return ERR_OK

    def gratuitous(self) -> int:
        """Tell everybody our address by asking for it (``etharp_gratuitous``; RFC 5227 3)."""
        return self.request(self._netif.ip)

    def _announce(self) -> None:
        self.gratuitous()

    # The table

    def query(self, ip: int) -> int:
        """Ask for ``ip`` and remember it; the err of the request (``etharp_query`` without a packet)."""
        return self._ask(ip, always=True)[1]

    def add_static(self, ip: int, mac: bytes) -> int:
        """Enter an address for ever; or ERR_RTE, ERR_ARG, ERR_MEM (``etharp_add_static_entry``)."""
        if not self._netif.routes(ip):
            return ERR_RTE
        return self._update(ip, mac, create=True, static=True)

    def remove_static(self, ip: int) -> int:
        """Remove a static entry; ERR_MEM: no entry, ERR_ARG: not static (``etharp_remove_static_entry``)."""
        entry = self._find(ip, create=False)
        if entry is None:
            return ERR_MEM
        if entry.state != STATIC:
            return ERR_ARG
        self._free(entry, "cleared")
        return ERR_OK

    def dump(self) -> list[tuple[int, int, bytes]]:
        """All known addresses as (slot, ip, mac), static ones included."""
        self._expire()
        return [(slot, e.ip, e.mac) for slot, e in enumerate(self._table) if e.state >= STABLE]

    def entries(self) -> list[tuple[Entry, int]]:
        """The slots in use, in their order, each with its age in ms (``etharp_find_entry`` forgets those that
        are too old before).
        """
        self._expire()
        now = self._tick.due
        return [(entry, now - entry.since) for entry in self._table if entry.state != EMPTY]

    def _find(self, ip: int, create: bool) -> Entry | None:
        """The entry of ``ip``, or a free one, or the most dispensable one emptied (``etharp_find_entry``).

        Evicted are, in this order, known addresses, pending ones without and with waiting packets; of several
        the oldest, of equally old ones the last in the table; never static ones.
        """
        self._expire()
        empty = None
        for entry in self._table:
            if entry.state == EMPTY:
                empty = empty or entry
            elif entry.ip == ip:
                return entry
        if not create:
            return None
        if empty is None:
            candidates = [entry for entry in reversed(self._table) if entry.state != STATIC]
            if not candidates:
                return None
            empty = min(candidates, key=_eviction_order)
            self._free(empty, "evicted")
        empty.ip = ip
        empty.since = self._tick.due
        return empty

    def _expire(self) -> None:
        born = self._tick.due - self._max_age
        for entry in self._table:
            if entry.state == STABLE and entry.since <= born:
                self._free(entry, "expired")

    def _free(self, entry: Entry, why: str) -> None:
        self._tell(why, entry, entry.mac)
        if entry.state == PENDING:
            self._pending -= 1
        entry.state = EMPTY
        while entry.queue:
            self._forget_first(entry, "arp-gave-up")

    def _clear(self) -> None:
        for entry in self._table:
            if entry.state != EMPTY:
                self._free(entry, "cleared")

    def _idle(self) -> bool:
        return not self._pending

    def _on_tick(self) -> None:
        """Ask again for what is pending, or give it up with what waits for it (``etharp_tmr``)."""
        born = self._tick.due - min(MAX_PENDING_MS, self._max_age)
        for entry in self._table:
            if entry.state == PENDING:
                if entry.since <= born:
                    self._free(entry, "gave-up")
                else:
                    self._tell("asked-again", entry)
                    self.request(entry.ip)


def _eviction_order(entry: Entry) -> tuple[bool, bool, int]:
    return entry.state == PENDING, bool(entry.queue), entry.since
