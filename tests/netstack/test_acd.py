"""Address conflict detection (RFC 5227): probing, announcing, defending, giving up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP

from netstack.acd import (
    ANNOUNCE_WAITING,
    ANNOUNCING,
    DECLINE,
    IP_OK,
    OFF,
    ONGOING,
    PASSIVE_ONGOING,
    PROBE_WAITING,
    PROBING,
    RATE_LIMIT,
    RESTART_CLIENT,
    AcdClient,
)
from netstack.core import MS
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, PEER_MAC, Peer, ip_of, mac_of

WANTED, LINK_LOCAL, NOWHERE = "10.0.0.50", "169.254.7.8", "0.0.0.0"
NAMES = {IP_OK: "ok", DECLINE: "decline", RESTART_CLIENT: "restart"}


class Watch(Peer):
    """A stack that wants an address; ``told`` are what its client heard, with the time in ms."""

    def __init__(
        self, profile: str = "lwip-default", *, start: str | None = WANTED, **options: int | str
    ) -> None:
        super().__init__(profile, **{"ip": NOWHERE} | options)
        self.told: list[tuple[int, str]] = []
        self.client = AcdClient(lambda event: self.told.append((self.now, NAMES[event])))
        self.acd = self.stack.acd
        self.acd.add(self.client)
        if start is not None:
            self.acd.start(self.client, ip_of(start))

    def asked(self) -> list[tuple[str, str]]:
        """(sender, target) of the ARP requests since the last look, which are right in all else."""
        asked = []
        for frame in self.replies():
            assert (frame.dst, frame.src, frame[ARP].op) == (BROADCAST_MAC, OUR_MAC, 1)
            assert (frame[ARP].hwsrc, frame[ARP].hwdst) == (OUR_MAC, "00:00:00:00:00:00")
            asked.append((frame[ARP].psrc, frame[ARP].pdst))
        return asked

    def schedule(self, ms: int) -> list[tuple[int, str]]:
        """When, in the next ms, which sender asked for the wanted address."""
        end, schedule = self.now + ms, []
        while self.now < end:
            self.advance(ms=100)
            for sender, target in self.asked():
                assert target == WANTED
                schedule.append((self.now, sender))
        return schedule

    def claim(self, address: str = WANTED, *, mac: str = PEER_MAC, op: int = 1) -> None:
        self.send(ARP(op=op, hwsrc=mac, psrc=address, pdst=address), src=mac, dst=BROADCAST_MAC)

    def probe(self, address: str = WANTED, *, mac: str = PEER_MAC) -> None:
        self.send(ARP(op=1, hwsrc=mac, psrc=NOWHERE, pdst=address), src=mac, dst=BROADCAST_MAC)


def ongoing(**options: int | str) -> Watch:
    """The address has been announced."""
    watch = Watch(**options)
    watch.advance(ms=6100)
    assert watch.told == [(6100, "ok")]
    assert watch.client.state == ONGOING
    watch.told.clear()
    watch.frames.clear()
    return watch


class TestProbing:
    @pytest.mark.parametrize(
        ("rand", "first", "gap"),
        [(0, 100, 1000), (1, 100, 1100), (5, 500, 1500), (9, 900, 1900), (10, 100, 1000)],
    )
    def test_schedule(self, rand: int, first: int, gap: int) -> None:
        watch = Watch(rand=rand)
        probes = [(first + n * gap, NOWHERE) for n in range(3)]
        last = probes[-1][0]
        assert watch.schedule(ms=12_000) == [*probes, (last + 2000, WANTED), (last + 4000, WANTED)]
        assert watch.told == [(last + 4000, "ok")]

    def test_states(self) -> None:
        watch = Watch()
        seen = []
        for ms in (50, 100, 2000, 2000, 2000):
            seen.append(watch.client.state)
            watch.advance(ms=ms)
        seen.append(watch.client.state)
        assert seen == [PROBE_WAITING, PROBE_WAITING, PROBING, ANNOUNCE_WAITING, ANNOUNCING, ONGOING]

    @pytest.mark.parametrize("ms", [0, 100, 1500, 2100, 4000], ids=lambda ms: f"at {ms} ms")
    @pytest.mark.parametrize("op", [1, 2])
    def test_k1_a_claim_is_a_conflict(self, ms: int, op: int) -> None:
        watch = Watch()
        watch.advance(ms=ms)
        watch.claim(op=op)
        assert watch.told == [(ms, "decline"), (ms, "restart")]
        assert watch.client.state == OFF
        watch.frames.clear()
        watch.advance(ms=10_000)
        watch.expect_nothing()

    @pytest.mark.parametrize("ms", [0, 100, 4000])
    def test_k2_a_probe_by_another_is_a_conflict(self, ms: int) -> None:
        watch = Watch()
        watch.advance(ms=ms)
        watch.probe()
        assert watch.told == [(ms, "decline"), (ms, "restart")]

    def test_our_own_probe_coming_back_is_none(self) -> None:
        watch = Watch()
        watch.advance(ms=150)
        watch.probe(mac=OUR_MAC)
        assert watch.told == []

    def test_a_claim_with_our_mac_is_one(self) -> None:
        watch = Watch()
        watch.claim(mac=OUR_MAC)
        assert watch.told == [(0, "decline"), (0, "restart")]

    def test_other_addresses_are_none(self) -> None:
        watch = Watch()
        watch.claim("10.0.0.51")
        watch.probe("10.0.0.51")
        watch.send(ARP(op=1, hwsrc=PEER_MAC, psrc="10.0.0.2", pdst=WANTED), dst=BROADCAST_MAC)
        assert watch.told == []


class TestDefending:
    def test_the_first_conflict_is_answered(self) -> None:
        watch = ongoing()
        watch.claim()
        assert watch.asked() == [(WANTED, WANTED)]
        assert watch.told == []

    @pytest.mark.parametrize(("ms", "gives_up"), [(0, True), (9_999, True), (10_000, False), (60_000, False)])
    def test_k3_the_second_within_ten_seconds_is_not(self, ms: int, gives_up: bool) -> None:
        watch = ongoing()
        watch.claim()
        watch.advance(ms=ms)
        watch.frames.clear()
        watch.claim()
        assert watch.asked() == ([] if gives_up else [(WANTED, WANTED)])
        assert [told for _, told in watch.told] == (["decline", "restart"] if gives_up else [])

    def test_between_the_announcements(self) -> None:
        watch = Watch()
        watch.advance(ms=5000)
        watch.frames.clear()
        watch.claim()
        assert watch.asked() == [(WANTED, WANTED)]
        watch.advance(ms=1100)
        assert watch.told == [(6100, "ok")]

    def test_probes_and_our_own_packets_are_no_conflicts(self) -> None:
        watch = ongoing()
        watch.probe()
        watch.claim(mac=OUR_MAC)
        assert watch.told == []
        watch.expect_nothing()

    def test_costs_nothing(self) -> None:
        watch = ongoing()
        assert watch.stack.next_deadline() is None
        watch.claim()
        watch.frames.clear()
        due = watch.stack.next_deadline()  # of ARP, if at all: conflict detection waits for nothing
        assert due is None or due == 7000 * MS


class TestManyConflicts:
    def test_k4_after_ten_there_is_a_minute_between_two(self) -> None:
        watch = Watch(start=None)
        for _ in range(10):
            watch.acd.start(watch.client, ip_of(WANTED))
            watch.claim()
        assert watch.told == [(0, "decline"), (0, "restart")] * 9 + [(0, "decline")]
        assert watch.client.state == RATE_LIMIT
        watch.told.clear()
        watch.claim()
        watch.advance(ms=59_999)
        assert watch.told == []
        watch.advance(ms=1)
        assert watch.told == [(60_000, "restart")]
        watch.told.clear()
        watch.acd.start(watch.client, ip_of(WANTED))
        watch.claim()
        assert watch.told == [(60_000, "decline")]

    def test_success_forgets_them(self) -> None:
        watch = Watch(start=None)
        for _ in range(9):
            watch.acd.start(watch.client, ip_of(WANTED))
            watch.claim()
        watch.acd.start(watch.client, ip_of(WANTED))
        watch.advance(ms=5000)
        watch.told.clear()
        watch.claim()
        watch.claim()
        assert watch.told == [(5000, "decline"), (5000, "restart")]


class TestNetworkChanges:
    @pytest.mark.parametrize("ms", [0, 1000, 3000, 5000, 7000])
    def test_link_down_stops(self, ms: int) -> None:
        watch = Watch()
        watch.advance(ms=ms)
        watch.told.clear()
        watch.frames.clear()
        watch.stack.netif.set_link(False)
        watch.claim()
        watch.advance(ms=20_000)
        watch.expect_nothing()
        assert (watch.told, watch.client.state) == ([], OFF)

    def link_local(self, ms: int) -> Watch:
        """An address of 169.254/16 in use while it is watched since ``ms``."""
        watch = Watch(start=LINK_LOCAL, ip=LINK_LOCAL)
        watch.advance(ms=ms)
        watch.told.clear()
        return watch

    def test_a_routable_address_makes_it_passive(self) -> None:
        watch = self.link_local(7000)
        watch.stack.netif.set_addr(ip_of("10.0.0.1"), ip_of("255.255.255.0"), 0)
        assert watch.client.state == PASSIVE_ONGOING
        watch.frames.clear()
        watch.claim(LINK_LOCAL)
        watch.expect_nothing()  # not defended
        assert [told for _, told in watch.told] == ["decline"]
        assert watch.client.state == OFF

    def test_or_ends_it_when_it_was_not_in_use_yet(self) -> None:
        watch = self.link_local(1000)
        watch.stack.netif.set_addr(ip_of("10.0.0.1"), ip_of("255.255.255.0"), 0)
        assert (watch.client.state, [told for _, told in watch.told]) == (OFF, ["decline"])

    @pytest.mark.parametrize("new", [NOWHERE, "169.254.9.9"])
    def test_other_changes_do_not_matter(self, new: str) -> None:
        watch = self.link_local(7000)
        watch.stack.netif.set_addr(ip_of(new), ip_of("255.255.0.0"), 0)
        assert (watch.client.state, watch.told) == (ONGOING, [])

    def test_nor_do_other_clients(self) -> None:
        watch = self.link_local(7000)
        other = AcdClient(lambda _: None)
        watch.acd.add(other)
        watch.acd.start(other, ip_of("10.0.0.1"))
        watch.stack.netif.set_addr(ip_of("10.0.0.1"), ip_of("255.255.255.0"), 0)
        assert (watch.client.state, other.state) == (PASSIVE_ONGOING, PROBE_WAITING)


class TestClients:
    def test_two_at_the_same_time(self) -> None:
        watch = Watch()
        told: list[int] = []
        other = AcdClient(told.append)
        watch.acd.add(other)
        watch.acd.add(other)
        watch.acd.start(other, ip_of("10.0.0.51"))
        watch.advance(ms=100)
        assert watch.asked() == [(NOWHERE, "10.0.0.51"), (NOWHERE, WANTED)]  # the newest first
        watch.claim("10.0.0.51")
        watch.advance(ms=7000)
        assert (told, watch.told) == ([DECLINE, RESTART_CLIENT], [(6100, "ok")])

    def test_removed(self) -> None:
        watch = Watch()
        watch.acd.remove(watch.client)
        watch.acd.remove(watch.client)
        watch.claim()
        watch.advance(ms=10_000)
        watch.expect_nothing()
        assert watch.told == []

    def test_started_anew_from_its_callback(self) -> None:
        watch = Watch(start=None)

        def callback(event: int) -> None:
            if event == RESTART_CLIENT:
                watch.acd.start(client, client.address + 1)

        client = AcdClient(callback)
        watch.acd.add(client)
        watch.acd.start(client, ip_of(WANTED))
        watch.claim()
        watch.advance(ms=100)
        assert watch.asked() == [(NOWHERE, "10.0.0.51")]


def test_not_compiled_in() -> None:
    watch = Watch("micropython", start=None)
    watch.claim()
    assert watch.stack.next_deadline() is None


def test_no_heap_for_a_probe() -> None:
    watch = Watch()
    heap = watch.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    watch.advance(ms=3000)
    watch.expect_nothing()
    heap.free(hog)
    watch.advance(ms=10_000)
    assert watch.told == [(6100, "ok")]  # lwIP: counted as sent
    watch.expect_no_leak()


@given(st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=20, max_size=20)), max_size=12))
def test_no_packets_raise(packets: list[tuple[int, bytes]]) -> None:
    watch = Watch()
    address = ip_of(WANTED).to_bytes(4, "big")
    for ms, data in packets:
        watch.advance(ms=ms)
        if data[0] & 1:
            data = data[:6] + address + data[10:16] + address
        watch.send(ARP(bytes((0, 1, 8, 0, 6, 4, 0, data[0] & 3)) + data), src=PEER_MAC, dst=BROADCAST_MAC)
    watch.advance(ms=70_000)
    assert mac_of(OUR_MAC) == watch.stack.netif.mac
