"""Address arguments, and getaddrinfo for numbers and names."""

from __future__ import annotations

import pytest

from tap.clock import SECOND
from tests.usocket.router import device_and_router
from tests.usocket.support import raises, two_devices
from usocket.addrinfo import getaddrinfo, integer, number, parse_address


def test_an_address_argument() -> None:
    assert parse_address(("10.0.0.1", 80)) == (0x0A000001, 80)
    assert parse_address([b"10.0.0.1", 80]) == (0x0A000001, 80)
    assert parse_address(("0x7f.1", 80)) == (0x7F000001, 80)
    assert parse_address(("", 70000)) == (0, 4464)
    assert parse_address(("", -1)) == (0, 0xFFFF)
    for bad in ("10.0.0.1", None, 5):
        with pytest.raises(TypeError):
            parse_address(bad)
    with pytest.raises(TypeError, match="can't convert str to int"):
        parse_address(("", "80"))
    with pytest.raises(TypeError):
        parse_address((5, 80))
    with pytest.raises(ValueError, match="requested length 2 but object has length 3"):
        parse_address(("10.0.0.1", 80, 0))
    with pytest.raises(ValueError, match="invalid arguments"):
        parse_address(("micropython.org", 80))


def test_numbers_need_no_server() -> None:
    with two_devices():
        assert getaddrinfo("10.1", 70000) == [(2, 1, 0, "", ("10.0.0.1", 70000))]
        assert getaddrinfo(b"10.0.0.1", 80, 0, 1) == [(2, 1, 0, "", ("10.0.0.1", 80))]
        with pytest.raises(TypeError, match="can't convert str to int"):
            getaddrinfo("10.0.0.1", "80")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            getaddrinfo(None, 80)  # type: ignore[arg-type]


def test_names_without_a_server() -> None:
    with two_devices():
        with raises(-6):
            getaddrinfo("micropython.org", 80)
        with raises(-16):
            getaddrinfo("", 80)
        with raises(-16):
            getaddrinfo("x" * 256, 80)


def test_a_name_is_asked_for_once() -> None:
    with device_and_router() as (device, router):
        router.names["micropython.org"] = "192.0.2.9"
        for host in ("micropython.org", b"micropython.org", "MICROPYTHON.org"):
            assert getaddrinfo(host, 80) == [(2, 1, 0, "", ("192.0.2.9", 80))]
        assert router.asked == ["micropython.org"]
        assert device.stack.mem.udp_pcb.used == 0


def test_a_name_that_does_not_exist() -> None:
    with device_and_router() as (device, router):
        started = device.clock.now()
        with raises(-2):
            getaddrinfo("nobody.example", 80)
        assert device.clock.now() - started < SECOND
        assert router.asked == ["nobody.example"]


def test_a_silent_server() -> None:
    with device_and_router() as (device, router):
        router.is_silent = True
        started = device.clock.now()
        with raises(-2):
            getaddrinfo("micropython.org", 80)
        assert 6 * SECOND < device.clock.now() - started <= 8 * SECOND


def test_without_a_pcb_for_the_question() -> None:
    with device_and_router() as (device, _):
        kept = [device.socket(2, 2) for _ in range(device.profile.memp_num_udp_pcb)]
        with raises(-1):
            getaddrinfo("micropython.org", 80)
        kept.clear()


def test_constraints_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    with two_devices():
        assert getaddrinfo("10.0.0.1", 80, 2, 2, 17, 1) == [(2, 1, 0, "", ("10.0.0.1", 80))]
        assert capsys.readouterr().out == "Warning: unsupported getaddrinfo constraints\n"
        getaddrinfo("10.0.0.1", 80, 10, 1, 0, 0)
        assert capsys.readouterr().out == ""


def test_numbers() -> None:
    assert integer(True) == 1
    with pytest.raises(TypeError, match="can't convert float to int"):
        integer(1.0)
    assert number(3) == 3.0
    with pytest.raises(TypeError, match="can't convert str to float"):
        number("3")
