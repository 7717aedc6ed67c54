"""Ports by the name of a profile."""

from __future__ import annotations

import pytest

from netstack.profiles import named, names
from tests.usocket.support import two_devices
from usocket.port import ESP32, MIMXRT, RP2, STM32, port_of


@pytest.mark.parametrize(
    ("profile", "port"),
    [
        ("micropython", RP2),
        ("micropython-rp2", RP2),
        ("micropython-stm32", STM32),
        ("micropython-mimxrt", MIMXRT),
        ("micropython-esp32", ESP32),
        ("full", RP2),
    ],
)
def test_the_port_of_a_profile(profile: str, port: object) -> None:
    assert port_of(named(profile)) is port


def test_every_board_has_its_own_platform() -> None:
    boards = [name for name in names() if name.startswith("micropython-") and "rp2" not in name]
    assert all(port_of(named(name)) is not RP2 for name in boards)


def test_a_changed_profile_is_still_that_board() -> None:
    assert port_of(named("micropython-esp32").replace(tcp_mss=1000)) is ESP32


def test_a_device_has_the_port_of_its_profile() -> None:
    with two_devices(server=named("micropython-stm32")) as pair:
        assert (pair.server.port, pair.client.port) == (STM32, RP2)
        assert pair.server.stack.dhcp.hostname == "mpy-pyboard"
