"""A DHCP lease is lost, with a server that is a program of the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import usocket
from netstack.address import format_ip
from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.lease import DhcpLeaseLost
from tests.tap.devicefault.rig import SERVER, Rig, added, rig
from usocket import time
from usocket.errno import ECONNABORTED

LEASED = "10.0.0.77"
MORE = bytes.fromhex("3604") + bytes([10, 0, 0, 1]) + bytes.fromhex("330400000e100104ffffff00")


def lend() -> None:
    """A DHCP server that knows one address: DISCOVER is answered with an OFFER, REQUEST with an ACK."""
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.setsockopt(0xFFF, 0x20, 1)
    sock.bind(("", 67))
    while True:
        asked = sock.recv(600)
        kind = asked[asked.index(b"\x35\x01") + 2]
        if kind in (1, 3):
            head = b"\x02" + asked[1:16] + bytes([10, 0, 0, 77]) + asked[20:240]
            answer = head + bytes([0x35, 1, 2 if kind == 1 else 5]) + MORE + b"\xff"
            sock.sendto(answer, ("255.255.255.255", 68))


@contextmanager
def leased() -> Iterator[Rig]:
    with rig(dhcp=True) as made:
        made.start(lend, made.server, daemon=True)
        made.advance(20 * SECOND)
        assert address(made) == LEASED
        yield made


def address(made: Rig) -> str:
    return format_ip(made.client.stack.netif.ip)


@pytest.mark.parametrize("how", ["expired", "nak"])
def test_with_the_address_go_the_connections_and_it_comes_back(how: str) -> None:
    with leased() as made:
        changes: list[int] = []
        made.client.on_address = changes.append
        errors: list[object] = []

        def work() -> None:
            sock = usocket.socket()
            sock.connect((SERVER, 80))
            try:
                sock.recv(1)
            except OSError as error:
                errors.append(error.args[0])

        def accept() -> None:
            listener = usocket.socket()
            listener.bind(("", 80))
            listener.listen(1)
            listener.accept()
            time.sleep(1000)

        made.start(accept, made.server, daemon=True)
        made.start(work)
        made.advance(SECOND)
        fault = added(made.client, f"dhcp-lease-lost how={how}")
        made.advance(MS)
        assert address(made) == "0.0.0.0"
        made.advance(30 * SECOND)
        assert address(made) == LEASED
        assert [format_ip(ip) for ip in changes] == ["0.0.0.0", LEASED]
        assert errors == [ECONNABORTED]
        assert sum(fault.counts.values()) == 1


def test_nobody_hears_of_it() -> None:
    with leased() as made:
        changes: list[int] = []
        made.client.on_address = changes.append
        deaf = added(made.client, "dhcp-lease-lost how=callback")
        added(made.client, "dhcp-lease-lost how=expired")
        made.advance(30 * SECOND)
        assert address(made) == LEASED
        assert changes == []
        assert made.actions == ["expire", "lose", "lose"]
        made.client.faults.remove(deaf)
        added(made.client, "dhcp-lease-lost how=expired")
        made.advance(30 * SECOND)
        assert len(changes) == 2


def test_it_stays_deaf_after_a_reset() -> None:
    with leased() as made:
        changes: list[int] = []
        made.client.on_address = changes.append
        deaf = added(made.client, "dhcp-lease-lost how=callback")
        made.client.power_cycle()
        made.advance(30 * SECOND)
        assert changes == []
        made.client.faults.remove(deaf)
        added(made.client, "dhcp-lease-lost how=expired")
        made.advance(30 * SECOND)
        assert len(changes) == 2


def test_without_a_lease_there_is_nothing_to_lose() -> None:
    with rig() as made:
        added(made.client, "dhcp-lease-lost how=nak")
        assert made.actions == ["none"]
        with pytest.raises(DeviceFaultError, match="take expired, nak or callback"):
            DhcpLeaseLost(made.client, "stolen")
