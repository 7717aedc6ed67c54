"""The programs that are built in, on boards of both socket interfaces."""

from __future__ import annotations

import pytest

from lab.scenario import Result
from lab.scenario.builtin import BUILTINS
from tests.lab.scenario.texts import BASE, expecting, fault, played, program

PROFILES = ("micropython", "micropython-esp32", "full")


def on(profile: str, *tables: str) -> Result:
    result = played("".join((BASE.replace("micropython-esp32", profile), *tables)))
    assert result.error is None
    return result


@pytest.mark.parametrize("profile", PROFILES)
def test_send_and_receive(profile: str) -> None:
    result = on(
        profile,
        program("server", "receive port=5000 count=2 chunk=100 pause=1ms after=10ms backlog=3"),
        program("client", "send bytes=3000 chunk=1000 pause=100ms hold=1s timeout=5s to=server:5000"),
        program("client", "send bytes=10 hold=1s to=10.0.0.1:5000", at="'3s'"),
        expecting(
            "delivered == sent",
            "result server.receive.bytes == 3010 and result server.receive.connections == 2",
            "result client.send.took > 1.2s",
            "result client.send2.bytes == 10",
        ),
    )
    assert result.failed == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_receiver_with_a_rate(profile: str) -> None:
    result = on(
        profile,
        program("server", "receive port=5000 rate=80kbit count=1"),
        program("client", "send bytes=30000 to=server:5000"),
        expecting("ended server.receive in 3s..7s", "delivered == sent"),
    )
    assert result.failed == []


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("over", ["tcp", "udp"])
def test_request_and_echo(profile: str, over: str) -> None:
    result = on(
        profile,
        program("server", f"echo port=7 over={over}"),
        program("client", f"request to=server:7 bytes=300 count=3 pause=1s over={over}", at="'1ms'"),
        expecting(
            "result client.request.count == 3 and result client.request.lost == 0",
            "result client.request.fastest in 20ms..21ms",
            "ended client.request in 2s..4s",
        ),
    )
    assert result.failed == []


def test_datagrams_that_are_lost() -> None:
    result = on(
        "micropython",
        program("server", "echo port=7 over=udp"),
        program("client", "request to=server:7 count=4 timeout=100ms over=udp"),
        fault(on="client>server kind=udp n=2", do="drop"),
        expecting("result client.request.lost == 1"),
    )
    assert result.failed == []


def test_connections_until_there_are_no_more() -> None:
    result = on(
        "micropython",
        program("server", "receive port=5000 backlog=9"),
        program("client", "connect to=server:5000 count=9 pause=10ms hold=1s"),
        expecting("result client.connect.opened == 5", "result client.connect.error == ENOMEM"),
    )
    assert result.failed == []


@pytest.mark.parametrize("profile", PROFILES)
def test_http(profile: str) -> None:
    result = on(
        profile,
        program("server", "http-server bytes=2500"),
        program("client", "http-get to=server:80 path=/x timeout=9s"),
        expecting("result client.http-get.status == 200 and result client.http-get.bytes == 2500"),
    )
    assert result.failed == []


def test_waiting() -> None:
    assert (
        on(
            "micropython",
            program("client", "wait time=90min"),
            expecting("ended client.wait in 90min..90min"),
        ).ok
        is False
    )
    result = played(
        BASE + program("client", "wait time=50min") + expecting("ended client.wait in 50min..50min")
    )
    assert result.failed == []


DHCP = """
[device.second]
profile = "lwip-default"
dhcp = true
[device.first]
dhcp = true
[device.server]
profile = "full"
address = "10.0.0.1/24"
[switch.s]
[link.a]
between = ["first", "s"]
[link.b]
between = ["second", "s"]
[link.c]
between = ["server", "s"]
"""


def test_the_dhcp_server() -> None:
    server = program(
        "server", "dhcp-server range=10.0.0.50..10.0.0.51 lease=10min gateway=server dns=10.0.0.9"
    )
    result = played(
        DHCP
        + server
        + expecting(
            "address first == 10.0.0.51 and address second == 10.0.0.50",
            "count first>s kind=dhcp-discover == 2 and count second>s kind=dhcp-discover == 2",
            "count server>s kind=dhcp-ack >= 6 and count server>s kind=dhcp-nak == 0",
        ),
        "run.stop=25min",
    )
    assert result.failed == []


def test_a_dhcp_server_that_has_lent_all() -> None:
    server = program("server", "dhcp-server range=10.0.0.50..10.0.0.50")
    result = played(
        DHCP + server + expecting("address first == none and address second == 10.0.0.50"), "run.stop=1min"
    )
    assert result.failed == []


def test_all_of_them_are_tested_here() -> None:
    assert set(BUILTINS) == {
        "send", "receive", "echo", "request", "connect", "http-server", "http-get", "dhcp-server", "wait",
    }  # fmt: skip
