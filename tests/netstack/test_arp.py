"""ARP: asking, learning, ageing, evicting, and what waits meanwhile."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether

from netstack.address import format_ip
from netstack.arp_packet import parse
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_RTE
from tests.netstack.peer import BROADCAST_MAC, GATEWAY, OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of, mac_of


def ask(ip: str = PEER, mac: str = PEER_MAC, target: str = OURS) -> ARP:
    return ARP(op=1, hwsrc=mac, psrc=ip, hwdst="00:00:00:00:00:00", pdst=target)


def answer(ip: str = PEER, mac: str = PEER_MAC, target: str = OURS) -> ARP:
    return ARP(op=2, hwsrc=mac, psrc=ip, hwdst=OUR_MAC, pdst=target)


def fresh(profile: str = "full", **options: int) -> Peer:
    """A stack that knows nobody."""
    return Peer(profile, known=False, **options)


def sender(peer: Peer):
    """A function that sends a datagram from port 7 to port 9 of an address."""
    udp = peer.stack.udp
    pcb = udp.new()
    udp.bind(pcb, 0, 7)
    return lambda ip=PEER, data=b"x": udp.sendto(pcb, data, ip_of(ip), 9)


def requests(peer: Peer) -> list[tuple[str, str]]:
    """The (target, destination MAC) of the ARP requests sent since the last look; nothing else was sent."""
    replies = peer.replies()
    assert all(frame[ARP].op == 1 for frame in replies), peer.story
    return [(frame[ARP].pdst, frame.dst) for frame in replies]


# The format


MALFORMED = {
    "hardware type 6": {"hwtype": 6},
    "protocol IPv6": {"ptype": 0x86DD},
    "hlen 8": {"hwlen": 8},
    "plen 16": {"plen": 16},
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED)
def test_other_formats_are_dropped(fields: dict[str, int]) -> None:
    peer = fresh()
    raw = bytearray(bytes(ask()))
    places = {"hwtype": (0, 2), "ptype": (2, 2), "hwlen": (4, 1), "plen": (5, 1)}
    for name, value in fields.items():
        at, size = places[name]
        raw[at : at + size] = value.to_bytes(size, "big")
    assert parse(bytes(raw)) is None
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0806) / bytes(raw))
    assert (peer.stack.stats.etharp.proterr, peer.stack.stats.etharp.drop) == (1, 1)
    peer.expect_drop("arp_format")
    assert not peer.stack.arp.dump()
    peer.expect_no_leak()


def test_a_short_packet_is_read_with_what_the_buffer_held_before() -> None:
    """lwIP does not look at the length; a driver's buffer holds the last frame behind the new one."""
    peer = fresh()
    frame = bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / ask())
    peer.send(frame[:34])  # nothing sensible behind it yet: the target is 0.0.0.0
    peer.expect_nothing()
    peer.send(frame)
    assert peer.reply()[ARP].op == 2
    peer.send(frame[:34])  # now the rest of the request is there
    assert peer.reply()[ARP].op == 2
    peer.expect_no_leak()


def test_unknown_opcode_teaches_but_is_not_answered() -> None:
    peer = fresh()
    packet = ask()
    packet.op = 3
    peer.send(packet)
    assert peer.stack.stats.etharp.err == 1
    peer.expect_drop("arp_opcode")
    assert [(ip, mac) for _, ip, mac in peer.stack.arp.dump()] == [(ip_of(PEER), mac_of(PEER_MAC))]


# Answering and learning


def test_a_request_for_us_is_answered_by_unicast() -> None:
    peer = fresh()
    peer.send(ask(), dst=BROADCAST_MAC)
    reply = peer.reply()
    assert (reply.dst, reply.src) == (PEER_MAC, OUR_MAC)
    arp = reply[ARP]
    assert (arp.op, arp.hwsrc, arp.psrc, arp.hwdst, arp.pdst) == (2, OUR_MAC, OURS, PEER_MAC, PEER)
    peer.expect_no_leak()


def test_a_request_for_us_teaches_the_sender() -> None:
    peer = fresh()
    peer.send(ask())
    peer.replies()
    sender(peer)()
    assert peer.reply().dst == PEER_MAC


def test_a_request_for_another_is_not_answered_and_teaches_nothing() -> None:
    peer = fresh()
    peer.send(ask(target="10.0.0.77"))
    peer.expect_nothing()
    assert not peer.stack.arp.dump()


def test_any_arp_from_a_known_host_renews_it() -> None:
    peer = fresh()
    peer.send(ask())
    peer.replies()
    peer.send(ask(mac="02:00:00:00:00:66", target="10.0.0.77"))
    peer.expect_nothing()
    sender(peer)()
    assert peer.reply().dst == "02:00:00:00:00:66"


def test_an_unsolicited_reply_for_us_teaches_one_for_others_does_not() -> None:
    peer = fresh()
    peer.send(answer("10.0.0.77", target="10.0.0.3"))
    assert not peer.stack.arp.dump()
    peer.send(answer("10.0.0.77"))
    assert [ip for _, ip, _ in peer.stack.arp.dump()] == [ip_of("10.0.0.77")]
    peer.expect_nothing()


@pytest.mark.parametrize("ip", ["0.0.0.0", "255.255.255.255", "10.0.0.255", "224.0.0.1"])
def test_impossible_senders_are_answered_but_not_learned(ip: str) -> None:
    peer = fresh()
    peer.send(ask(ip))
    assert peer.reply()[ARP].op == 2
    assert not peer.stack.arp.dump()


def test_a_claim_to_our_address_is_not_answered() -> None:
    peer = fresh()
    peer.send(ask(OURS))
    peer.expect_nothing()
    assert [ip for _, ip, _ in peer.stack.arp.dump()] == [ip_of(OURS)]  # but, as lwIP does, learned


def test_lwip_2_1_answers_a_claim_to_our_address() -> None:
    peer = Peer(known=False, lwip_version="2.1.3")
    peer.send(ask(OURS))
    assert peer.reply()[ARP].op == 2


def test_without_an_address_nothing_is_answered() -> None:
    peer = Peer(ip="0.0.0.0", netmask="0.0.0.0", gateway="0.0.0.0", known=False)
    peer.send(ask(target="0.0.0.0"))
    peer.send(ask())
    peer.expect_nothing()


def test_ip_traffic_teaches_nothing() -> None:
    peer = fresh()
    peer.send(IP(src=PEER, dst=OURS) / ICMP())
    assert requests(peer) == [(PEER, BROADCAST_MAC)]


# Asking


def test_a_request_at_once_then_on_each_tick_five_in_all() -> None:
    peer = fresh()
    send = sender(peer)
    peer.advance(ms=2600)
    assert send() == ERR_OK
    assert requests(peer) == [(PEER, BROADCAST_MAC)]
    times = []
    for _ in range(8):
        peer.advance(ms=1000 - peer.now % 1000)
        if requests(peer):
            times.append(peer.now)
    assert times == [3000, 4000, 5000, 6000]
    peer.stack.udp.remove(peer.stack.udp.pcbs[0])
    peer.expect_no_leak()
    assert peer.stack.next_deadline() is None


def test_the_answer_releases_what_waits() -> None:
    peer = fresh()
    send = sender(peer)
    send(data=b"hello")
    peer.replies()
    peer.advance(ms=2500)
    requests(peer)
    peer.send(answer())
    frame = peer.reply()
    assert (frame.dst, bytes(frame[UDP].payload)) == (PEER_MAC, b"hello")
    send(data=b"again")
    assert bytes(peer.reply()[UDP].payload) == b"again"


@pytest.mark.parametrize(
    ("profile", "options", "expected"),
    [
        ("micropython", {}, [b"4"]),  # without ARP_QUEUEING the newest survives
        ("full", {}, [b"2", b"3", b"4"]),
        ("full", {"arp_queue_len": 1}, [b"4"]),
    ],
)
def test_how_many_packets_wait(profile: str, options: dict[str, int], expected: list[bytes]) -> None:
    peer = fresh(profile, **options)
    send = sender(peer)
    for number in range(5):
        assert send(data=b"%d" % number) == ERR_OK
    assert len(requests(peer)) == 1
    peer.send(answer())
    assert [bytes(frame[UDP].payload)[:1] for frame in peer.replies()] == expected
    peer.stack.udp.remove(peer.stack.udp.pcbs[0])
    peer.expect_no_leak()


def test_packets_waiting_keep_the_ident_of_their_building() -> None:
    peer = fresh("micropython")
    send = sender(peer)
    for _ in range(3):
        send()
    peer.replies()
    peer.send(answer())
    assert peer.reply()[IP].id == 2


def test_without_a_place_in_the_queue_the_sender_hears_of_it() -> None:
    peer = fresh("full", memp_num_arp_queue=2)
    send = sender(peer)
    assert [send(), send(), send(), send(data=b"y")] == [ERR_OK, ERR_OK, ERR_MEM, ERR_MEM]
    peer.send(answer())
    assert len(peer.replies()) == 3  # the request, and the two
    assert peer.stack.mem.arp_queue.used == 0


def test_without_heap_for_the_request_the_packet_waits_for_the_next_tick() -> None:
    peer = fresh("micropython")
    send = sender(peer)
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole() - 100)  # the datagram fits, the request beside it does not
    assert send() == ERR_OK
    peer.expect_nothing()
    assert peer.stack.stats.etharp.memerr == 1
    heap.free(hog)
    peer.advance(ms=1000)
    assert requests(peer) == [(PEER, BROADCAST_MAC)]
    peer.send(answer())
    assert peer.reply()[UDP].dport == 9


def test_other_networks_are_reached_by_the_gateway() -> None:
    peer = fresh()
    send = sender(peer)
    send("192.0.2.1")
    assert requests(peer) == [(GATEWAY, BROADCAST_MAC)]
    peer.send(answer(GATEWAY, "02:00:00:00:00:fe"))
    frame = peer.reply()
    assert (frame.dst, frame[IP].dst) == ("02:00:00:00:00:fe", "192.0.2.1")


def test_link_local_is_reached_directly() -> None:
    peer = fresh()
    sender(peer)("169.254.1.1")
    assert requests(peer) == [("169.254.1.1", BROADCAST_MAC)]


def test_without_a_gateway_other_networks_are_not_reached() -> None:
    peer = Peer(gateway="0.0.0.0")
    assert sender(peer)("192.0.2.1") == ERR_RTE
    peer.expect_nothing()


@pytest.mark.parametrize(
    ("ip", "mac"),
    [
        ("255.255.255.255", BROADCAST_MAC),
        ("10.0.0.255", BROADCAST_MAC),
        ("224.0.0.251", "01:00:5e:00:00:fb"),
        ("239.129.2.3", "01:00:5e:01:02:03"),
    ],
)
def test_broadcast_and_multicast_need_no_arp(ip: str, mac: str) -> None:
    peer = fresh()
    assert sender(peer)(ip) == ERR_OK
    assert peer.reply().dst == mac


def test_to_ourselves_we_ask_for_ourselves() -> None:
    peer = fresh()
    assert sender(peer)(OURS) == ERR_OK
    assert requests(peer) == [(OURS, BROADCAST_MAC)]


# Ageing


def learned(profile: str = "full", **options: int) -> tuple[Peer, object]:
    peer = fresh(profile, **options)
    peer.send(ask())
    peer.replies()
    return peer, sender(peer)


def test_an_entry_in_use_is_asked_for_again_before_its_end() -> None:
    """By unicast from 270 s, by broadcast from 285 s, on every second tick; at 300 s it is gone."""
    peer, send = learned()
    asked = []
    for second in range(1, 302):
        peer.advance(ms=1000)
        send()
        asked += [(second, frame.dst) for frame in peer.replies() if ARP in frame]
    unicast = [(second, PEER_MAC) for second in range(270, 285, 2)]
    broadcast = [(second, BROADCAST_MAC) for second in (*range(286, 300, 2), 300, 301)]
    assert asked == unicast + broadcast


def test_an_answer_renews_the_entry() -> None:
    peer, send = learned()
    peer.advance(ms=271_000)
    send()
    assert peer.replies()[0][ARP].op == 1
    peer.send(answer())
    for _ in range(260):
        peer.advance(ms=1000)
        send()
        assert peer.reply()[IP].dst == PEER


def test_an_idle_entry_dies_silently() -> None:
    peer, send = learned()
    assert peer.stack.next_deadline() is None  # and nothing is waited for meanwhile
    peer.advance(ms=299_999)
    assert peer.stack.arp.dump()
    peer.advance(ms=1)
    assert not peer.stack.arp.dump()
    peer.expect_nothing()
    send()
    assert requests(peer) == [(PEER, BROADCAST_MAC)]


def test_maxage_is_an_option() -> None:
    peer, _ = learned(arp_maxage=10)
    peer.advance(ms=9999)
    assert peer.stack.arp.dump()
    peer.advance(ms=1)
    assert not peer.stack.arp.dump()


# The table


def test_the_table_is_bounded_and_the_oldest_goes() -> None:
    peer = fresh()
    for number in range(10, 20):
        peer.send(ask(f"10.0.0.{number}", f"02:00:00:00:00:{number:02x}"))
        peer.advance(ms=1000)
    peer.replies()
    peer.send(ask("10.0.0.99", "02:00:00:00:00:99"))
    assert [format_ip(ip) for _, ip, _ in peer.stack.arp.dump()] == [
        "10.0.0.99",
        *(f"10.0.0.{number}" for number in range(11, 20)),
    ]


def test_of_equally_old_ones_the_last_goes() -> None:
    peer = fresh()
    for number in range(10, 20):
        peer.send(ask(f"10.0.0.{number}"))
    peer.send(ask("10.0.0.99"))
    assert [format_ip(ip) for _, ip, _ in peer.stack.arp.dump()] == [
        *(f"10.0.0.{number}" for number in range(10, 19)),
        "10.0.0.99",
    ]


def test_known_ones_go_before_those_being_asked_for() -> None:
    peer = fresh("full", arp_table_size=3)
    send = sender(peer)
    peer.stack.arp.query(ip_of("10.0.0.50"))  # pending, nothing waits
    send("10.0.0.51")  # pending, a packet waits
    peer.advance(ms=500)
    peer.send(ask("10.0.0.52"))
    peer.replies()
    send("10.0.0.53")  # the known one goes
    assert not peer.stack.arp.dump()
    send("10.0.0.54")  # the one without a packet
    peer.replies()
    peer.advance(ms=500)
    assert [target for target, _ in requests(peer)] == ["10.0.0.54", "10.0.0.51", "10.0.0.53"]
    send("10.0.0.55")  # the oldest with one, whose memory comes back
    assert peer.stack.mem.arp_queue.used == 3


def test_a_flood_stays_within_the_table() -> None:
    peer = fresh()
    for number in range(3, 253):
        peer.send(ask(f"10.0.0.{number}"))
    assert len(peer.replies()) == 250
    assert len(peer.stack.arp.dump()) == 10
    peer.expect_no_leak()


def test_static_entries_never_go() -> None:
    peer = fresh()
    arp = peer.stack.arp
    for number in range(10):
        assert arp.add_static(ip_of(f"10.0.0.{20 + number}"), mac_of(PEER_MAC)) == ERR_OK
    assert arp.add_static(ip_of("10.0.0.99"), mac_of(PEER_MAC)) == ERR_MEM
    assert sender(peer)("10.0.0.98") == ERR_MEM
    assert peer.stack.stats.etharp.memerr == 1
    peer.send(ask("10.0.0.20", "02:00:00:00:00:66"))  # answered, but not believed
    assert peer.reply().dst == "02:00:00:00:00:66"
    peer.advance(ms=400_000)
    assert {mac for _, _, mac in arp.dump()} == {mac_of(PEER_MAC)}
    assert arp.remove_static(ip_of("10.0.0.20")) == ERR_OK
    assert arp.remove_static(ip_of("10.0.0.20")) == ERR_MEM
    peer.send(ask("10.0.0.98"))
    assert arp.remove_static(ip_of("10.0.0.98")) == ERR_ARG


def test_static_entries_need_a_route_and_a_host() -> None:
    arp = Peer(known=False).stack.arp
    assert arp.add_static(ip_of("127.0.0.1"), mac_of(PEER_MAC)) == ERR_RTE
    assert arp.add_static(ip_of("224.0.0.1"), mac_of(PEER_MAC)) == ERR_ARG


def test_query_remembers_and_always_asks() -> None:
    peer = fresh()
    arp = peer.stack.arp
    assert arp.query(ip_of("10.0.0.255")) == ERR_ARG
    for _ in range(2):
        assert arp.query(ip_of(PEER)) == ERR_OK
        assert requests(peer) == [(PEER, BROADCAST_MAC)]
    peer.advance(ms=4500)
    arp.query(ip_of(PEER))  # which makes the entry young again
    peer.replies()
    peer.advance(ms=5000)
    assert len(requests(peer)) == 4
    peer.send(answer())
    assert len(arp.dump()) == 1


def test_down_empties_the_table() -> None:
    peer = fresh()
    peer.send(ask())
    sender(peer)("10.0.0.50")
    peer.replies()
    peer.stack.netif.set_up(False)
    assert not peer.stack.arp.dump()
    assert peer.stack.mem.arp_queue.used == 0
    peer.advance(ms=5000)
    peer.expect_nothing()


# Announcing ourselves


def test_gratuitous_arp_without_conflict_detection() -> None:
    peer = Peer("micropython", known=False, up=False)
    peer.expect_nothing()
    peer.stack.netif.set_up(True)
    frame = peer.reply()
    arp = frame[ARP]
    assert (frame.dst, arp.op, arp.psrc, arp.pdst, arp.hwdst) == (
        BROADCAST_MAC,
        1,
        OURS,
        OURS,
        "00:00:00:00:00:00",
    )
    peer.stack.netif.set_link(False)
    peer.expect_nothing()
    peer.stack.netif.set_link(True)
    assert requests(peer) == [(OURS, BROADCAST_MAC)]
    peer.stack.netif.set_addr(ip_of("10.0.0.9"), ip_of("255.255.255.0"), 0)
    assert requests(peer) == [("10.0.0.9", BROADCAST_MAC)]


def test_no_gratuitous_arp_with_conflict_detection() -> None:
    peer = Peer("full", known=False, up=False)
    peer.stack.netif.set_up(True)
    peer.expect_nothing()


def test_conflict_detection_sees_each_packet_before_the_table() -> None:
    peer = fresh()
    seen: list[tuple[int, int]] = []
    peer.stack.arp.on_arp.append(lambda packet: seen.append((packet.opcode, len(peer.stack.arp.dump()))))
    peer.send(ask())
    assert seen == [(1, 0)]
    assert len(peer.stack.arp.dump()) == 1


def test_packets_without_memory_of_their_own_wait_too() -> None:
    peer = fresh("full", memp_num_arp_queue=2)
    ipv4 = peer.stack.ipv4
    errs = [ipv4.output(b"%d" % number, 0, ip_of(PEER), 255, 0, 253, None) for number in range(3)]
    assert errs == [ERR_OK, ERR_OK, ERR_MEM]
    peer.replies()
    peer.send(answer())
    assert [bytes(frame[IP].payload)[:1] for frame in peer.replies()] == [b"0", b"1"]
    ipv4.output(b"x", 0, ip_of("10.0.0.50"), 255, 0, 253, None)
    peer.advance(ms=10_000)
    peer.expect_no_leak()


def test_a_query_that_cannot_be_sent_tells_and_stays_pending() -> None:
    peer = fresh("micropython")
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    assert peer.stack.arp.query(ip_of(PEER)) == ERR_MEM
    heap.free(hog)
    peer.advance(ms=1000)
    assert requests(peer) == [(PEER, BROADCAST_MAC)]


def test_entries_have_their_age_and_what_waits() -> None:
    peer = fresh()
    peer.send(ask())
    peer.replies()
    peer.advance(ms=3000)
    peer.stack.ipv4.output(b"x", 0, ip_of("10.0.0.50"), 255, 0, 253, None)
    found = [(entry.ip, entry.state, age, len(entry.queue)) for entry, age in peer.stack.arp.entries()]
    assert found == [(ip_of(PEER), 2, 3000, 0), (ip_of("10.0.0.50"), 1, 0, 1)]
    peer.advance(ms=300_000)
    assert peer.stack.arp.entries() == []
