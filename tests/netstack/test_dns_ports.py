"""The ids and source ports of DNS questions, whatever the source of random numbers gives."""

from __future__ import annotations

from scapy.layers.dns import DNS
from scapy.layers.inet import UDP

from netstack.errors import ERR_ARG, ERR_MEM
from tests.netstack.resolver import ANSWER, Resolver


def test_low_and_taken_ports_are_drawn_again() -> None:
    peer = Resolver(first=1020)
    assert peer.ask("a")[UDP].sport == 1024
    peer.numbers = iter([1024, 2000, 1025, 3000])
    query = peer.ask("b")
    assert query[UDP].sport == 2000
    assert query[DNS].id == 3000  # 1025 is a's


def test_a_source_that_repeats_itself_does_not_hang_us() -> None:
    peer = Resolver()
    peer.stack.core.rand = lambda: 5
    assert peer.lookup("a") == ERR_MEM
    peer.stack.core.rand = lambda: 5000
    assert peer.ask("a")[UDP].sport == 5000
    assert peer.ask("b")[UDP].sport == 5000
    peer.advance(ms=7000)
    peer.expect_no_leak()


def test_nothing_random() -> None:
    peer = Resolver(lwip_dns_secure=0, ephemeral_first=50000)
    queries = [peer.ask("a"), peer.ask("b"), peer.ask("a")]
    assert [query[UDP].sport for query in queries] == [50000] * 3
    assert [query[DNS].id for query in queries] == [1, 2, 3]
    peer.answer(queries[2])
    assert peer.found == [("a", ANSWER)]
    peer.advance(ms=7000)
    peer.expect_no_leak()


def test_ids_in_turn_but_random_ports() -> None:
    peer = Resolver(lwip_dns_secure=4)
    query = peer.ask()
    assert (query[UDP].sport, query[DNS].id) == (
        1024,
        1025,
    )  # one counter for both, up to what is allowed


def test_no_udp_pcb() -> None:
    peer = Resolver()
    pool = peer.stack.mem.udp_pcb
    pool.take(pool.size - pool.used)
    assert peer.lookup("a") == ERR_MEM
    pool.give()
    first = peer.ask("a")
    second = peer.ask("b")  # has to share
    assert second[UDP].sport == first[UDP].sport
    peer.answer(first)
    peer.answer(second)
    assert peer.found == [("a", ANSWER), ("b", ANSWER)]
    assert pool.used == pool.size - 1


def test_no_pcb_for_all_questions() -> None:
    assert Resolver(lwip_dns_secure=0, memp_num_udp_pcb=0).lookup("a") == ERR_ARG
