"""``--dhcp`` of ``netstack up`` and ``netstack run``: an address, and names, from a real dnsmasq."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tap.netns import Namespace
from tests.lab.commands import NETSTACK, PATIENCE, ROOT, Running, netstack

pytestmark = [pytest.mark.tap, pytest.mark.needs("dnsmasq")]

CONFIG = """
no-resolv
no-hosts
no-ping
bind-interfaces
interface=tap0
log-dhcp
dhcp-authoritative
dhcp-range={subnet}.100,{subnet}.120,2m
dhcp-option=option:dns-server,{subnet}.1,{subnet}.53
dhcp-leasefile={folder}/leases
log-facility={folder}/log
user=
pid-file=
local=/example/
address=/board.example/192.0.2.7
"""


def configured(folder: Path, subnet: str) -> list[str]:
    """The command that starts dnsmasq on tap0; its leases and its log are files in ``folder``."""
    config = folder / "dnsmasq.conf"
    config.write_text(CONFIG.format(folder=folder, subnet=subnet))
    return ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}"]


def address_in(log: str, subnet: str) -> str:
    found = re.search(
        rf"^lease: ({re.escape(subnet)}\.\d+)/24 from DHCP server {re.escape(subnet)}\.1 ", log, re.M
    )
    assert found, log
    return found[1]


@pytest.mark.needs("ping")
def test_an_address_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    subnet = "10.91.120"
    with Running(tmp_path, "up", "--netns", "new", "--tap", "tap0", "--ip", f"{subnet}.2/24", "--dhcp") as up:
        up.wait_for("it asks a DHCP server for its address")
        server = ["exec", "--on", f"{subnet}.2", "--", *configured(tmp_path, subnet)]
        with Running(tmp_path, *server):
            up.wait_for("\nlease: ")
            address = address_in(up.log, subnet)
            assert up.log.splitlines()[-1] == (
                f"lease: {address}/24 from DHCP server {subnet}.1 for 120 s, gateway {subnet}.1,"
                f" name servers {subnet}.1, {subnet}.53"
            )
            done = netstack("exec", "--on", address, "--", "ping", "-c", "1", "-W", "5", address)
            assert done.returncode == 0, done.stdout + done.stderr
            assert up.ctrl_c() == 0
    assert "Traceback" not in up.log
    assert "no DHCP server" not in up.log


@pytest.mark.slow
def test_nobody_answers_and_the_command_that_mends_it(tmp_path: Path) -> None:
    ip = "10.91.121.2"
    with Running(tmp_path, "up", "--netns", "new", "--ip", f"{ip}/24", "--dhcp") as up:
        up.wait_for("To start a server: ")
        line = up.log.splitlines()[-1]
        message, _, command = line.partition(". To start a server: netstack exec -- ")
        assert message == "no DHCP server has lent an address within 10 s; the device goes on asking"
        with Running(tmp_path, "exec", "--on", ip, "--", *command.split()):
            up.wait_for(f"\nlease: {ip}/24 from DHCP server 10.91.121.1 for 3600 s")
            assert up.ctrl_c() == 0


@pytest.mark.slow
def test_with_conflict_detection_it_takes_longer_and_nobody_complains(tmp_path: Path) -> None:
    subnet = "10.91.122"
    options = ["--netns", "new", "--tap", "tap0", "--ip", f"{subnet}.2/24", "--profile", "lwip-default"]
    start = time.monotonic()
    with Running(tmp_path, "up", *options, "--dhcp") as up:
        up.wait_for("it asks a DHCP server for its address")
        with Running(tmp_path, "exec", "--on", f"{subnet}.2", "--", *configured(tmp_path, subnet)):
            up.wait_for("\nlease: ")
            assert time.monotonic() - start > 6  # ACD_PROBE and ACD_ANNOUNCE_WAIT, RFC 5227
            assert "no DHCP server" not in up.log
            assert up.ctrl_c() == 0


@contextmanager
def served(folder: Path, subnet: str) -> Iterator[Namespace]:
    """A namespace with a TAP that stays, and dnsmasq on it."""
    with Namespace.open("new") as machine:
        for words in (
            "tuntap add dev tap0 mode tap",
            f"address add {subnet}.1/24 dev tap0",
            "link set tap0 up",
        ):
            machine.run(["ip", *words.split()], check=True)
        with machine.popen(configured(folder, subnet)) as server:
            deadline = time.monotonic() + PATIENCE
            while not (folder / "log").exists() or "started" not in (folder / "log").read_text():
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield machine
            server.terminate()


def test_ctrl_c_leaves_the_lease_and_the_next_time_the_device_gets_it_again(tmp_path: Path) -> None:
    subnet = "10.91.123"
    with served(tmp_path, subnet) as machine:
        addresses = []
        for _ in range(2):
            options = ["--ip", f"{subnet}.2/24", "--tap", "tap0", "--netns", f"pid:{machine.holder}"]
            with Running(tmp_path, "up", *options, "--dhcp") as up:
                up.wait_for("\nlease: ")
                addresses.append(address_in(up.log, subnet))
                assert up.ctrl_c() == 0
        time.sleep(0.2)  # what a good-bye would need
        log = (tmp_path / "log").read_text()
        _, mac, leased, name, _ = (tmp_path / "leases").read_text().split()
    assert log.count("DHCPACK") == 2
    assert "DHCPRELEASE" not in log
    assert addresses == [leased, leased]
    assert (mac, name) == ("02:00:0a:5b:7b:02", "mpy-rp2")


SCRIPT = """
import network, usocket

print(network.LAN().ifconfig())
for name in ("board.example", "Board.Example.", "nowhere.example", "10.1.2.3"):
    try:
        print(name, usocket.getaddrinfo(name, 80))
    except OSError as error:
        print(name, error.args)
"""


def test_a_program_finds_names_through_the_server_of_its_lease(tmp_path: Path) -> None:
    subnet = "10.91.124"
    script = tmp_path / "names.py"
    script.write_text(SCRIPT)
    with served(tmp_path, subnet) as machine:
        options = ["--ip", f"{subnet}.2/24", "--tap", "tap0", "--dhcp"]
        done = machine.run(
            [*NETSTACK, "run", *options, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")  # standard error is the program's, too
    configuration, *names = done.stdout.splitlines()
    address, *others = re.findall(r"[\d.]+", configuration)
    assert address.startswith(f"{subnet}.1")
    assert others == ["255.255.255.0", f"{subnet}.1", f"{subnet}.1"]
    found = "[(2, 1, 0, '', ('192.0.2.7', 80))]"
    assert names == [
        f"board.example {found}",
        f"Board.Example. {found}",
        "nowhere.example (-2,)",
        "10.1.2.3 [(2, 1, 0, '', ('10.1.2.3', 80))]",
    ]


def test_a_profile_without_a_client_is_refused() -> None:
    done = netstack("up", "--dhcp", "--set", "LWIP_DHCP=0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "netstack up: Invalid value for --dhcp: profile micropython has no DHCP client: add --set LWIP_DHCP=1"
    ]
