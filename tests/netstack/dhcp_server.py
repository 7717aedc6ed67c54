"""A stack that asks for an address, and us as its DHCP server, made of scapy's BOOTP and DHCP layers.

    server = DhcpServer("micropython")
    server.stack.dhcp.start()
    server.heard("discover")
    server.offer()
    server.heard("request")
    server.ack()

It answers only when told, with the xid it heard last, and decodes what the client says with scapy, so that
our own wire format is not checked against itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from scapy.layers.dhcp import BOOTP, DHCP, DHCPTypes
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP

from netstack.address import format_ip
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, PEER, PEER_MAC, Peer, ip_of, mac_of

LEASED = "10.0.0.50"
MASK, ROUTER, DNS = "255.255.255.0", "10.0.0.254", "10.0.0.53"
OTHER_MAC = "02:00:00:00:00:09"
NO_CHECK, CHECK = "micropython", "lwip-default"  # profiles without and with address conflict detection


class Heard(NamedTuple):
    """A message of the client: when (ms), which, its options in their order, and the whole frame."""

    time: int
    kind: str
    options: dict[str, Any]
    frame: Any

    @property
    def bootp(self) -> Any:
        return self.frame[BOOTP]

    @property
    def ip(self) -> Any:
        return self.frame[IP]


class DhcpServer(Peer):
    """The server 10.0.0.2 at the other end of the wire of a stack without an address.

    ``lease`` None leaves the lease time out. ``told`` are the addresses that the client's observer got.
    """

    def __init__(
        self, profile: str = "micropython", *, address: str = LEASED, lease: int | None = 600, **options: Any
    ) -> None:
        self._times: list[int] = []
        super().__init__(profile, **{"ip": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "0.0.0.0"} | options)
        self._times.clear()
        self.address = address
        self.lease = lease
        self.xid = 0
        self.dhcp = self.stack.dhcp
        self.told: list[str] = []
        self.dhcp.on_address.append(lambda ip: self.told.append(format_ip(ip)))

    @property
    def configured(self) -> tuple[str, str, str]:
        """The interface's address, mask and gateway."""
        netif = self.stack.netif
        return format_ip(netif.ip), format_ip(netif.netmask), format_ip(netif.gateway)

    def _transmit(self, frame: bytes) -> int:
        self._times.append(self.now)
        return super()._transmit(frame)

    # What the client says

    def frames_sent(self) -> list[tuple[int, Any]]:
        """(time in ms, frame) since the last look."""
        times, self._times = self._times, []
        return list(zip(times, self.replies(), strict=True))

    def all_heard(self) -> list[Heard]:
        """The client's messages since the last look; other frames are passed over."""
        heard = []
        for time, frame in self.frames_sent():
            if DHCP in frame:
                options = dict(option for option in frame[DHCP].options if isinstance(option, tuple))
                heard.append(Heard(time, DHCPTypes[options["message-type"]], options, frame))
        if heard:
            self.xid = heard[-1].bootp.xid
        return heard

    def heard(self, kind: str) -> Heard:
        """The one message since the last look, which is of that kind."""
        heard = self.all_heard()
        assert [message.kind for message in heard] == [kind], self.story
        return heard[0]

    def heard_nothing(self) -> None:
        """No message since the last look."""
        assert self.schedule() == [], self.story

    def schedule(self) -> list[tuple[int, str]]:
        """(time in ms, kind) of the messages since the last look."""
        return [(message.time, message.kind) for message in self.all_heard()]

    def arp_sent(self) -> list[tuple[int, str, str]]:
        """(time in ms, sender's address, address asked for) of the ARP requests since the last look."""
        return [
            (time, frame[ARP].psrc, frame[ARP].pdst)
            for time, frame in self.frames_sent()
            if ARP in frame and frame[ARP].op == 1
        ]

    # What it says

    def reply(self, kind: str, *more: Any, bootp: dict[str, Any] | None = None, **options: Any) -> bytes:
        """The payload of a reply: the usual options, changed by keyword (None: left out); ``more`` stand
        behind them. ``bootp`` changes fields of the fixed part.
        """
        usual: dict[str, Any] = {"server_id": PEER}
        if kind != "nak":
            usual |= {"lease_time": self.lease, "subnet_mask": MASK, "router": ROUTER, "name_server": DNS}
        chosen = [
            (name, *value) if isinstance(value, list) else (name, value)
            for name, value in (usual | options).items()
            if value is not None
        ]
        fields = {
            "op": 2,
            "xid": self.xid,
            "yiaddr": "0.0.0.0" if kind == "nak" else self.address,
            "chaddr": mac_of(OUR_MAC),
        }
        listed = [("message-type", kind), *chosen, *more, "end"]
        return bytes(BOOTP(**(fields | (bootp or {}))) / DHCP(options=listed))

    def datagram(self, payload: bytes, *, sport: int = 67, dst: str = "255.255.255.255") -> None:
        """A datagram from the server reaches the client's port."""
        self.send(IP(src=PEER, dst=dst) / UDP(sport=sport, dport=68) / payload)

    def say(self, kind: str, *more: Any, bootp: dict[str, Any] | None = None, **options: Any) -> None:
        """Send a reply."""
        self.datagram(self.reply(kind, *more, bootp=bootp, **options))

    def offer(self, **options: Any) -> None:
        """Offer the address."""
        self.say("offer", **options)

    def ack(self, **options: Any) -> None:
        """Lend the address."""
        self.say("ack", **options)

    def nak(self) -> None:
        """Refuse it."""
        self.say("nak")

    def lend(self, **options: Any) -> None:
        """The whole conversation from start to ACK."""
        assert self.dhcp.start() == 0
        self.heard("discover")
        self.offer()
        self.heard("request")
        self.ack(**options)

    def know_server(self) -> None:
        """The client gets to know the server's MAC for ever, so that no ARP is in the way."""
        self.stack.arp.add_static(ip_of(PEER), mac_of(PEER_MAC))

    def claim(self, address: str, *, mac: str = OTHER_MAC, op: int = 2) -> None:
        """Another host says that an address is its own."""
        target = "0.0.0.0" if op == 2 else address
        arp = ARP(op=op, hwsrc=mac, psrc=address, hwdst=BROADCAST_MAC, pdst=target)
        self.send(arp, src=mac, dst=BROADCAST_MAC)

    def probe(self, address: str, *, mac: str = OTHER_MAC) -> None:
        """Another host asks for an address before it uses it."""
        self.send(ARP(op=1, hwsrc=mac, psrc="0.0.0.0", pdst=address), src=mac, dst=BROADCAST_MAC)

    def reply_to_arp(self) -> tuple[str, str]:
        """MAC and address of the one ARP reply since the last look."""
        [(_, frame)] = self.frames_sent()
        assert frame[ARP].op == 2
        return frame[ARP].hwsrc, frame[ARP].psrc


def bound(**options: Any) -> DhcpServer:
    """A client with a lease of ten minutes, at time 0, that knows its server's MAC."""
    server = DhcpServer(NO_CHECK, rand=0x1000, **options)
    server.lend()
    assert server.configured == (LEASED, MASK, ROUTER)
    server.know_server()
    server.frames_sent()
    server.told.clear()
    return server
