"""What is wrong with certificates: names, dates, trust."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from usocket.tls_verify import (
    CERTIFICATE_UNKNOWN,
    CN_MISMATCH,
    EXPIRED,
    EXT_KEY_USAGE,
    FUTURE,
    NOT_TRUSTED,
    UNKNOWN_CA,
    alert_for,
    complaints,
    matches,
)

YEAR_2000 = 946_684_800


def info(name: str = "device.local", **more: Any) -> dict[str, Any]:
    """What CPython makes of a certificate of the year 2000."""
    return {
        "subject": ((("organizationName", "x"),), (("commonName", name),)),
        "notBefore": "Jan  1 00:00:00 2000 GMT",
        "notAfter": "Jan  1 00:00:00 2001 GMT",
        **more,
    }


def failure(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "text")
    error.verify_code = code
    return error


def test_all_is_well() -> None:
    assert complaints([info(), info("ca")], "device.local", YEAR_2000, None) == []
    assert complaints([info()], None, YEAR_2000, None) == []  # a server does not ask for a name
    assert complaints([], "device.local", YEAR_2000, failure(20)) == [NOT_TRUSTED]


def test_dates() -> None:
    assert complaints([info()], None, YEAR_2000 - 1, None) == [FUTURE]
    assert complaints([info()], None, YEAR_2000 + 366 * 86400, None) == []
    assert complaints([info()], None, YEAR_2000 + 366 * 86400 + 1, None) == [EXPIRED]
    assert complaints([info(notAfter="Jan  1 00:00:00 2030 GMT"), info()], None, 10**9, None) == [EXPIRED]


def test_all_that_is_wrong_is_said_in_order() -> None:
    assert complaints([info()], "other", 0, failure(18)) == [CN_MISMATCH, NOT_TRUSTED, FUTURE]
    assert complaints([info()], "other", 10**9, failure(26)) == [EXPIRED, CN_MISMATCH, EXT_KEY_USAGE]


@pytest.mark.parametrize(
    ("name", "host", "same"),
    [
        ("device.local", "device.local", True),
        ("Device.Local", "dEVICE.lOCAL", True),
        ("device.local", "device.loca", False),
        ("*.local", "device.local", True),
        ("*.local", "a.device.local", False),
        ("*.local", "local", False),
        ("*.local", ".local", False),
        ("*", "device", False),
        ("dev*.local", "device.local", False),
        ("192.168.7.2", "192.168.7.2", True),
    ],
)
def test_common_names(name: str, host: str, same: bool) -> None:
    assert matches(info(name), host) == same


def test_alternative_names_go_before_the_common_one() -> None:
    names = ("DNS", "*.example"), ("IP Address", "192.168.7.2"), ("URI", "x")
    made = info("device.local", subjectAltName=names)
    assert matches(made, "www.example")
    assert matches(made, "192.168.7.2")
    assert not any(matches(made, host) for host in ("device.local", "192.168.7.3", "x"))


def test_alerts() -> None:
    """RFC 5246, section 7.2.2."""
    assert alert_for([EXPIRED]) == 45
    assert alert_for([CN_MISMATCH, EXPIRED]) == 42
    assert alert_for([NOT_TRUSTED]) == UNKNOWN_CA == 48
    assert alert_for([FUTURE]) == CERTIFICATE_UNKNOWN == 46
