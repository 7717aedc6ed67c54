"""A device alone with a router that we play: it answers ARP, DNS and DHCP, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Ether

from tap.clock import MS, VirtualClock
from tap.wire import WireEnd, wire
from usocket import Device

ROUTER = "10.0.0.254"
ROUTER_MAC = "02:00:00:00:00:fe"
DEVICE = "10.0.0.1"
LEASED = "10.0.0.77"


class Router:
    """``names`` are what it knows; ``asked`` what it was asked for (names, and DHCP messages by type)."""

    def __init__(self, clock: VirtualClock, link: WireEnd) -> None:
        self._clock = clock
        self._link = link
        self.names: dict[str, str] = {}
        self.asked: list[Any] = []
        self.is_silent = False
        link.deliver = self._received  # type: ignore[method-assign]

    def _received(self, raw: bytes) -> None:
        frame = Ether(raw)
        if self.is_silent:
            return
        if ARP in frame and frame[ARP].op == 1 and frame[ARP].pdst == ROUTER:
            self._send(frame, ARP(op=2, hwsrc=ROUTER_MAC, psrc=ROUTER, hwdst=frame.src, pdst=frame[ARP].psrc))
        elif DNS in frame:
            self._look_up(frame)
        elif DHCP in frame:
            self._lend(frame)

    def _look_up(self, frame: Any) -> None:
        question = frame[DNS].qd[0]
        name = question.qname.decode().rstrip(".")
        self.asked.append(name)
        found = self.names.get(name)
        answers = {"an": DNSRR(rrname=name, ttl=60, rdata=found)} if found else {"rcode": 3}
        reply = DNS(id=frame[DNS].id, qr=1, rd=1, ra=1, qd=question, **answers)
        self._send(
            frame, IP(src=ROUTER, dst=frame[IP].src) / UDP(sport=53, dport=frame[UDP].sport) / reply
        )

    def _lend(self, frame: Any) -> None:
        kind = dict(option[:2] for option in frame[DHCP].options if isinstance(option, tuple))["message-type"]
        self.asked.append(kind)
        if kind not in (1, 3):
            return
        options = [
            ("message-type", "offer" if kind == 1 else "ack"),
            ("server_id", ROUTER),
            ("lease_time", 3600),
            ("subnet_mask", "255.255.255.0"),
            ("router", ROUTER),
            ("name_server", ROUTER),
            "end",
        ]
        fields = {"op": 2, "xid": frame[BOOTP].xid, "yiaddr": LEASED, "chaddr": frame[BOOTP].chaddr}
        reply = UDP(sport=67, dport=68) / BOOTP(**fields) / DHCP(options=options)
        self._send(frame, IP(src=ROUTER, dst="255.255.255.255") / reply)

    def _send(self, to: Any, packet: Any) -> None:
        frame = bytes(Ether(src=ROUTER_MAC, dst=to.src) / packet)
        self._clock.call_at(self._clock.now() + MS, lambda: self._link.send(frame))


@contextmanager
def device_and_router(**options: Any) -> Iterator[tuple[Device, Router]]:
    """Both, the device the current one."""
    clock = VirtualClock()
    near, far = wire(clock, delay=MS)
    router = Router(clock, far)
    given = {"address": f"{DEVICE}/24", "gateway": ROUTER, "dns": ROUTER} | options
    with Device(given.pop("profile", "micropython"), link=near, clock=clock, **given) as device:
        yield device, router
