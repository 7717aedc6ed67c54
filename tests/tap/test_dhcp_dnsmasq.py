"""An address from a real dnsmasq: the device on a real TAP, the server in the namespace at its other end.

The shortest lease of dnsmasq is two minutes; the device's clock can be put forward, so that it believes they
have passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen

import pytest

from netstack.address import format_ip, parse_ip
from netstack.dhcp import BACKING_OFF, BOUND, CHECKING, OFF, SELECTING
from netstack.errors import ERR_OK
from netstack.profiles import named
from netstack.stack import Stack
from tap.capture import Capture, CaptureLink
from tap.clock import MS, SECOND, RealClock
from tap.host import Host, transmit_to
from tap.netns import Namespace
from tap.tun import TapLink
from tests.tap import tshark

pytestmark = [pytest.mark.tap, pytest.mark.needs("dnsmasq")]

LINUX, MAC = "192.168.7.1", "02:00:00:00:00:02"
RANGE, OTHER_RANGE = "192.168.7.100,192.168.7.120", "192.168.7.200,192.168.7.220"
MASK = "255.255.255.0"
MINUTE = 60 * SECOND


class HurriedClock(RealClock):
    """Real time that can be put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = 0

    def now(self) -> int:
        return super().now() + self._ahead

    def skip(self, duration: int) -> None:
        """Let ``duration`` ns have passed."""
        self._ahead += duration


class Board:
    """A device without an address, and the dnsmasq beside it."""

    def __init__(self, namespace: Namespace, folder: Path, profile: str) -> None:
        self.namespace = namespace
        self.folder = folder
        self.log = folder / "log"
        self.path = folder / "board.pcapng"
        self.clock = HurriedClock()
        self.capture = Capture(self.path)
        tap = TapLink.open("tap0", address=LINUX + "/24", netns=namespace)
        link = CaptureLink(tap, self.capture, self.clock, tap.name)
        self.stack = Stack(
            named(profile), mac=bytes.fromhex(MAC.replace(":", "")), transmit=transmit_to(link), seed=1
        )
        self.host = Host(self.stack, link, self.clock)
        self.dhcp = self.stack.dhcp
        self.dhcp.hostname = "board"
        self.server: Popen[bytes] | None = None

    def serve(self, addresses: str = RANGE, *more: str) -> None:
        """Start a server that knows of no leases."""
        self.stop_server()
        self.log.write_text("")
        (self.folder / "leases").unlink(missing_ok=True)
        self.server = self.namespace.popen(
            [
                *(
                    "dnsmasq",
                    "--keep-in-foreground",
                    "--conf-file=/dev/null",
                    "--port=0",
                    "--user=",
                    "--pid-file=",
                ),
                *("--interface=tap0", "--bind-interfaces", "--no-ping", "--dhcp-authoritative"),
                *(f"--dhcp-range={addresses},{MASK},2m", f"--dhcp-leasefile={self.folder / 'leases'}"),
                *("--log-dhcp", f"--log-facility={self.log}", *more),
            ],
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        self.wait_for_log("started")

    def stop_server(self) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(10)
            self.server = None

    def wait(self, condition: Callable[[], bool], seconds: int = 10) -> None:
        """Drive the device until the condition holds; files are looked at every 20 ms."""
        clock = self.clock
        deadline = clock.now() + seconds * SECOND
        while not condition() and clock.now() < deadline:
            self.host.wait(condition, min(clock.now() + 20 * MS, deadline))
        assert condition(), self.log.read_text()

    def wait_for_log(self, words: str, count: int = 1) -> None:
        self.wait(lambda: self.log.read_text().count(words) >= count)

    def wait_for_lease(self) -> str:
        """Wait until the device uses an address that DHCP gave; returns it."""
        self.wait(lambda: self.dhcp.state == BOUND)
        return self.address

    @property
    def address(self) -> str:
        return format_ip(self.stack.netif.ip)

    def skip(self, duration: int) -> None:
        """Put the device's clock forward, and have it do at once what is due by then."""
        self.clock.skip(duration)
        self.host.pump()

    def close(self) -> None:
        self.stop_server()
        self.host.close()
        self.capture.close()


@pytest.fixture
def profile() -> str:
    return "micropython"


@pytest.fixture
def board(namespace: Namespace, tmp_path: Path, profile: str) -> Iterator[Board]:
    made = Board(namespace, tmp_path, profile)
    yield made
    made.close()


def leased(board: Board) -> str:
    """Start server and client, and wait for the address."""
    board.serve()
    assert board.dhcp.start() == ERR_OK
    return board.wait_for_lease()


def within(address: str, addresses: str) -> bool:
    first, last = map(parse_ip, addresses.split(","))
    return first <= parse_ip(address) <= last


def test_lease(board: Board) -> None:
    start = board.clock.now()
    address = leased(board)
    assert board.clock.now() - start < 5 * SECOND
    netif = board.stack.netif
    assert within(address, RANGE)
    assert (format_ip(netif.netmask), format_ip(netif.gateway)) == (MASK, LINUX)
    assert board.dhcp.lease.t0 == 120
    assert format_ip(board.dhcp.lease.server) == LINUX
    _, mac, ip, name, _ = (board.folder / "leases").read_text().split()
    assert (mac, ip, name) == (MAC, address, "board")


@pytest.mark.needs("ping")
def test_the_address_can_be_reached(board: Board) -> None:
    address = leased(board)
    ping = board.namespace.popen(["ping", "-c", "1", "-W", "5", address], stdout=DEVNULL)
    board.wait(lambda: ping.poll() is not None)
    assert ping.returncode == 0


@pytest.mark.needs("tshark")
def test_wireshark_finds_nothing_wrong(board: Board) -> None:
    address = leased(board)
    board.dhcp.stop()
    board.wait_for_log("DHCPRELEASE")
    board.capture.close()
    assert tshark.bad_frames(board.path) == []
    kinds = tshark.frames(board.path, "dhcp.option.dhcp", "dhcp.id", which="dhcp")
    assert [kind for kind, _ in kinds] == ["1", "2", "3", "5", "7"]
    assert len({xid for _, xid in kinds[:4]}) == 1
    [[asked]] = tshark.frames(board.path, "dhcp.option.requested_ip_address", which="dhcp.option.dhcp == 3")
    assert asked == address


def test_name_servers(board: Board) -> None:
    board.serve(RANGE, "--dhcp-option=option:dns-server,192.168.7.53,192.168.7.54,192.168.7.55")
    board.dhcp.start()
    board.wait_for_lease()
    assert [format_ip(ip) for ip in board.stack.dns.servers] == ["192.168.7.53", "192.168.7.54"]


def test_renewal(board: Board) -> None:
    address = leased(board)
    board.skip(MINUTE)  # T1: half of two minutes
    board.wait_for_log("DHCPACK", 2)
    board.wait(lambda: board.dhcp.lease.used == 0 and board.dhcp.state == BOUND)
    assert board.address == address
    assert board.log.read_text().count("DHCPDISCOVER") == 1
    board.skip(MINUTE)
    board.wait_for_log("DHCPACK", 3)


def test_nak(board: Board) -> None:
    old = leased(board)
    board.serve(OTHER_RANGE)
    netif = board.stack.netif
    netif.set_link(False)
    netif.set_link(True)  # asks whether the address is still right
    board.wait_for_log("DHCPNAK")
    new = board.wait_for_lease()
    assert new != old
    assert within(new, OTHER_RANGE)


def test_the_address_is_confirmed_when_the_cable_comes_back(board: Board) -> None:
    address = leased(board)
    board.stack.netif.set_link(False)
    board.stack.netif.set_link(True)
    board.wait_for_log("DHCPACK", 2)
    assert board.wait_for_lease() == address
    assert board.log.read_text().count("DHCPDISCOVER") == 1


def test_the_server_is_gone_and_comes_back(board: Board) -> None:
    leased(board)
    board.stop_server()
    board.skip(MINUTE)
    board.host.sleep(SECOND // 4)
    assert board.dhcp.supplied_address
    board.skip(MINUTE)  # the lease is over
    assert board.dhcp.state == SELECTING
    assert board.address == "0.0.0.0"
    board.serve()
    board.skip(10 * SECOND)
    assert within(board.wait_for_lease(), RANGE)


def test_release(board: Board) -> None:
    leased(board)
    board.dhcp.stop()
    board.wait_for_log("DHCPRELEASE")
    assert (board.dhcp.state, board.address) == (OFF, "0.0.0.0")
    board.wait(lambda: (board.folder / "leases").read_text() == "")


def test_inform(board: Board) -> None:
    board.serve()
    board.stack.netif.set_addr(parse_ip("192.168.7.9"), parse_ip(MASK), 0)
    assert board.dhcp.inform() == ERR_OK
    board.wait_for_log("DHCPINFORM(tap0) 192.168.7.9")
    board.host.sleep(SECOND // 10)  # the answer finds nobody
    assert board.address == "192.168.7.9"


class TestWithConflictDetection:
    @pytest.fixture
    def profile(self) -> str:
        return "lwip-default"

    def hurry(self, board: Board) -> None:
        """Let conflict detection have its ticks without their time."""
        for _ in range(100):
            board.skip(100 * MS)
            board.host.sleep(2 * MS)

    def test_the_address_is_free(self, board: Board) -> None:
        board.serve()
        board.dhcp.start()
        board.wait(lambda: board.dhcp.state == CHECKING)
        assert board.address == "0.0.0.0"
        self.hurry(board)
        assert board.dhcp.state == BOUND
        assert within(board.address, RANGE)

    def test_linux_takes_the_address(self, board: Board) -> None:
        board.serve()
        board.dhcp.start()
        board.wait(lambda: board.dhcp.state == CHECKING)
        taken = format_ip(board.dhcp.lease.address)
        self.linux_address("add", board, taken)
        board.skip(SECOND)  # by now the first probe is out
        board.wait(lambda: board.dhcp.state == BACKING_OFF)
        assert board.address == "0.0.0.0"
        # lwIP: its DECLINE names no server (RFC 2131 table 5: it must), so dnsmasq ignores it
        board.host.sleep(SECOND // 4)
        assert "DHCPDECLINE" not in board.log.read_text()
        self.linux_address("delete", board, taken)
        board.skip(10 * SECOND)
        board.wait(lambda: board.dhcp.state == CHECKING)
        self.hurry(board)
        assert within(board.wait_for_lease(), RANGE)

    def linux_address(self, action: str, board: Board, address: str) -> None:
        board.namespace.run(["ip", "address", action, f"{address}/32", "dev", "tap0"], check=True)
