"""Real TAPs, each in a network namespace of the test's own."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from errno import EBUSY, EINVAL
from pathlib import Path

import pytest

from tap.link import TapError
from tap.netns import Namespace, python_module
from tap.tun import Settings, TapLink
from tests.tap.rootless import as_ordinary_user
from tests.tap.test_driver import until

DEVICE_MAC = bytes.fromhex("02000000aa01")
KERNEL_MAC = "02:00:00:00:00:01"
ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")


def arp_request(target: str) -> bytes:
    """A broadcast of 192.168.7.2 that asks for ``target``."""
    addresses = (socket.inet_aton("192.168.7.2"), bytes(6), socket.inet_aton(target))
    return ARP.pack(b"\xff" * 6, DEVICE_MAC, 0x0806, 1, 0x0800, 6, 4, 1, DEVICE_MAC, *addresses)


def next_frame(link: TapLink, wanted: Callable[[bytes], bool]) -> bytes:
    """The next frame that is ``wanted``; what else the kernel sends is passed over."""
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        frame = link.receive()
        if frame is None:
            time.sleep(0.001)
        elif wanted(frame):
            return frame
    raise AssertionError("no such frame comes")


def is_arp_reply(frame: bytes) -> bool:
    return frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02"


def links(namespace: Namespace) -> str:
    """What `ip` shows of the links and addresses there."""
    return str(namespace.run(["ip", "address"], capture_output=True, text=True, check=True).stdout)


def in_namespace(namespace: Namespace, program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program that imports ``tap`` in the namespace."""
    argv = [sys.executable, "-c", program]
    return namespace.run(argv, env=python_module("tap.tun")[1], capture_output=True, text=True)


@pytest.mark.tap
def test_the_linux_side_gets_what_was_asked_for(namespace: Namespace) -> None:
    with TapLink.open("tap7", address="192.168.7.1/24", mac=KERNEL_MAC, mtu=1400, netns=namespace) as link:
        assert (link.name, link.mtu, link.namespace) == ("tap7", 1400, namespace)
        shown = links(namespace).partition("tap7")[2]
        for expected in (",UP,LOWER_UP> mtu 1400", KERNEL_MAC, "inet 192.168.7.1/24 brd 192.168.7.255"):
            assert expected in shown
        assert "inet6" not in shown


@pytest.mark.tap
def test_the_kernel_chooses_what_was_not(namespace: Namespace) -> None:
    with TapLink.open(netns=namespace) as first, TapLink.open("board%d", netns=namespace) as second:
        assert (first.name, second.name, first.mtu) == ("tap0", "board0", 1500)


@pytest.mark.tap
def test_ipv6_only_when_asked_for(namespace: Namespace) -> None:
    with TapLink.open("six", ipv6=True, netns=namespace):
        assert "inet6 fe80::" in links(namespace).partition("six")[2]


@pytest.mark.tap
def test_frames_go_both_ways(namespace: Namespace) -> None:
    with TapLink.open(address="192.168.7.1/24", mac=KERNEL_MAC, netns=namespace) as link:
        link.send(arp_request("192.168.7.1"))
        reply = ARP.unpack(next_frame(link, is_arp_reply))
        assert reply[0] == DEVICE_MAC
        assert reply[8:10] == (bytes.fromhex("020000000001"), socket.inet_aton("192.168.7.1"))
        assert link.dropped == 0


@pytest.mark.tap
def test_a_full_frame_is_not_cut(namespace: Namespace) -> None:
    with TapLink.open(address="192.168.7.1/24", mtu=1280, netns=namespace) as link:
        namespace.run("ip neighbour add 192.168.7.2 lladdr 02:00:00:00:aa:01 dev tap0".split(), check=True)
        ping = namespace.popen("ping -c 1 -W 1 -s 1252 -M do 192.168.7.2".split(), stdout=subprocess.DEVNULL)
        frame = next_frame(link, lambda frame: frame[12:14] == b"\x08\x00")
        assert len(frame) == 14 + 1280
        assert ping.wait() == 1


@pytest.mark.tap
def test_it_never_blocks_and_is_readable_when_a_frame_comes(namespace: Namespace) -> None:
    with TapLink.open(address="192.168.7.1/24", netns=namespace) as link:
        while link.receive() is not None:
            pass
        assert link.receive() is None
        assert os.get_blocking(link.fileno()) is False


@pytest.mark.tap
def test_it_vanishes_when_it_is_closed(namespace: Namespace) -> None:
    link = TapLink.open("gone", netns=namespace)
    assert "gone" in links(namespace)
    link.close()
    link.close()
    assert "gone" not in links(namespace)


@pytest.mark.tap
def test_a_namespace_of_its_own_goes_with_it() -> None:
    with TapLink.open(address="192.168.7.1/24", netns="new") as link:
        assert link.namespace is not None
        holder = link.namespace.holder
        assert "192.168.7.1/24" in links(link.namespace)
    assert not Path(f"/proc/{holder}").exists()


@pytest.mark.tap
def test_in_the_namespace_of_another_process(namespace: Namespace) -> None:
    child = namespace.popen(["sleep", "100"])
    with TapLink.open("there", netns=f"pid:{child.pid}"):
        assert "there" in links(namespace)
    assert "there" not in links(namespace)
    child.kill()
    child.wait()


@pytest.mark.tap
def test_the_descriptor_closes_on_exec(namespace: Namespace) -> None:
    with TapLink.open(netns=namespace) as link:
        assert os.get_inheritable(link.fileno()) is False
    done = in_namespace(namespace, """
import os
from tap.tun import TapLink
link = TapLink.open("heir")
before = os.path.exists("/proc/sys/net/ipv4/conf/heir")
os.execvp("sh", ["sh", "-c", f"echo {before}; ls /proc/self/fd; ls /proc/sys/net/ipv4/conf"])
""")  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split() == ["True", "0", "1", "2", "3", "all", "default", "lo"]


@pytest.mark.tap
def test_after_kill_9_it_is_gone(namespace: Namespace) -> None:
    program = "from tap.tun import TapLink; link = TapLink.open('victim'); print('open', flush=True); input()"
    argv = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with namespace.popen(argv, env=python_module("tap.tun")[1], **pipes) as victim:
        assert victim.stdout.readline() == b"open\n"
        assert "victim" in links(namespace)
        victim.kill()
    assert victim.returncode == -signal.SIGKILL
    until(lambda: "victim" not in links(namespace), "the TAP is still there")


@pytest.mark.tap
def test_attaching_leaves_a_tap_as_it_was(namespace: Namespace) -> None:
    for command in ("ip tuntap add dev keep mode tap", "ip address add 10.9.8.7/16 dev keep"):
        namespace.run(command.split(), check=True)
    with TapLink.open("keep", address="10.9.8.7/16", netns=namespace):
        assert ",UP,LOWER_UP>" in links(namespace).partition("keep")[2]
    assert "inet 10.9.8.7/16" in links(namespace).partition("keep")[2]
    until(lambda: "NO-CARRIER" in links(namespace), "the cable is still plugged")


@pytest.mark.tap
def test_the_cable_can_be_pulled(namespace: Namespace) -> None:
    with TapLink.open("tap0", netns=namespace) as link:
        link.set_carrier(False)
        until(lambda: "NO-CARRIER" in links(namespace), "the kernel does not see it")
        link.set_carrier(True)
        until(lambda: "NO-CARRIER" not in links(namespace), "the kernel does not see it")


@pytest.mark.tap
def test_frames_for_an_interface_that_is_down_are_lost_and_counted(namespace: Namespace) -> None:
    with TapLink.open("tap0", address="192.168.7.1/24", netns=namespace) as link:
        namespace.run("ip link set tap0 down".split(), check=True)
        link.send(arp_request("192.168.7.1"))
        assert link.dropped == 1
        assert link.receive() is None
        namespace.run("ip link set tap0 up".split(), check=True)
        link.send(arp_request("192.168.7.1"))
        assert next_frame(link, is_arp_reply)
        assert link.dropped == 1


@pytest.mark.tap
def test_an_interface_that_is_removed_is_told_in_one_line(namespace: Namespace) -> None:
    with TapLink.open("tap0", netns=namespace) as link:
        namespace.run("ip link delete tap0".split(), check=True)
        with pytest.raises(TapError, match=r"^TAP tap0 was removed while in use: start anew$"):
            link.receive()
        link.send(b"frame")
        assert link.dropped == 1


@pytest.mark.tap
def test_a_busy_tap_is_told_in_one_line(namespace: Namespace) -> None:
    with TapLink.open("busy", netns=namespace):
        with pytest.raises(TapError) as caught:
            TapLink.open("busy", netns=namespace)
        told = "TAP busy is in use by another process: end that, or choose another name"
        assert str(caught.value) == told
        assert caught.value.errno == EBUSY


@pytest.mark.tap
def test_an_interface_that_is_no_tap_is_told_in_one_line() -> None:
    with pytest.raises(TapError, match=r"^lo is there and is no TAP: choose another name$"):
        TapLink.open("lo", netns="new")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"name": "sixteen_letters_"}, "TAP name 'sixteen_letters_' is longer than 15 characters: choose a"),
        ({"name": "a b"}, "TAP name 'a b' cannot be used: choose one without spaces and the"),
        ({"name": "a/b"}, "TAP name 'a/b' cannot be used"),
        ({"name": ".."}, "TAP name '..' cannot be used"),
        ({"name": "tap%s"}, "TAP name 'tap%s' cannot be used"),
        ({"name": "a%d%d"}, "TAP name 'a%d%d' cannot be used"),
        ({"address": "192.168.7.1"}, "bad address '192.168.7.1' for the TAP: give it as 192.168.7.1/24"),
        ({"address": "192.168.7.1/33"}, "bad address '192.168.7.1/33' for the TAP"),
        ({"address": "fe80::1/64"}, "bad address 'fe80::1/64' for the TAP"),
        ({"mac": "02:00"}, "bad MAC address '02:00' for the TAP: give it as 02:00:00:00:00:01"),
        ({"mac": "03:00:00:00:00:01"}, "bad MAC address '03:00:00:00:00:01' for the TAP"),
        ({"mtu": 67}, "bad MTU 67 for the TAP: give 68 to 65521"),
        ({"mtu": 65522}, "bad MTU 65522 for the TAP"),
    ],
)
def test_what_the_kernel_would_refuse_is_told_in_one_line(asked: dict[str, object], told: str) -> None:
    with pytest.raises(TapError) as caught:
        TapLink.open(**asked)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
    assert caught.value.errno == EINVAL


@pytest.mark.tap
@pytest.mark.parametrize("mtu", [68, 65521])
def test_the_bounds_of_the_mtu_are_the_kernels(namespace: Namespace, mtu: int) -> None:
    with TapLink.open(mtu=mtu, netns=namespace) as link:
        assert link.mtu == mtu


def test_fifteen_characters_are_fine() -> None:
    Settings("fifteen_letters").check()


TRY = """
from tap.tun import TapLink
try: TapLink.open(NAME)
except OSError as error: print(error)
"""


@pytest.mark.tap
@pytest.mark.parametrize(
    ("device_mode", "told"),
    [
        (
            "0600",
            "/dev/net/tun cannot be opened (Permission denied): "
            "run as root, or let root run `chmod 0666 /dev/net/tun`",
        ),
        (
            "0666",
            "no right to make TAP tap5: run as root, use a namespace of its own (netns new), "
            "or have root make it for you with `ip tuntap add dev tap5 mode tap user $USER`",
        ),
    ],
)
def test_missing_rights_are_told_in_one_line(device_mode: str, told: str) -> None:
    assert as_ordinary_user(TRY.replace("NAME", "'tap5'"), device_mode) == told + "\n"


@pytest.mark.tap
def test_a_missing_device_is_told_in_one_line() -> None:
    """A mount of the test's own hides /dev/net."""
    user_namespace = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    shell = 'mount -t tmpfs none /dev/net; exec "$0" -c "$1"'
    program = TRY.replace("NAME", "")
    done = subprocess.run(
        ["unshare", *user_namespace, "--mount", "--net", "sh", "-c", shell, sys.executable, program],
        env=python_module("tap.tun")[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    mend = "load the driver with `modprobe tun` (a container needs --device /dev/net/tun)"
    assert done.stdout == f"/dev/net/tun cannot be opened (No such file or directory): {mend}\n"


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (None, "python-pytun is not installed: pip install python-pytun"),
        ("import no_such_symbol", "python-pytun is not installed"),
        ("raise ImportError('bad')", "python-pytun does not load (bad): pip install --force-reinstall"),
        ("", "PLACE/pytun.py is not python-pytun: pip uninstall pytun, then pip install --force-reinstall"),
    ],
)
def test_a_wrong_pytun_is_told_in_one_line(tmp_path: Path, module: str | None, told: str) -> None:
    """Without site-packages; ``module`` is what is found as pytun instead."""
    if module is not None:
        (tmp_path / "pytun.py").write_text(module, encoding="utf-8")
    _, environment = python_module("tap.tun")
    done = subprocess.run(
        [sys.executable, "-S", "-c", TRY.replace("NAME", "")],
        env={**environment, "PYTHONPATH": f"{tmp_path}:{environment['PYTHONPATH'].partition(':')[0]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(told.replace("PLACE", str(tmp_path)))
    assert done.stdout.count("\n") == 1


ROOTLESS = """
import os, time
from tap.tun import TapLink
before = len(os.listdir("/proc/self/fd"))
with TapLink.open("tap0", address="192.168.7.1/24", netns="new") as link:
    link.send(bytes.fromhex("REQUEST"))
    patience = time.monotonic() + 10
    while (frame := link.receive()) is None or frame[12:14] != bytes.fromhex("0806"):
        assert time.monotonic() < patience
    print(os.geteuid() != 0, frame[20:22].hex(), os.get_inheritable(link.fileno()))
print(len(os.listdir("/proc/self/fd")) - before)
"""


@pytest.mark.tap
def test_an_ordinary_user_has_a_tap_in_a_namespace_of_his_own() -> None:
    program = ROOTLESS.replace("REQUEST", arp_request("192.168.7.1").hex())
    assert as_ordinary_user(program).split() == ["True", "0002", "False", "0"]


PREPARED = """
import os
from tap.tun import TapLink
before = len(os.listdir("/proc/self/fd"))
with TapLink.open("tap5", address="192.168.7.1/24") as link:
    print(link.name, link.mtu)
try:
    TapLink.open("tap5", address="192.168.7.9/24")
except OSError as error:
    print(error)
print(len(os.listdir("/proc/self/fd")) - before)
"""


@pytest.mark.tap
def test_an_ordinary_user_attaches_to_a_tap_that_root_made_for_him() -> None:
    prepare = """
        ip tuntap add dev tap5 mode tap user 65534
        ip address add 192.168.7.1/24 dev tap5
        ip link set tap5 up
    """
    attached, refused, left = as_ordinary_user(PREPARED, prepare=prepare).splitlines()
    assert attached == "tap5 1500"
    assert refused.startswith("the Linux side of TAP tap5 cannot be set up (Operation not permitted): run")
    assert left == "0"
