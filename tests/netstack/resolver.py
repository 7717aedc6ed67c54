"""A stack that asks for names, and us as its DNS servers, for tests of the DNS client."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from netstack.address import format_ip
from netstack.errors import ERR_INPROGRESS, ERR_OK
from tests.netstack.peer import GATEWAY, OURS, PEER, PEER_MAC, Peer, ip_of, mac_of

ANSWER = "192.0.2.1"
GATEWAY_MAC = "02:00:00:00:00:fe"


class Resolver(Peer):
    """A stack whose DNS server we are; ``found`` is what its callbacks were told."""

    def __init__(
        self,
        profile: str = "full",
        *,
        servers: tuple[str, ...] = (PEER,),
        first: int = 0x3000,
        **options: Any,
    ) -> None:
        super().__init__(profile, **options)
        self.numbers: Iterator[int] = count(first)
        self.stack.core.rand = lambda: next(self.numbers)
        self.stack.arp.add_static(ip_of(GATEWAY), mac_of(GATEWAY_MAC))
        self.found: list[tuple[str, str | None]] = []
        for index, server in enumerate(servers):
            self.stack.dns.set_server(index, ip_of(server))

    def lookup(self, name: str) -> str | int:
        """The address that is known at once, or the err."""
        ip, err = self.stack.dns.gethostbyname(name, self._tell)
        assert (ip is not None) == (err == ERR_OK)
        return err if ip is None else format_ip(ip)

    def _tell(self, name: str, ip: int | None) -> None:
        self.found.append((name, None if ip is None else format_ip(ip)))

    def ask(self, name: str = "a.example") -> Any:
        """Start a look-up; the query it sent."""
        assert self.lookup(name) == ERR_INPROGRESS
        return self.reply()

    def queries(self) -> list[tuple[int, str, int]]:
        """(ms, server, id) of the queries so far."""
        return [
            (now, frame[IP].dst, frame[DNS].id)
            for now, direction, raw in self._story
            if direction == ">" and DNS in (frame := Ether(raw))
        ]

    def answer(
        self,
        query: Any,
        *answers: DNSRR,
        src: str = PEER,
        mac: str = PEER_MAC,
        sport: int | None = None,
        **fields: Any,
    ) -> None:
        """Reply to a query; ``fields`` of the header may be wrong. No answers: an address for its name."""
        name = query[DNS].qd[0].qname
        records = list(answers) or [DNSRR(rrname=name, ttl=60, rdata=ANSWER)]
        header = {"id": query[DNS].id, "qr": 1, "rd": 1, "ra": 1, "qd": DNSQR(qname=name)} | fields
        reply = DNS(an=header.pop("an", records), **header)
        udp = UDP(sport=sport or query[UDP].dport, dport=query[UDP].sport)
        self.send(IP(src=src, dst=OURS) / udp / reply, src=mac)

    def resolve(self, name: str = "a.example", ttl: int = 60) -> None:
        """Look a name up, with success, and forget about it."""
        query = self.ask(name)
        self.answer(query, DNSRR(rrname=name, ttl=ttl, rdata=ANSWER))
        assert self.found.pop() == (name, ANSWER)
