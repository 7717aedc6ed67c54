"""Fields and their values."""

from __future__ import annotations

import pytest

from tap.rules.errors import RuleError
from tap.rules.fields import field_name, field_value


def test_names() -> None:
    assert field_name("tcp.checksum") == "tcp.chksum"
    assert field_name("IP.ttl") == "ip.ttl"
    with pytest.raises(RuleError, match=r"did you mean tcp\.window\?"):
        field_name("tcp.windo")
    with pytest.raises(RuleError, match=r"there are eth\.dst, "):
        field_name("nothing")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tcp.window", "0", 0),
        ("tcp.window", "0xffff", 65535),
        ("tcp.window", 7, 7),
        ("ip.dst", "10.0.0.9", 0x0A000009),
        ("arp.psrc", "10.0.0.9", 0x0A000009),
        ("eth.dst", "02:00:00:00:00:01", 0x020000000001),
        ("tcp.flags", "RA", 0x14),
        ("tcp.flags", "s", 0x02),
        ("tcp.flags", "18", 18),
    ],
)
def test_values(name: str, text: int | str, value: int) -> None:
    assert field_value(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tcp.window", "65536", "0 to 65535"),
        ("tcp.window", -1, "0 to 65535"),
        ("tcp.window", "many", "write a number"),
        ("tcp.window", "9" * 5000, "write a number"),
        ("ip.dst", "10.0.0", "10.0.0"),
        ("eth.dst", "02:00", "six bytes"),
        ("tcp.flags", "RX", "FSRPAUEC"),
        ("tcp.flags", "", "FSRPAUEC"),
    ],
)
def test_mistakes(name: str, text: int | str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        field_value(name, text)
