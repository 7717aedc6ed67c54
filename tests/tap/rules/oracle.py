"""Coordinates and rules once more, from what scapy decodes and by looking at everything that came before.

Written from docs/rules.md, without any of the code under test: slow, unbounded, and a list of frames is all
that it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from scapy.layers.dhcp import DHCP
from scapy.layers.dns import DNS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

ICMP_KINDS = {
    0: "echo-reply", 3: "icmp-unreachable", 4: "icmp-quench", 5: "icmp-redirect", 8: "echo",
    11: "icmp-time-exceeded", 12: "icmp-parameter-problem",
}  # fmt: skip
DHCP_KINDS = "discover offer request decline ack nak release inform".split()


@dataclass
class Seen:
    """A frame: what it is and where it is."""

    side: int
    source: str
    target: str
    protocol: str
    kinds: list[str] = field(default_factory=list)
    conn: int = 0
    n: int = 0
    seq: int | None = None
    length: int = 0
    xmit: int | None = None
    window: int = 0  # in bytes
    tcp: Any = None
    data: int = 0

    @property
    def flow(self) -> str:
        return f"{self.source}>{self.target}"


def decode(side: int, frame: bytes) -> Seen:
    """Protocol, ends and, but for TCP, kinds."""
    ether = Ether(frame)
    if ARP in ether:
        arp = ether[ARP]
        name = {1: "arp-request", 2: "arp-reply"}.get(arp.op, "other")
        return Seen(side, arp.psrc, arp.pdst, "arp", [name, "arp"])
    if IP not in ether:
        return Seen(side, ether.src, ether.dst, "other", ["other"])
    ip = ether[IP]
    if ip.flags.MF or ip.frag:
        return Seen(side, ip.src, ip.dst, "other", ["fragment"])
    if TCP in ip:
        segment = ip[TCP]
        size = ip.len - ip.ihl * 4 - segment.dataofs * 4
        return Seen(side, f"{ip.src}:{segment.sport}", f"{ip.dst}:{segment.dport}", "tcp",
                    tcp=segment, data=size)  # fmt: skip
    if UDP in ip:
        datagram = ip[UDP]
        kinds = ["udp"]
        if DHCP in datagram:
            message = dict(option for option in datagram[DHCP].options if len(option) == 2)["message-type"]
            kinds = [f"dhcp-{DHCP_KINDS[message - 1]}", "dhcp", "udp"]
        elif DNS in datagram and {datagram.sport, datagram.dport} & {53, 5353}:
            kinds = ["dns-answer" if datagram[DNS].qr else "dns-query", "dns", "udp"]
        return Seen(side, f"{ip.src}:{datagram.sport}", f"{ip.dst}:{datagram.dport}", "udp", kinds)
    if ICMP in ip:
        kind = ICMP_KINDS.get(ip[ICMP].type)
        return Seen(side, ip.src, ip.dst, "icmp", [kind, "icmp"] if kind else ["icmp"])
    return Seen(side, ip.src, ip.dst, "other", ["igmp"] if ip.proto == 2 else ["other"])


def coordinates(frames: Sequence[tuple[int, bytes]]) -> list[Seen]:
    """Of frames (side, bytes), in their order."""
    all_seen: list[Seen] = []
    for side, frame in frames:
        one = decode(side, frame)
        same = [other for other in all_seen if other.protocol == one.protocol
                and {other.source, other.target} == {one.source, one.target}]  # fmt: skip
        conns = {other.conn for other in all_seen if other.protocol == one.protocol}
        one.conn = same[-1].conn if same else len(conns) + 1
        if one.tcp is not None:
            history = [other for other in same if other.conn == one.conn]
            if same and _begins(one, history):
                one.conn, history = len(conns) + 1, []
            _tcp(one, history)
        mine = [other for other in all_seen if other.protocol == one.protocol and other.conn == one.conn
                and other.flow == one.flow and other.side == one.side]  # fmt: skip
        one.n = 1 + sum(one.kinds[0] in other.kinds for other in mine)
        all_seen.append(one)
    return all_seen


def _signed(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


def _has(one: Seen, flags: str) -> bool:
    return all(flag in str(one.tcp.flags) for flag in flags)


def _acks(one: Seen) -> bool:
    return _has(one, "A") and not _has(one, "R")


class Story:
    """What ``history`` says of the side that sends ``one``: where it starts, what it sent, what was said."""

    def __init__(self, one: Seen, history: Sequence[Seen]) -> None:
        self.base: int | None = None
        self.by_syn = False
        self.sent: list[Seen] = []
        self.una: int | None = None
        self.scale: int | None = None
        self.top = 0
        for other in history:
            if (other.flow, other.side) == (one.flow, one.side):
                self._mine(other)
            elif (other.flow, other.side) == (f"{one.target}>{one.source}", 1 - one.side) and _acks(other):
                self._theirs(other)

    def _mine(self, other: Seen) -> None:
        if _has(other, "S"):
            if self.base != other.tcp.seq:
                self.base, self.sent, self.una, self.scale, self.top = other.tcp.seq, [], None, None, 0
            self.scale = dict(other.tcp.options).get("WScale", self.scale)
        elif self.base is None:
            if _has(other, "R"):
                return  # its number means nothing
            self.base, self.top = (other.tcp.seq - 1) % 2**32, 1
        self.sent.append(other)
        assert other.seq is not None
        if other.length:
            self.top = max(self.top, other.seq + other.length)

    def _theirs(self, other: Seen) -> None:
        if self.base is None:
            self.base, self.top = (other.tcp.ack - 1) % 2**32, 1
        number = min(_signed(other.tcp.ack - self.base), self.top)
        self.una = number if self.una is None else max(self.una, number)


def _begins(one: Seen, history: Sequence[Seen]) -> bool:
    """Whether a segment begins a new connection between ends that had one."""
    if not _has(one, "S") or _has(one, "A") or _has(one, "R"):
        return False
    story = Story(one, history)
    spoke = any(not _has(other, "S") for other in story.sent)
    return story.base is not None and (spoke or one.tcp.seq != story.base)


def _tcp(one: Seen, history: Sequence[Seen]) -> None:
    mine = Story(one, history)
    probe = Seen(1 - one.side, one.target, one.source, "tcp")
    other = Story(probe, history)
    if _has(one, "S") and mine.base != one.tcp.seq:
        mine = Story(one, [])
        mine.base = one.tcp.seq
    if _has(one, "S"):
        mine.scale = dict(one.tcp.options).get("WScale", mine.scale)
        one.seq = 0
    elif mine.base is None:
        one.seq, mine.top = 1, 0 if _has(one, "R") else 1
    else:
        one.seq = _signed(one.tcp.seq - mine.base)
    one.length = one.data + _has(one, "S") + _has(one, "F")
    covering = [
        x for x in mine.sent if x.length and x.seq is not None and x.seq <= one.seq < x.seq + x.length
    ]
    one.xmit = 1 + len(covering) if one.length else 1
    one.window = _window(one, mine.scale, other.scale)
    one.kinds = _kinds(one, mine, other)


def _window(one: Seen, mine: int | None, theirs: int | None) -> int:
    if mine is None or theirs is None or _has(one, "S"):
        return int(one.tcp.window)
    return int(one.tcp.window) << min(mine, 14)


def _kinds(one: Seen, mine: Story, other: Story) -> list[str]:
    if _has(one, "R"):
        return ["rst", "tcp"]
    if _has(one, "S"):
        return ["syn-ack" if _has(one, "A") else "syn", "tcp"]
    groups = ["data", "tcp"] if one.data else ["ack", "tcp"]
    if _has(one, "F"):
        return ["fin", *groups] if one.data else ["fin", "tcp"]
    said = [x for x in other.sent if _acks(x)]
    closed = bool(said) and said[-1].tcp.window == 0
    edge = mine.top if mine.una is None else mine.una
    assert one.seq is not None
    if one.data:
        return ["probe", *groups] if one.data == 1 and closed and one.seq >= edge else groups
    if not _has(one, "A"):
        return ["other", "tcp"]
    if one.seq == edge - 1:
        return ["probe" if closed else "keepalive", *groups]
    if one.tcp.window == 0:
        return ["zero-window", *groups]
    earlier = [x for x in mine.sent if _acks(x)]
    if not earlier or earlier[-1].tcp.ack != one.tcp.ack:
        return groups
    if earlier[-1].window != one.window:
        return ["win-update", *groups]
    if other.base is not None and _signed(one.tcp.ack - other.base) < other.top:
        return ["dup-ack", *groups]
    return groups


class RuleOracle:
    """A rule of conditions (text values): asked about every frame in its order."""

    def __init__(self, conditions: dict[str, str], chain: bool) -> None:
        self.asks = conditions
        self.chain = chain
        self.counts: dict[tuple[str, int], int] = {}
        self.left = int(conditions.get("count", 10**9))

    def meets(self, one: Seen, now: int) -> bool:
        asks = self.asks
        whole = all(key in asks and asks[key].lstrip("-").isdigit() for key in ("n", "seq", "xmit", "conn"))
        whole = whole and "," not in asks.get("kind", ",")
        if not int(asks.get("from", "0ns")[:-2]) <= now < int(asks.get("until", "9999999ns")[:-2]):
            return False
        if "kind" in asks and not set(asks["kind"].split(",")) & set(one.kinds):
            return False
        if "conn" in asks and one.conn not in numbers(asks["conn"]):
            return False
        if "flow" in asks and not self._flow(one):
            return False
        if "xmit" in asks and (one.xmit is None or one.xmit not in numbers(asks["xmit"])):
            return False
        if "seq" in asks:
            carried = [] if one.seq is None else range(one.seq, one.seq + one.length)
            if not ({one.seq} if whole else set(carried)) & numbers(asks["seq"]):
                return False
        if whole:
            return one.n == int(asks["n"])
        key = one.flow, one.conn
        self.counts[key] = count = self.counts.get(key, 0) + 1
        return ("n" not in asks or count in numbers(asks["n"])) and not count % int(asks.get("every", "1"))

    def _flow(self, one: Seen) -> bool:
        return all(map(fnmatchcase, one.flow.split(">"), self.asks["flow"].split(">")))


def numbers(text: str) -> set[int]:
    """A range of rules as a set; without an end it ends somewhere."""
    found: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        found |= set(range(int(first or -3000), int(last or (3000 if dots else first)) + 1))
    return found


def decisions(rules: Sequence[RuleOracle], seen: Sequence[tuple[int, Seen]]) -> list[list[int]]:
    """For each frame (ns, where it is) the numbers of the rules that decide about it."""
    result = []
    for now, one in seen:
        met = [rule.meets(one, now) and rule.left > 0 for rule in rules]
        deciding = []
        for number, rule in enumerate(rules):
            if met[number]:
                deciding.append(number)
                rule.left -= 1
                if not rule.chain:
                    break
        result.append(deciding)
    return result
