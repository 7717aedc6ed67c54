"""Names on an esp32."""

from __future__ import annotations

import pytest

from tests.usocket.router import device_and_router
from tests.usocket.support import raises
from usocket.esp32_names import NAMES, getaddrinfo, looked_up


def test_getaddrinfo() -> None:
    with device_and_router(profile="micropython-esp32") as (_, router):
        router.names["micropython.org"] = "192.0.2.9"
        assert getaddrinfo("micropython.org", "80") == [(2, 1, 0, "micropython.org", ("192.0.2.9", 80))]
        assert getaddrinfo("10.1", 80, 0, 2, 17) == [(2, 2, 17, "10.1", ("10.0.0.1", 80))]
        assert getaddrinfo("", 80) == [(2, 1, 0, "0.0.0.0", ("0.0.0.0", 80))]
        for port in ("http", 70000, -1):
            with raises(-201):
                getaddrinfo("10.0.0.1", port)
        with raises(-202):
            getaddrinfo("nowhere.example", 80)


def test_without_a_server() -> None:
    with device_and_router(profile="micropython-esp32", dns=None), raises(-202):
        getaddrinfo("micropython.org", 80)


def test_address_arguments() -> None:
    with device_and_router(profile="micropython-esp32") as (device, router):
        router.names["here"] = "10.0.0.1"
        assert looked_up(device, ("here", b"80")) == looked_up(device, ["10.0.0.1", 80]) == (0x0A000001, 80)
        with pytest.raises(TypeError):
            looked_up(device, "here")
        with pytest.raises(ValueError, match="requested length 2 but object has length 3"):
            looked_up(device, ("here", 80, 0))


def test_constants() -> None:
    assert (NAMES["TCP_NODELAY"], NAMES["MSG_DONTWAIT"], NAMES["SOL_SOCKET"]) == (1, 8, 0xFFF)
    assert "IP_DROP_MEMBERSHIP" not in NAMES
