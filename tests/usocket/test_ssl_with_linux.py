"""TLS on a real TAP, with certificates made just before: curl, openssl s_client and Python's HTTPS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tap.netns import Namespace
from tests.usocket.certificates import HOST, certificate
from tests.usocket.test_asyncio_with_linux import DEVICE, LINUX, netns, running
from usocket import Device
from usocket.script import run_source

__all__ = ["netns"]

pytestmark = [pytest.mark.tap, pytest.mark.needs("openssl")]

SERVER = """
import asyncio, ssl, sys

body = b"secret" * 3000
left = int(sys.argv[3])

async def serve(reader, writer):
    global left
    try:
        while True:
            line = await reader.readline()
            if line == b"\\r\\n" or not line:
                break
        writer.write(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
        writer.write(body)
        await writer.drain()
    except OSError as error:
        print(error)
    await writer.wait_closed()
    left -= 1

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    async with await asyncio.start_server(serve, "0.0.0.0", 443, ssl=context):
        while left:
            await asyncio.sleep_ms(20)

asyncio.run(main())
"""

ECHO = """
import socket, ssl, sys
listener = socket.socket()
listener.bind(("", 443))
listener.listen(1)
connection, _ = listener.accept()
connection = ssl.wrap_socket(connection, server_side=True, key=open(sys.argv[2], "rb").read(),
                             cert=open(sys.argv[1], "rb").read())
print(*connection.cipher())
while True:
    line = connection.readline()
    if not line:
        break
    connection.write(line.upper())
connection.close()
"""

CLIENT = """
import socket, ssl, sys

def get(port, name, cafile):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cafile:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile)
    sock = socket.socket()
    sock.connect((sys.argv[1], port))
    try:
        sock = context.wrap_socket(sock, server_hostname=name)
        sock.write(b"GET /file HTTP/1.0\\r\\n\\r\\n")
        status = sock.readline()
        while sock.readline() != b"\\r\\n":
            pass
        return status.split()[1], len(sock.read()), sock.cipher()[1]
    except (OSError, ValueError) as error:
        return str(error).strip()
    finally:
        sock.close()

print(get(4443, "device.local", sys.argv[2]))
print(get(4443, None, None))
print(get(4443, "other.local", sys.argv[2]))
print(get(4443, "device.local", sys.argv[3]))
print(get(8000, "device.local", sys.argv[2]))
"""

HTTPS = """
import http.server, ssl, sys, threading
handler = http.server.SimpleHTTPRequestHandler
plain = http.server.ThreadingHTTPServer((sys.argv[1], 8000), handler)
secure = http.server.ThreadingHTTPServer((sys.argv[1], 4443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=plain.serve_forever, daemon=True).start()
print("ready", flush=True)
secure.serve_forever()
"""


@pytest.fixture
def here() -> tuple[str, str]:
    """The files of the certificate and the key."""
    made = certificate()
    return made.cert_file, made.key_file


def curl(netns: Namespace, authority: str) -> subprocess.Popen[bytes]:
    where = f"{HOST}:443:{DEVICE}"
    argv = ["curl", "-sS", "-m", "20", "--cacert", authority, "--resolve", where, f"https://{HOST}/"]
    process: subprocess.Popen[bytes] = netns.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process


@pytest.mark.needs("curl")
def test_curl_and_an_asyncio_server(
    netns: Namespace, here: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with running(netns, SERVER, *here, "5") as device:
        clients = [curl(netns, here[0]) for _ in range(4)]
        for client in clients:
            output, errors = client.communicate(timeout=30)
            assert (client.returncode, errors) == (0, b"")
            assert output == b"secret" * 3000
        stranger = curl(netns, certificate(serial=2).cert_file)
        _, errors = stranger.communicate(timeout=30)
        assert stranger.returncode == 60
        assert b"certificate" in errors
        assert device.oddities == {}
    assert capsys.readouterr().out == "(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')\n"


def test_openssl_s_client_and_a_blocking_server(
    netns: Namespace, here: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with running(netns, ECHO, *here):
        options = f"-connect {DEVICE}:443 -CAfile {here[0]} -verify_return_error -verify_hostname {HOST}"
        argv = ["openssl", "s_client", *options.split(), "-quiet", "-no_ign_eof"]
        client = netns.popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert client.stdin is not None
        assert client.stdout is not None
        for line in (b"hello\n", b"again\n"):
            client.stdin.write(line)
            client.stdin.flush()
            assert client.stdout.readline() == line.upper()
        output, errors = client.communicate(b"Q\n", timeout=20)
        assert output == b""
        assert b"error" not in errors.lower().replace(b"verify error:num=18", b"")
    suite, version = capsys.readouterr().out.split()
    assert (suite, version) == ("TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384", "TLSv1.2")


def test_a_client_of_pythons_https(
    netns: Namespace, here: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(bytes(50_000))
    with Device(address=f"{DEVICE}/24", netns=netns, tap="tap0") as device:
        argv = [sys.executable, "-I", "-c", HTTPS, LINUX, *here]
        server = netns.popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with server:
            server.stdout.readline()
            args = (LINUX, here[0], certificate(serial=2).cert_file)
            assert run_source(device, CLIENT, "main.py", args) == 0
            server.terminate()
    assert capsys.readouterr().out.splitlines() == [
        "(b'200', 50000, 'TLSv1.2')",
        "(b'200', 50000, 'TLSv1.2')",
        "The certificate Common Name (CN) does not match with the expected CN",
        "The certificate is not correctly signed by the trusted CA",
        "(-29184, 'MBEDTLS_ERR_SSL_INVALID_RECORD')",
    ]
