"""Which of MicroPython's own tests of sockets, select and the network run here, and how they end.

Of v1.25.0. Those of asyncio and TLS without a network beyond the device are in ``test_asyncio_micropython``
and ``test_ssl_micropython``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

FAR = "192.0.2.1"  # nobody answers there (RFC 5737)

GETADDRINFO = """\
-- test_0_0_0_0: getaddrinfo returned resolutions
-- test_bogus: getaddrinfo raised
-- test_ip_addr: getaddrinfo returned resolutions
-- test_non_existent: getaddrinfo raised
-- test_valid: getaddrinfo returned resolutions
"""


@dataclass(frozen=True, slots=True)
class Own:
    """A test: its folder and name; ``fails`` says why it does not pass.

    ``site`` is where its micropython.org is: Linux beside the device, or a host that does not answer.
    ``without``: methods of it that are not run, ``why``. ``truth``: what it has to print, where it has no
    .exp and CPython would need the internet to tell.
    """

    name: str
    fails: str = ""
    site: str = "192.168.7.1"
    without: str = ""
    why: str = ""
    truth: str = ""


# One program on the device; Linux is the name server, the web server of micropython.org and the gateway.
ALONE = (
    Own("extmod/select_ipoll"),
    Own("extmod/select_poll_basic"),
    Own("extmod/select_poll_custom"),
    Own("extmod/select_poll_eintr"),
    Own("extmod/select_poll_udp"),
    Own("extmod/socket_tcp_basic"),
    Own("extmod/socket_udp_nonblock"),
    Own("net_hosted/accept_nonblock"),
    Own("net_hosted/accept_timeout"),
    Own("net_hosted/asyncio_loopback", fails="there is no 127.0.0.1 on a device, as on most boards"),
    Own("net_hosted/asyncio_start_server"),
    Own("net_hosted/connect_nonblock", site=FAR),
    Own(
        "net_hosted/connect_nonblock_xfer",
        site=FAR,
        without="test_ssl_sockets",
        why="it needs a site with TLS that is far away",
    ),
    Own("net_hosted/connect_poll"),
    Own("net_hosted/connect_timeout", truth="True\nTrue\n"),
    Own("net_inet/asyncio_cancel_stream"),
    Own("net_inet/asyncio_open_connection"),
    Own("net_inet/asyncio_tcp_read_headers"),
    Own("net_inet/getaddrinfo", truth=GETADDRINFO),
)

# Two instances, started by MicroPython's own runner: the device and CPython on Linux.
SERVING = (  # the device is instance 0
    Own("multi_net/asyncio_tcp_client_rst"),
    Own("multi_net/asyncio_tcp_close_write"),
    Own("multi_net/asyncio_tcp_readall"),
    Own("multi_net/asyncio_tcp_readexactly"),
    Own("multi_net/asyncio_tcp_server_client"),
    Own("multi_net/tcp_accept_recv"),
    Own("multi_net/tcp_client_rst"),
    Own("multi_net/tcp_data"),
    Own("multi_net/udp_data"),
)
ASKING = (  # CPython is instance 0
    Own("multi_net/asyncio_tcp_close_write"),
    Own("multi_net/asyncio_tcp_readall"),
    Own("multi_net/asyncio_tcp_readexactly"),
    Own("multi_net/asyncio_tcp_server_client"),
    Own("multi_net/tcp_accept_recv"),
    Own("multi_net/tcp_data"),
    Own("multi_net/udp_data"),
)

NOT_TRIED = (
    ("extmod/select_poll_fd, socket_fileno", "for the Unix port; they skip themselves on a board with lwIP"),
    ("net_hosted/ssl_*, net_inet/ssl_*, tls_*", "need the certificates of real sites on the internet"),
    ("multi_net/tls_dtls_server_client", "there is no DTLS here"),
    ("multi_net/asyncio_tcp_readinto", "CPython's streams, the other instance, have no readinto"),
    ("multi_wlan/01_ap_sta", "needs an access point on the device"),
    ("multi_bluetooth, multi_espnow", "not IP"),
)


def parameters(tests: Iterable[Own]) -> list[Any]:
    """For ``pytest.mark.parametrize``. One that passes although it is said to fail, fails."""
    return [
        pytest.param(own, id=own.name, marks=[pytest.mark.xfail(reason=own.fails)] * bool(own.fails))
        for own in tests
    ]
