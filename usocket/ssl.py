"""MicroPython's ``ssl``: ``tls`` with files, and ``wrap_socket``.

``modules`` gives a script both. Contexts made here verify nobody before ``verify_mode`` says so.

Source: micropython/micropython-lib:python-stdlib/ssl/ssl.py (docs/library/ssl.rst).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from usocket import tls
from usocket.tls import (
    CERT_NONE,
    CERT_OPTIONAL,
    CERT_REQUIRED,
    MBEDTLS_VERSION,
    PROTOCOL_TLS_CLIENT,
    PROTOCOL_TLS_SERVER,
    SSLSocket,
)

__all__ = [
    "CERT_NONE",
    "CERT_OPTIONAL",
    "CERT_REQUIRED",
    "MBEDTLS_VERSION",
    "PROTOCOL_TLS_CLIENT",
    "PROTOCOL_TLS_SERVER",
    "SSLContext",
    "wrap_socket",
]


class SSLContext(tls.SSLContext):
    """As ``tls.SSLContext``; a str stands for the file of that name."""

    __module__ = "builtins"
    __slots__ = ()

    def __init__(self, protocol: int, /) -> None:
        super().__init__(protocol)
        self.verify_mode = CERT_NONE

    def load_cert_chain(self, certfile: Any, keyfile: Any) -> None:
        """Its own certificate and key. OSError for a missing file, ValueError for what is none."""
        super().load_cert_chain(_content(certfile), _content(keyfile))

    def load_verify_locations(self, cafile: Any = None, cadata: Any = None) -> None:
        """Trust what the certificates of a file, or these, have signed."""
        super().load_verify_locations(_content(cafile) if cafile else cadata)

    def wrap_socket(
        self,
        sock: Any,
        server_side: object = False,
        do_handshake_on_connect: object = True,
        server_hostname: str | None = None,
    ) -> SSLSocket:
        """As that of ``tls.SSLContext``."""
        return super().wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            server_hostname=server_hostname,
        )


def wrap_socket(
    sock: Any,
    server_side: object = False,
    key: Any = None,
    cert: Any = None,
    cert_reqs: int = CERT_NONE,
    cadata: Any = None,
    server_hostname: str | None = None,
    do_handshake: object = True,
) -> SSLSocket:
    """A TLS socket with a context of its own."""
    context = SSLContext(PROTOCOL_TLS_SERVER if server_side else PROTOCOL_TLS_CLIENT)
    if cert or key:
        context.load_cert_chain(cert, key)
    if cadata:
        context.load_verify_locations(cadata=cadata)
    context.verify_mode = cert_reqs
    return context.wrap_socket(sock, server_side, do_handshake, server_hostname)


def _content(name_or_data: Any) -> Any:
    if not isinstance(name_or_data, str):
        return name_or_data
    with open(name_or_data, "rb") as file:
        return file.read()


def modules(console: ModuleType) -> dict[str, ModuleType]:
    """The modules ``ssl`` and ``tls`` for a script."""
    made = {}
    here = ModuleType("ssl")
    vars(here).update({name: globals()[name] for name in __all__}, tls=tls)
    made["ssl"] = here
    made["tls"] = ModuleType("tls")
    vars(made["tls"]).update({name: getattr(tls, name) for name in tls.__all__})
    vars(here)["tls"] = made["tls"]
    return made
