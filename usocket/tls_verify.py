"""What is wrong with a peer's certificates, as mbedTLS finds and says it.

OpenSSL checks the signatures. Names and dates are compared here: names by mbedTLS's rules, dates with the
device's clock, and all that is wrong is said, not the first thing only.

Sources: Mbed-TLS/mbedtls:library/x509_crt.c, ``x509_crt_verify_name``, ``x509_crt_verify_strings``;
library/ssl_tls.c, ``ssl_parse_certificate_verify`` (alerts); RFC 6125.
"""

from __future__ import annotations

import ipaddress
import ssl
from typing import Any

EXPIRED = "The certificate validity has expired"
REVOKED = "The certificate has been revoked (is on a CRL)"
CN_MISMATCH = "The certificate Common Name (CN) does not match with the expected CN"
NOT_TRUSTED = "The certificate is not correctly signed by the trusted CA"
FUTURE = "The certificate validity starts in the future"
EXT_KEY_USAGE = "Usage does not match the extendedKeyUsage extension"
BAD_MD = "The certificate is signed with an unacceptable hash."
BAD_KEY = "The certificate is signed with an unacceptable key (eg bad curve, RSA too short)."

_ORDER = (EXPIRED, REVOKED, CN_MISMATCH, NOT_TRUSTED, FUTURE, EXT_KEY_USAGE, BAD_MD, BAD_KEY)

# OpenSSL's verify_code (X509_V_ERR_..., x509_vfy.h) -> sentence; all others are NOT_TRUSTED.
_CODES = {23: REVOKED, 26: EXT_KEY_USAGE, 66: BAD_KEY, 67: BAD_KEY, 68: BAD_MD}

# Alerts (RFC 5246, section 7.2) in the order in which mbedTLS looks for a reason; otherwise "unknown".
_ALERTS = {
    CN_MISMATCH: 42,
    EXT_KEY_USAGE: 43,
    BAD_MD: 43,
    BAD_KEY: 43,
    EXPIRED: 45,
    REVOKED: 44,
    NOT_TRUSTED: 48,
}
CERTIFICATE_UNKNOWN = 46
UNKNOWN_CA = 48
ACCESS_DENIED = 49


def complaints(
    infos: list[dict[str, Any]], hostname: str | None, now: int, failure: ssl.SSLCertVerificationError | None
) -> list[str]:
    """All that is wrong with a chain, in mbedTLS's order.

    ``infos``: what CPython makes of each certificate, the peer's own first; ``now``: s since 1970;
    ``failure``: what OpenSSL says.
    """
    found = set()
    if failure is not None:
        found.add(_CODES.get(failure.verify_code, NOT_TRUSTED))
    if any(ssl.cert_time_to_seconds(info["notAfter"]) < now for info in infos):
        found.add(EXPIRED)
    if any(ssl.cert_time_to_seconds(info["notBefore"]) > now for info in infos):
        found.add(FUTURE)
    if hostname is not None and infos and not matches(infos[0], hostname):
        found.add(CN_MISMATCH)
    return [sentence for sentence in _ORDER if sentence in found]


def alert_for(sentences: list[str]) -> int:
    """What a peer is told whose certificate is not accepted."""
    return next((alert for sentence, alert in _ALERTS.items() if sentence in sentences), CERTIFICATE_UNKNOWN)


def matches(info: dict[str, Any], hostname: str) -> bool:
    """Whether a certificate is for ``hostname``: its alternative names count, the common ones without any."""
    names = info.get("subjectAltName")
    if names is None:
        names = [attribute for part in info["subject"] for attribute in part if attribute[0] == "commonName"]
    return any(
        _same_address(value, hostname) if kind == "IP Address" else _same_name(value, hostname)
        for kind, value in names
        if kind in ("DNS", "IP Address", "commonName")
    )


def _same_name(pattern: str, hostname: str) -> bool:
    """The same but for case; ``*.`` stands for one label."""
    pattern, hostname = pattern.lower(), hostname.lower()
    if pattern == hostname:
        return True
    label, dot, rest = hostname.partition(".")
    return pattern[:2] == "*." and bool(label and dot) and pattern[2:] == rest


def _same_address(value: str, hostname: str) -> bool:
    try:
        return ipaddress.ip_address(value.strip()) == ipaddress.ip_address(hostname)
    except ValueError:
        return False
