"""Random captures: every frame has the coordinate that scapy and a slow look back say, every rule decides
about exactly the frames that they select.
"""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from tests.tap.rules.bench import Bench
from tests.tap.rules.oracle import RuleOracle, Seen, coordinates, decisions, numbers

HOSTS = ("10.0.0.2", "10.0.0.1")
FLAGS = ("A", "A", "A", "A", "PA", "PA", "PA", "S", "SA", "FA", "R", "RA", "", "P", "SR", "FPA", "S")
SIZES = (0, 0, 0, 1, 1, 5, 10, 100)
OFFSETS = (-2, -1, 0, 0, 0, 0, 0, 1, 5, 10, 20, 100)
DHCP_TYPES = "discover offer request decline ack nak release inform".split()


class Talk:
    """Makes frames that are more or less a conversation, so that every kind comes up."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.next: dict[tuple[int, int], int] = {}  # (host, connection) -> the number to send next
        self.said: dict[tuple[int, int], tuple[int, int]] = {}  # and the last ACK and window

    def frame(self) -> tuple[int, bytes]:
        dice = self.dice
        host = dice.randrange(2)
        side = host if dice.random() < 0.97 else 1 - host  # now and then over a router's detour
        make = dice.choices((self.tcp, self.udp, self.icmp, self.arp, self.odd), (30, 3, 2, 2, 2))[0]
        raw = bytes(Ether(src=f"02:00:00:00:00:0{host}", dst="02:00:00:00:00:0f") / make(host))
        return side, raw + bytes(max(0, 60 - len(raw)) * dice.randrange(2))

    def tcp(self, host: int) -> Packet:
        dice = self.dice
        connection = dice.randrange(2)
        ports = (40000 + connection, 80) if not host else (80, 40000 + connection)
        flags, size = dice.choice(FLAGS), dice.choice(SIZES)
        if (host, connection) not in self.next or ("S" in flags and dice.random() < 0.3):
            self.next[host, connection] = dice.choice((0xFFFFFFF0, 0, 1000, 100_000)) + dice.randrange(3)
            flags = dice.choice((flags, "S", "SA"))
        following = self.next[host, connection]
        seq = following + dice.choice(OFFSETS)
        if "S" in flags:
            size = 0
        if dice.random() < 0.8:
            self.next[host, connection] = max(following, seq + size + ("S" in flags) + ("F" in flags))
        ack = self.next.get((1 - host, connection), 5) + dice.choice(OFFSETS) if "A" in flags else 0
        window = dice.choice((0, 0, 500, 500, 500, 900))
        if "A" in flags and (host, connection) in self.said and dice.random() < 0.4:
            ack, window = self.said[host, connection]
        self.said[host, connection] = ack, window
        options = [("WScale", dice.randrange(3))] if "S" in flags and dice.random() < 0.7 else []
        return IP(src=HOSTS[host], dst=HOSTS[1 - host]) / TCP(
            sport=ports[0], dport=ports[1], flags=flags, seq=seq % 2**32, ack=ack % 2**32,
            window=window, options=options,
        ) / Raw(bytes(size))  # fmt: skip

    def udp(self, host: int) -> Packet:
        dice = self.dice
        ip = IP(src=HOSTS[host], dst=HOSTS[1 - host])
        match dice.randrange(3):
            case 0:
                message = DHCP(options=[("message-type", dice.choice(DHCP_TYPES)), "end"])
                return ip / UDP(sport=68 - host, dport=67 + host) / BOOTP() / message
            case 1:
                return ip / UDP(sport=5000, dport=53) / DNS(qr=dice.randrange(2), qd=DNSQR(qname="a.b"))
        return ip / UDP(sport=5000, dport=dice.choice((7, 9))) / Raw(bytes(dice.randrange(30)))

    def icmp(self, host: int) -> Packet:
        return IP(src=HOSTS[host], dst=HOSTS[1 - host]) / ICMP(
            type=self.dice.choice((0, 3, 4, 5, 8, 11, 12, 13))
        )

    def arp(self, host: int) -> Packet:
        return ARP(op=self.dice.choice((1, 2, 2, 3)), psrc=HOSTS[host], pdst=HOSTS[1 - host])

    def odd(self, host: int) -> Packet:
        match self.dice.randrange(3):
            case 0:
                return IP(src=HOSTS[host], dst=HOSTS[1 - host], flags="MF", proto=17) / Raw(bytes(24))
            case 1:
                return IP(src=HOSTS[host], dst="224.0.0.1", proto=2) / Raw(bytes(8))
        return IP(src=HOSTS[host], dst=HOSTS[1 - host], proto=132) / Raw(bytes(30))


CAPTURES, FRAMES = 40, 60


@cache
def capture(seed: int) -> list[tuple[int, bytes]]:
    """Frames, each with the end of the cable at which it enters."""
    talk = Talk(seed)
    return [talk.frame() for _ in range(FRAMES)]


@cache
def one_way(seed: int) -> tuple[list[bytes], list[Seen]]:
    """What enters at one end, and where it is when nobody sees the other."""
    frames = [frame for side, frame in capture(seed) if side == 0]
    return frames, coordinates([(0, frame) for frame in frames])


@pytest.mark.parametrize("seed", range(CAPTURES))
def test_coordinates_are_those_of_the_oracle(seed: int) -> None:
    frames = capture(seed)
    bench = Bench()
    for side, frame in frames:
        (bench.forth, bench.back)[side].send(frame)
    for number, (passage, one) in enumerate(zip(bench.entries, coordinates(frames), strict=True)):
        at = passage.coordinate
        assert (number, at.flow, at.conn, set(at.kinds), at.kind, at.n, at.seq, at.length, at.xmit) == (
            number, one.flow, one.conn, set(one.kinds), one.kinds[0], one.n, one.seq, one.length, one.xmit,
        )  # fmt: skip


def test_the_captures_have_every_kind() -> None:
    seen = {one.kinds[0] for seed in range(CAPTURES) for one in coordinates(capture(seed))}
    assert seen == {
        "syn", "syn-ack", "data", "ack", "dup-ack", "win-update", "zero-window", "probe", "keepalive", "fin",
        "rst", *(f"dhcp-{name}" for name in DHCP_TYPES), "dns-query", "dns-answer", "udp", "echo",
        "echo-reply", "icmp-unreachable", "icmp-quench", "icmp-redirect", "icmp-time-exceeded",
        "icmp-parameter-problem", "icmp", "arp-request", "arp-reply", "fragment", "igmp", "other",
    }  # fmt: skip


def ordinals(least: int, most: int) -> st.SearchStrategy[str]:
    """Texts of ranges."""
    one = st.integers(least, most)
    pair = st.tuples(one, one).map(sorted)
    part = one.map(str) | pair.map(lambda ends: f"{ends[0]}..{ends[1]}") | one.map(lambda end: f"{end}..")
    return st.lists(part, min_size=1, max_size=2).map(",".join)


KINDS = st.sampled_from(
    "data ack tcp syn fin rst dup-ack udp dhcp icmp arp data,syn-ack win-update,zero-window".split()
)
FLOWS = st.sampled_from(["*>*", "10.0.0.2:*>*:80", "*:80>*", "10.0.0.2:40000>10.0.0.1:80", "10.0.0.1>*"])
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "kind": KINDS,
        "n": ordinals(1, 6),
        "seq": ordinals(-3, 60),
        "xmit": ordinals(1, 3),
        "conn": ordinals(1, 3),
        "flow": FLOWS,
        "from": st.integers(0, 30).map("{}ns".format),
        "until": st.integers(10, 60).map("{}ns".format),
        "every": st.integers(1, 3).map(str),
        "count": st.integers(1, 3).map(str),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, CAPTURES - 1),
    st.lists(st.tuples(CONDITIONS, st.booleans()), min_size=1, max_size=3),
)
def test_rules_decide_about_the_frames_of_the_oracle(
    seed: int, wanted: list[tuple[dict[str, str], bool]]
) -> None:
    frames, places = one_way(seed)
    bench = Bench()
    texts = []
    for number, (asks, chain) in enumerate(wanted):
        words = " ".join(f"{key}={value}" for key, value in asks.items())
        texts.append(f"rule {number}")
        bench.forth.rules.add(f"delay 100ns {words} {'chain' * chain} name='rule {number}'")
    for number, frame in enumerate(frames):
        bench.clock.call_at(number, lambda frame=frame: bench.forth.send(frame))  # type: ignore[misc]
    bench.run()
    expected = decisions([RuleOracle(asks, chain) for asks, chain in wanted], list(enumerate(places)))
    decided = [[texts.index(rule) for rule, _, _ in visit.notes] for visit in bench.visits]
    assert decided == expected
    assert len(bench.at_server) == len(frames)


def test_each_coordinate_selects_its_frame_alone() -> None:
    frames = capture(7)
    places = Bench()
    for side, frame in frames:
        (places.forth, places.back)[side].send(frame)
    for number, passage in enumerate(places.entries):
        bench = Bench()
        where = bench.forth if passage.direction is places.forth else bench.back
        rule = where.rules.add(f"drop {passage.coordinate}")
        for side, frame in frames:
            (bench.forth, bench.back)[side].send(frame)
        assert rule.hits == 1, passage.coordinate
        dropped = [at for at, note in enumerate(bench.entries) if str(note.coordinate) in
                   {visit for visit, _, action, _ in bench.notes if action == "drop"}]  # fmt: skip
        assert dropped == [number]


@pytest.mark.parametrize(("text", "is_"), [("3", {3}), ("1..3", {1, 2, 3}), ("1,4..5", {1, 4, 5})])
def test_the_oracle_reads_ranges(text: str, is_: set[int]) -> None:
    assert numbers(text) == is_
