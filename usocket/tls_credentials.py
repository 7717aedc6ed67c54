"""Keys and certificates as MicroPython takes them, bytes in PEM or DER, for CPython's ``ssl``, which takes
files.

Sources: micropython/micropython:extmod/modtls_mbedtls.c, ``ssl_context_load_key``, ``asn1_get_data``; RFC
5208, 5915, 8017 (what a key in DER begins with).
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

BEGIN = b"-----BEGIN "

SEQUENCE, INTEGER, OCTET_STRING = 0x30, 0x02, 0x04
_KINDS = {SEQUENCE: "PRIVATE KEY", INTEGER: "RSA PRIVATE KEY", OCTET_STRING: "EC PRIVATE KEY"}

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*-----END ", re.DOTALL)


def private_key(data: bytes) -> bytes:
    """A key in PEM. Raises ValueError: invalid key."""
    try:
        pem = data if BEGIN in data else _key_pem(data)
    except IndexError:
        pem = b""
    if not _PRIVATE_KEY.search(pem):
        raise ValueError("invalid key")
    return pem


def load_cert_chain(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """Give ``context`` its own certificate; ``key`` in PEM. Raises ValueError: invalid key, invalid cert."""
    load_verify_locations(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), cert)  # complains of what is none
    if BEGIN not in cert:
        cert = ssl.DER_cert_to_PEM_cert(_first(cert)).encode()
    with _file(cert) as cert_file, _file(key) as key_file:
        try:
            context.load_cert_chain(cert_file, key_file, password=lambda: b"")  # never asks a human
        except (ssl.SSLError, ValueError):
            raise ValueError("invalid key") from None


def load_verify_locations(context: ssl.SSLContext, cadata: bytes) -> None:
    """Have ``context`` trust what these certificates have signed. Raises ValueError: invalid cert."""
    try:
        context.load_verify_locations(cadata=cadata.decode("ascii") if BEGIN in cadata else _first(cadata))
    except (ssl.SSLError, ValueError, IndexError):
        raise ValueError("invalid cert") from None


def _key_pem(der: bytes) -> bytes:
    """A key in PEM. What stands behind its version tells which of three kinds it is. IndexError for none."""
    if der[0] != SEQUENCE:
        return b""
    start = _content(der)
    kind = _KINDS.get(der[start + 2 + der[start + 1]]) if der[start] == INTEGER else None
    if kind is None:
        return b""
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n".encode()


def _content(der: bytes) -> int:
    """Where the content of the first value begins."""
    return 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)


def _first(der: bytes) -> bytes:
    """The first value: mbedTLS does not look at what follows it. IndexError for none."""
    start = _content(der)
    return der[: start + (der[1] if start == 2 else int.from_bytes(der[2:start], "big"))]


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """A file for those who take nothing else; it is in memory only."""
    descriptor = os.memfd_create("usocket", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
