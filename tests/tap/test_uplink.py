"""Uplinks: emulated devices and Linux meet, through a switch and through a router."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

import usocket
from tap.clock import SECOND
from tap.driver import BATCH
from tap.netns import Namespace
from tap.network import Network
from tap.uplink import Uplink
from tests.tap.fakes import socket_links
from tests.tap.networks import PORT, ask, device, serve
from usocket import time


def test_frames_pass_both_ways() -> None:
    link, far = socket_links()
    uplink = Uplink("linux", link)
    received: list[bytes] = []
    with Network(clock="real") as net:
        station = net.port("station")
        net._claim("linux", lambda: uplink.port)
        net.cable(station, "linux")
        for number in range(BATCH + 1):
            far.send(b"%d" % number)
        assert [uplink.pump(), uplink.pump(), uplink.pump()] == [BATCH, 1, 0]
        while (frame := station.receive()) is not None:
            received.append(frame)
        assert received == [b"%d" % number for number in range(BATCH + 1)]
        station.send(b"out")
        assert far.receive() == b"out"
    assert uplink.fileno() == link.fileno()
    assert uplink.next_deadline() is None
    assert uplink.no_deadline_before() > SECOND << 32
    for end in (link, far):
        end.close()


@pytest.fixture
def net(namespace: Namespace) -> Iterator[Network]:
    """A network in real time with Linux, 192.168.7.1, at its switch, and a server behind a router."""
    with Network(1, "real") as made:
        made.uplink("linux", tap="tap0", address="192.168.7.1/24", netns=namespace)
        switch, router = made.switch("switch"), made.router("router")
        made.cable("linux", switch)
        made.cable(switch, router.interface("192.168.7.254/24"))
        made.cable(device(made, "near", "192.168.7.2/24", gateway="192.168.7.254"), switch)
        far = device(made, "far", "10.0.0.2/24", gateway="10.0.0.1")
        made.cable(far, router.interface("10.0.0.1/24"))
        made.program(serve, on="near", daemon=True)
        made.program(serve, on="far", daemon=True)
        namespace.run(["ip", "route", "add", "10.0.0.0/24", "via", "192.168.7.254"], check=True)
        made.run(until=made.clock.now() + SECOND // 100)  # the servers listen
        yield made


def linux(net: Network, namespace: Namespace, command: str, stdin: bytes = b"") -> str:
    """Run a Linux program while the network runs: what it prints."""
    with namespace.popen(
        command.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        process.stdin.write(stdin)
        process.stdin.close()
        deadline = net.clock.now() + 20 * SECOND
        while process.poll() is None:  # the end of a process wakes nobody
            net.run(until=net.clock.now() + SECOND // 100)
            assert net.clock.now() < deadline, command
        return str(process.stdout.read().decode())


@pytest.mark.tap
@pytest.mark.needs("ping")
def test_linux_pings_devices_and_router(net: Network, namespace: Namespace) -> None:
    for address in ("192.168.7.2", "192.168.7.254", "10.0.0.2"):
        told = linux(net, namespace, f"ping -c 3 -i 0.01 -W 5 {address}")
        assert "3 received, 0% packet loss" in told, told


@pytest.mark.tap
@pytest.mark.needs("socat")
def test_linux_and_devices_are_served(net: Network, namespace: Namespace) -> None:
    for address in ("192.168.7.2", "10.0.0.2"):
        assert linux(net, namespace, f"socat -t 5 - tcp:{address}:{PORT}", b"hello") == "HELLO"
    asked = net.program(ask, b"from near to far", "10.0.0.2", on="near")
    assert net.run()
    assert asked.result == b"FROM NEAR TO FAR"


@pytest.mark.tap
@pytest.mark.needs("socat")
def test_a_device_is_a_client_of_linux(net: Network, namespace: Namespace) -> None:
    server = namespace.popen(["socat", "tcp-listen:8000", "exec:cat"])

    def send() -> bytes:
        for _ in range(100):
            sock = usocket.socket()
            try:
                sock.connect(("192.168.7.1", 8000))
                break
            except OSError:  # socat is not there yet
                sock.close()
                time.sleep(0.05)
        sock.send(b"echo")
        answer = sock.recv(100)
        sock.close()
        return bytes(answer)

    asked = net.program(send, on="far")
    try:
        assert net.run()
        assert asked.result == b"echo"
    finally:
        server.kill()
        server.wait()
