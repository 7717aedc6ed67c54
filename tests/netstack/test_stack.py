"""The stack as a whole: a pure function of frames, calls and time, that gives everything back (``stack``)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from netstack.core import MS
from netstack.errors import ERR_IF, ERR_OK
from netstack.pbuf import Pbuf
from netstack.profiles import named
from netstack.raw import RawPcb
from netstack.stack import Stack
from netstack.trace import Dropped, Event, FrameIn, FrameOut
from tests.netstack.peer import OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of, mac_of
from tests.netstack.storm import Storm
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, established

PROFILES = ["lwip-default", "micropython", "full", "strict", "contrib-unix"]
STEPS = 1_200
ROOT = Path(__file__).resolve().parents[2]


def stormy(profile: str, seed: int = 1, steps: int = STEPS) -> Storm:
    storm = Storm(profile, seed)
    storm.rage(steps)
    return storm


# A pure function


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_input_gives_the_same_bytes(profile: str) -> None:
    first, second = stormy(profile), stormy(profile)
    assert first.log == second.log
    assert first.digest() == second.digest()
    assert stormy(profile, seed=2).digest() != first.digest()


def test_the_order_of_hashes_does_not_matter() -> None:
    here = stormy("full").digest()
    for hash_seed in ("1", "4711"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.netstack.storm", "full", "1", str(STEPS)],
            cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == here


@pytest.mark.parametrize("profile", PROFILES)
def test_an_observer_changes_nothing(profile: str) -> None:
    events: Counter[str] = Counter()

    def hook(event: Event) -> None:
        events[event.kind] += 1

    observed = Storm(profile, 1, trace=hook)
    observed.rage(STEPS)
    assert observed.digest() == stormy(profile).digest()
    assert len(events) >= 8
    assert min(events.values()) > 0


# Run in a Python of its own: the storm with an ear at the interpreter, which hears of every file, socket,
# process, thread and module; prints what it heard.
LISTENING = """
import sys
from tests.netstack.storm import Storm
heard = set()
sys.addaudithook(lambda event, args: heard.add(event))
storm = Storm("full", 1)
storm.rage(500)
storm.calm()
print(*sorted(heard - {"object.__getattr__", "object.__setattr__", "sys._getframe"}))
"""


def test_it_opens_and_starts_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTENING], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""


# Memory


@pytest.mark.parametrize("profile", PROFILES)
def test_after_a_storm_all_memory_has_come_back(profile: str) -> None:
    storm = stormy(profile)
    busy = storm.used()
    assert sum(busy.values()) > sum(storm.base.values())
    storm.calm()
    assert storm.used() == storm.base


@pytest.mark.parametrize("profile", PROFILES)
def test_after_a_conversation_all_memory_has_come_back(profile: str) -> None:
    talk = established(profile)
    talk.tcp.close(talk.listener)
    talk.segment(PSH | ACK, 1, 1, b"question")
    talk.write(b"answer")
    talk.segment(ACK | FIN, 9, 7)
    talk.close()
    talk.segment(ACK, 10, 8)
    assert talk.state == "CLOSED"
    assert not talk.tcp.active_pcbs
    assert talk.stack.mem.heap.used == 0
    groups = {"IGMP_GROUP": 1} if talk.stack.profile.lwip_igmp else {}  # 224.0.0.1, for ever
    assert {pool.name: pool.used for pool in talk.stack.mem.pools() if pool.used} == groups


def test_an_exhausted_receive_pool_loses_frames_for_one_reason() -> None:
    talk = established(pbuf_pool_size=3)
    for seq in (10, 20, 30):
        talk.segment(PSH | ACK, seq, 1, b"kept")
    talk.frames.clear()
    stats = talk.stack.stats
    for frame in (b"", bytes(60), Ether(src=PEER_MAC, dst=OUR_MAC) / ARP(), IP(src=PEER, dst=OURS) / ICMP()):
        talk.send(frame)
        talk.expect_drop("pbuf_pool")
    assert (stats.link.memerr, stats.link.drop, stats.link.recv) == (4, 4, 0)
    assert talk.stack.mem.pbuf_pool.err == 4
    assert talk.stack.mem.pbuf_pool.used == 3


def test_a_frame_takes_all_its_buffers_or_none() -> None:
    peer = Peer("lwip-default", pbuf_pool_size=3, pbuf_pool_bufsize=100)
    for size, lost in ((300, False), (301, True), (100, False), (1_000, True)):
        packet = IP(src=PEER, dst="10.0.0.77") / bytes(size - 34)
        peer.send(packet)
        peer.expect_drop("pbuf_pool" if lost else "ip_not_ours")
        assert peer.stack.mem.pbuf_pool.used == 0
    assert peer.stack.mem.pbuf_pool.max == 3


# Every frame has one fate

KEPT_UNTIL = {  # the fate of frames that had been kept, not of the one that comes
    "frag_given_up",
    "tcp_ooseq_closed",
    "tcp_ooseq_covered",
    "tcp_ooseq_expired",
    "tcp_ooseq_limit",
    "tcp_ooseq_pool",
}


class Accounted(Storm):
    """Looks after each frame what became of it."""

    def __init__(self, profile: str, seed: int) -> None:
        self.reasons: list[str] = []
        self.inside = False
        self.seen = 0
        super().__init__(profile, seed, trace=self._hook)

    def _hook(self, event: Event) -> None:
        if isinstance(event, Dropped) and event.reason not in KEPT_UNTIL:
            assert self.inside, "dropped while no frame came in"
            self.reasons.append(event.reason)

    def reached(self) -> int:
        """How many frames came to a layer that has a use for them, or wait to be whole, or a raw pcb has."""
        stats, frag = self.stack.stats, self.stack.ipv4.reassembly
        waiting = 0 if frag is None else frag.buffers
        layers = stats.tcp, stats.udp, stats.icmp, stats.igmp, stats.etharp, stats.ip_frag
        return sum(layer.recv for layer in layers) + waiting + self.seen

    def _seen(self, pcb: RawPcb, p: Pbuf, ip: int) -> bool:
        self.seen += 1
        return super()._seen(pcb, p, ip)

    def receive(self, frame: bytes) -> None:
        reached, buffers = self.reached(), self.stack.mem.pbuf_pool.used
        self.reasons.clear()
        self.inside = True
        super().receive(frame)
        self.inside = False
        story = f"{self.now} {frame.hex()} {self.reasons}"
        assert len(self.reasons) <= 1, story
        if self.reasons:
            assert self.stack.mem.pbuf_pool.used <= buffers, f"{story} kept its buffers"
        else:
            assert self.reached() > reached, f"{story} vanished"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_frame_is_delivered_or_dropped_for_one_reason(profile: str) -> None:
    storm = Accounted(profile, 3)
    storm.rage(STEPS)
    drops = storm.stack.stats.drops
    assert len(drops) > 10
    assert sum(drops.values()) > 100


# One frame for each way through the layers. Those that are dropped are told apart by their reasons.
FATES: list[tuple[Packet | bytes, str | None]] = [
    (b"", "eth_short"),
    (bytes(14), "eth_short"),
    (Ether(type=0x86DD) / bytes(40), "eth_type"),
    (ARP(hwsrc=PEER_MAC, psrc=PEER, pdst=OURS), None),
    (ARP(hwtype=6, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS), "arp_format"),
    (IP(src=PEER, dst=OURS) / ICMP(), None),
    (IP(src=PEER, dst=OURS) / ICMP(chksum=1), "icmp_checksum"),
    (IP(src=PEER, dst=OURS, chksum=1) / ICMP(), "ip_checksum"),
    (IP(src=PEER, dst="10.0.0.99") / ICMP(), "ip_not_ours"),
    (IP(src=PEER, dst=OURS, proto=253) / b"data", "ip_protocol"),
    (IP(src=PEER, dst=OURS, flags="MF") / bytes(64), None),
    (IP(src=PEER, dst=OURS) / UDP(sport=9, dport=99), "udp_no_port"),
    (IP(src=PEER, dst=OURS) / TCP(sport=9, dport=99, flags="S"), "tcp_no_pcb"),
    (IP(src=PEER, dst=OURS) / TCP(sport=9, dport=99, flags="R"), "tcp_rst_no_pcb"),
    (IP(src=PEER, dst=OURS) / TCP(sport=9, dport=80, flags="S"), None),
]  # fmt: skip


@pytest.mark.parametrize(("packet", "reason"), FATES, ids=[str(fate[1]) for fate in FATES])
def test_the_fate_of_a_frame(packet: Packet | bytes, reason: str | None) -> None:
    peer = Peer("lwip-default")
    pcb = peer.stack.tcp.new()
    assert pcb is not None
    peer.stack.tcp.bind(pcb, 0, 80)
    peer.stack.tcp.listen(pcb)
    peer.send(packet)
    assert peer.stack.stats.drops == ({} if reason is None else {reason: 1})


# Entrances and exits


def built(**arguments: object) -> tuple[Stack, list[bytes]]:
    """A stack and what it sends."""
    frames: list[bytes] = []

    def transmit(frame: bytes) -> int:
        frames.append(frame)
        return ERR_OK

    defaults: dict[str, object] = {
        "mac": mac_of(OUR_MAC), "ip": ip_of(OURS), "netmask": ip_of("255.255.255.0"), "transmit": transmit
    }  # fmt: skip
    return Stack(named("micropython"), **(defaults | arguments)), frames  # type: ignore[arg-type]


def test_a_stack_that_is_not_up_is_silent_and_hears_nothing() -> None:
    stack, frames = built(up=False)
    ping = bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER, dst=OURS) / ICMP())
    stack.receive(ping, 0)
    assert frames == []
    assert stack.stats.drops == {"ip_not_ours": 1}
    stack.netif.set_up(True)
    stack.receive(ping, 0)
    assert stack.stats.icmp.recv == 1


def test_a_stack_may_have_no_address_yet() -> None:
    stack, frames = built(ip=0, netmask=0)
    assert frames == []
    assert not stack.netif.usable
    assert stack.next_deadline() is None


def test_its_random_numbers_come_from_the_seed_or_from_the_owner() -> None:
    draws = [built(seed=seed)[0].core.rand for seed in (5, 5, 6)]
    first, same, other = ([draw() for _ in range(4)] for draw in draws)
    assert first == same != other
    assert built(rand=lambda: 4)[0].core.rand() == 4


def test_ports_are_handed_out_from_the_first_one_on() -> None:
    stack, _ = built(ephemeral_first=50_000)
    tcp, udp = stack.tcp.new(), stack.udp.new()
    assert tcp is not None
    assert udp is not None
    stack.tcp.bind(tcp, 0, 0)
    stack.udp.bind(udp, 0, 0)
    assert (tcp.local_port, udp.local_port) == (50_000, 50_000)


def test_lwips_clock_may_start_anywhere() -> None:
    stack, _ = built(clock_start=0xFFFFFFFF)
    stack.run_timers(2 * MS)
    assert stack.core.sys_now() == 1
    assert stack.now == 2 * MS


def test_a_driver_that_refuses_a_frame_is_not_counted_as_sent() -> None:
    events: list[Event] = []
    stack, _ = built(transmit=lambda frame: ERR_IF, trace=events.append, up=False)
    stack.netif.set_up(True)
    stack.arp.add_static(ip_of(PEER), mac_of(PEER_MAC))
    pcb = stack.udp.new()
    assert pcb is not None
    assert stack.udp.sendto(pcb, b"data", ip_of(PEER), 9) == ERR_IF
    assert stack.stats.link.xmit == 0
    sent = [event for event in events if isinstance(event, FrameOut)]
    assert sent
    assert {event.err for event in sent} == {ERR_IF}


def test_what_comes_in_is_told_before_what_goes_out() -> None:
    events: list[Event] = []
    stack, frames = built(trace=events.append)
    stack.arp.add_static(ip_of(PEER), mac_of(PEER_MAC))
    events.clear()
    frames.clear()
    ping = bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER, dst=OURS) / ICMP())
    stack.receive(ping, 7)
    told = [event for event in events if isinstance(event, FrameIn | FrameOut)]
    assert told == [FrameIn(7, ping), FrameOut(7, frames[0], ERR_OK)]


def test_time_never_runs_backwards() -> None:
    stack, _ = built()
    stack.run_timers(5)
    with pytest.raises(AssertionError, match="time runs backwards"):
        stack.receive(b"", 4)


def test_the_deadline_is_kept_to_the_nanosecond_it_names() -> None:
    talk = established()
    talk.write(b"x")
    due = talk.stack.next_deadline()
    assert due == 250 * MS
    talk.stack.run_timers(due - 1)
    assert talk.stack.next_deadline() == due
    talk.stack.run_timers(due)
    assert talk.stack.next_deadline() == 500 * MS


@pytest.mark.parametrize("flags", [SYN, PSH | ACK])
def test_nothing_that_comes_in_raises_with_any_length_cut_off(flags: int) -> None:
    talk = established("full")
    whole = bytes(
        Ether(src=PEER_MAC, dst=OUR_MAC)
        / IP(src=PEER, dst=OURS, options=b"\x01" * 8)
        / TCP(
            sport=40_000,
            dport=80,
            seq=0xFFFFFF01,
            ack=0x10001,
            flags=flags,
            options=[("MSS", 9), ("WScale", 3)],
        )
        / b"payload"
    )
    for length in range(len(whole)):
        before = sum(talk.stack.stats.drops.values())
        talk.send(whole[:length])
        assert sum(talk.stack.stats.drops.values()) == before + 1, length
