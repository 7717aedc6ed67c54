"""Keys and certificates in PEM and DER."""

from __future__ import annotations

import os
import ssl

import pytest

from tests.usocket.certificates import Certificate, certificate, openssl
from usocket.tls_credentials import load_cert_chain, load_verify_locations, private_key

pytestmark = pytest.mark.needs("openssl")


def context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def traditional(made: Certificate, kind: str) -> bytes:
    """The key in DER as it was before PKCS #8: RFC 8017 and 5915."""
    options = ["-traditional"] if kind == "rsa" else []
    return openssl(kind, "-in", made.key_file, "-outform", "DER", *options)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_all_forms(kind: str) -> None:
    made = certificate(kind=kind)
    before = descriptors()
    for key in (made.key, made.key_der, traditional(made, kind)):
        for cert in (made.cert, made.cert_der, made.cert_der + b"behind it"):
            load_cert_chain(context(), cert, private_key(key))
    assert descriptors() == before


def test_labels() -> None:
    ec, rsa = certificate(), certificate(kind="rsa")
    assert private_key(ec.key) == ec.key
    for der, label in (
        (ec.key_der, b"PRIVATE KEY"),
        (rsa.key_der, b"PRIVATE KEY"),
        (traditional(ec, "ec"), b"EC PRIVATE KEY"),
        (traditional(rsa, "rsa"), b"RSA PRIVATE KEY"),
    ):
        assert private_key(der).startswith(b"-----BEGIN " + label + b"-----\n")


@pytest.mark.parametrize(
    "data", [b"", b"!", b"0", b"0\x82", b"0\x03\x02\x01\x00", b"0\x03\x05\x00\x05", b"\x30" + bytes(50)]
)
def test_what_is_no_key(data: bytes) -> None:
    made = certificate()
    with pytest.raises(ValueError, match=r"^invalid key$"):
        load_cert_chain(context(), made.cert, private_key(data))


def test_broken_ones() -> None:
    made = certificate()
    for data in (made.key[:100], made.cert):
        with pytest.raises(ValueError, match=r"^invalid key$"):
            private_key(data)
    for data in (private_key(made.key_der[:-3]), private_key(certificate(kind="rsa").key)):
        with pytest.raises(ValueError, match=r"^invalid key$"):
            load_cert_chain(context(), made.cert, data)
    for data in (b"!", b"", made.key, made.cert[:200], made.cert_der[:-3]):
        with pytest.raises(ValueError, match=r"^invalid cert$"):
            load_cert_chain(context(), data, made.key)


def test_an_encrypted_key_asks_nobody() -> None:
    made = certificate()
    encrypted = openssl("pkey", "-in", made.key_file, "-aes128", "-passout", "pass:secret")
    with pytest.raises(ValueError, match=r"^invalid key$"):
        load_cert_chain(context(), made.cert, private_key(encrypted))


def test_authorities() -> None:
    one, other = certificate(), certificate(serial=2)
    for data, count in (
        (one.cert, 1),
        (one.cert_der, 1),
        (one.cert + other.cert, 2),
        (one.cert_der + other.cert_der, 1),
    ):
        made = context()
        load_verify_locations(made, data)
        assert made.cert_store_stats()["x509"] == count
    for data in (b"", b"!", one.key, one.cert[:100]):
        with pytest.raises(ValueError, match=r"^invalid cert$"):
            load_verify_locations(context(), data)
