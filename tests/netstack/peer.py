"""A neighbour on the wire, for tests of the layers below and beside TCP.

    peer = Peer("micropython")                       # a stack 10.0.0.1/24, and us, 10.0.0.2, on its wire
    peer.send(IP(src=PEER, dst=OURS) / ICMP() / b"ping")
    assert peer.reply()[ICMP].type == 0
    peer.advance(ms=1000)
    peer.expect_nothing()

Frames are built and decoded by scapy, so that our own formats are not checked against themselves. Everything
reaches the stack as a frame, a call or the passing of virtual time. A failing expectation tells the story so
far.
"""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from netstack.address import parse_ip
from netstack.core import MS
from netstack.errors import ERR_OK
from netstack.profiles import named
from netstack.stack import Stack

OURS, PEER, GATEWAY = "10.0.0.1", "10.0.0.2", "10.0.0.254"
OUR_MAC, PEER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"


def ip_of(text: str) -> int:
    """An address as the stack takes it."""
    return parse_ip(text)


def mac_of(text: str) -> bytes:
    """A MAC as the stack takes it."""
    return bytes.fromhex(text.replace(":", ""))


class Peer:
    """A stack and its neighbour. Options of the profile are changed by keyword; ``quirks_off`` names quirks
    to turn off.

    ``known`` enters 10.0.0.2 as a static ARP entry, so that no ARP is in the way. ``err`` is what the driver
    says to frames.
    """

    def __init__(
        self,
        profile: str = "full",
        *,
        ip: str = OURS,
        netmask: str = "255.255.255.0",
        gateway: str = GATEWAY,
        known: bool = True,
        up: bool = True,
        rand: int = 0,
        ephemeral_first: int = 49153,
        quirks_off: tuple[str, ...] = (),
        **options: int | str,
    ) -> None:
        chosen = named(profile).replace(check=False, **options)
        if quirks_off:
            chosen = chosen.replace(check=False, quirks=chosen.quirks - set(quirks_off))
        self.err = ERR_OK
        self.frames: list[bytes] = []
        self.rand = rand
        self.now = 0
        self._story: list[tuple[int, str, bytes]] = []
        self.stack = Stack(
            chosen,
            mac=mac_of(OUR_MAC),
            ip=ip_of(ip),
            netmask=ip_of(netmask),
            gateway=ip_of(gateway),
            transmit=self._transmit,
            rand=lambda: self.rand,
            ephemeral_first=ephemeral_first,
            up=up,
        )
        if known:
            self.stack.arp.add_static(ip_of(PEER), mac_of(PEER_MAC))
        self.frames.clear()
        self._pools = self._used()

    def _transmit(self, frame: bytes) -> int:
        self.frames.append(frame)
        self._story.append((self.now, ">", frame))
        return self.err

    # What happens to the stack

    def send(self, packet: Packet | bytes, *, src: str = PEER_MAC, dst: str = OUR_MAC) -> None:
        """A frame reaches the stack. IP and ARP packets are put into a frame from us to it; bytes go as they
        are.
        """
        if isinstance(packet, IP | ARP):
            packet = Ether(src=src, dst=dst, type=0x0806 if isinstance(packet, ARP) else 0x0800) / packet
        frame = bytes(packet)
        self._story.append((self.now, "<", frame))
        self.stack.receive(frame, self.now * MS)

    def advance(self, ms: int) -> None:
        """Let time pass, and every timer run when it is due."""
        end = self.now + ms
        while (due := self.stack.next_deadline()) is not None and due <= end * MS:
            self.now = due // MS
            self.stack.run_timers(due)
        self.now = end
        self.stack.run_timers(end * MS)

    # What it did

    def replies(self) -> list[Any]:
        """The frames sent since the last look."""
        frames, self.frames = self.frames, []
        return [Ether(frame) for frame in frames]

    def reply(self) -> Any:
        """The one frame sent since the last look."""
        replies = self.replies()
        assert len(replies) == 1, f"{len(replies)} frames instead of one\n{self.story}"
        return replies[0]

    def expect_nothing(self) -> None:
        """No frame was sent since the last look."""
        assert not self.replies(), f"a frame instead of none\n{self.story}"

    def expect_drop(self, reason: str, count: int = 1) -> None:
        """Nothing was sent, and what came was dropped for ``reason``, which is forgotten."""
        self.expect_nothing()
        drops = self.stack.stats.drops
        assert drops == {reason: count}, f"{drops}\n{self.story}"
        drops.clear()

    @property
    def story(self) -> str:
        """All frames so far, with their times."""
        lines = []
        for now, direction, frame in self._story:
            text = Ether(frame).summary() if len(frame) >= 14 else frame.hex()
            lines.append(f"{now / 1000:8.3f} {direction} {text}")
        return "\n".join(lines)

    def _used(self) -> dict[str, int]:
        mem = self.stack.mem
        return {pool.name: pool.used for pool in (*mem.pools(), mem.heap)}

    def expect_no_leak(self) -> None:
        """All memory that was taken since the beginning has been given back."""
        assert self._used() == self._pools, self.story
