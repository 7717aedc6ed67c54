"""DNS client: names to addresses by asking a server over UDP (RFC 1035), as lwIP's stub resolver does it.

One table holds the questions under way and the answers still believed. A question is sent at once, then again
on ticks of the one DNS timer (1 s): 0, 1, 3 ticks after the first, to each server in turn. The id and the
source port are random (RFC 5452; LWIP_DNS_SECURE), each question has a UDP pcb of its own while one can be
had, and equal names under way share a question. Nothing is asked over TCP. With
LWIP_DNS_SUPPORT_MDNS_QUERIES names ending in .local are asked of the group 224.0.0.251 (RFC 6762 5.1).

Tickless: only questions need the tick; when an answer expires is a reading of the tick clock.
Source: lwIP ``dns.c``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.address import IP_ANY, aton
from netstack.core import Core
from netstack.dns_message import (
    HEADER_LEN,
    QUESTION_LEN,
    RCODE_MASK,
    RESPONSE,
    TRUNCATED,
    DnsHeader,
    address_of,
    emit_query,
    first_address,
    match_question,
    parse,
)
from netstack.dns_ports import MAX_DRAWS, ONE_OUTSTANDING, DnsPorts
from netstack.errors import ERR_ARG, ERR_INPROGRESS, ERR_MEM, ERR_OK, ERR_VAL
from netstack.pbuf import Pbuf
from netstack.stats import Drop
from netstack.udp import Udp, UdpPcb

SERVER_PORT = 53
MDNS_PORT = 5353
MDNS_GROUP = 0xE00000FB  # 224.0.0.251
MDNS_SUFFIX = ".local"
MAX_TTL = 604_800  # s; answers are believed for a week at most (DNS_MAX_TTL)

# States of an entry
UNUSED, NEW, ASKING, DONE = range(4)

DNS_SHORT = Drop("dns_short", "udp", (), "a DNS reply too short for a header and a question")
DNS_IDENT = Drop("dns_ident", "udp", (), "a DNS reply whose id is that of no question under way")
DNS_FLAGS = Drop("dns_flags", "udp", (), "a DNS message that is no reply to one question")
DNS_SOURCE = Drop("dns_source", "udp", (), "a DNS reply from another than the server that was asked")
DNS_QUESTION = Drop("dns_question", "udp", (), "a DNS reply to another question than ours")
DNS_MALFORMED = Drop("dns_malformed", "udp", (), "a DNS reply whose answers are cut off or malformed")

FoundCallback = Callable[[str, int | None], None]  # name, address or None


class Entry:
    """A line of the table: a question (ASKING) or an answer (DONE).

    ``port`` is the number of its pcb; ``wait`` counts ticks until it is sent again; ``expires`` is
    the reading of the tick clock at which the answer is forgotten.
    """

    __slots__ = (
        "expires",
        "ident",
        "ip",
        "is_mdns",
        "name",
        "port",
        "retries",
        "seqno",
        "server",
        "state",
        "wait",
    )

    def __init__(self) -> None:
        self.state = UNUSED
        self.name = ""
        self.ident = 0
        self.server = 0
        self.wait = 0
        self.retries = 0
        self.seqno = 0
        self.ip = IP_ANY
        self.expires = 0
        self.port: int | None = None
        self.is_mdns = False

    @property
    def wire_name(self) -> bytes:
        """The name as it is sent."""
        return _encode(self.name)


class _Request:
    """Somebody who waits for the answer of a table entry; free while ``found`` is None."""

    __slots__ = ("entry", "found")

    def __init__(self) -> None:
        self.found: FoundCallback | None = None
        self.entry = 0


class Dns:
    """The resolver of one stack. ``servers`` are addresses, 0.0.0.0 where none is set."""

    __slots__ = (
        "_core",
        "_ports",
        "_profile",
        "_reads_names",
        "_reads_port",
        "_reads_truncation",
        "_requests",
        "_seqno",
        "_tick",
        "_udp",
        "servers",
        "table",
    )

    def __init__(self, core: Core, udp: Udp) -> None:
        profile = core.profile
        size = profile.dns_table_size
        self._core = core
        self._udp = udp
        self._profile = profile
        self._reads_names = "dns_answer_name_ignored" not in profile.quirks
        self._reads_port = "dns_source_port_ignored" not in profile.quirks
        self._reads_truncation = "dns_truncation_ignored" not in profile.quirks
        self.servers = [IP_ANY] * profile.dns_max_servers
        self.table = [Entry() for _ in range(size)]
        self._requests = [_Request() for _ in range(size)]
        self._ports = DnsPorts(core, udp, size, self._receive)
        self._seqno = 0
        self._tick = core.timers.cyclic("dns", profile.dns_tmr_interval, self._on_tick, self._idle)

    # Calls

    def set_server(self, index: int, ip: int) -> None:
        """Server number ``index``; a number the table has no place for is ignored (``dns_setserver``)."""
        if 0 <= index < len(self.servers):
            self.servers[index] = ip

    def gethostbyname(self, name: str, found: FoundCallback) -> tuple[int | None, int]:
        """Look a name up: (address, ERR_OK) if it is known, else (None, err).

        With ERR_INPROGRESS ``found(name, address)`` is called later, with None when nobody answers or there
        is no such name. ERR_ARG: no name, or too long a one; ERR_VAL: no server is set; ERR_MEM: table or UDP
        pcbs are exhausted (``dns_gethostbyname``).
        """
        name = name.partition("\0")[0]
        if not name or not self._profile.lwip_dns or not self._ports.usable:
            return None, ERR_ARG
        host = name.removesuffix(".")
        if len(_encode(host)) >= self._profile.dns_max_name_length:
            return None, ERR_ARG
        literal = aton(name)
        if literal is not None:
            return literal, ERR_OK
        self._forget_old()
        folded = _fold(host)
        for entry in self.table:
            if entry.state == DONE and _fold(entry.name) == folded:
                return entry.ip, ERR_OK
        _, suffix, rest = name.partition(MDNS_SUFFIX)
        is_mdns = bool(self._profile.lwip_dns_support_mdns_queries and suffix and rest in ("", "."))
        if not is_mdns and self.servers[0] == IP_ANY:
            return None, ERR_VAL
        return None, self._enqueue(host, is_mdns, found)

    # Questions

    def _enqueue(self, host: str, is_mdns: bool, found: FoundCallback) -> int:
        """Take a place in the table and ask (``dns_enqueue``)."""
        if self._profile.lwip_dns_secure & ONE_OUTSTANDING and self._join(host, found):
            return ERR_INPROGRESS
        index = self._free_entry()
        if index is None:
            return ERR_MEM
        request = self._free_request(index)
        if request is None:
            return ERR_MEM
        entry = self.table[index]
        entry.state = NEW
        entry.seqno = self._seqno
        entry.name = host
        request.found = found
        request.entry = index
        entry.port = self._ports.take()
        if entry.port is None:
            entry.state = UNUSED
            request.found = None
            return ERR_MEM
        entry.is_mdns = is_mdns
        self._seqno = self._seqno + 1 & 0xFF
        self._check(index)
        return ERR_INPROGRESS

    def _join(self, host: str, found: FoundCallback) -> bool:
        """Wait for the answer to the same question, if it is under way (and there is room to)."""
        folded = _fold(host)
        for index, entry in enumerate(self.table):
            if entry.state == ASKING and _fold(entry.name) == folded:
                for request in self._requests:
                    if request.found is None:
                        request.found = found
                        request.entry = index
                        return True
        return False

    def _free_entry(self) -> int | None:
        """An unused place in the table, else that of the oldest answer."""
        oldest = None
        most = 0
        for index, entry in enumerate(self.table):
            if entry.state == UNUSED:
                return index
            age = self._seqno - entry.seqno & 0xFF
            if entry.state == DONE and age > most:
                most = age
                oldest = index
        return oldest

    def _free_request(self, index: int) -> _Request | None:
        if not self._profile.lwip_dns_secure & ONE_OUTSTANDING:
            return self._requests[index]
        return next((request for request in self._requests if request.found is None), None)

    def _check(self, index: int) -> None:
        """Send a new question, or one that has waited long enough (``dns_check_entry``)."""
        entry = self.table[index]
        if entry.state == NEW:
            entry.ident = self._new_ident()
            entry.state = ASKING
            entry.server = 0
            entry.wait = 1
            entry.retries = 0
        elif entry.state == ASKING:
            entry.wait -= 1
            if entry.wait:
                return
            entry.retries += 1
            if entry.retries < self._profile.dns_max_retries:
                entry.wait = entry.retries
            elif self._has_next_server(entry) and not entry.is_mdns:
                entry.server += 1
                entry.wait = 1
                entry.retries = 0
            else:
                self._fail(index)
                return
        else:
            return
        self._send(index)

    def _has_next_server(self, entry: Entry) -> bool:
        following = entry.server + 1
        return following < len(self.servers) and self.servers[following] != IP_ANY

    def _send(self, index: int) -> None:
        """Send a question, memory permitting; a server that is gone meanwhile ends it (``dns_send``)."""
        entry = self.table[index]
        server = self.servers[entry.server]
        if server == IP_ANY and not entry.is_mdns:
            self._fail(index)
            return
        pcb = self._ports.pcb(entry.port)
        if pcb is None:  # a callback that asked again has closed it
            return
        query = emit_query(entry.ident, entry.wire_name)
        if entry.is_mdns:
            self._udp.sendto(pcb, query, MDNS_GROUP, MDNS_PORT)
        else:
            self._udp.sendto(pcb, query, server, SERVER_PORT)

    def _fail(self, index: int) -> None:
        self._call_found(index, None)
        self.table[index].state = UNUSED

    # Answers

    def _receive(self, _pcb: UdpPcb, p: Pbuf, src: int, port: int) -> None:
        """A datagram to one of our ports (``dns_recv``)."""
        data = p.data
        p.free()
        reason = self._answer(data, src, port)
        if reason is not None:
            self._core.drop(reason)

    def _answer(self, data: bytes, src: int, port: int) -> Drop | None:
        """Take an answer; returns why it is ignored, if it is."""
        header = parse(data)
        if header is None or len(data) < HEADER_LEN + QUESTION_LEN:
            return DNS_SHORT
        index = self._asking(header.ident)
        if index is None:
            return DNS_IDENT
        entry = self.table[index]
        if not header.flags & RESPONSE or header.questions != 1:
            return DNS_FLAGS
        if not entry.is_mdns and src != self.servers[entry.server]:
            return DNS_SOURCE
        if self._reads_port and port != (MDNS_PORT if entry.is_mdns else SERVER_PORT):
            return DNS_SOURCE
        offset = match_question(data, entry.wire_name, whole=self._reads_names)
        if offset is None:
            return DNS_QUESTION
        if header.flags & RCODE_MASK or (self._reads_truncation and header.flags & TRUNCATED):
            self._refused(index)
            return None
        return self._take_answers(index, header, data, offset)

    def _take_answers(self, index: int, header: DnsHeader, data: bytes, offset: int) -> Drop | None:
        entry = self.table[index]
        if self._reads_names:
            found = address_of(data, offset, header.answers, entry.wire_name)
        else:
            found = first_address(data, offset, header.answers)
        if found is None:
            return DNS_MALFORMED
        if found.ip is None:
            self._fail(index)
        else:
            self._succeed(index, found.ip, min(found.ttl, MAX_TTL))
        return None

    def _asking(self, ident: int) -> int | None:
        for index, entry in enumerate(self.table):
            if entry.state == ASKING and entry.ident == ident:
                return index
        return None

    def _refused(self, index: int) -> None:
        """The server said no: ask the next one at once; the last one's word is final."""
        entry = self.table[index]
        if self._has_next_server(entry):
            entry.retries = self._profile.dns_max_retries - 1
            entry.wait = 1
            self._check(index)
        else:
            self._fail(index)

    def _succeed(self, index: int, ip: int, ttl: int) -> None:
        """Tell who asked, and believe it for ``ttl`` seconds' ticks (``dns_correct_response``)."""
        entry = self.table[index]
        entry.state = DONE
        entry.ip = ip
        entry.expires = self._tick.due + max(ttl, 1) * self._tick.period
        self._call_found(index, ip)
        if not ttl and entry.state == DONE:  # a callback may have taken the place for another question
            entry.state = UNUSED

    def _call_found(self, index: int, ip: int | None) -> None:
        """Call everybody who waits for an entry, then close its port (``dns_call_found``).

        A callback may ask again; it is called for that, too, if the question is still this one.
        """
        entry = self.table[index]
        for request in self._requests:
            if request.found is not None and request.entry == index:
                request.found(entry.name, ip)
                request.found = None
        self._give_port(entry)

    # The table in time

    def _forget_old(self) -> None:
        now = self._tick.due
        for entry in self.table:
            if entry.state == DONE and now >= entry.expires:
                entry.state = UNUSED

    def _idle(self) -> bool:
        return not any(entry.state == ASKING for entry in self.table)

    def _on_tick(self) -> None:
        self._forget_old()
        for index in range(len(self.table)):
            self._check(index)

    # Ids and ports

    def _new_ident(self) -> int:
        """A number that no other question under way has (``dns_create_txid``)."""
        ident = self._ports.draw()
        draws = 1
        while self._asking(ident) is not None and draws < MAX_DRAWS:
            ident = self._ports.draw()
            draws += 1
        return ident

    def _give_port(self, entry: Entry) -> None:
        """Close the port of an entry, unless another question uses it."""
        number, entry.port = entry.port, None
        others = (other for other in self.table if other is not entry)
        if number is not None and not any(o.state == ASKING and o.port == number for o in others):
            self._ports.give(number)


def _encode(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _fold(name: str) -> bytes:
    """For comparing: ASCII letters in lower case (``lwip_stricmp``)."""
    return _encode(name).lower()
