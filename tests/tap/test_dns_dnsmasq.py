"""Names from a real dnsmasq: the device on a real TAP, the server in the namespace at its other end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest

from netstack.address import format_ip, parse_ip
from netstack.errors import ERR_INPROGRESS, ERR_OK
from netstack.profiles import named
from netstack.stack import Stack
from tap.clock import SECOND, RealClock
from tap.host import Host, transmit_to
from tap.netns import Namespace
from tap.tun import TapLink

pytestmark = [pytest.mark.tap, pytest.mark.needs("dnsmasq")]

LINUX, DEVICE, NOBODY = "192.168.7.1", "192.168.7.2", "192.168.7.9"

RECORDS = """
address=/board.example/192.0.2.7
host-record=real.example,192.0.2.8,90
cname=alias.example,middle.example
cname=middle.example,real.example
host-record=only6.example,2001:db8::1
host-record=brief.example,192.0.2.9,1
"""


class Board:
    """A device that asks a dnsmasq, and that dnsmasq."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self.tap = TapLink.open("tap0", address=LINUX + "/24", netns=namespace)
        self.stack = Stack(
            named("micropython"),
            mac=bytes.fromhex("020000000002"),
            ip=parse_ip(DEVICE),
            netmask=parse_ip("255.255.255.0"),
            transmit=transmit_to(self.tap),
        )
        self.host = Host(self.stack, self.tap, RealClock())
        self.stack.dns.set_server(0, parse_ip(LINUX))
        self.found: list[tuple[str, str | None]] = []
        config = folder / "dnsmasq.conf"
        config.write_text(RECORDS)
        self.server = namespace.popen(
            [
                *("dnsmasq", "--keep-in-foreground", f"--conf-file={config}", "--no-resolv", "--no-hosts"),
                *(f"--listen-address={LINUX}", "--bind-interfaces", "--no-daemon", "--local=/example/"),
                *("--log-queries", "--log-facility=-", "--user=", "--pid-file="),
            ],
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
        )
        wait_until_started(self.server)

    def resolve(self, name: str) -> str | None:
        """The address of a name: at once, or when the callback is called; None if there is none."""
        self.found.clear()
        ip, err = self.stack.dns.gethostbyname(name, self._tell)
        if err == ERR_OK:
            assert ip is not None
            return format_ip(ip)
        assert err == ERR_INPROGRESS
        assert self.host.wait(lambda: bool(self.found), self.host.clock.now() + 20 * SECOND)
        assert len(self.found) == 1
        return self.found[0][1]

    def _tell(self, name: str, ip: int | None) -> None:
        self.found.append((name, None if ip is None else format_ip(ip)))

    def cached(self, name: str) -> bool:
        return self.stack.dns.gethostbyname(name, self._tell)[1] == ERR_OK

    def close(self) -> None:
        self.server.terminate()
        assert self.server.stderr is not None
        self.server.stderr.close()
        self.server.wait(10)
        self.host.close()


def wait_until_started(server: Popen[bytes]) -> None:
    """Read dnsmasq's log until it says that it serves."""
    assert server.stderr is not None
    told = b""
    for line in server.stderr:
        told += line
        if b"started" in line:
            return
    pytest.fail(f"dnsmasq did not start: {told.decode()}")


@pytest.fixture
def board(namespace: Namespace, tmp_path: Path) -> Iterator[Board]:
    made = Board(namespace, tmp_path)
    yield made
    made.close()


def test_addresses(board: Board) -> None:
    assert board.resolve("board.example") == "192.0.2.7"
    assert board.resolve("Real.EXAMPLE") == "192.0.2.8"
    assert board.resolve("real.example.") == "192.0.2.8"  # remembered: the server is not asked
    assert board.stack.stats.udp.xmit == 2


def test_through_two_aliases(board: Board) -> None:
    assert board.resolve("alias.example") == "192.0.2.8"
    assert board.cached("alias.example")


def test_names_that_have_no_address(board: Board) -> None:
    start = board.host.clock.now()
    assert board.resolve("nowhere.example") is None  # NXDOMAIN
    assert board.resolve("only6.example") is None  # no A record
    assert board.host.clock.now() - start < SECOND


def test_an_answer_is_forgotten_after_its_ttl(board: Board) -> None:
    assert board.resolve("brief.example") == "192.0.2.9"
    board.host.sleep(2 * SECOND)
    assert not board.cached("brief.example")


def test_the_second_server_answers_when_the_first_is_silent(board: Board) -> None:
    board.stack.dns.set_server(0, parse_ip(NOBODY))
    board.stack.dns.set_server(1, parse_ip(LINUX))
    start = board.host.clock.now()
    assert board.resolve("board.example") == "192.0.2.7"
    assert 5 * SECOND < board.host.clock.now() - start < 8 * SECOND


def test_the_server_is_gone(board: Board) -> None:
    board.server.terminate()
    board.server.wait(10)
    assert board.resolve("board.example") is None  # its port is closed; ICMP does not shorten the 6 to 7 s
    assert board.stack.mem.udp_pcb.used == 0
