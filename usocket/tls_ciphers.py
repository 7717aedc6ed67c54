"""The cipher suites of MicroPython's mbedTLS, in the order in which it prefers them, and OpenSSL's names.

Source: micropython/micropython:extmod/mbedtls/mbedtls_config_common.h; Mbed-TLS/mbedtls:library/
ssl_ciphersuites.c, ``ciphersuite_preference``.
"""

from __future__ import annotations

# mbedTLS's name: OpenSSL's
OPENSSL = {
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA384": "ECDHE-ECDSA-AES256-SHA384",
    "TLS-ECDHE-RSA-WITH-AES-256-CBC-SHA384": "ECDHE-RSA-AES256-SHA384",
    "TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS-ECDHE-RSA-WITH-AES-256-CBC-SHA": "ECDHE-RSA-AES256-SHA",
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA": "ECDHE-RSA-AES128-SHA",
    "TLS-RSA-WITH-AES-256-GCM-SHA384": "AES256-GCM-SHA384",
    "TLS-RSA-WITH-AES-256-CBC-SHA256": "AES256-SHA256",
    "TLS-RSA-WITH-AES-256-CBC-SHA": "AES256-SHA",
    "TLS-RSA-WITH-AES-128-GCM-SHA256": "AES128-GCM-SHA256",
    "TLS-RSA-WITH-AES-128-CBC-SHA256": "AES128-SHA256",
    "TLS-RSA-WITH-AES-128-CBC-SHA": "AES128-SHA",
}

MBEDTLS = {theirs: ours for ours, theirs in OPENSSL.items()}


def selection(suites: list[str]) -> str:
    """OpenSSL's way of saying which suites, whatever it thinks of their strength. KeyError for others."""
    return ":".join(OPENSSL[suite] for suite in suites) + ":@SECLEVEL=0"
