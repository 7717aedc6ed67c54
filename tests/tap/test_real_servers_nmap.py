"""What nmap takes the device for: its fingerprint is, character for character, that of real lwIP.

``nmap -O`` sends 16 odd packets (open and closed TCP ports, a closed UDP port, two pings) and writes down the
answers. Three of its figures depend on the time between its packets and are left out: SP, GCD and ISR, the
growth of initial sequence numbers. https://nmap.org/book/osdetect-fingerprint-format.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

import pytest

from netstack.address import parse_ip
from netstack.profile import Profile
from netstack.profiles import named
from tap.netns import Namespace
from tap.tun import TapLink
from tests.lockstep import oracle
from tests.lockstep.profile import debian
from tests.tap.live_lwip import LiveLwip
from usocket import Device

pytestmark = [pytest.mark.tap, pytest.mark.needs("nmap")]

LINUX, DEVICE, MASK = "192.168.7.1", "192.168.7.2", "255.255.255.0"
OPEN, CLOSED = 80, 81

# Of Debian's lwIP 2.1.3 (MSS 1460, window 65535 scaled by 1), recorded by nmap 7.93. T2 (no flags) has no
# answer; W=FF7F, the window of resets, has its bytes swapped, as lwIP sends it; CD=S: echo replies copy the
# code.
# fmt: off
LWIP_213 = [
    "SEQ(TI=I%CI=I%II=RI%SS=O%TS=U)",
    "OPS(O1=M5B4NW1%O2=M5B4NW1%O3=M5B4NW1%O4=M5B4NW1%O5=M5B4NW1%O6=M5B4)",
    "WIN(W1=FFFF%W2=FFFF%W3=FFFF%W4=FFFF%W5=FFFF%W6=FFFF)",
    "ECN(R=Y%DF=N%T=FF%W=FFFF%O=M5B4NW1%CC=N%Q=)",
    "T1(R=Y%DF=N%T=FF%S=O%A=S+%F=AS%RD=0%Q=)",
    "T2(R=N)",
    "T3(R=Y%DF=N%T=FF%W=FFFF%S=O%A=S+%F=AS%O=M5B4NW1%RD=0%Q=)",
    "T4(R=Y%DF=N%T=FF%W=FF7F%S=A%A=S%F=AR%O=%RD=0%Q=)",
    "T5(R=Y%DF=N%T=FF%W=FF7F%S=A%A=S+%F=AR%O=%RD=0%Q=)",
    "T6(R=Y%DF=N%T=FF%W=FF7F%S=A%A=S%F=AR%O=%RD=0%Q=)",
    "T7(R=Y%DF=N%T=FF%W=FF7F%S=A%A=S+%F=AR%O=%RD=0%Q=)",
    "U1(R=Y%DF=N%T=FF%IPL=38%UN=0%RIPL=G%RID=G%RIPCK=G%RUCK=G%RUD=G)",
    "IE(R=Y%DFI=S%T=FF%CD=S)",
]
# fmt: on


def fingerprint(namespace: Namespace) -> tuple[list[str], list[str]]:
    """The lines of the fingerprint, and the names of nmap's guesses, best first (of 2 s in all)."""
    command = f"nmap -O --max-os-tries 1 -n -Pn -d -oX - -p {OPEN},{CLOSED} {DEVICE}"
    done = namespace.run(command.split(), capture_output=True, text=True, timeout=60)
    found = ElementTree.fromstring(done.stdout).find("host/os")
    assert found is not None, done.stdout + done.stderr
    (printed,) = [each.get("fingerprint", "") for each in found.findall("osfingerprint")]
    text = printed.replace("\n", "").replace("OS:", "")
    lines = re.findall(r"\w+\([^)]*\)", text)
    assert lines.pop(0).startswith("SCAN(")
    lines[0] = re.sub(r"(SP|GCD|ISR)=\w+%", "", lines[0])
    return lines, [match.get("name", "") for match in found.findall("osmatch")]


@contextmanager
def listening(namespace: Namespace, profile: Profile) -> Iterator[None]:
    with Device(profile, address=f"{DEVICE}/24", netns=namespace, tap="tap0", service=True) as device:
        server = device.socket()
        server.bind(("", OPEN))
        server.listen(1)
        yield


@pytest.fixture
def debians_profile() -> Profile:
    """The options that Debian's library is compiled with."""
    if (reason := oracle.why_missing()) is not None:
        pytest.skip(reason)
    return debian()


def test_with_the_options_of_debians_lwip(namespace: Namespace, debians_profile: Profile) -> None:
    with listening(namespace, debians_profile):
        lines, guesses = fingerprint(namespace)
    assert lines == LWIP_213
    assert any("lwIP" in guess for guess in guesses[:5]), guesses


def test_real_lwip_on_the_same_tap(namespace: Namespace, debians_profile: Profile) -> None:
    """The recording above is what the living library says here."""
    link = TapLink.open("tap0", address=f"{LINUX}/24", netns=namespace)
    with LiveLwip(link, parse_ip(DEVICE), parse_ip(MASK), OPEN):
        lines, _ = fingerprint(namespace)
    assert lines == LWIP_213


@pytest.mark.parametrize("name", ["lwip-default", "micropython", "micropython-rp2", "lwip-2.1.3"])
def test_other_profiles_differ_in_mss_and_windows_only(namespace: Namespace, name: str) -> None:
    profile = named(name)
    with listening(namespace, profile):
        lines, guesses = fingerprint(namespace)
    assert lines == [with_options(line, profile) for line in LWIP_213]
    assert any("lwIP" in guess for guess in guesses), guesses


def with_options(line: str, profile: Profile) -> str:
    """A line of Debian's fingerprint with the MSS and the window of a profile without window scaling."""
    assert not profile.lwip_wnd_scale
    window = profile.tcp_wnd
    swapped = int.from_bytes(window.to_bytes(2, "big"), "little")  # of a reset
    for theirs, ours in (
        ("M5B4NW1", "M5B4"),
        ("M5B4", f"M{profile.tcp_mss:X}"),
        ("=FF7F", f"={swapped:X}"),
        ("=FFFF", f"={window:X}"),
    ):
        line = line.replace(theirs, ours)
    return line


def test_a_strict_device_is_no_lwip(namespace: Namespace) -> None:
    """RFC 9293 and RFC 6528 where lwIP goes its own way: resets, echo codes, sequence numbers."""
    with listening(namespace, named("strict")):
        lines, _ = fingerprint(namespace)
    answers = dict(line.rstrip(")").split("(") for line in lines)
    assert answers["T4"].endswith("S=A%A=Z%F=R%O=%RD=0%Q=")  # 3.10.7.1: <SEQ=SEG.ACK><CTL=RST>
    assert answers["T5"].endswith("S=Z%A=S+%F=AR%O=%RD=0%Q=")  # 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN>
    assert answers["IE"].endswith("CD=Z")
