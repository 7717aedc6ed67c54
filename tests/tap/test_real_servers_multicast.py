"""Multicast groups as Linux sees them: a bridge that listens to IGMP, a sender, a receiver.

The bridge is IGMP's querier, too, so the device's reports come from its own joining and from being asked.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tap.capture import Capture, CaptureLink
from tap.clock import RealClock
from tap.netns import Namespace
from tap.tun import TapLink
from tests.tap import tshark
from usocket import AF_INET, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, SOCK_DGRAM, Device

pytestmark = [pytest.mark.tap, pytest.mark.needs("ip", "bridge")]

LINUX, DEVICE, MAC = "192.168.7.1", "192.168.7.2", "02:00:00:00:00:02"
GROUP, OTHER_GROUP = "239.1.2.3", "239.1.2.4"
SAME_MAC_GROUP = "239.129.2.3"  # another group, but its frames have the MAC address of GROUP's (RFC 1112 6.4)
PORT = 5007

SETUP = (
    "ip link add br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_startup_query_interval 25"
    " mcast_last_member_interval 10",  # hundredths of a second
    f"ip address add {LINUX}/24 dev br0",
    "ip link set br0 up",
    "ip tuntap add dev tap0 mode tap",
    "ip link set tap0 master br0",
    "ip link set tap0 up",
)

SEND = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
for group in sys.argv[3:]:
    sock.sendto(group.encode(), (group, int(sys.argv[2])))
"""

RECEIVE = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(20)
sock.bind((sys.argv[3], int(sys.argv[2])))
membership = socket.inet_aton(sys.argv[3]) + socket.inet_aton(sys.argv[1])
sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
print("joined", flush=True)
print(*sock.recvfrom(100))
"""


def membership(group: str, interface: str = "0.0.0.0") -> bytes:
    """The value of IP_ADD_MEMBERSHIP."""
    return bytes(int(number) for address in (group, interface) for number in address.split("."))


class Network:
    """A device on a bridge in a namespace, with a UDP socket on PORT; captured to ``path``."""

    def __init__(self, namespace: Namespace, path: Path) -> None:
        for command in SETUP:
            namespace.run(command.split(), check=True)
        self.namespace = namespace
        self.path = path
        self.capture = Capture(path)
        clock = RealClock()
        tap = TapLink.open("tap0", netns=namespace)
        link = CaptureLink(tap, self.capture, clock, tap.name)
        self.device = Device(
            "micropython", address=f"{DEVICE}/24", mac=MAC, link=link, clock=clock, service=True
        ).open()
        self.socket = self.device.socket(AF_INET, SOCK_DGRAM)
        self.socket.bind(("", PORT))

    def members(self) -> set[str]:
        """The groups that, as the bridge knows, the device's port wants."""
        told = self.namespace.run(
            ["bridge", "mdb", "show", "dev", "br0"], capture_output=True, text=True
        ).stdout
        return {line.split(" grp ")[1].split()[0] for line in told.splitlines() if " port tap0 " in line}

    def send(self, *groups: str) -> None:
        """Have Linux send each group its own name."""
        self.python(SEND, *groups).wait(20)

    def python(self, code: str, *groups: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-c", code, LINUX, str(PORT), *groups]
        process: subprocess.Popen[str] = self.namespace.popen(command, stdout=subprocess.PIPE, text=True)
        return process

    def received(self) -> list[bytes]:
        """What the socket gets until nothing comes for 0.3 s."""
        self.socket.settimeout(0.3)
        got = []
        try:
            while True:
                data, (ip, _) = self.socket.recvfrom(100)
                assert ip == LINUX
                got.append(data)
        except OSError:
            return got

    def igmp(self) -> list[list[str]]:
        """The device's IGMP messages: type, group, destination, TTL and whether it has Router Alert."""
        fields = ("igmp.type", "igmp.maddr", "ip.dst", "ip.ttl", "ip.opt.ra")
        return tshark.frames(self.path, *fields, which=f"igmp && eth.src == {MAC}")

    def close(self) -> None:
        self.device.close()
        self.capture.close()


@pytest.fixture
def network(namespace: Namespace, tmp_path: Path) -> Iterator[Network]:
    made = Network(namespace, tmp_path / "multicast.pcapng")
    yield made
    made.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_bridge_sees_the_device_join_and_leave(network: Network) -> None:
    assert network.members() == set()
    network.socket.setsockopt(0, IP_ADD_MEMBERSHIP, membership(GROUP))
    wait_until(lambda: network.members() == {GROUP})
    network.socket.setsockopt(0, IP_ADD_MEMBERSHIP, membership(OTHER_GROUP, DEVICE))
    wait_until(lambda: network.members() == {GROUP, OTHER_GROUP})
    network.socket.setsockopt(0, IP_DROP_MEMBERSHIP, membership(GROUP))
    wait_until(lambda: network.members() == {OTHER_GROUP})


def test_datagrams_of_a_linux_sender_come_from_joined_groups_only(network: Network) -> None:
    groups = (OTHER_GROUP, GROUP, SAME_MAC_GROUP)
    network.send(*groups)
    assert network.received() == []
    network.socket.setsockopt(0, IP_ADD_MEMBERSHIP, membership(GROUP))
    wait_until(lambda: network.members() == {GROUP})
    network.send(*groups)
    assert network.received() == [GROUP.encode()]
    network.socket.setsockopt(0, IP_DROP_MEMBERSHIP, membership(GROUP))
    network.send(*groups)
    assert network.received() == []


def test_the_stack_itself_turns_away_what_the_bridge_lets_through(network: Network) -> None:
    network.namespace.run(["ip", "link", "set", "br0", "type", "bridge", "mcast_snooping", "0"], check=True)
    network.socket.setsockopt(0, IP_ADD_MEMBERSHIP, membership(GROUP))
    before = network.device.stack.stats.ip.drop
    network.send(SAME_MAC_GROUP, GROUP, OTHER_GROUP)
    assert network.received() == [GROUP.encode()]
    assert network.device.stack.stats.ip.drop - before >= 2


def test_a_group_that_linux_has_joined_hears_the_device(network: Network) -> None:
    with network.python(RECEIVE, GROUP) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "joined\n"
        shown = network.namespace.run(
            ["ip", "maddr", "show", "dev", "br0"], capture_output=True, text=True
        ).stdout
        assert GROUP in shown
        assert network.socket.sendto(b"hello", (GROUP, PORT)) == 5
        assert receiver.stdout.readline() == f"b'hello' ('{DEVICE}', {PORT})\n"


@pytest.mark.needs("tshark")
def test_the_messages_on_the_wire(network: Network) -> None:
    network.socket.setsockopt(0, IP_ADD_MEMBERSHIP, membership(GROUP))
    assert network.device.stack.igmp.is_member(int.from_bytes(membership(GROUP)[:4], "big"))
    network.device.sleep(0.7)  # the second report follows within 0.5 s
    network.socket.setsockopt(0, IP_DROP_MEMBERSHIP, membership(GROUP))
    network.device.sleep(0.1)
    *reports, leave = network.igmp()
    assert len(reports) >= 2
    assert all(report == ["0x16", GROUP, GROUP, "1", "0"] for report in reports)
    assert leave == ["0x17", GROUP, "224.0.0.2", "1", "0"]
    assert tshark.bad_frames(network.path) == []
