"""IGMPv2: joining, leaving, answering queries, and staying quiet when another host has answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP

from netstack.checksum import residue
from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL
from netstack.igmp import IgmpMessage, emit, parse
from tests.netstack.peer import OURS, PEER, Peer, ip_of

GROUP, OTHER, ALL_SYSTEMS = "239.1.2.3", "239.1.2.4", "224.0.0.1"


def message(kind: int, group: str = "0.0.0.0", max_response: int = 100) -> bytes:
    return emit(IgmpMessage(kind, max_response, ip_of(group)))


def query(
    peer: Peer, group: str = "0.0.0.0", max_response: int = 100, dst: str | None = None, src: str = PEER
) -> None:
    dst = dst or (ALL_SYSTEMS if group == "0.0.0.0" else group)
    peer.send(
        IP(src=src, dst=dst, proto=2, ttl=1, options=b"\x94\x04\0\0") / message(0x11, group, max_response)
    )


def reports(peer: Peer) -> list[tuple[int, str, str]]:
    """(type, group, destination) of the messages sent since the last look."""
    sent = []
    for frame in peer.replies():
        raw = bytes(frame)[14 + 24 :]
        said = parse(raw)
        assert said is not None
        assert residue(raw) == 0
        sent.append(
            (
                said.type,
                frame[IP].dst if ip_of(frame[IP].dst) == said.group else str(said.group),
                frame[IP].dst,
            )
        )
    return sent


def member(*groups: str, settled: bool = True, **options: int) -> Peer:
    peer = Peer(**options)
    for group in groups:
        assert peer.stack.igmp.join(ip_of(group)) == ERR_OK
    if settled:
        peer.advance(ms=1000)
        peer.frames.clear()
    return peer


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFFFFFF))
def test_round_trip_and_checksum(kind: int, max_response: int, group: int) -> None:
    raw = emit(IgmpMessage(kind, max_response, group))
    said = parse(raw + b"more")
    assert said is not None
    assert (said.type, said.max_response, said.group) == (kind, max_response, group)
    assert residue(raw) == 0


def test_scapy_reads_a_report() -> None:
    try:
        from scapy.layers.igmp import IGMP
    except ImportError:  # before scapy 2.7
        from scapy.contrib.igmp import IGMP
    oracle = IGMP(message(0x16, GROUP, 0))
    assert (oracle.type, oracle.mrcode, oracle.gaddr) == (0x16, 0, GROUP)


def test_a_message_needs_8_bytes() -> None:
    assert parse(bytes(7)) is None


def test_joining_reports_at_once_and_once_more() -> None:
    peer = member(GROUP, settled=False)
    frame = peer.reply()
    ip = frame[IP]
    assert (frame.dst, ip.src, ip.dst, ip.ttl, ip.tos, ip.proto, ip.ihl) == (
        "01:00:5e:01:02:03",
        OURS,
        GROUP,
        1,
        0,
        2,
        6,
    )
    assert bytes(ip)[20:] == b"\x94\x04\0\0" + message(0x16, GROUP, 0)
    peer.advance(ms=99)
    peer.expect_nothing()
    peer.advance(ms=1)
    assert reports(peer) == [(0x16, GROUP, GROUP)]
    peer.advance(ms=60_000)
    peer.expect_nothing()
    assert peer.stack.next_deadline() is None


@pytest.mark.parametrize(
    ("rand", "delay"), [(0, 100), (1, 100), (2, 200), (4, 400), (5, 100), (0xFFFFFFFF, 100)]
)
def test_the_second_report_comes_within_400_ms(rand: int, delay: int) -> None:
    peer = Peer(rand=rand)
    peer.stack.igmp.join(ip_of(GROUP))
    peer.frames.clear()
    peer.advance(ms=delay - 1)
    peer.expect_nothing()
    peer.advance(ms=1)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def test_joining_again_only_counts() -> None:
    peer = member(GROUP)
    igmp = peer.stack.igmp
    assert igmp.join(ip_of(GROUP)) == ERR_OK
    peer.expect_nothing()
    assert igmp.leave(ip_of(GROUP)) == ERR_OK
    peer.expect_nothing()
    assert igmp.is_member(ip_of(GROUP))
    assert igmp.leave(ip_of(GROUP)) == ERR_OK
    assert [(kind, dst) for kind, _, dst in reports(peer)] == [(0x17, "224.0.0.2")]
    assert igmp.leave(ip_of(GROUP)) == ERR_VAL
    peer.expect_no_leak()


@pytest.mark.parametrize("address", ["10.0.0.1", "255.255.255.255", ALL_SYSTEMS, "0.0.0.0"])
def test_what_cannot_be_joined_or_left(address: str) -> None:
    igmp = Peer().stack.igmp
    assert igmp.join(ip_of(address)) == ERR_VAL
    assert igmp.leave(ip_of(address)) == ERR_VAL


def test_the_pool_of_groups() -> None:
    """Eight, of which 224.0.0.1 has one from the start."""
    peer = Peer()
    igmp = peer.stack.igmp
    results = [igmp.join(ip_of(f"239.0.0.{number}")) for number in range(8)]
    assert results == [ERR_OK] * 7 + [ERR_MEM]
    igmp.leave(ip_of("239.0.0.0"))
    assert igmp.join(ip_of("239.0.0.7")) == ERR_OK


def test_membership_lets_packets_in() -> None:
    peer = Peer()
    got = []
    udp = peer.stack.udp
    pcb = udp.new()
    udp.bind(pcb, 0, 7)
    pcb.recv = lambda pcb, p, ip, port: (got.append(p.data), p.free())
    datagram = IP(src=PEER, dst=GROUP) / UDP(dport=7) / b"x"
    peer.send(datagram)
    assert peer.stack.stats.drops == {"ip_not_ours": 1}
    peer.stack.igmp.join(ip_of(GROUP))
    peer.send(datagram)
    peer.stack.igmp.leave(ip_of(GROUP))
    peer.send(datagram)
    assert got == [b"x"]


def test_a_general_query_is_answered_for_each_group_newest_first() -> None:
    peer = member(GROUP, OTHER)
    peer.rand = 45
    query(peer)
    peer.advance(ms=4400)
    peer.expect_nothing()
    peer.advance(ms=100)
    assert [group for _, group, _ in reports(peer)] == [OTHER, GROUP]


@pytest.mark.parametrize(
    ("max_response", "rand", "ticks"),
    [(0, 7, 7), (1, 7, 1), (2, 7, 1), (3, 2, 2), (3, 3, 1), (255, 254, 254)],
)
def test_the_time_a_query_leaves(max_response: int, rand: int, ticks: int) -> None:
    """0 is a version 1 query: one second. Up to two ticks nothing is drawn."""
    peer = member(GROUP)
    peer.rand = rand
    query(peer, max_response=max_response)
    peer.advance(ms=100 * ticks - 1)
    peer.expect_nothing()
    peer.advance(ms=1)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def test_a_specific_query() -> None:
    peer = member(GROUP, OTHER)
    query(peer, GROUP, 10)
    peer.advance(ms=1000)
    assert reports(peer) == [(0x16, GROUP, GROUP)]
    query(peer, OTHER, 10, dst=ALL_SYSTEMS)
    peer.advance(ms=1000)
    assert reports(peer) == [(0x16, OTHER, OTHER)]


def test_lwip_a_query_to_a_group_is_for_that_group_whatever_it_says() -> None:
    peer = member(GROUP, OTHER)
    query(peer, OTHER, 10, dst=GROUP)
    peer.advance(ms=1000)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def test_a_query_for_the_all_systems_group_is_never_answered() -> None:
    peer = member()
    query(peer, ALL_SYSTEMS, 10, dst=ALL_SYSTEMS)
    peer.advance(ms=10_000)
    peer.expect_nothing()
    assert peer.stack.next_deadline() is None


def test_a_running_timer_is_only_shortened() -> None:
    peer = member(GROUP)
    peer.rand = 50
    query(peer, max_response=100)
    peer.rand = 60
    query(peer, max_response=100)
    peer.advance(ms=4900)
    peer.expect_nothing()
    peer.rand = 3
    query(peer, max_response=10)  # 10 is not less than the 1 tick that is left
    peer.advance(ms=100)
    assert reports(peer) == [(0x16, GROUP, GROUP)]
    peer.rand = 50
    query(peer, max_response=100)
    peer.rand = 3
    query(peer, max_response=10)
    peer.advance(ms=300)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def test_another_hosts_report_makes_ours_superfluous() -> None:
    peer = member(GROUP)
    peer.rand = 50
    query(peer)
    peer.send(IP(src="10.0.0.3", dst=GROUP, proto=2, ttl=1) / message(0x16, GROUP, 0))
    peer.advance(ms=20_000)
    peer.expect_nothing()
    peer.stack.igmp.leave(ip_of(GROUP))
    peer.expect_nothing()  # the other one reported last: it will not need a leave message
    peer.expect_no_leak()


def test_a_report_while_no_timer_runs_changes_nothing() -> None:
    peer = member(GROUP)
    peer.send(IP(src="10.0.0.3", dst=GROUP, proto=2, ttl=1) / message(0x16, GROUP, 0))
    peer.stack.igmp.leave(ip_of(GROUP))
    assert [kind for kind, _, _ in reports(peer)] == [0x17]


def test_a_query_from_0_is_answered() -> None:
    peer = member(GROUP)
    query(peer, max_response=1, src="0.0.0.0")
    peer.advance(ms=100)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def bad(raw: bytes, dst: str = ALL_SYSTEMS) -> IP:
    return IP(src=PEER, dst=dst, proto=2, ttl=1) / raw


@pytest.mark.parametrize(
    ("packet", "reason", "counter"),
    [
        (bad(message(0x11)[:7]), "igmp_short", "lenerr"),
        (bad(b""), "igmp_short", "lenerr"),
        (bad(b"\x11\x0a\0\0" + bytes(4)), "igmp_checksum", "chkerr"),
        (bad(message(0x99)), "igmp_type", "proterr"),
        (bad(message(0x12, GROUP), GROUP), "igmp_type", "proterr"),  # a version 1 report
        (bad(message(0x22, GROUP), GROUP), "igmp_type", "proterr"),  # a version 3 report
        (bad(message(0x11, "0.0.0.0"), GROUP), "igmp_type", "proterr"),  # a general query to one group
        (bad(message(0x11), OURS), "igmp_not_member", "drop"),
        (bad(message(0x11, OTHER)), "igmp_not_member", "drop"),
    ],
)
def test_malformed(packet: IP, reason: str, counter: str) -> None:
    peer = member(GROUP)
    peer.send(packet)
    assert getattr(peer.stack.stats.igmp, counter) == 1
    peer.expect_drop(reason)
    peer.advance(ms=20_000)
    peer.expect_nothing()
    peer.stack.igmp.leave(ip_of(GROUP))
    peer.expect_no_leak()


def test_a_version_3_query_is_taken_as_one_of_version_2() -> None:
    peer = member(GROUP)
    raw = bytearray(message(0x11, max_response=10) + b"\x02\x7d\0\0")
    raw[2:4] = b"\0\0"
    raw[2:4] = (-residue(raw) % 0xFFFF).to_bytes(2, "big")
    peer.send(bad(bytes(raw)))
    peer.advance(ms=1000)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def test_the_checksum_is_taken_over_the_first_buffer() -> None:
    """lwIP: a longer message must be right there, whatever follows."""
    peer = member(GROUP, pbuf_pool_bufsize=34 + 8, mem_alignment=1)
    peer.send(bad(message(0x11, max_response=10) + b"\xff\x00"))
    peer.advance(ms=1000)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


@pytest.mark.parametrize("event", ["up", "link", "address"])
def test_memberships_are_reported_again(event: str) -> None:
    peer = member(GROUP, OTHER)
    netif = peer.stack.netif
    if event == "up":
        netif.set_up(False)
        netif.set_up(True)
    elif event == "link":
        netif.set_link(False)
        netif.set_link(True)
    else:
        netif.set_addr(ip_of("10.0.0.9"), ip_of("255.255.255.0"), 0)
    peer.expect_nothing()
    peer.advance(ms=500)
    assert [group for _, group, _ in reports(peer)] == [OTHER, GROUP]


def test_without_heap_a_report_is_lost() -> None:
    peer = Peer("micropython")
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    assert peer.stack.igmp.join(ip_of(GROUP)) == ERR_OK
    peer.expect_nothing()
    assert peer.stack.stats.igmp.memerr == 1
    heap.free(hog)
    peer.advance(ms=500)
    assert reports(peer) == [(0x16, GROUP, GROUP)]


def test_without_igmp_there_is_nothing() -> None:
    peer = Peer(lwip_igmp=0)
    assert peer.stack.igmp.join(ip_of(GROUP)) == ERR_VAL
    query(peer)
    peer.expect_drop("ip_protocol")
    assert peer.stack.mem.igmp_group.used == 0


@given(st.lists(st.tuples(st.sampled_from([ALL_SYSTEMS, GROUP, OTHER]), st.binary(max_size=12)), max_size=8))
def test_any_messages_are_survived(messages: list[tuple[str, bytes]]) -> None:
    peer = member(GROUP)
    for dst, raw in messages:
        peer.send(bad(raw, dst))
        peer.advance(ms=150)
    peer.stack.igmp.leave(ip_of(GROUP))
    peer.expect_no_leak()


def test_without_a_place_for_the_all_systems_group() -> None:
    peer = Peer(memp_num_igmp_group=0)
    assert not peer.stack.igmp.is_member(ip_of(ALL_SYSTEMS))
    query(peer)
    peer.expect_drop("ip_not_ours")
    assert peer.stack.igmp.join(ip_of(GROUP)) == ERR_MEM
