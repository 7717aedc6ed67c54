"""The DNS client: what it asks, whom it believes, what it remembers, and what becomes of its memory."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP

from netstack.dns import MAX_TTL
from netstack.errors import ERR_ARG, ERR_INPROGRESS, ERR_MEM, ERR_VAL
from tests.netstack.peer import GATEWAY, OURS, PEER
from tests.netstack.resolver import ANSWER, GATEWAY_MAC, Resolver, ip_of


class TestAsking:
    def test_the_query(self) -> None:
        peer = Resolver()
        query = peer.ask()
        assert (query[IP].src, query[IP].dst, query[IP].ttl) == (OURS, PEER, 255)
        assert (query[UDP].sport, query[UDP].dport) == (0x3000, 53)
        assert (query[DNS].id, query[DNS].rd, query[DNS].qd[0].qname) == (0x3001, 1, b"a.example.")

    def test_again_on_ticks_then_the_next_server(self) -> None:
        peer = Resolver(servers=(PEER, GATEWAY))
        peer.advance(ms=400)
        peer.ask()
        peer.advance(ms=20_000)
        times = [400, 1000, 2000, 4000, 7000, 8000, 9000, 11000]
        assert peer.queries() == [(ms, PEER if ms < 7000 else GATEWAY, 0x3001) for ms in times]
        assert peer.found == [("a.example", None)]
        assert peer.now == 20_400
        peer.expect_no_leak()

    def test_fails_after_the_last_try(self) -> None:
        peer = Resolver()
        peer.ask()
        peer.advance(ms=6_999)
        assert not peer.found
        peer.advance(ms=1)
        assert peer.found == [("a.example", None)]

    def test_fewer_retries(self) -> None:
        peer = Resolver(dns_max_retries=1, dns_tmr_interval=500)
        peer.ask()
        peer.advance(ms=500)
        assert peer.found == [("a.example", None)]
        assert len(peer.queries()) == 1

    def test_a_server_that_was_removed_meanwhile(self) -> None:
        peer = Resolver()
        peer.ask()
        peer.stack.dns.set_server(0, 0)
        peer.advance(ms=1000)
        assert peer.found == [("a.example", None)]
        peer.expect_nothing()
        peer.expect_no_leak()

    def test_without_memory_for_the_query_it_is_sent_later(self) -> None:
        peer = Resolver("micropython")
        heap = peer.stack.mem.heap
        block = heap.malloc(heap.largest_hole())
        assert peer.lookup("a.example") == ERR_INPROGRESS
        peer.expect_nothing()
        heap.free(block)
        peer.advance(ms=1000)
        peer.answer(peer.reply())
        assert peer.found == [("a.example", ANSWER)]
        peer.expect_no_leak()

    def test_the_clock_wakes_only_for_questions(self) -> None:
        peer = Resolver()
        assert peer.stack.next_deadline() is None
        query = peer.ask()
        assert peer.stack.next_deadline() == 1_000_000_000
        peer.answer(query)
        assert peer.stack.next_deadline() is None


class TestNames:
    def test_an_address_needs_nobody(self) -> None:
        peer = Resolver(servers=())
        assert peer.lookup("192.0.2.33") == "192.0.2.33"
        assert peer.lookup("0x7f.1") == "127.0.0.1"
        assert peer.lookup("192.0.2.256") == ERR_VAL
        peer.expect_nothing()

    @pytest.mark.parametrize("name", ["", "\0a", "x" * 256, "ü" * 128])
    def test_refused(self, name: str) -> None:
        assert Resolver().lookup(name) == ERR_ARG

    def test_the_longest(self) -> None:
        peer = Resolver()
        assert peer.ask("x." * 127 + "y")[DNS].qd[0].qname == b"x." * 127 + b"y."
        assert Resolver(dns_max_name_length=5).lookup("abcde") == ERR_ARG
        assert Resolver(dns_max_name_length=5).ask("abcd")

    def test_a_dot_at_the_end_is_the_same_name(self) -> None:
        peer = Resolver()
        peer.answer(peer.ask("a.example."))
        assert peer.found == [("a.example", ANSWER)]
        assert peer.lookup("A.Example") == peer.lookup("a.example.") == ANSWER

    def test_without_a_server(self) -> None:
        assert Resolver(servers=()).lookup("a.example") == ERR_VAL
        peer = Resolver(servers=())
        peer.stack.dns.set_server(1, ip_of(PEER))
        peer.stack.dns.set_server(2, ip_of(PEER))  # DNS_MAX_SERVERS is 2
        peer.stack.dns.set_server(-1, ip_of(PEER))
        assert peer.lookup("a.example") == ERR_VAL
        assert peer.stack.dns.servers == [0, ip_of(PEER)]

    def test_not_compiled_in(self) -> None:
        assert Resolver(lwip_dns=0).lookup("a.example") == ERR_ARG

    def test_any_characters(self) -> None:
        peer = Resolver()
        assert (
            peer.ask("bücher\udc80.example")[DNS].qd[0].qname == "bücher".encode() + b"\xed\xb2\x80.example."
        )


class TestReplies:
    def test_an_address(self) -> None:
        peer = Resolver()
        peer.answer(peer.ask())
        assert peer.found == [("a.example", ANSWER)]
        peer.advance(ms=10_000)
        peer.expect_nothing()
        peer.expect_no_leak()

    @pytest.mark.parametrize(
        ("drop", "fields"),
        [
            ("dns_ident", {"id": 0x3002}),
            ("dns_flags", {"qr": 0}),
            ("dns_flags", {"qdcount": 0}),
            ("dns_flags", {"qdcount": 2}),
            ("dns_source", {"src": GATEWAY, "mac": GATEWAY_MAC}),
            ("dns_question", {"qd": DNSQR(qname="b.example")}),
            ("dns_question", {"qd": DNSQR(qname="a.example", qtype="AAAA")}),
            ("dns_question", {"qd": DNSQR(qname="a.example", qclass=3)}),
            ("dns_malformed", {"an": b"\1a\0\0\1\0\1", "ancount": 1}),
        ],
    )
    def test_ignored(self, drop: str, fields: dict[str, Any]) -> None:
        peer = Resolver()
        query = peer.ask()
        peer.answer(query, **fields)
        peer.expect_drop(drop)
        assert not peer.found
        peer.answer(query)
        assert peer.found == [("a.example", ANSWER)]

    def test_too_short(self) -> None:
        peer = Resolver()
        query = peer.ask()
        ident = query[DNS].id.to_bytes(2, "big")
        for payload in (b"", ident, ident + bytes(9), ident + b"\x81\x80\0\1" + bytes(9)):
            peer.send(IP(src=PEER, dst=OURS) / UDP(sport=53, dport=query[UDP].sport) / payload)
            peer.expect_drop("dns_short")

    def test_an_error_asks_the_next_server_at_once(self) -> None:
        peer = Resolver(servers=(PEER, GATEWAY))
        query = peer.ask()
        peer.answer(query, rcode=3, an=[])
        second = peer.reply()
        assert (second[IP].dst, second[DNS].id, second[UDP].sport) == (
            GATEWAY,
            query[DNS].id,
            query[UDP].sport,
        )
        peer.answer(second, src=GATEWAY, mac=GATEWAY_MAC)
        assert peer.found == [("a.example", ANSWER)]

    @pytest.mark.parametrize("fields", [{"rcode": 3}, {"rcode": 2}, {"rcode": 0}])
    def test_no_address(self, fields: dict[str, int]) -> None:
        peer = Resolver()
        peer.answer(peer.ask(), an=[], **fields)
        assert peer.found == [("a.example", None)]
        assert peer.lookup("a.example") == ERR_INPROGRESS  # failures are not remembered

    def test_through_an_alias(self) -> None:
        peer = Resolver()
        alias = DNSRR(rrname="a.example", type="CNAME", ttl=60, rdata="b.example")
        peer.answer(peer.ask(), alias, DNSRR(rrname="b.example", ttl=60, rdata=ANSWER))
        assert peer.found == [("a.example", ANSWER)]
        assert peer.lookup("b.example") == ERR_INPROGRESS

    def test_the_first_of_several(self) -> None:
        peer = Resolver()
        records = [DNSRR(rrname="a.example", ttl=60, rdata=ip) for ip in (ANSWER, "192.0.2.2")]
        peer.answer(peer.ask(), *records)
        assert peer.found == [("a.example", ANSWER)]

    def test_late_it_meets_a_closed_port(self) -> None:
        peer = Resolver()
        query = peer.ask()
        peer.answer(query)
        peer.answer(query)
        peer.stack.stats.drops.pop("udp_no_port")
        peer.expect_no_leak()


class TestQuirks:
    """What lwIP believes, and what a stack without the quirk does."""

    def test_the_owner_of_an_answer(self) -> None:
        foreign = DNSRR(rrname="evil.example", ttl=60, rdata="192.0.2.66")
        own = DNSRR(rrname="a.example", ttl=60, rdata=ANSWER)
        lax, strict = Resolver(), Resolver(quirks_off=("dns_answer_name_ignored",))
        for peer in (lax, strict):
            peer.answer(peer.ask(), foreign, own)
        assert lax.found == [("a.example", "192.0.2.66")]
        assert strict.found == [("a.example", ANSWER)]

    def test_the_beginning_of_the_question(self) -> None:
        lax, strict = Resolver(), Resolver(quirks_off=("dns_answer_name_ignored",))
        for peer in (lax, strict):
            peer.answer(peer.ask(), qd=DNSQR(qname="a"))
        assert lax.found == [("a.example", ANSWER)]
        strict.expect_drop("dns_question")

    def test_the_port_of_the_server(self) -> None:
        lax, strict = Resolver(), Resolver(quirks_off=("dns_source_port_ignored",))
        for peer in (lax, strict):
            peer.answer(peer.ask(), sport=5300)
        assert lax.found == [("a.example", ANSWER)]
        strict.expect_drop("dns_source")

    def test_a_truncated_reply(self) -> None:
        lax, strict = Resolver(), Resolver(quirks_off=("dns_truncation_ignored",))
        for peer in (lax, strict):
            peer.answer(peer.ask(), tc=1)
        assert lax.found == [("a.example", ANSWER)]
        assert strict.found == [("a.example", None)]


class TestMemory:
    def test_an_answer_is_believed_for_its_ttl(self) -> None:
        peer = Resolver()
        peer.advance(ms=500)
        peer.resolve(ttl=5)
        peer.advance(ms=4_499)
        assert peer.lookup("a.example") == ANSWER
        peer.advance(ms=1)
        assert peer.lookup("a.example") == ERR_INPROGRESS

    def test_none_for_ttl_0(self) -> None:
        peer = Resolver()
        peer.resolve(ttl=0)
        assert peer.lookup("a.example") == ERR_INPROGRESS

    def test_a_week_at_most(self) -> None:
        peer = Resolver()
        peer.resolve(ttl=0xFFFFFFFF)
        peer.advance(ms=(MAX_TTL - 1) * 1000)
        assert peer.lookup("a.example") == ANSWER
        peer.advance(ms=1000)
        assert peer.lookup("a.example") == ERR_INPROGRESS

    def test_the_table_is_full_of_questions(self) -> None:
        peer = Resolver()
        for name in "abcd":
            peer.ask(name)
        assert peer.lookup("e") == ERR_MEM
        assert peer.lookup("b") == ERR_MEM  # lwIP: no place to wait for it either
        peer.advance(ms=7000)
        assert peer.found == [(name, None) for name in "abcd"]
        peer.expect_no_leak()

    def test_a_new_name_takes_the_place_of_the_oldest_answer(self) -> None:
        peer = Resolver()
        for name in "abcd":
            peer.resolve(name)
        peer.resolve("e")
        assert peer.lookup("b") == ANSWER
        assert peer.lookup("a") == ERR_INPROGRESS

    def test_equal_names_share_a_question(self) -> None:
        peer = Resolver()
        query = peer.ask("a.example")
        assert peer.lookup("A.EXAMPLE") == ERR_INPROGRESS
        peer.expect_nothing()
        peer.answer(query)
        assert peer.found == [("a.example", ANSWER)] * 2

    def test_a_callback_may_ask_again(self) -> None:
        peer = Resolver()
        again: list[int] = []

        def failed(name: str, ip: int | None) -> None:
            assert ip is None
            again.append(peer.stack.dns.gethostbyname("b", peer._tell)[1])

        assert peer.stack.dns.gethostbyname("a", failed) == (None, ERR_INPROGRESS)
        peer.answer(peer.reply(), an=[])
        assert again == [ERR_INPROGRESS]
        peer.answer(peer.reply())
        assert peer.found == [("b", ANSWER)]
        peer.expect_no_leak()


class TestMulticast:
    def test_names_in_local(self) -> None:
        peer = Resolver(lwip_dns_support_mdns_queries=1, servers=())
        query = peer.ask("dev.local")
        assert (query[IP].dst, query[UDP].dport, query.dst) == ("224.0.0.251", 5353, "01:00:5e:00:00:fb")
        peer.answer(query)
        assert peer.found == [("dev.local", ANSWER)]

    def test_no_other_server_is_tried(self) -> None:
        peer = Resolver(lwip_dns_support_mdns_queries=1, servers=(PEER, GATEWAY))
        peer.ask("dev.local")
        peer.advance(ms=7000)
        assert {server for _, server, _ in peer.queries()} == {"224.0.0.251"}
        assert peer.found == [("dev.local", None)]

    @pytest.mark.parametrize("name", ["dev.locale", "dev.local.local", "local", "a.loc"])
    def test_other_names(self, name: str) -> None:
        assert Resolver(lwip_dns_support_mdns_queries=1).ask(name)[IP].dst == PEER

    def test_with_the_option_off(self) -> None:
        assert Resolver().ask("dev.local")[IP].dst == PEER
