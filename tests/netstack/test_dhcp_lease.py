"""A lease's minutes: rounding, T1 and T2, the gaps between tries, and what wraps."""

from __future__ import annotations

import pytest

from netstack.address import format_ip, parse_ip
from netstack.dhcp_lease import EXPIRED, INFINITE, NOTHING, REBIND, RENEW, Lease
from netstack.dhcp_message import DhcpMessage

NAMES = {RENEW: "renew", REBIND: "rebind", EXPIRED: "expired"}


def ack(t0: int | None = None, t1: int | None = None, t2: int | None = None, **more: bytes) -> DhcpMessage:
    times = {51: t0, 58: t1, 59: t2}
    options = {code: value.to_bytes(4, "big") for code, value in times.items() if value is not None}
    codes = {"mask": 1, "router": 3, "dns": 6}
    options |= {codes[name]: value for name, value in more.items()}
    return DhcpMessage(2, 0, bytes(6), options, yiaddr=parse_ip("10.0.0.50"))


def lent(t0: int | None = None, t1: int | None = None, t2: int | None = None) -> Lease:
    lease = Lease()
    lease.take(ack(t0, t1, t2), 2)
    lease.start()
    return lease


def life(lease: Lease, ticks: int) -> list[tuple[int, str]]:
    """What happens in that many minutes when nobody ever answers."""
    events = []
    for minute in range(1, ticks + 1):
        event = lease.tick()
        if event != NOTHING:
            events.append((minute, NAMES[event]))
        if event == EXPIRED:
            break
        if event == RENEW:
            lease.renewed_in_vain()
        elif event == REBIND:
            lease.rebound_in_vain()
    return events


def test_an_hour() -> None:
    # lwIP reference 7.1, measured
    renewals = [(minute, "renew") for minute in (30, 41, 47, 50, 51, 52)]
    rebindings = [(minute, "rebind") for minute in (53, 56, 58, 59)]
    assert life(lent(3600), 100) == [*renewals, *rebindings, (60, "expired")]


@pytest.mark.parametrize(
    ("t0", "expected"),
    [
        (0, [(1, "expired")]),
        (1, [(1, "expired")]),
        (10, [(1, "expired")]),
        (89, [(1, "expired")]),
        (90, [(1, "rebind"), (2, "expired")]),
        (120, [(1, "renew"), (2, "expired")]),
        (600, [(5, "renew"), (7, "renew"), (8, "renew"), (9, "rebind"), (10, "expired")]),
    ],
)
def test_short_leases_are_rounded_to_minutes(t0: int, expected: list[tuple[int, str]]) -> None:
    assert life(lent(t0), 100) == expected


def test_the_server_sets_t1_and_t2() -> None:
    assert life(lent(600, t1=30, t2=120), 100) == [
        (1, "renew"),
        (2, "rebind"),
        (6, "rebind"),
        (8, "rebind"),
        (9, "rebind"),
        (10, "expired"),
    ]


@pytest.mark.parametrize(
    ("t1", "t2", "expected"),
    [
        (300, 60, [(1, "rebind"), (5, "rebind"), (7, "rebind"), (8, "rebind"), (9, "rebind")]),
        (300, 300, [(5, "rebind"), (6, "renew"), (7, "rebind"), (8, "rebind"), (9, "rebind")]),
        (1200, 1500, []),
    ],
    ids=["T1 > T2", "T1 = T2", "T2 > lease"],
)
def test_times_out_of_order_are_taken_as_they_come(t1: int, t2: int, expected: list[tuple[int, str]]) -> None:
    assert life(lent(600, t1, t2), 100) == [*expected, (10, "expired")]


def test_for_ever() -> None:
    lease = lent(INFINITE, t1=INFINITE, t2=INFINITE)
    assert not lease.counts
    # Without T1 and T2 both follow from 32 bits of seconds, and 16 bits of minutes
    lease = lent(INFINITE)
    assert (lease.until_renewal, lease.until_rebinding, lease.ticks_t0) == (0xFFFF, 0xFFFF, 0)
    assert life(lease, 0xFFFF + 1) == [(0xFFFF, "rebind"), (0xFFFF + 1, "renew")]


@pytest.mark.parametrize("t0", [0xFFFFFFFE, 0xFFFFFFE3])
def test_nearly_for_ever_wraps_to_a_minute(t0: int) -> None:
    assert lent(t0).ticks_t0 == 1


def test_the_longest_that_is_counted() -> None:
    assert (lent(0xFFFFFFE1).ticks_t0, lent(0xFFFF * 60 + 29).ticks_t0) == (0xFFFF, 0xFFFF)
    # seven eighths are calculated in 32 bits
    assert lent(0x24924925).t2 == 0


def test_a_renewed_lease_counts_anew() -> None:
    lease = lent(600)
    assert life(lease, 8) == [(5, "renew"), (7, "renew"), (8, "renew")]
    lease.take(ack(120), 2)
    lease.start()
    assert life(lease, 100) == [(1, "renew"), (2, "expired")]


def test_an_ack_without_lease_time_keeps_the_old_one() -> None:
    lease = lent(600)
    lease.take(ack(), 2)
    assert (lease.t0, lease.t1, lease.t2) == (600, 300, 525)


def test_what_an_ack_leaves_out_is_forgotten() -> None:
    lease = Lease()
    lease.take(ack(60, mask=b"\xff\0\0\0", router=b"\x0a\0\0\1" * 2, dns=bytes(range(12))), 2)
    assert (lease.netmask, lease.gateway) == (0xFF000000, 0x0A000001)
    assert lease.dns_servers == (0x00010203, 0x04050607)
    lease.take(ack(60), 2)
    assert (lease.netmask, lease.gateway, lease.dns_servers) == (None, 0, ())


@pytest.mark.parametrize(
    ("address", "mask"),
    [
        ("10.1.2.3", "255.0.0.0"),
        ("127.255.255.255", "255.0.0.0"),
        ("128.0.0.1", "255.255.0.0"),
        ("191.255.0.1", "255.255.0.0"),
        ("192.0.0.1", "255.255.255.0"),
        ("239.0.0.1", "255.255.255.0"),
    ],
)
def test_without_a_mask_the_class_decides(address: str, mask: str) -> None:
    lease = Lease()
    lease.address = parse_ip(address)
    assert format_ip(lease.mask) == mask
    lease.netmask = 0
    assert format_ip(lease.mask) == "0.0.0.0"
