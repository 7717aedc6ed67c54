"""Raw pcbs: seeing packets before their protocol, keeping them, and sending what one likes."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, UDP

from netstack.errors import ERR_MEM, ERR_OK, ERR_RTE, ERR_VAL
from netstack.ipv4 import SOF_BROADCAST
from tests.netstack.peer import OURS, PEER, Peer, ip_of

ECHO = 1
DATA = b"0123456789abcdef"


def ping(**fields: object) -> IP:
    return IP(**{"src": PEER, "dst": OURS, **fields}) / ICMP(id=7) / DATA


class Ears:
    """Raw pcbs by name, and what they saw, as (name, packet, source)."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.raw = peer.stack.raw
        self.seen: list[tuple[str, bytes, int]] = []

    def new(self, name: str, protocol: int = ECHO, keeps: bool = False):
        pcb = self.raw.new(protocol)
        assert pcb is not None

        def recv(pcb: object, p, ip: int) -> bool:
            self.seen.append((name, p.data, ip))
            if keeps:
                p.free()
            return keeps

        pcb.recv = recv
        return pcb

    def names(self) -> list[str]:
        names = [name for name, *_ in self.seen]
        self.seen.clear()
        return names


@pytest.fixture
def ears() -> Ears:
    return Ears(Peer())


def test_a_pcb_sees_the_whole_packet_and_the_stack_goes_on(ears: Ears) -> None:
    ears.new("a")
    packet = ping(options=b"\x01\x01\x01\x00")
    ears.peer.send(packet)
    assert ears.seen == [("a", bytes(packet), ip_of(PEER))]
    assert ears.peer.reply()[ICMP].type == 0
    ears.raw.remove(ears.raw.pcbs[0])
    ears.peer.expect_no_leak()


def test_a_pcb_that_keeps_a_packet_ends_pinging(ears: Ears) -> None:
    ears.new("a", keeps=True)
    ears.peer.send(ping())
    ears.peer.expect_nothing()
    assert ears.names() == ["a"]
    assert ears.peer.stack.stats.icmp.recv == 0
    ears.raw.remove(ears.raw.pcbs[0])
    ears.peer.send(ping())
    assert ears.peer.reply()[ICMP].type == 0
    ears.peer.expect_no_leak()


def test_all_see_it_until_one_keeps_it(ears: Ears) -> None:
    ears.new("never", keeps=True)
    ears.new("keeps", keeps=True)
    ears.new("sees")
    ears.peer.send(ping())
    assert ears.names() == ["sees", "keeps"]
    ears.peer.send(ping())
    assert ears.names() == ["keeps"]  # it has moved to the front


def test_only_its_protocol(ears: Ears) -> None:
    ears.new("udp", 17)
    ears.peer.send(ping())
    assert not ears.seen
    ears.peer.send(IP(src=PEER, dst=OURS) / UDP(dport=7))
    assert ears.names() == ["udp"]


@pytest.mark.parametrize("keeps", [False, True])
def test_a_packet_that_was_seen_is_not_unreachable(ears: Ears, keeps: bool) -> None:
    ears.new("a", 253, keeps)
    ears.peer.send(IP(src=PEER, dst=OURS, proto=253) / DATA)
    ears.peer.expect_nothing()
    assert not ears.peer.stack.stats.drops
    ears.peer.send(IP(src=PEER, dst=OURS, proto=252) / DATA)
    assert ears.peer.reply()[ICMP].code == 2
    ears.raw.remove(ears.raw.pcbs[0])
    ears.peer.expect_no_leak()


def test_without_callback_it_sees_nothing(ears: Ears) -> None:
    ears.new("a", 253).recv = None
    ears.peer.send(IP(src=PEER, dst=OURS, proto=253) / DATA)
    assert ears.peer.reply()[ICMP].code == 2


def test_bound_and_connected(ears: Ears) -> None:
    ears.raw.bind(ears.new("other"), ip_of("10.0.0.77"))
    ears.raw.bind(ears.new("ours"), ip_of(OURS))
    far = ears.new("far")
    ears.raw.connect(far, ip_of("10.0.0.3"))
    ears.raw.connect(ears.new("near"), ip_of(PEER))
    ears.peer.send(ping())
    assert ears.names() == ["near", "ours"]
    ears.raw.disconnect(far)
    ears.peer.send(ping())
    assert ears.names() == ["near", "far", "ours"]


def test_broadcasts_reach_only_the_unbound(ears: Ears) -> None:
    ears.raw.bind(ears.new("bound"), ip_of(OURS))
    ears.new("any")
    ears.peer.send(ping(dst="10.0.0.255"))
    assert ears.names() == ["any"]


def test_broadcasts_may_need_an_option() -> None:
    ears = Ears(Peer(ip_sof_broadcast=1, ip_sof_broadcast_recv=1))
    pcb = ears.new("a")
    ears.peer.send(ping(dst="10.0.0.255"))
    assert not ears.seen
    pcb.so_options |= SOF_BROADCAST
    ears.peer.send(ping(dst="10.0.0.255"))
    assert ears.names() == ["a"]
    pcb.so_options = 0
    assert ears.raw.sendto(pcb, DATA, ip_of("10.0.0.255")) == ERR_VAL


def test_only_what_is_for_us(ears: Ears) -> None:
    ears.new("a")
    ears.peer.send(ping(dst="10.0.0.77"))
    assert not ears.seen


def test_sending_builds_the_ip_header(ears: Ears) -> None:
    pcb = ears.new("a", 253)
    pcb.tos, pcb.ttl = 0x10, 9
    assert ears.raw.sendto(pcb, DATA, ip_of(PEER)) == ERR_OK
    ip = ears.peer.reply()[IP]
    assert (ip.src, ip.dst, ip.proto, ip.tos, ip.ttl, bytes(ip.payload)) == (OURS, PEER, 253, 0x10, 9, DATA)
    ears.raw.remove(pcb)
    ears.peer.expect_no_leak()


def test_sending_when_bound_and_connected(ears: Ears) -> None:
    pcb = ears.new("a", 253)
    ears.raw.bind(pcb, ip_of("10.0.0.77"))
    ears.raw.connect(pcb, ip_of(PEER))
    assert ears.raw.send(pcb, DATA) == ERR_OK
    ip = ears.peer.reply()[IP]
    assert (ip.src, ip.dst) == ("10.0.0.77", PEER)  # lwIP does not ask whether that is ours


def test_multicast_ttl(ears: Ears) -> None:
    pcb = ears.new("a", 253)
    pcb.mcast_ttl = 3
    ears.raw.sendto(pcb, DATA, ip_of("239.1.2.3"))
    assert ears.peer.reply()[IP].ttl == 3


def test_a_header_of_ones_own(ears: Ears) -> None:
    pcb = ears.new("a", 253)
    pcb.hdrincl = True
    packet = bytes(IP(src="192.0.2.7", dst=PEER, proto=99, id=5) / DATA)
    assert ears.raw.sendto(pcb, packet, ip_of(PEER)) == ERR_OK
    assert bytes(ears.peer.reply()[IP]) == packet
    assert ears.raw.sendto(pcb, packet[:19], ip_of(PEER)) == ERR_VAL


def test_what_cannot_be_sent(ears: Ears) -> None:
    pcb = ears.new("a", 253)
    assert ears.raw.sendto(pcb, DATA, ip_of("127.0.0.1")) == ERR_RTE
    assert ears.raw.sendto(pcb, bytes(65516), ip_of(PEER)) == ERR_MEM
    heap = ears.peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    assert ears.raw.sendto(pcb, DATA, ip_of(PEER)) == ERR_MEM
    heap.free(hog)
    ears.raw.remove(pcb)
    ears.peer.expect_no_leak()


def test_long_payloads_are_fragmented(ears: Ears) -> None:
    ears.raw.sendto(ears.new("a", 253), bytes(2000), ip_of(PEER))
    assert [frame[IP].len for frame in ears.peer.replies()] == [1500, 540]


def test_the_pool() -> None:
    raw = Peer().stack.raw
    assert [raw.new(1) is not None for _ in range(5)] == [True] * 4 + [False]
    raw.remove(raw.pcbs[0])
    assert raw.new(1) is not None


def test_builds_without_raw() -> None:
    assert Peer("lwip-default").stack.raw.new(1) is None


def test_pcbs_follow_a_changed_address(ears: Ears) -> None:
    pcb = ears.new("a")
    ears.raw.bind(pcb, ip_of(OURS))
    ears.peer.stack.netif.set_addr(ip_of("10.0.0.9"), ip_of("255.255.255.0"), 0)
    assert pcb.local_ip == ip_of("10.0.0.9")


def test_a_pcb_may_remove_itself_while_receiving(ears: Ears) -> None:
    pcb = ears.new("a")

    def recv(pcb, p, ip: int) -> bool:
        ears.raw.remove(pcb)
        p.free()
        return True

    pcb.recv = recv
    ears.peer.send(ping())
    assert not ears.raw.pcbs
    ears.peer.send(ping())
    assert ears.peer.reply()[ICMP].type == 0
    ears.peer.expect_no_leak()
