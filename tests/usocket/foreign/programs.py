"""What was tried of programs that are not ours: the table of docs/foreign.md."""

from __future__ import annotations

from dataclasses import dataclass

from tests.usocket.foreign.download import Archive, Raw
from tests.usocket.foreign.sources import (
    AIOHTTP,
    MICRODOT,
    MODBUS,
    NTPTIME,
    REQUESTS,
    UAIOHTTPCLIENT,
    UMQTT_ROBUST,
    UMQTT_SIMPLE,
    UREQUESTS,
)


@dataclass(frozen=True, slots=True)
class Program:
    """One that runs: its peer on Linux, what it does, which tests (``file::function``) show it."""

    name: str
    source: Archive | Raw | str
    peer: str
    does: str
    tests: tuple[str, ...]


PROGRAMS = (
    Program(
        "umqtt.simple",
        UMQTT_SIMPLE,
        "mosquitto",
        "QoS 0 and 1, a message of 5000 bytes, a retained one, last will, ping, check_msg; also on an esp32",
        ("test_mqtt::test_simple",),
    ),
    Program(
        "umqtt.robust",
        UMQTT_ROBUST,
        "mosquitto, killed and started again",
        "goes on with QoS 0. With QoS 1 it may wait for ever after a reconnection, on a board too: its"
        " `publish` waits for the answer with its own `wait_msg`, which connects again and forgets what was"
        " published",
        ("test_mqtt::test_robust_goes_on_with_a_broker_that_was_restarted",),
    ),
    Program(
        "urequests",
        UREQUESTS,
        "Python's http.server",
        "GET, 404, JSON, POST, PUT of 9000 bytes, 30000 bytes at once, seven in a row, a refused connection",
        ("test_http::test_requests",),
    ),
    Program(
        "requests",
        REQUESTS,
        "Python's http.server",
        "the same, and a redirection, a chunked body, PATCH with a password, a time-out",
        ("test_http::test_requests",),
    ),
    Program(
        "uaiohttpclient",
        UAIOHTTPCLIENT,
        "Python's http.server",
        "GET, 404",
        ("test_http::test_uaiohttpclient",),
    ),
    Program(
        "aiohttp (client)",
        AIOHTTP[0],
        "Python's http.server",
        "GET with parameters, 30000 bytes in pieces, 404, POST of JSON, four at a time; on both asyncios",
        ("test_http::test_aiohttp",),
    ),
    Program(
        "aiohttp (WebSocket client)",
        AIOHTTP[1],
        "microdot on CPython",
        "texts, bytes, JSON, closing; on both asyncios",
        ("test_http::test_aiohttp_websocket",),
    ),
    Program(
        "ntptime",
        NTPTIME,
        "a time server of the test",
        "`time` and `settime` with both epochs (rp2 and stm32, esp32), a server that is silent",
        ("test_ntp::test_ntptime",),
    ),
    Program(
        "microdot",
        MICRODOT,
        "curl",
        "pages, arguments, a file, a stream, POST, redirection, errors, four clients at a time; on"
        " our asyncio and on MicroPython's own",
        ("test_microdot::test_pages",),
    ),
    Program(
        "micropython-modbus (TCP target)",
        MODBUS,
        "a client of the test",
        "coils and registers read and set, an exception, a second client",
        ("test_modbus::test_target",),
    ),
    Program(
        "examples/network/http_server, http_server_simplistic",
        "MicroPython",
        "curl",
        "seven pages in a row",
        ("test_examples::test_servers",),
    ),
    Program(
        "examples/network/http_client",
        "MicroPython",
        "a web server of the test, dnsmasq",
        "a name, a page",
        ("test_examples::test_client",),
    ),
    Program(
        "a prompt in callbacks, as WebREPL's",
        "the test's own",
        "nc",
        "`setsockopt(SOL_SOCKET, 20, ...)` for connections and for data while the main program is busy",
        ("test_callbacks::test_prompt",),
    ),
)

NOT_TRIED = (
    ("aiohttp (server)", "micropython-lib has none; microdot stands in its place"),
    (
        "webrepl",
        "needs MicroPython's C modules websocket and _webrepl; a prompt in callbacks stands in its place",
    ),
)
