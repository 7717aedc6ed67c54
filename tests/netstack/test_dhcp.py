"""The DHCP client, its states reached by real frames of a server that scapy builds and understands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from tests.netstack.dhcp_server import DNS, LEASED, MASK, OTHER_MAC, ROUTER, DhcpServer
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, PEER, PEER_MAC, ip_of, mac_of

NOWHERE, EVERYBODY = "0.0.0.0", "255.255.255.255"
NO_CHECK, CHECK = "micropython", "lwip-default"  # without and with address conflict detection


def address(server: DhcpServer) -> tuple[str, str, str]:
    netif = server.stack.netif
    return format_ip(netif.ip), format_ip(netif.netmask), format_ip(netif.gateway)


def bound(**options: int) -> DhcpServer:
    """A client with a lease of ten minutes, whose server's MAC it knows."""
    server = DhcpServer(NO_CHECK, rand=0x1000, **options)
    server.lend()
    assert server.dhcp.state == BOUND
    server.know_server()
    server.frames_sent()
    server.told.clear()
    return server


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
        said = server.heard("discover")
        assert said.frame[UDP].sport == 49153
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
        assert address(server) == (LEASED, MASK, ROUTER)
        assert server.told == [LEASED]
        assert server.arp_sent() == [(0, LEASED, LEASED)]  # the gratuitous one
        lease = server.dhcp.lease
        assert (lease.t0, lease.t1, lease.t2, format_ip(lease.server)) == (600, 300, 525, PEER)
        assert [format_ip(ip) for ip in server.stack.dns.servers] == [DNS, NOWHERE]

    def test_the_observer_sees_the_new_address_and_state(self) -> None:
        server = DhcpServer(NO_CHECK)
        seen: list[tuple[tuple[str, str, str], int]] = []
        server.dhcp.on_address.append(lambda _: seen.append((address(server), server.dhcp.state)))
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
        assert address(server) == (LEASED, "255.0.0.0", NOWHERE)

    def test_the_address_of_the_ack_counts(self) -> None:
        server = DhcpServer(NO_CHECK)
        server.dhcp.start()
        server.heard("discover")
        server.offer()
        server.heard("request")
        server.say("ack", bootp={"yiaddr": "10.0.0.51"})
        assert address(server)[0] == "10.0.0.51"

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
        assert address(server) == ("10.0.0.60", MASK, NOWHERE)
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
        assert address(server) == (NOWHERE, NOWHERE, NOWHERE)
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
        assert address(server) == (NOWHERE, NOWHERE, NOWHERE)
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
        assert address(server) == (NOWHERE, NOWHERE, NOWHERE)
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
        assert address(server)[0] == LEASED

    def test_connections_from_the_address_are_aborted(self) -> None:
        server = bound()
        pcb = server.stack.tcp.new()
        assert pcb is not None
        assert server.stack.tcp.connect(pcb, ip_of(PEER), 80) == ERR_OK
        server.advance(ms=10)
        assert [frame[IP].proto for _, frame in server.frames_sent()] == [6]
        server.dhcp.stop()
        kinds = [frame[IP].proto for _, frame in server.frames_sent()]
        assert kinds == [17]  # lwIP: in SYN_SENT without a RST
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
        assert address(server)[0] == LEASED  # lwIP: it is still used

    def test_another_network(self) -> None:
        server = bound()
        server.stack.netif.set_link(False)
        server.stack.netif.set_link(True)
        server.heard("request")
        server.nak()
        server.heard("discover")
        assert address(server)[0] == NOWHERE

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
        assert address(server)[0] == "10.0.0.1"
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
        assert address(server)[0] == NOWHERE
        server.advance(ms=100)
        assert address(server) == (LEASED, MASK, ROUTER)
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
        assert address(server) == (NOWHERE, NOWHERE, NOWHERE)
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
        assert address(server)[0] == LEASED
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
        assert address(server)[0] == LEASED
        assert server.arp_sent() == [
            (130, NOWHERE, LEASED),
            (500, NOWHERE, LEASED),
            (1000, LEASED, LEASED),  # gratuitous
            (1000, LEASED, LEASED),  # the queried entry is still pending
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


class TestHostileReplies:
    """Rows H1 to H22 of the robustness reference: what real lwIP makes of them."""

    def selecting(self) -> DhcpServer:
        server = DhcpServer(NO_CHECK, rand=0x1000)
        server.dhcp.start()
        server.heard("discover")
        return server

    def requesting(self) -> DhcpServer:
        server = self.selecting()
        server.offer()
        server.heard("request")
        return server

    def accepts_a_good_one(self, server: DhcpServer) -> None:
        """Nothing was said, and a good offer still works."""
        server.heard_nothing()
        server.offer()
        server.heard("request")

    @pytest.mark.parametrize("length", [0, 1, 43, 44, 239, 240])
    def test_h1_short(self, length: int) -> None:
        server = self.selecting()
        server.datagram(server.reply("offer")[:length])
        server.expect_drop("dhcp_short" if length < 44 else "dhcp_options")
        self.accepts_a_good_one(server)

    def test_h2_wrong_cookie_is_accepted(self) -> None:
        server = self.selecting()
        good = server.reply("offer")
        server.datagram(good[:236] + b"BAD!" + good[240:])
        server.heard("request")

    @pytest.mark.parametrize(
        "bootp",
        [
            pytest.param({"op": 1}, id="H3 request"),
            pytest.param({"op": 0}, id="H3 op 0"),
            pytest.param({"xid": 0x1001}, id="H4 xid"),
            pytest.param({"chaddr": mac_of(OTHER_MAC)}, id="H5 chaddr"),
            pytest.param({"chaddr": bytes(6)}, id="H5 no chaddr"),
        ],
    )
    def test_h3_h4_h5_not_for_us(self, bootp: dict[str, object]) -> None:
        server = self.selecting()
        server.say("offer", bootp=bootp)
        server.expect_drop("dhcp_not_ours")
        self.accepts_a_good_one(server)

    @pytest.mark.parametrize("kind", [None, 0, 1, 3, 9, 255], ids=lambda kind: f"type {kind}")
    def test_h6_no_type_or_one_that_servers_do_not_send(self, kind: int | None) -> None:
        server = self.selecting()
        good = server.reply("offer")
        start = good.index(b"\x35\x01\x02")
        typed = b"" if kind is None else bytes((0x35, 1, kind))
        server.datagram(good[:start] + typed + good[start + 3 :])
        server.expect_drop("dhcp_unexpected")
        self.accepts_a_good_one(server)

    @pytest.mark.parametrize(
        "options",
        [
            pytest.param(b"\x36\x04\x0a\0\0", id="H7 value cut"),
            pytest.param(b"\x0c\xff\xff", id="H7 length past the end"),
            pytest.param(b"\x36", id="H7 no length"),
            pytest.param(b"\x01\x00\xff", id="H8 empty mask"),
            pytest.param(b"\x03\x00\xff", id="H8 empty router"),
            pytest.param(b"\x33\x00\xff", id="H8 empty lease"),
            pytest.param(b"", id="H9 no end"),
            pytest.param(b"\0" * 20, id="H9 padding but no end"),
            pytest.param(b"\x34\x02\x01\x01\xff", id="H10 overload of two bytes"),
        ],
    )
    def test_h7_to_h10_malformed_options(self, options: bytes) -> None:
        server = self.selecting()
        good = server.reply("offer")
        server.datagram(good[: good.rindex(b"\xff")] + options)
        server.expect_drop("dhcp_options")
        self.accepts_a_good_one(server)

    def test_h10_h11_overload_in_file(self) -> None:
        server = self.selecting()
        file = b"\x34\x01\x01\xff".ljust(128, b"\0")
        server.say("offer", ("dhcp-option-overload", 1), bootp={"file": file})
        server.expect_drop("dhcp_options")
        self.accepts_a_good_one(server)

    @pytest.mark.parametrize(
        ("lease", "minutes"), [(0, 1), (1, 1), (0xFFFFFFFE, 1)], ids=["H12 0", "H12 1", "H12 nearly for ever"]
    )
    def test_h12_odd_leases(self, lease: int, minutes: int) -> None:
        server = self.requesting()
        server.lease = lease
        server.ack(renewal_time=0xFFFFFFFF, rebinding_time=0xFFFFFFFF)
        server.know_server()
        server.frames_sent()
        server.advance(ms=minutes * 60_000)
        assert server.schedule() == [(60_000, "release"), (60_000, "discover")]

    def test_h12_for_ever(self) -> None:
        server = self.requesting()
        server.lease = 0xFFFFFFFF
        server.ack()
        server.frames_sent()
        server.advance(ms=40 * 86_400_000)
        server.heard_nothing()
        assert server.dhcp.state == BOUND

    @pytest.mark.parametrize(
        ("t1", "t2", "minutes"),
        [(500, 300, [5, 7, 8, 9]), (700, 800, [])],
        ids=["H13 T1 > T2", "H13 T2 > lease"],
    )
    def test_h13_times_are_not_checked(self, t1: int, t2: int, minutes: list[int]) -> None:
        server = self.requesting()
        server.ack(renewal_time=t1, rebinding_time=t2)
        server.know_server()
        server.frames_sent()
        server.advance(ms=599_999)
        assert server.schedule() == [(minute * 60_000, "request") for minute in minutes]

    def test_h14_ack_from_another_server_is_accepted(self) -> None:
        server = self.requesting()
        server.ack(server_id="10.0.0.66")
        assert server.dhcp.state == BOUND
        assert format_ip(server.dhcp.lease.server) == PEER

    def test_h15_offer_after_the_request(self) -> None:
        server = self.requesting()
        server.address = "10.0.0.51"
        server.offer()
        server.expect_drop("dhcp_unexpected")
        server.address = LEASED
        server.ack()
        assert address(server)[0] == LEASED

    def test_h16_spoofed_nak_restarts(self) -> None:
        server = bound()
        server.nak()
        server.expect_drop("dhcp_unexpected")  # not in BOUND
        server.dhcp.renew()
        server.heard("request")
        server.say("nak", server_id="10.0.0.66")
        server.heard("discover")

    @pytest.mark.parametrize("yiaddr", ["127.0.0.1", "224.0.0.1", "255.255.255.255"])
    def test_h17_odd_addresses_are_taken(self, yiaddr: str) -> None:
        server = self.selecting()
        server.address = yiaddr
        server.offer()
        assert server.heard("request").options["requested_addr"] == yiaddr
        server.ack()
        assert address(server)[0] == yiaddr

    def test_h17_no_address(self) -> None:
        server = self.selecting()
        server.address = NOWHERE
        server.offer()
        server.heard("request")
        server.ack()
        assert server.dhcp.state == BOUND
        assert address(server) == (NOWHERE, MASK, ROUTER)
        assert server.told == []

    def test_h18_mask_with_holes_is_taken(self) -> None:
        server = self.requesting()
        server.ack(subnet_mask="255.0.255.0")
        assert address(server)[1] == "255.0.255.0"

    @pytest.mark.parametrize(
        "router", ["192.0.2.1", ["10.0.0.7", "10.0.0.8"]], ids=["H19 outside", "H19 two"]
    )
    def test_h19_the_first_router_is_taken(self, router: str | list[str]) -> None:
        server = self.requesting()
        server.ack(router=router)
        assert address(server)[2] == (router if isinstance(router, str) else router[0])

    @pytest.mark.parametrize("dst", [EVERYBODY, LEASED, "192.0.2.77"])
    @pytest.mark.parametrize("mac", [OUR_MAC, BROADCAST_MAC])
    def test_h21_replies_to_anything_while_there_is_no_address(self, dst: str, mac: str) -> None:
        server = self.selecting()
        reply = UDP(sport=67, dport=68) / server.reply("offer")
        server.send(IP(src=PEER, dst=dst) / reply, dst=mac)
        server.heard("request")

    @pytest.mark.parametrize("sport", [0, 68, 1067])
    def test_only_the_servers_port_is_heard(self, sport: int) -> None:
        server = self.selecting()
        server.datagram(server.reply("offer"), sport=sport)
        assert server.dhcp.state == SELECTING
        self.accepts_a_good_one(server)

    def test_h22_a_flood_takes_no_memory(self) -> None:
        server = self.requesting()
        mem = server.stack.mem
        before = [pool.used for pool in (*mem.pools(), mem.heap)]
        offer = server.reply("offer")
        for _ in range(500):
            server.datagram(offer)
        server.expect_drop("dhcp_unexpected", 500)
        assert [pool.used for pool in (*mem.pools(), mem.heap)] == before

    def test_a_message_in_several_buffers(self) -> None:
        server = DhcpServer(NO_CHECK, pbuf_pool_bufsize=256)
        server.dhcp.start()
        server.heard("discover")
        server.say("offer", ("vendor_specific", bytes(200)), ("domain", b"x" * 200))
        server.heard("request")

    def test_the_first_buffer_is_too_short(self) -> None:
        server = DhcpServer(NO_CHECK, pbuf_pool_bufsize=80)
        server.dhcp.start()
        server.heard("discover")
        server.offer()
        server.expect_drop("dhcp_short")

    @given(st.data())
    def test_mutated_replies_never_raise(self, data: st.DataObject) -> None:
        server = self.selecting()
        for kind in ("offer", "ack", "nak"):
            raw = bytearray(server.reply(kind))
            for _ in range(data.draw(st.integers(0, 6))):
                raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
            server.datagram(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
            server.all_heard()
        server.advance(ms=3_600_000)
        server.dhcp.cleanup()
        server.stack.netif.set_up(False)
        server.expect_no_leak()
