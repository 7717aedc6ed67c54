"""The DHCP client, its states reached by real frames of a server that scapy builds and understands."""

from __future__ import annotations

import pytest
from scapy.layers.dhcp import BOOTP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP

from netstack.address import format_ip
from netstack.dhcp import (
    BACKING_OFF,
    BOUND,
    CHECKING,
    INIT,
    OFF,
    REBINDING,
    REBOOTING,
    RENEWING,
    REQUESTING,
    SELECTING,
)
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_VAL
from tests.netstack.dhcp_server import CHECK, DNS, LEASED, MASK, NO_CHECK, ROUTER, DhcpServer, bound
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, PEER, PEER_MAC, ip_of, mac_of

NOWHERE, EVERYBODY = "0.0.0.0", "255.255.255.255"


class TestDiscover:
    def test_message(self) -> None:
        server = DhcpServer(NO_CHECK, rand=0x12345678)
        server.dhcp.hostname = "board"
        assert server.dhcp.start() == ERR_OK
        said = server.heard("discover")
        assert (said.frame.src, said.frame.dst) == (OUR_MAC, BROADCAST_MAC)
        assert (said.ip.src, said.ip.dst, said.ip.ttl, said.ip.id) == (NOWHERE, EVERYBODY, 255, 0)
        assert (said.frame[UDP].sport, said.frame[UDP].dport, len(said.frame[UDP])) == (68, 67, 316)
        bootp = said.bootp
        assert (bootp.op, bootp.htype, bootp.hlen, bootp.xid) == (1, 1, 6, 0x12345678)
        assert (bootp.secs, int(bootp.flags), bootp.ciaddr) == (0, 0, NOWHERE)
        assert bootp.chaddr == mac_of(OUR_MAC) + bytes(10)
        assert list(said.options.items()) == [
            ("message-type", 1),
            ("max_dhcp_size", 1500),
            ("hostname", b"board"),
            ("param_req_list", [1, 3, 28, 6]),
        ]

    @pytest.mark.parametrize(
        "options", [{"lwip_netif_hostname": 0}, {"lwip_dhcp_discover_add_hostname": 0}], ids=str
    )
    def test_without_hostname(self, options: dict[str, int]) -> None:
        server = DhcpServer(NO_CHECK, **options)
        server.dhcp.hostname = "board"
        server.dhcp.start()
        assert "hostname" not in server.heard("discover").options
        server.offer()
        assert ("hostname" in server.heard("request").options) is ("lwip_netif_hostname" not in options)

    @pytest.mark.parametrize("options", [{"lwip_dns": 0}, {"lwip_dhcp_max_dns_servers": 0}], ids=str)
    def test_without_dns(self, options: dict[str, int]) -> None:
        server = DhcpServer(NO_CHECK, **options)
        server.dhcp.start()
        assert server.heard("discover").options["param_req_list"] == [1, 3, 28]

    def test_a_long_hostname_is_cut_to_the_room_there_is(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.hostname = "x" * 300
        server.dhcp.start()
        said = server.heard("discover")
        assert (len(said.options["hostname"]), len(said.frame[BOOTP])) == (52, 308)
        server.offer()
        said = server.heard("request")
        assert (len(said.options["hostname"]), len(said.frame[BOOTP])) == (40, 308)

    def test_repeated_with_growing_gaps(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.advance(ms=100)
        server.dhcp.start()
        server.advance(ms=200_000)
        times = (100, 2000, 6000, 14_000, 30_000, 62_000, 122_000, 182_000)
        heard = server.all_heard()
        assert [(said.time, said.kind) for said in heard] == [(ms, "discover") for ms in times]
        assert {said.bootp.xid for said in heard} == {0}

    def test_started_anew(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.advance(ms=10_000)
        server.rand = 7
        server.frames_sent()
        assert server.dhcp.start() == ERR_OK
        assert server.heard("discover").bootp.xid == 7
        server.advance(ms=2000)
        server.heard("discover")
        assert server.stack.mem.udp_pcb.used == 1


class TestStartFails:
    def test_interface_down(self) -> None:
        assert DhcpServer(NO_CHECK, up=False).dhcp.start() == ERR_ARG

    @pytest.mark.parametrize(("mtu", "err"), [(575, ERR_MEM), (576, ERR_OK)])
    def test_small_mtu(self, mtu: int, err: int) -> None:
        server = DhcpServer(NO_CHECK)
        server.stack.netif.mtu = mtu
        assert server.dhcp.start() == err

    def test_not_compiled_in(self) -> None:
        server = DhcpServer(NO_CHECK, lwip_dhcp=0)
        assert (server.dhcp.start(), server.dhcp.inform(), server.dhcp.renew()) == (ERR_VAL,) * 3
        server.stack.netif.set_link(False)
        server.stack.netif.set_link(True)
        server.expect_nothing()

    def test_no_pcb(self) -> None:
        server = DhcpServer(NO_CHECK, memp_num_udp_pcb=1)
        taken = server.stack.udp.new()
        assert taken is not None
        assert (server.dhcp.start(), server.dhcp.inform()) == (ERR_MEM, ERR_MEM)
        server.expect_nothing()
        server.stack.udp.remove(taken)
        assert server.dhcp.start() == ERR_OK
        server.dhcp.cleanup()
        server.expect_no_leak()

    def test_no_heap_for_the_client(self) -> None:
        server = DhcpServer(NO_CHECK, mem_size=48)
        assert server.dhcp.start() == ERR_MEM
        server.expect_no_leak()

    def test_no_heap_for_the_message(self) -> None:
        server = DhcpServer(NO_CHECK, rand=5)
        hog = server.stack.mem.heap.malloc(8000 - 200)
        assert server.dhcp.start() == ERR_OK
        server.advance(ms=2000)
        server.expect_nothing()
        assert server.dhcp.xid == 0  # none was drawn
        server.stack.mem.heap.free(hog)
        server.advance(ms=4000)
        server.heard("discover")

    def test_a_program_has_the_port(self) -> None:
        server = DhcpServer(NO_CHECK)
        pcb = server.stack.udp.new()
        assert pcb is not None
        assert server.stack.udp.bind(pcb, 0, 68) == ERR_OK
        assert server.dhcp.start() == ERR_OK
        [(_, frame)] = server.frames_sent()
        assert (frame[UDP].sport, frame[UDP].dport) == (49153, 67)
        server.xid = server.dhcp.xid
        server.offer()
        server.heard_nothing()


class TestRequest:
    def test_message(self) -> None:
        server = DhcpServer(NO_CHECK, rand=0x1000)
        server.dhcp.hostname = "board"
        server.dhcp.start()
        xid = server.heard("discover").bootp.xid
        server.rand = 0x2000
        server.offer()
        said = server.heard("request")
        assert (said.ip.src, said.ip.dst, said.bootp.ciaddr) == (NOWHERE, EVERYBODY, NOWHERE)
        assert said.bootp.xid == xid
        assert list(said.options.items()) == [
            ("message-type", 3),
            ("max_dhcp_size", 1500),
            ("requested_addr", LEASED),
            ("server_id", PEER),
            ("param_req_list", [1, 3, 28, 6]),
            ("hostname", b"board"),
        ]
        assert server.dhcp.state == REQUESTING

    def test_repeated_then_given_up(self) -> None:
        server = DhcpServer(NO_CHECK, rand=1)
        server.advance(ms=100)
        server.dhcp.start()
        server.heard("discover")
        server.advance(ms=20)
        server.offer()
        server.rand = 2
        server.advance(ms=130_000)
        heard = server.all_heard()
        requests = [(ms, "request") for ms in (120, 2000, 6000, 14_000, 30_000, 62_000)]
        discovers = [(ms, "discover") for ms in (122_000, 124_000, 128_000)]
        assert [(said.time, said.kind) for said in heard] == [*requests, *discovers]
        assert [said.bootp.xid for said in heard] == [1] * 6 + [2] * 3

    def test_an_offer_without_server_is_ignored(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.heard("discover")
        server.offer(server_id=None)
        server.expect_drop("dhcp_unexpected")
        assert server.dhcp.state == SELECTING

    def test_nak_starts_anew(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.heard("discover")
        server.offer()
        server.heard("request")
        server.rand = 9
        server.nak()
        assert server.heard("discover").bootp.xid == 9
        assert server.told == []


class TestBound:
    def test_without_conflict_detection(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.lend()
        assert server.dhcp.state == BOUND
        assert server.dhcp.supplied_address
        assert server.configured == (LEASED, MASK, ROUTER)
        assert server.told == [LEASED]
        assert server.arp_sent() == [(0, LEASED, LEASED)]  # the gratuitous one
        lease = server.dhcp.lease
        assert (lease.t0, lease.t1, lease.t2, format_ip(lease.server)) == (600, 300, 525, PEER)
        assert [format_ip(ip) for ip in server.stack.dns.servers] == [DNS, NOWHERE]

    def test_the_observer_sees_the_new_address_and_state(self) -> None:
        server = DhcpServer(NO_CHECK)
        seen: list[tuple[tuple[str, str, str], int]] = []
        server.dhcp.on_address.append(lambda _: seen.append((server.configured, server.dhcp.state)))
        server.lend()
        assert seen == [((LEASED, MASK, ROUTER), BOUND)]

    def test_name_servers_overwrite_the_first_slots(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.stack.dns.set_server(1, ip_of("10.0.0.99"))
        server.lend()
        assert [format_ip(ip) for ip in server.stack.dns.servers] == [DNS, "10.0.0.99"]
        server = DhcpServer(NO_CHECK)
        server.lend(name_server=["10.0.0.7", "10.0.0.8", "10.0.0.9"])
        assert [format_ip(ip) for ip in server.stack.dns.servers] == ["10.0.0.7", "10.0.0.8"]

    def test_without_mask_and_router(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.lend(subnet_mask=None, router=None)
        assert server.configured == (LEASED, "255.0.0.0", NOWHERE)

    def test_the_address_of_the_ack_counts(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.heard("discover")
        server.offer()
        server.heard("request")
        server.say("ack", bootp={"yiaddr": "10.0.0.51"})
        assert server.configured[0] == "10.0.0.51"

    def test_answers_ping_from_now_on(self) -> None:
        server = DhcpServer(NO_CHECK)
        ask = ARP(op=1, hwsrc=mac_of(PEER_MAC), psrc=PEER, pdst=LEASED)
        server.send(ask)
        server.expect_nothing()
        server.lend()
        server.frames_sent()
        server.send(ask)
        assert server.reply_to_arp() == (OUR_MAC, LEASED)

    def test_nothing_to_do_until_the_next_minute(self) -> None:
        server = bound()
        assert server.stack.next_deadline() == 60_000 * 1_000_000
        server.dhcp.cleanup()
        assert server.stack.next_deadline() is None


class TestRenewal:
    def test_message(self) -> None:
        server = bound()
        server.rand = 0x2000
        server.advance(ms=300_000)
        said = server.heard("request")
        assert said.time == 300_000
        assert (said.frame.dst, said.ip.src, said.ip.dst) == (PEER_MAC, LEASED, PEER)
        assert (said.bootp.ciaddr, said.bootp.xid) == (LEASED, 0x1000)
        assert list(said.options) == ["message-type", "max_dhcp_size", "param_req_list"]
        assert server.dhcp.state == RENEWING
        assert server.dhcp.supplied_address

    def test_asks_for_the_mac_of_a_forgotten_server(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.lend()
        server.frames_sent()
        server.advance(ms=302_500)
        assert server.arp_sent()[:1] == [(300_000, LEASED, PEER)]
        server.send(ARP(op=2, hwsrc=mac_of(PEER_MAC), psrc=PEER, hwdst=mac_of(OUR_MAC), pdst=LEASED))
        assert server.heard("request").time == 302_500

    def test_an_ack_prolongs(self) -> None:
        server = bound()
        server.advance(ms=310_000)
        server.heard("request")
        server.lease = 1200
        server.ack()
        assert server.dhcp.state == BOUND
        assert server.told == []
        server.advance(ms=650_000)
        assert server.schedule() == [(900_000, "request")]

    def test_an_ack_may_change_the_address(self) -> None:
        server = bound()
        server.advance(ms=300_000)
        server.heard("request")
        server.address = "10.0.0.60"
        server.ack(router=None)
        assert server.configured == ("10.0.0.60", MASK, NOWHERE)
        assert server.told == ["10.0.0.60"]

    def test_nobody_answers_until_the_end(self) -> None:
        server = bound()
        server.rand = 0x2000
        server.advance(ms=600_000)
        heard = server.all_heard()
        minutes = [(5, PEER), (7, PEER), (8, PEER), (9, EVERYBODY)]
        expected = [(m * 60_000, "request", to, LEASED, 0x1000) for m, to in minutes]
        expected += [
            (600_000, "release", PEER, LEASED, 0x2000),
            (600_000, "discover", EVERYBODY, NOWHERE, 0x2000),
        ]
        told = [(said.time, said.kind, said.ip.dst, said.bootp.ciaddr, said.bootp.xid) for said in heard]
        assert told == expected
        assert server.configured == (NOWHERE, NOWHERE, NOWHERE)
        assert server.told == [NOWHERE]

    def test_rebinding(self) -> None:
        server = bound()
        server.advance(ms=545_000)
        said = server.all_heard()[-1]
        assert (said.time, said.ip.src, said.ip.dst, said.bootp.ciaddr) == (
            540_000,
            LEASED,
            EVERYBODY,
            LEASED,
        )
        assert server.dhcp.state == REBINDING
        server.ack()
        assert server.dhcp.state == BOUND

    @pytest.mark.parametrize("minutes", [5, 9], ids=["RENEWING", "REBINDING"])
    def test_nak(self, minutes: int) -> None:
        server = bound()
        server.advance(ms=minutes * 60_000)
        server.all_heard()
        server.nak()
        assert server.heard("discover").ip.src == NOWHERE
        assert server.configured == (NOWHERE, NOWHERE, NOWHERE)
        assert server.told == [NOWHERE]

    def test_after_a_nak_the_old_lease_goes_on_being_counted(self) -> None:
        server = bound()
        server.advance(ms=540_000)
        server.all_heard()
        server.nak()
        server.frames_sent()
        server.rand = 0x3000
        server.advance(ms=60_000)
        last = server.all_heard()[-1]  # the end of the lease has it start anew
        assert (last.time, last.kind, last.bootp.xid) == (600_000, "discover", 0x3000)

    def test_an_infinite_lease(self) -> None:
        server = DhcpServer(NO_CHECK, lease=0xFFFFFFFF)
        server.lend(renewal_time=0xFFFFFFFF, rebinding_time=0xFFFFFFFF)
        server.frames_sent()
        assert server.stack.next_deadline() is None
        server.advance(ms=100 * 86_400_000)
        server.heard_nothing()

    def test_by_hand(self) -> None:
        server = bound()
        server.advance(ms=1000)
        assert server.dhcp.renew() == ERR_OK
        assert server.heard("request").ip.dst == PEER
        server.advance(ms=100_000)
        server.heard_nothing()
        server.ack()
        assert server.dhcp.state == BOUND

    def test_by_hand_while_off(self) -> None:
        server = DhcpServer(NO_CHECK)
        assert server.dhcp.renew() == ERR_VAL
        server.lend()
        server.dhcp.stop()
        assert server.dhcp.renew() == ERR_VAL


class TestStop:
    def test_release(self) -> None:
        server = bound()
        server.rand = 0x2000
        assert server.dhcp.release() == ERR_OK
        said = server.heard("release")
        assert (said.ip.src, said.ip.dst, said.frame.dst) == (LEASED, PEER, PEER_MAC)
        assert (said.bootp.ciaddr, said.bootp.xid) == (LEASED, 0x2000)
        assert list(said.options.items()) == [("message-type", 7), ("server_id", PEER)]
        assert server.dhcp.state == OFF
        assert server.configured == (NOWHERE, NOWHERE, NOWHERE)
        assert server.told == [NOWHERE]
        server.dhcp.stop()
        server.expect_nothing()
        assert server.stack.mem.udp_pcb.used == 0

    def test_before_there_is_an_address(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.stop()
        server.dhcp.start()
        server.heard("discover")
        server.dhcp.stop()
        server.advance(ms=100_000)
        server.expect_nothing()

    def test_memory(self) -> None:
        server = bound()
        heap = server.stack.mem.heap
        assert heap.used == 60  # lwIP's struct dhcp stays once it was there
        server.dhcp.stop()
        assert heap.used == 60
        server.dhcp.cleanup()
        server.expect_no_leak()

    def test_a_late_reply_is_ignored(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.heard("discover")
        server.dhcp.stop()
        server.offer()
        server.expect_nothing()

    def test_started_again(self) -> None:
        server = bound()
        server.dhcp.stop()
        server.frames_sent()
        server.lend()
        assert server.configured[0] == LEASED

    def test_connections_from_the_address_are_aborted(self) -> None:
        server = bound()
        pcb = server.stack.tcp.new()
        assert pcb is not None
        assert server.stack.tcp.connect(pcb, ip_of(PEER), 80) == ERR_OK
        server.advance(ms=10)
        assert [frame[IP].proto for _, frame in server.frames_sent()] == [6]
        server.dhcp.stop()
        sent = [(frame[IP].proto, frame[IP].src) for _, frame in server.frames_sent()]
        assert sent == [(17, LEASED), (6, LEASED)]  # RELEASE, then RST
        assert server.stack.tcp.active_pcbs == []


class TestLink:
    def test_no_link_at_the_start(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.stack.netif.set_link(False)
        assert server.dhcp.start() == ERR_OK
        assert server.dhcp.state == INIT
        server.advance(ms=10_000)
        server.expect_nothing()
        server.stack.netif.set_link(True)
        server.heard("discover")

    def test_the_address_is_confirmed(self) -> None:
        server = bound()
        server.stack.netif.set_link(False)
        server.advance(ms=4050)
        server.expect_nothing()
        server.rand = 0x2000
        server.stack.netif.set_link(True)
        said = server.heard("request")
        assert (said.ip.src, said.ip.dst, said.bootp.ciaddr) == (LEASED, EVERYBODY, NOWHERE)
        assert said.bootp.xid == 0x2000
        assert list(said.options.items()) == [
            ("message-type", 3),
            ("max_dhcp_size", 576),
            ("requested_addr", LEASED),
            ("param_req_list", [1, 3, 28, 6]),
        ]
        assert server.dhcp.state == REBOOTING
        server.ack()
        assert server.dhcp.state == BOUND
        assert server.told == []

    def test_nobody_confirms_it(self) -> None:
        server = bound()
        server.stack.netif.set_link(False)
        server.advance(ms=4050)
        server.stack.netif.set_link(True)
        server.advance(ms=5000)
        assert server.schedule() == [
            (4050, "request"),
            (5000, "request"),
            (7000, "discover"),
            (9000, "discover"),
        ]
        assert server.configured[0] == LEASED  # lwIP: it is still used

    def test_another_network(self) -> None:
        server = bound()
        server.stack.netif.set_link(False)
        server.stack.netif.set_link(True)
        server.heard("request")
        server.nak()
        server.heard("discover")
        assert server.configured[0] == NOWHERE

    def test_while_asking(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.advance(ms=31_000)
        server.frames_sent()
        server.rand = 0x2000
        server.stack.netif.set_link(False)
        server.stack.netif.set_link(True)
        server.advance(ms=10_000)
        heard = server.all_heard()
        assert [(said.time, said.kind) for said in heard] == [
            (31_000, "discover"),
            (33_000, "discover"),
            (37_000, "discover"),
        ]
        assert {said.bootp.xid for said in heard} == {0x2000}


class TestInform:
    def test_message(self) -> None:
        server = DhcpServer(NO_CHECK, ip="10.0.0.1", netmask=MASK, rand=0x1000)
        assert server.dhcp.inform() == ERR_OK
        said = server.heard("inform")
        assert (said.ip.src, said.ip.dst, said.bootp.ciaddr) == ("10.0.0.1", EVERYBODY, "10.0.0.1")
        assert list(said.options.items()) == [("message-type", 8), ("max_dhcp_size", 1500)]
        server.ack()  # nobody listens any more
        assert server.configured[0] == "10.0.0.1"
        server.expect_no_leak()

    def test_while_the_client_asks(self) -> None:
        server = DhcpServer(NO_CHECK, rand=1)
        server.dhcp.start()
        server.rand = 2
        server.dhcp.inform()
        server.advance(ms=2000)
        xids = [(said.kind, said.bootp.xid) for said in server.all_heard()]
        # lwIP: repetitions take the xid drawn last, whoever drew it
        assert xids == [("discover", 1), ("inform", 2), ("discover", 2)]
        assert server.stack.mem.udp_pcb.used == 1


class TestConflictDetection:
    """With LWIP_DHCP_DOES_ACD_CHECK; row H20, K1, K2."""

    def lent(self, **options: int) -> DhcpServer:
        server = DhcpServer(CHECK, **options)
        server.lend()
        assert server.dhcp.state == CHECKING
        server.frames_sent()
        return server

    def test_probes_then_announcements(self) -> None:
        server = self.lent()
        server.advance(ms=6000)
        assert server.configured[0] == NOWHERE
        server.advance(ms=100)
        assert server.configured == (LEASED, MASK, ROUTER)
        assert server.dhcp.state == BOUND
        assert server.arp_sent() == [
            (100, NOWHERE, LEASED),
            (1100, NOWHERE, LEASED),
            (2100, NOWHERE, LEASED),
            (4100, LEASED, LEASED),
            (6100, LEASED, LEASED),
        ]

    @pytest.mark.parametrize("conflict", ["H20 K1 claim", "K2 probe"])
    def test_a_conflict_declines(self, conflict: str) -> None:
        server = self.lent()
        server.advance(ms=1140)
        server.frames_sent()
        if "claim" in conflict:
            server.claim(LEASED)
        else:
            server.probe(LEASED)
        said = server.heard("decline")
        assert (said.ip.src, said.ip.dst, said.bootp.ciaddr) == (NOWHERE, EVERYBODY, NOWHERE)
        assert list(said.options.items()) == [("message-type", 4), ("requested_addr", LEASED)]
        assert server.dhcp.state == BACKING_OFF
        server.advance(ms=15_000)
        assert server.schedule() == [(11_000, "discover"), (13_000, "discover")]

    def test_conflicts_once_it_is_used(self) -> None:
        server = self.lent()
        server.advance(ms=20_140)
        server.frames_sent()
        server.claim(LEASED, op=1)
        assert server.arp_sent() == [(20_140, LEASED, LEASED)]  # defended
        server.advance(ms=1000)
        server.told.clear()
        server.claim(LEASED, op=1)
        server.heard("decline")
        assert server.configured == (NOWHERE, NOWHERE, NOWHERE)
        assert server.told == [NOWHERE]

    def test_stop_while_it_is_checked(self) -> None:
        server = self.lent()
        server.advance(ms=1000)
        server.dhcp.stop()
        server.frames_sent()
        server.claim(LEASED)
        server.advance(ms=20_000)
        server.expect_nothing()
        server.dhcp.cleanup()
        server.expect_no_leak()

    def test_a_confirmed_address_is_checked_again_but_used_meanwhile(self) -> None:
        server = self.lent()
        server.advance(ms=10_000)
        server.stack.netif.set_link(False)
        server.stack.netif.set_link(True)
        server.frames_sent()
        server.xid = server.dhcp.xid
        server.ack()
        assert server.dhcp.state == CHECKING
        assert server.configured[0] == LEASED
        server.advance(ms=7000)
        assert [sender for _, sender, _ in server.arp_sent()] == [NOWHERE] * 3 + [LEASED] * 2
        assert server.dhcp.state == BOUND

    def test_a_renewed_address_is_not_checked(self) -> None:
        server = self.lent()
        server.advance(ms=10_000)
        server.know_server()
        server.frames_sent()
        server.advance(ms=290_000)
        server.heard("request")
        server.ack()
        assert server.dhcp.state == BOUND
        server.advance(ms=20_000)
        server.expect_nothing()

    def test_ten_conflicts_bring_a_pause_of_a_minute(self) -> None:
        """Row K4."""
        server = DhcpServer(CHECK)
        assert server.dhcp.start() == ERR_OK
        for _ in range(10):
            server.heard("discover")
            server.offer()
            server.heard("request")
            server.ack()
            server.claim(LEASED)
            server.heard("decline")
            declined = server.now
            server.advance(ms=10_000)
        server.heard_nothing()
        server.advance(ms=60_000)
        assert server.schedule() == [(declined + 70_000, "discover")]


class TestArpCheck:
    """lwIP 2.1.3: two ARP queries instead (quirk dhcp_arp_check)."""

    def lent(self) -> DhcpServer:
        server = DhcpServer(CHECK, lwip_version="2.1.3")
        server.advance(ms=130)
        server.lend()
        return server

    def test_two_queries(self) -> None:
        server = self.lent()
        server.advance(ms=869)
        assert server.dhcp.state == CHECKING
        server.advance(ms=1)
        assert server.dhcp.state == BOUND
        assert server.configured[0] == LEASED
        assert server.arp_sent() == [
            (130, NOWHERE, LEASED),
            (500, NOWHERE, LEASED),
            (1000, NOWHERE, LEASED),  # ARP's own tick comes first: nobody has answered yet
            (1000, LEASED, LEASED),  # gratuitous
        ]

    def test_an_answer_declines(self) -> None:
        server = self.lent()
        server.frames_sent()
        server.probe(LEASED)
        server.claim("10.0.0.51")
        assert server.dhcp.state == CHECKING
        server.claim(LEASED)
        assert server.heard("decline").options["requested_addr"] == LEASED
        server.advance(ms=12_000)
        assert server.schedule() == [(10_000, "discover"), (12_000, "discover")]
