"""``netstack set``: what lwIP's API can change at run time, seen by Linux; and why the rest is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control.settings import DEVICE_SETTINGS, PCB_SETTINGS, SETTINGS
from tests.lab.commands import ROOT, Running, netstack
from tests.lab.control.running import Machine

pytestmark = [pytest.mark.tap, pytest.mark.needs("ping")]

IP = "10.93.4.2"
DOCS = ROOT / "docs" / "live.md"

INTO = "into the device, no call of lwIP changes it: start the device anew with --set"

# Sends a datagram to the device's echo server and prints the TTL of the answer.
TTL = f"""
import socket
IP_RECVTTL = 12  # ip(7)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
sock.settimeout(10)
sock.sendto(b"x", ("{IP}", 7))
print(sock.recvmsg(10, 100)[1][0][2][0])
"""

SERVERS = """
import select, socket
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", 7))
tcp = socket.socket()
tcp.bind(("", 8))
tcp.listen(1)
poller = select.poll()
poller.register(udp, select.POLLIN)
print("listening on port 7")
while True:
    poller.poll()
    data, peer = udp.recvfrom(100)
    udp.sendto(data, peer)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """With a device that echoes datagrams and has a listener that it never accepts from."""
    machine = Machine(tmp_path)
    script = tmp_path / "servers.py"
    script.write_text(SERVERS)
    with machine.up(str(script), "--ip", f"{IP}/24", "--set", "LWIP_TCP_KEEPALIVE=1", listening=True):
        yield machine


def test_the_ttl_of_what_it_sends(machine: Machine) -> None:
    assert machine.linux("python3", "-c", TTL) == "255\n"
    assert machine.said("set", "IP_TTL=33", "--port", "7") == "IP_TTL=33: 1 pcb\n"
    assert machine.linux("python3", "-c", TTL) == "33\n"
    assert [one["ttl"] for one in machine.json("ss")["udp"] if one["local"].endswith(":7")] == [33]
    told = machine.refused("set", "IP_TTL=34", "--port", "9")
    assert told == "netstack: IP_TTL: nothing at port 9 has that option: see `netstack ss`"


def test_the_interface(machine: Machine) -> None:
    assert machine.said("set", "NETIF_UP=off") == "NETIF_UP=off: the interface is down\n"
    assert machine.call("exec", "--", "ping", "-c", "1", "-W", "1", IP).returncode == 1
    machine.said("set", "netif_up=on")
    assert "1 received" in machine.linux("ping", "-c", "1", "-W", "5", IP)
    fragments = machine.json("stats")["protocols"]["ip_frag"]["xmit"]
    assert machine.said("set", "NETIF_MTU=576") == "NETIF_MTU=576: the interface's MTU is 576\n"
    assert "1 received" in machine.linux("ping", "-c", "1", "-W", "5", "-s", "1000", IP)
    assert machine.json("stats")["protocols"]["ip_frag"]["xmit"] == fragments + 2
    assert machine.said("set", "NETIF_LINK=off", "NETIF_LINK=on").endswith("NETIF_LINK=on: the link is up\n")
    machine.said("set", "NETIF_ADDR=10.93.4.7/24")
    assert "1 received" in machine.linux("ping", "-c", "1", "-W", "5", "10.93.4.7")
    assert machine.json("pools", "--on", "10.93.4.7")


@pytest.mark.needs("python3")
def test_keepalive_and_the_backlog_of_what_runs(machine: Machine) -> None:
    """A connection that is silent is probed once the device is told to."""
    connect = (
        f"import socket, time; s = socket.create_connection(('{IP}', 8), 9)\n"
        "print('here', flush=True); time.sleep(60)"
    )
    machine.said("inject", "device>linux pass kind=keepalive")  # counts, and does nothing
    with Running(machine.folder, "exec", "--", "python3", "-c", connect, launcher=machine.launcher) as client:
        client.wait_for("here")
        for _ in range(50):
            (waiting,) = [one for one in machine.json("ss")["tcp"] if one["state"] == "LISTEN"]
            if waiting["recv_q"]:
                break
        assert (waiting["recv_q"], waiting["send_q"]) == (1, 1)
        assert machine.said("set", "TCP_BACKLOG=4") == "TCP_BACKLOG=4: 1 listener\n"
        machine.said(
            "set", "TCP_KEEPIDLE=1", "TCP_KEEPINTVL=1", "TCP_NODELAY=on", "TCP_PRIO=7", "--port", "8"
        )
        assert machine.said("set", "SO_KEEPALIVE=on", "--port", "8") == "SO_KEEPALIVE=on: 2 pcbs\n"
        (one,) = [one for one in machine.json("ss")["tcp"] if one["state"] == "ESTABLISHED"]
        assert (one["keepalive"], one["nodelay"], one["prio"], one["keep_idle"]) == (True, True, 7, 1000)
        assert [timer["name"] for timer in one["timers"]] == ["keepalive"]
        for _ in range(80):
            (found,) = machine.json("inject")
            if found["done"]["device>linux"]["hits"]:
                break
        assert found["done"]["device>linux"]["hits"] >= 1
        assert machine.json("ss")["tcp"][0]["backlog"] == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "TCP_WND=8192",
            f"TCP_WND is compiled {INTO} TCP_WND=8192",
        ),
        (
            "TCP_TTL=9",
            f"TCP_TTL is compiled {INTO} TCP_TTL=9, or change what is there: netstack set IP_TTL=...",
        ),
        ("TCP_NODLAY=1", "there is nothing called TCP_NODLAY: did you mean TCP_NODELAY?"),
        ("IP_TTL", "IP_TTL needs a value: IP_TTL=0..255"),
        ("IP_TTL=900", "IP_TTL: 900 is not from 0 to 255"),
        ("TCP_NODELAY=maybe", "TCP_NODELAY: 'maybe' is neither on nor off"),
        ("NETIF_ADDR=10.0.0.1", "NETIF_ADDR: 10.0.0.1: give the address with the length of its prefix"),
        ("NETIF_MTU=20", "NETIF_MTU: 20 is not from 68 to 1500"),
        ("TCP_NODELAY=1", "TCP_NODELAY: nothing has that option: see `netstack ss`"),
    ],
)
def test_refusals(refusing: Machine, text: str, told: str) -> None:
    assert refusing.refused("set", text).startswith(f"netstack: {told}")


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("set"))
    with machine.up("--ip", "10.93.5.2/24"):
        yield machine


def test_what_can_be_set_is_listed_without_a_device_and_documented() -> None:
    lines = netstack("set").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(SETTINGS)
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    table = [
        (name, setting.value, setting.meaning, f"`{setting.call}`") for name, setting in SETTINGS.items()
    ]
    assert [row for row in rows if row[0] in SETTINGS] == table
    assert list(SETTINGS) == [*PCB_SETTINGS, *DEVICE_SETTINGS]
