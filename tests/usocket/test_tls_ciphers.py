"""Cipher suites: OpenSSL knows all of them, by these names."""

from __future__ import annotations

import ssl

import pytest

from usocket.tls_ciphers import MBEDTLS, OPENSSL, selection


@pytest.mark.parametrize("name", OPENSSL)
def test_openssl_has_it_with_these_parts(name: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(selection([name]))
    (found,) = [cipher for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]
    assert MBEDTLS[found["name"]] == name
    exchange, _, rest = name.removeprefix("TLS-").partition("-WITH-AES-")
    bits, mode, mac = rest.split("-")
    assert found["strength_bits"] == int(bits)
    assert f"Kx={exchange.split('-')[0].replace('ECDHE', 'ECDH')} " in found["description"]
    assert f"Au={exchange.split('-')[-1]} " in found["description"]
    assert ("GCM" in found["description"]) == (mode == "GCM")
    assert f"Mac={'AEAD' if mode == 'GCM' else mac}".replace("Mac=SHA", "Mac=SHA") in found["description"]


def test_the_order_is_kept_whatever_the_strength() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(selection(list(OPENSSL)))
    found = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]
    assert found == list(OPENSSL.values())
    with pytest.raises(KeyError):
        selection(["TLS-NULL"])
