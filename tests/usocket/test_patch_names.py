"""Names and addresses: answers from the device's own name server."""

from __future__ import annotations

import socket as machine
from collections.abc import Iterator
from typing import Any

import pytest

from netstack.address import parse_ip
from tests.usocket.router import Router, device_and_router
from usocket import SOCK_DGRAM, Device
from usocket.patch_names import (
    address_argument,
    getaddrinfo,
    gethostbyaddr,
    gethostbyname,
    gethostbyname_ex,
    getnameinfo,
    host_address,
    is_local,
    shown,
)

STREAM, DGRAM, RAW = machine.SOCK_STREAM, machine.SOCK_DGRAM, machine.SOCK_RAW


@pytest.fixture
def both() -> Iterator[tuple[Device, Router]]:
    with device_and_router() as (device, router):
        router.names["board.example"] = "192.0.2.7"
        router.names["xn--bcher-kva.example"] = "192.0.2.8"
        yield device, router


@pytest.fixture
def device(both: tuple[Device, Router]) -> Device:
    return both[0]


class TestHosts:
    @pytest.mark.parametrize(
        ("host", "ip"),
        [
            ("", "0.0.0.0"),
            ("10.1.2.3", "10.1.2.3"),
            (b"10.1.2.3", "10.1.2.3"),
            ("<broadcast>", "255.255.255.255"),
            ("localhost", "127.0.0.1"),
            ("LocalHost.", "127.0.0.1"),
            ("board.example", "192.0.2.7"),
            (bytearray(b"board.example"), "192.0.2.7"),
            ("bücher.example", "192.0.2.8"),
        ],
    )
    def test_known(self, device: Device, host: Any, ip: str) -> None:
        assert host_address(device, host) == parse_ip(ip)

    def test_localhost_and_numbers_are_not_asked_for(self, both: tuple[Device, Router]) -> None:
        device, router = both
        for host in ("localhost", "1.2.3.4", ""):
            host_address(device, host)
        assert router.asked == []

    def test_unknown(self, both: tuple[Device, Router]) -> None:
        device, router = both
        with pytest.raises(machine.gaierror) as caught:
            host_address(device, "nobody.example")
        assert caught.value.errno == machine.EAI_NONAME
        assert router.asked == ["nobody.example"]

    def test_without_a_name_server(self) -> None:
        with (
            device_and_router(dns=None) as (device, _),
            pytest.raises(machine.gaierror, match="dns=") as caught,
        ):
            host_address(device, "board.example")
        assert caught.value.errno == machine.EAI_AGAIN

    def test_without_a_control_block(self, device: Device) -> None:
        kept = [device.socket(2, SOCK_DGRAM) for _ in range(device.profile.memp_num_udp_pcb)]
        with pytest.raises(machine.gaierror, match="control block") as caught:
            host_address(device, "board.example")
        assert caught.value.errno == machine.EAI_MEMORY
        assert kept

    def test_a_name_that_is_too_long(self, device: Device) -> None:
        with pytest.raises(machine.gaierror):
            host_address(device, "x" * 300)

    def test_ipv6(self, device: Device) -> None:
        with pytest.raises(machine.gaierror, match="IPv4 only"):
            host_address(device, "::1")

    def test_no_text(self, device: Device) -> None:
        with pytest.raises(TypeError, match="str, bytes or bytearray expected, not NoneType"):
            host_address(device, None)


def test_local_addresses() -> None:
    assert is_local(parse_ip("127.0.0.1"))
    assert is_local(parse_ip("127.255.0.9"))
    assert not is_local(parse_ip("128.0.0.1"))
    assert not is_local(0)
    assert shown((parse_ip("1.2.3.4"), 5)) == ("1.2.3.4", 5)


class TestAddressArgument:
    def test_good(self, device: Device) -> None:
        assert address_argument(device, "connect", ("10.0.0.5", 80)) == (parse_ip("10.0.0.5"), 80)

    @pytest.mark.parametrize(
        ("address", "error", "text"),
        [
            ("10.0.0.5", TypeError, r"connect\(\): AF_INET address must be tuple, not str"),
            (["10.0.0.5", 80], TypeError, "must be tuple, not list"),
            (("10.0.0.5",), TypeError, "a pair"),
            (("10.0.0.5", 80, 0, 0), TypeError, "a pair"),
            (("10.0.0.5", "80"), TypeError, "'str' object cannot be interpreted as an integer"),
            (("10.0.0.5", 65536), OverflowError, r"connect\(\): port must be 0-65535"),
            (("10.0.0.5", -1), OverflowError, "port must be 0-65535"),
        ],
    )
    def test_bad(self, device: Device, address: Any, error: type[Exception], text: str) -> None:
        with pytest.raises(error, match=text):
            address_argument(device, "connect", address)


class TestGetaddrinfo:
    def test_all_kinds(self, device: Device) -> None:
        assert getaddrinfo(device, "board.example", 80) == [
            (machine.AF_INET, STREAM, 6, "", ("192.0.2.7", 80)),
            (machine.AF_INET, DGRAM, 17, "", ("192.0.2.7", 80)),
            (machine.AF_INET, RAW, 0, "", ("192.0.2.7", 80)),
        ]

    def test_one_kind(self, device: Device) -> None:
        assert [row[1] for row in getaddrinfo(device, "1.2.3.4", 1, type=DGRAM)] == [DGRAM]
        assert [row[1] for row in getaddrinfo(device, "1.2.3.4", 1, proto=6)] == [STREAM]
        with pytest.raises(machine.gaierror) as caught:
            getaddrinfo(device, "1.2.3.4", 1, type=STREAM, proto=17)
        assert caught.value.errno == machine.EAI_SOCKTYPE

    def test_families(self, device: Device) -> None:
        assert getaddrinfo(device, "1.2.3.4", 1, machine.AF_INET, STREAM)
        with pytest.raises(machine.gaierror, match="IPv4 only") as caught:
            getaddrinfo(device, "1.2.3.4", 1, machine.AF_INET6)
        assert caught.value.errno == machine.EAI_FAMILY

    @pytest.mark.parametrize(
        ("port", "number"), [(None, 0), (80, 80), ("8080", 8080), (b"80", 80), ("http", 80), ("domain", 53)]
    )
    def test_ports(self, device: Device, port: Any, number: int) -> None:
        assert getaddrinfo(device, "1.2.3.4", port, type=STREAM)[0][4] == ("1.2.3.4", number)

    def test_unknown_service(self, device: Device) -> None:
        with pytest.raises(machine.gaierror) as caught:
            getaddrinfo(device, "1.2.3.4", "no-such-service")
        assert caught.value.errno == machine.EAI_SERVICE

    @pytest.mark.parametrize("host", [None, "", b""])
    def test_no_host(self, device: Device, host: Any) -> None:
        assert getaddrinfo(device, host, 80, type=STREAM)[0][4] == ("127.0.0.1", 80)
        assert getaddrinfo(device, host, 80, type=STREAM, flags=machine.AI_PASSIVE)[0][4] == ("0.0.0.0", 80)

    def test_flags(self, both: tuple[Device, Router]) -> None:
        device, router = both
        with pytest.raises(machine.gaierror):
            getaddrinfo(device, "board.example", 80, flags=machine.AI_NUMERICHOST)
        assert getaddrinfo(device, b"1.2.3.4", 80, flags=machine.AI_NUMERICHOST)[0][4] == ("1.2.3.4", 80)
        assert router.asked == []
        assert getaddrinfo(device, "board.example", 80, flags=machine.AI_CANONNAME)[0][3] == "board.example"


def test_the_older_functions(device: Device) -> None:
    assert gethostbyname(device, "board.example") == "192.0.2.7"
    assert gethostbyname_ex(device, "board.example") == ("board.example", [], ["192.0.2.7"])
    assert gethostbyaddr(device, "127.0.0.1") == ("localhost", [], ["127.0.0.1"])
    with pytest.raises(machine.herror):
        gethostbyaddr(device, "192.0.2.7")
    assert getnameinfo(device, ("192.0.2.7", 80), 0) == ("192.0.2.7", "80")
    with pytest.raises(machine.gaierror):
        getnameinfo(device, ("192.0.2.7", 80), machine.NI_NAMEREQD)
