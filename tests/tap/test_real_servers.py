"""What a MicroPython program on a real TAP meets in Linux: a name server, and neighbours that ask by ARP."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netstack.profile import Profile
from netstack.profiles import named
from tap.capture import Capture, CaptureLink
from tap.clock import RealClock
from tap.netns import Namespace
from tap.tun import TapLink
from tests.tap import tshark
from usocket import Device
from usocket.addrinfo import getaddrinfo

pytestmark = pytest.mark.tap

LINUX, DEVICE = "192.168.7.1", "192.168.7.2"
MAC = "02:00:00:00:00:02"


@contextmanager
def device_in(
    namespace: Namespace, profile: Profile | str = "micropython", **options: Any
) -> Iterator[Device]:
    """A device that answers also while no program waits."""
    options = {"address": f"{DEVICE}/24", "mac": MAC, "tap": "tap0", "service": True, **options}
    with Device(profile, netns=namespace, **options) as device:
        yield device


def run(namespace: Namespace, command: str) -> tuple[int, str]:
    """The exit status of a command in the namespace, and what it printed."""
    done = namespace.run(
        command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    return done.returncode, done.stdout


def prepare_tap(namespace: Namespace) -> None:
    """Make the TAP that the device will use."""
    for words in ("tuntap add dev tap0 mode tap", f"address add {LINUX}/24 dev tap0", "link set tap0 up"):
        assert run(namespace, f"ip {words}") == (0, "")


class TestNames:
    """``getaddrinfo``, asking dnsmasq; the errors are those measured on boards."""

    @pytest.fixture(autouse=True)
    def server(self, namespace: Namespace) -> Iterator[subprocess.Popen[str]]:
        """It is on the TAP before the device is, and knows of .example only."""
        prepare_tap(namespace)
        command = (
            "dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces"
            " --interface=tap0 --local=/example/ --host-record=board.example,192.0.2.7"
            " --host-record=only6.example,2001:db8::1"
            " --cname=alias.example,board.example --dhcp-leasefile=/dev/null --pid-file="
        )
        with namespace.popen(command.split(), stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "started" in line:
                    break
            yield process
            process.kill()

    @pytest.mark.needs("dnsmasq")
    def test_a_name_and_an_alias(self, namespace: Namespace) -> None:
        with device_in(namespace, dns=LINUX):
            assert getaddrinfo("board.example", 80) == [(2, 1, 0, "", ("192.0.2.7", 80))]
            assert getaddrinfo(b"alias.example", 8080)[0][-1] == ("192.0.2.7", 8080)

    @pytest.mark.needs("dnsmasq")
    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("nowhere.example", -2),
            ("only6.example", -2),
            ("refused.invalid", -2),
            ("", -16),
            ("x" * 256, -16),
        ],
    )
    def test_names_that_cannot_be_found(self, namespace: Namespace, name: str, error: int) -> None:
        with device_in(namespace, dns=LINUX) as device:
            start = device.clock.now()
            with pytest.raises(OSError) as caught:
                getaddrinfo(name, 80)
            assert caught.value.args == (error,)
            assert device.clock.now() - start < 1e9
            assert device.stack.mem.udp_pcb.used == 0

    @pytest.mark.needs("dnsmasq")
    def test_no_server_is_set(self, namespace: Namespace) -> None:
        with device_in(namespace), pytest.raises(OSError) as caught:
            getaddrinfo("board.example", 80)
        assert caught.value.args == (-6,)

    @pytest.mark.needs("dnsmasq")
    @pytest.mark.slow
    def test_the_server_is_silent(self, namespace: Namespace, server: subprocess.Popen[str]) -> None:
        server.kill()
        server.wait(10)
        with device_in(namespace, dns=LINUX) as device:
            start = device.clock.now()
            with pytest.raises(OSError) as caught:
                getaddrinfo("board.example", 80)
            assert caught.value.args == (-2,)
            assert 5.9e9 < device.clock.now() - start < 9e9


@pytest.mark.needs("arping")
class TestArping:
    def test_it_answers(self, namespace: Namespace) -> None:
        with device_in(namespace):
            status, told = run(namespace, f"arping -c 3 -W 0.1 -i tap0 {DEVICE}")
        assert status == 0, told
        assert told.count(f"from {MAC} ({DEVICE})") == 3
        assert "3 packets transmitted, 3 packets received,   0% unanswered" in told

    def test_another_address_is_not_its_own(self, namespace: Namespace) -> None:
        with device_in(namespace):
            status, told = run(namespace, f"arping -c 2 -w 1 -W 0.1 -i tap0 {DEVICE[:-1]}9")
        assert status == 1
        assert "0 packets received" in told

    def test_it_answers_who_only_wants_to_know_whether_the_address_is_free(
        self, namespace: Namespace
    ) -> None:
        with device_in(namespace):
            status, told = run(namespace, f"arping -c 1 -w 5 -0 -i tap0 {DEVICE}")  # a probe, from 0.0.0.0
        assert status == 0, told
        assert f"from {MAC} ({DEVICE})" in told

    def test_two_devices_with_one_address_are_found(self, namespace: Namespace) -> None:
        other = "02:00:00:00:00:03"
        for words in ("link add br0 type bridge", f"address add {LINUX}/24 dev br0", "link set br0 up"):
            assert run(namespace, f"ip {words}") == (0, "")
        with (
            device_in(namespace, linux="192.168.7.101"),
            device_in(namespace, tap="tap1", mac=other, linux="192.168.7.102"),
        ):
            for tap in ("tap0", "tap1"):
                assert run(namespace, f"ip address flush dev {tap}") == (0, "")
                assert run(namespace, f"ip link set {tap} master br0") == (0, "")
            status, told = run(namespace, f"arping -d -c 1 -w 5 -i br0 {DEVICE}")
        assert status == 1, told  # -d: 1 when two answer
        assert MAC in told
        assert other in told


class TestGratuitousArp:
    def test_linux_learns_the_device_from_its_announcement(self, namespace: Namespace) -> None:
        """Only that can have told Linux, which has not asked: with arp_accept it takes announcements."""
        prepare_tap(namespace)
        assert run(namespace, "sysctl -q net.ipv4.conf.tap0.arp_accept=1") == (0, "")
        with device_in(namespace):
            deadline = time.monotonic() + 10
            while MAC not in (known := run(namespace, "ip neigh show dev tap0")[1]):
                assert time.monotonic() < deadline, known
                time.sleep(0.05)
        assert known.startswith(f"{DEVICE} lladdr {MAC}")

    @pytest.mark.needs("tshark")
    def test_as_wireshark_sees_it(self, namespace: Namespace, tmp_path: Path) -> None:
        path, clock = tmp_path / "start.pcapng", RealClock()
        with Capture(path) as capture:
            tap = TapLink.open("tap0", address=f"{LINUX}/24", netns=namespace)
            link = CaptureLink(tap, capture, clock, tap.name)
            with Device(named("micropython"), address=f"{DEVICE}/24", mac=MAC, link=link, clock=clock):
                pass
        assert tshark.bad_frames(path) == []
        fields = ("eth.dst", "arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4")
        told = tshark.frames(path, *fields, which="arp.isgratuitous && eth.src == " + MAC)
        assert told == [["ff:ff:ff:ff:ff:ff", "1", MAC, DEVICE, DEVICE]]
