"""Errors: numbers and names as MicroPython's mbedTLS has them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.usocket.support import two_devices
from usocket import tls_errors
from usocket.tls_errors import CONN_EOF, NAMES, PEER_CLOSE_NOTIFY, TlsError, code_of, exception_of, name_of


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    with two_devices():
        yield


@pytest.mark.parametrize(
    ("number", "name"),
    [  # as the outputs of MicroPython's own tests have them
        (-30592, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"),
        (-29312, "MBEDTLS_ERR_SSL_CONN_EOF"),
        (-29824, "MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE"),
        (-24192, "MBEDTLS_ERR_SSL_BAD_CONFIG"),
        (-29184, "MBEDTLS_ERR_SSL_INVALID_RECORD"),
        (1, "MBEDTLS_ERR_ERROR_GENERIC_ERROR"),
    ],
)
def test_names(number: int, name: str) -> None:
    error = exception_of(number)
    assert str(error) == f"({number}, '{name}')"
    assert repr(error) == f"OSError({number}, '{name}')"
    assert isinstance(error, OSError)
    assert (error.args, error.errno) == ((number, name), number)
    assert name_of(number) == name


def test_constants_have_names_like_theirs() -> None:
    constants = {value: name for name, value in vars(tls_errors).items() if isinstance(value, int)}
    assert set(NAMES) == set(constants)
    assert all(NAMES[value].endswith(f"_{name}") for value, name in constants.items())
    assert name_of(-0x1234) == "MBEDTLS_ERR_UNKNOWN (0x1234)"
    assert type(TlsError(1)).__name__ == "OSError"


def test_the_sockets_own_are_positive_again() -> None:
    error = exception_of(-104)
    assert str(error) == "[Errno 104] ECONNRESET"
    assert error.args == (104,)


def test_certificates_are_value_errors() -> None:
    error = exception_of(-0x2700, ["One", "Two"])
    assert isinstance(error, ValueError)
    assert str(error) == "\nOne\n\nTwo\n"


def openssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "text")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", -0x7780),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", -0x7780),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", -0x7480),
        ("WRONG_VERSION_NUMBER", -0x7200),
        ("UNSUPPORTED_PROTOCOL", -0x6E80),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", -0x7180),
        ("NO_SHARED_CIPHER", -0x6E00),
        ("SOMETHING_NEW", -0x6E00),
    ],
)
def test_what_openssl_says(reason: str, number: int) -> None:
    assert code_of(openssl_error(reason)) == number


def test_ends() -> None:
    assert code_of(ssl.SSLEOFError(8, "EOF")) == CONN_EOF
    assert code_of(ssl.SSLZeroReturnError(6, "closed")) == PEER_CLOSE_NOTIFY
