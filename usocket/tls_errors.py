"""What mbedTLS says when TLS fails: numbers, names and sentences, for what OpenSSL says.

On a board a failed handshake is OSError(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE') or the like, and a
certificate that is not accepted is ValueError with mbedTLS's sentence.

Sources: Mbed-TLS/mbedtls:include/mbedtls/ssl.h, x509.h;
micropython/micropython:extmod/modtls_mbedtls.c, ``mbedtls_raise_error``; compared with MicroPython 1.25.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from usocket.current import current_device
from usocket.errno import MicroPythonError

GENERIC_ERROR = 0x0001
CERT_VERIFY_FAILED = -0x2700
BAD_CONFIG = -0x5E80
HANDSHAKE_FAILURE = -0x6E00
BAD_PROTOCOL_VERSION = -0x6E80
INTERNAL_ERROR = -0x6C00
DECODE_ERROR = -0x7300
BAD_INPUT_DATA = -0x7100
INVALID_MAC = -0x7180
INVALID_RECORD = -0x7200
CONN_EOF = -0x7280
NO_CLIENT_CERTIFICATE = -0x7480
CA_CHAIN_REQUIRED = -0x7680
UNEXPECTED_MESSAGE = -0x7700
FATAL_ALERT_MESSAGE = -0x7780
PEER_CLOSE_NOTIFY = -0x7880

NAMES = {
    GENERIC_ERROR: "MBEDTLS_ERR_ERROR_GENERIC_ERROR",
    CERT_VERIFY_FAILED: "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED",
    BAD_CONFIG: "MBEDTLS_ERR_SSL_BAD_CONFIG",
    HANDSHAKE_FAILURE: "MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE",
    BAD_PROTOCOL_VERSION: "MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION",
    INTERNAL_ERROR: "MBEDTLS_ERR_SSL_INTERNAL_ERROR",
    DECODE_ERROR: "MBEDTLS_ERR_SSL_DECODE_ERROR",
    BAD_INPUT_DATA: "MBEDTLS_ERR_SSL_BAD_INPUT_DATA",
    INVALID_MAC: "MBEDTLS_ERR_SSL_INVALID_MAC",
    INVALID_RECORD: "MBEDTLS_ERR_SSL_INVALID_RECORD",
    CONN_EOF: "MBEDTLS_ERR_SSL_CONN_EOF",
    NO_CLIENT_CERTIFICATE: "MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE",
    CA_CHAIN_REQUIRED: "MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED",
    UNEXPECTED_MESSAGE: "MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE",
    FATAL_ALERT_MESSAGE: "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE",
    PEER_CLOSE_NOTIFY: "MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY",
}

# OpenSSL's reason -> mbedTLS's error. What is missing here and names no alert is a failed handshake.
_REASONS = {
    "BAD_RECORD_TYPE": INVALID_RECORD,
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": INVALID_MAC,
    "HTTP_REQUEST": INVALID_RECORD,
    "LENGTH_MISMATCH": DECODE_ERROR,
    "PACKET_LENGTH_TOO_LONG": INVALID_RECORD,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": NO_CLIENT_CERTIFICATE,
    "RECORD_LAYER_FAILURE": INVALID_RECORD,
    "UNEXPECTED_EOF_WHILE_READING": CONN_EOF,
    "UNEXPECTED_MESSAGE": UNEXPECTED_MESSAGE,
    "UNSUPPORTED_PROTOCOL": BAD_PROTOCOL_VERSION,
    "VERSION_TOO_LOW": BAD_PROTOCOL_VERSION,
    "WRONG_SSL_VERSION": BAD_PROTOCOL_VERSION,
    "WRONG_VERSION_NUMBER": INVALID_RECORD,
}


class TlsError(MicroPythonError):
    """OSError(number, name) as mbedTLS's errors are raised; prints as (number, name)."""

    def __init__(self, number: int) -> None:
        OSError.__init__(self, number)
        self.errno = number
        self.args = (number, name_of(number))

    def __str__(self) -> str:
        return str(self.args)

    def __repr__(self) -> str:
        return f"OSError{self.args}"


TlsError.__name__ = TlsError.__qualname__ = "OSError"
TlsError.__module__ = "builtins"


def name_of(number: int) -> str:
    """What ``mbedtls_strerror`` of MicroPython's build gives."""
    return NAMES.get(number, f"MBEDTLS_ERR_UNKNOWN (0x{abs(number):04X})")


def exception_of(code: int, sentences: Sequence[str] = ()) -> OSError | ValueError:
    """The exception for an error of mbedTLS, where -1 to -255 are the socket's.

    ``sentences`` say what is wrong with a certificate.
    """
    if sentences:
        return ValueError("".join(f"\n{sentence}\n" for sentence in sentences))
    if -256 < code < 0:
        return MicroPythonError(-code, current_device().port.errno.errorcode)
    return TlsError(code)


def code_of(error: ssl.SSLError) -> int:
    """mbedTLS's error for one of OpenSSL's."""
    if isinstance(error, ssl.SSLEOFError):
        return CONN_EOF
    if isinstance(error, ssl.SSLZeroReturnError):
        return PEER_CLOSE_NOTIFY
    reason = error.reason or ""
    if "_ALERT_" in reason:
        return FATAL_ALERT_MESSAGE
    return _REASONS.get(reason, HANDSHAKE_FAILURE)
