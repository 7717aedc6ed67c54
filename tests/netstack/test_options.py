"""The option table: reading, writing and refusing values."""

from __future__ import annotations

import pytest

from netstack.options import OPTIONS, Option, ProfileError, is_option, lookup, parse_setting
from netstack.profile import Profile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TCP_WND=8192", ("tcp_wnd", 8192)),
        ("tcp_wnd = 0x2000", ("tcp_wnd", 8192)),
        ("api_listen_queue=backlog", ("api_listen_queue", 0)),
        ("lwip_version=2.1.3", ("lwip_version", "2.1.3")),
        ("LWIP_ICMP=0", ("lwip_icmp", 0)),
    ],
)
def test_settings(text: str, expected: tuple[str, int | str]) -> None:
    assert parse_setting(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TCP_WND", "TCP_WND needs a value (write TCP_WND=VALUE; must be 1..4294967295 (byte))"),
        ("TCP_WND=", "TCP_WND has no value (write TCP_WND=VALUE; must be 1..4294967295 (byte))"),
        ("=3", "not a setting: '=3' (write NAME=VALUE, like TCP_WND=8192)"),
        ("TCP_WND=many", "TCP_WND=many: not a number; must be 1..4294967295 (byte)"),
        ("TCP_WND=0", "TCP_WND=0: must be 1..4294967295 (byte)"),
        ("TCP_WMD=1", "unknown option TCP_WMD (did you mean TCP_WND?)"),
        ("LWIP_ICMP=2", "LWIP_ICMP=2: must be 0 or 1"),
        ("api=posix", "api=posix: must be netconn or modlwip"),
        ("api_listen_queue=300", "api_listen_queue=300: must be 0..255 or backlog (connections)"),
    ],
)
def test_mistakes_get_one_line_with_the_mend(text: str, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_setting(text)
    assert str(caught.value) == message


def test_names_go_in_both_cases() -> None:
    assert is_option("TCP_MSS")
    assert is_option("tcp_mss")
    assert not is_option("view")
    assert lookup("TCP_MSS") is lookup("tcp_mss")


@pytest.mark.parametrize("row", OPTIONS.values(), ids=OPTIONS)
def test_rows_are_sound(row: Option) -> None:
    default = getattr(Profile.make(check=False), row.name)
    assert row.parse(default) == default
    assert row.parse(row.format(default)) == default
    assert row.doc
    assert row.unit
    assert row.name == row.name.lower()
