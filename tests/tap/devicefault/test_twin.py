"""Two devices with one address."""

from __future__ import annotations

import pytest

import usocket
from netstack.address import parse_ip
from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.twin import TWIN_MAC, DuplicateIp
from tests.tap.devicefault.rig import PORT, SERVER, Rig, added, errno_of, rig, sends
from usocket import time
from usocket.errno import ECONNRESET


def neighbour(made: Rig) -> bytes | None:
    """Who the client thinks the server is."""
    known = {ip: mac for _, ip, mac in made.client.stack.arp.dump()}
    return known.get(parse_ip(SERVER))


def test_who_announces_itself_gets_the_packets() -> None:
    with rig() as made:
        made.serve()

        def work() -> object:
            sock = usocket.socket()
            sock.connect((SERVER, PORT))
            sock.send(b"before")
            time.sleep(2)
            made.server.faults.add("duplicate-ip")
            time.sleep(1)
            assert neighbour(made) == TWIN_MAC
            sock.send(b"after")
            return sock.recv(1)

        assert errno_of(made.run(work)) == ECONNRESET
        assert made.received == b"before"
        assert made.actions[:2] == ["appear", "announce"]
        assert "take" in made.actions


def test_it_answers_who_asks_and_comes_last() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.server, "duplicate-ip announce=false")

        def connect() -> None:
            sock = usocket.socket()
            sock.connect((SERVER, PORT))
            time.sleep(1)
            sock.send(b"x")
            sock.recv(1)

        assert errno_of(made.run(connect)) == ECONNRESET
        assert neighbour(made) == TWIN_MAC
        made.server.faults.remove(fault)
        made.client.stack.netif.on_down[0]()  # the table is emptied
        made.run(sends(100))
        assert neighbour(made) == made.server.mac


def test_again_and_again() -> None:
    with rig() as made:
        fault = added(made.server, "duplicate-ip every=10s mac=02:00:00:00:00:77 delay=5ms")
        made.advance(35 * SECOND)
        made.server.faults.remove(fault)
        assert fault.counts["announce"] == 4


def test_a_device_that_looks_for_conflicts_finds_one() -> None:
    with rig() as made:
        heard: list[bytes] = []
        made.client.stack.arp.on_arp.append(lambda packet: heard.append(packet.sender_mac))
        made.server.stack.arp.on_arp.append(lambda packet: heard.append(packet.sender_mac))
        added(made.server, "duplicate-ip")
        made.advance(10 * MS)
        assert heard.count(TWIN_MAC) == 4


def test_mistakes() -> None:
    with rig() as made, pytest.raises(DeviceFaultError, match="announce=true every=30s"):
        DuplicateIp(made.client, announce=False, every=5)
