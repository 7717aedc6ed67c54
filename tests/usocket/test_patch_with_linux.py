"""Unchanged programs of CPython on a device, against real Linux peers over a TAP: what the standard library
has, and what others have written (requests, httpx, paho-mqtt).
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import http.client
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netstack.profile import Profile
from netstack.profiles import named
from tap.netns import Namespace
from tests.usocket.packages import packages
from usocket import Device

__all__ = ["packages"]

pytestmark = pytest.mark.tap

ROOT = Path(__file__).resolve().parents[2]
DEVICE = "192.168.7.2"
LINUX = "192.168.7.1"
PAGE = bytes(range(256)) * 400


@pytest.fixture
def netns() -> Iterator[Namespace]:
    with Namespace.open("new") as namespace:
        yield namespace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page").write_bytes(PAGE)
    return tmp_path


@contextmanager
def patched(netns: Namespace, profile: Profile | str = "micropython") -> Iterator[Device]:
    with Device(profile, address=f"{DEVICE}/24", netns=netns, tap="tap0") as device, device.patched():
        yield device


@contextmanager
def linux_server(netns: Namespace, folder: Path, *, keep_alive: bool = False) -> Iterator[str]:
    """Python's http.server on Linux; its address."""
    argv = [sys.executable, "-u", "-m", "http.server", "8000", "-b", LINUX, "-d", str(folder)]
    argv += ["--protocol", "HTTP/1.1"] if keep_alive else []
    with netns.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            process.stdout.readline()
            yield f"http://{LINUX}:8000"
        finally:
            process.terminate()


@contextmanager
def device_server(folder: Path) -> Iterator[None]:
    """Python's http.server on the device."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("", 80), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            httpd.shutdown()
            thread.join(10)


def run(netns: Namespace, *argv: str, data: bytes | None = None) -> bytes:
    done = netns.run(argv, input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, (argv, done.stderr)
    output: bytes = done.stdout
    return output


class TestStandardLibrary:
    def test_urllib(self, netns: Namespace, folder: Path) -> None:
        with patched(netns) as device, linux_server(netns, folder) as server:
            assert urllib.request.urlopen(f"{server}/page", timeout=20).read() == PAGE
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{server}/nothing", timeout=20)
            with pytest.raises(urllib.error.URLError, match="reset by peer"):
                urllib.request.urlopen(f"http://{LINUX}:8001/", timeout=20)
            assert device.stack.mem.heap.max <= 8000
            assert device.stack.mem.pbuf_pool.max > 0

    def test_http_client_keeps_a_connection(self, netns: Namespace, folder: Path) -> None:
        with patched(netns) as device, linux_server(netns, folder, keep_alive=True):
            connection = http.client.HTTPConnection(LINUX, 8000, timeout=20)
            for _ in range(3):
                connection.request("GET", "/page")
                assert connection.getresponse().read() == PAGE
            assert device.stack.mem.tcp_pcb.max == 1
            connection.close()

    @pytest.mark.needs("curl")
    def test_http_server(self, netns: Namespace, folder: Path) -> None:
        with patched(netns), device_server(folder):
            for _ in range(3):
                assert run(netns, "curl", "-sS", "-m", "20", f"http://{DEVICE}/page") == PAGE

    @pytest.mark.needs("curl")
    def test_http_server_and_four_clients_at_once(self, netns: Namespace, folder: Path) -> None:
        with patched(netns), device_server(folder):
            argv = ["curl", "-sS", "-m", "50", f"http://{DEVICE}/page"]
            clients = [netns.popen(argv, stdout=subprocess.PIPE) for _ in range(4)]
            for client in clients:
                output, _ = client.communicate(timeout=60)
                assert client.returncode == 0
                assert hashlib.sha256(output).digest() == hashlib.sha256(PAGE).digest()

    @pytest.mark.needs("nc")
    def test_asyncio_server(self, netns: Namespace) -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
            writer.close()

        async def main() -> list[bytes]:
            server = await asyncio.start_server(echo, "", 7)
            calls = (
                asyncio.to_thread(run, netns, "nc", "-N", DEVICE, "7", data=PAGE + bytes([number]))
                for number in range(3)
            )
            answers = await asyncio.gather(*calls)
            server.close()
            return answers

        with patched(netns):
            answers = asyncio.run(asyncio.wait_for(main(), 60))
        assert answers == [PAGE + bytes([number]) for number in range(3)]

    def test_asyncio_client(self, netns: Namespace, folder: Path) -> None:
        async def fetch() -> bytes:
            reader, writer = await asyncio.open_connection(LINUX, 8000)
            writer.write(b"GET /page HTTP/1.0\r\n\r\n")
            while await reader.readline() != b"\r\n":
                pass
            data = await reader.read()
            writer.close()
            await writer.wait_closed()
            return data

        async def main() -> list[bytes]:
            return await asyncio.gather(*(fetch() for _ in range(3)))

        with patched(netns), linux_server(netns, folder):
            assert asyncio.run(asyncio.wait_for(main(), 60)) == [PAGE] * 3

    @pytest.mark.needs("ss")
    def test_linux_sees_the_device(self, netns: Namespace, folder: Path) -> None:
        """Not a socket of this machine: the MSS and the window are the profile's."""
        with patched(netns), linux_server(netns, folder, keep_alive=True):
            with socket.create_connection((LINUX, 8000), timeout=20) as sock:
                sock.sendall(b"HEAD /page HTTP/1.1\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 200")
                shown = run(netns, "ss", "-tin", "dst", DEVICE).decode()
            assert re.search(r"\bmss:800\b", shown), shown
            assert re.search(r"\bsnd_wnd:6400\b", shown), shown

    def test_a_slow_reader_closes_the_window(self, netns: Namespace, folder: Path) -> None:
        """Nothing is buffered beside the stack: what the program has not read fills the window."""
        with patched(netns) as device, linux_server(netns, folder):
            with socket.create_connection((LINUX, 8000), timeout=20) as sock:
                sock.sendall(b"GET /page HTTP/1.0\r\n\r\n")
                time.sleep(0.5)
                assert device.stack.tcp.active_pcbs[0].rcv_wnd < 800
                assert device.stack.mem.pbuf_pool.used >= 6400 // 856
                received = bytearray()
                while data := sock.recv(4096):
                    received += data
            assert bytes(received).endswith(PAGE)

    def test_names_are_looked_up_by_the_device(self, netns: Namespace) -> None:
        if shutil.which("dnsmasq") is None:
            pytest.skip("dnsmasq is not installed (scripts/setup.sh test names the package)")
        argv = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"]
        argv += [f"--listen-address={LINUX}", "--bind-interfaces", "--user=", "--pid-file="]
        argv += ["--address=/board.example/192.0.2.7"]
        with (
            Device(address=f"{DEVICE}/24", netns=netns, tap="tap0", dns=LINUX) as device,
            netns.popen(argv, stderr=subprocess.DEVNULL) as process,
            device.patched(),
        ):
            try:
                deadline = time.monotonic() + 10
                while True:
                    try:
                        assert socket.gethostbyname("board.example") == "192.0.2.7"
                        break
                    except socket.gaierror:  # dnsmasq has only just been started
                        assert time.monotonic() < deadline
                assert socket.getaddrinfo("board.example", 80)[0][4] == ("192.0.2.7", 80)
            finally:
                process.terminate()

    def test_a_device_with_more_room(self, netns: Namespace, folder: Path) -> None:
        profile = named("full")
        with patched(netns, profile) as device, linux_server(netns, folder) as server:
            assert urllib.request.urlopen(f"{server}/page", timeout=20).read() == PAGE
            assert device.stack.mem.pbuf_pool.max > 16


# What others have written runs by `netstack run --cpython`, in a process of its own.

REQUESTS = """
import sys
import requests
url = sys.argv[1]
with requests.Session() as session:
    for _ in range(3):
        answer = session.get(url + "/page", timeout=20)
        print(answer.status_code, len(answer.content))
print(requests.get(url + "/nothing", timeout=20).status_code)
try:
    requests.get("http://192.168.7.1:1/", timeout=20)
except requests.ConnectionError:
    print("refused")
try:
    requests.get("http://192.168.7.77/", timeout=0.3)
except requests.Timeout:
    print("timed out")
"""

HTTPX = """
import asyncio, sys
import httpx
url = sys.argv[1]
with httpx.Client() as client:
    for _ in range(2):
        answer = client.get(url + "/page")
        print(answer.status_code, len(answer.content))

async def main():
    async with httpx.AsyncClient(timeout=20) as client:
        answers = await asyncio.gather(*(client.get(url + "/page") for _ in range(3)))
        print([len(answer.content) for answer in answers])
        try:
            await client.get("http://192.168.7.1:1/")
        except httpx.ConnectError:
            print("refused")

asyncio.run(main())
"""

PAHO = """
import sys, threading
import paho.mqtt.client as mqtt

received, done = [], threading.Event()

def on_connect(client, data, flags, reason, properties):
    client.subscribe("board/#", qos=1)

def on_subscribe(client, data, mid, reasons, properties):
    for number in range(5):
        client.publish("board/%d" % number, bytes([number]) * 3000, qos=1)

def on_message(client, data, message):
    received.append((message.topic, message.payload == bytes([len(received)]) * 3000))
    if len(received) == 5:
        done.set()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect(sys.argv[1], 1883, 60)
client.loop_start()
print(done.wait(30))
client.disconnect()
client.loop_stop()
for topic, same in sorted(received):
    print(topic, same)
"""


def on_a_device(netns: Namespace, folder: Path, packages: Path, program: str, *args: str) -> list[str]:
    """The lines that a program prints on a device at the TAP that is there."""
    script = folder / "program.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{packages}"}
    argv = [sys.executable, "-m", "lab.cli", "run", "--cpython", "--tap", "tap7", str(script), *args]
    done = netns.run(argv, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    lines: list[str] = done.stdout.decode().splitlines()
    return lines


@contextmanager
def linux_side(netns: Namespace) -> Iterator[None]:
    """Linux's end of a TAP, which is there before the device is, so that servers can use its address."""
    for words in (
        "link set lo up",
        "tuntap add dev tap7 mode tap",
        f"addr add {LINUX}/24 dev tap7",
        "link set tap7 up",
    ):
        run(netns, "ip", *words.split())
    yield


@pytest.mark.needs("ip")
class TestForeignPrograms:
    def test_requests(self, netns: Namespace, folder: Path, packages: Path) -> None:
        with linux_side(netns), linux_server(netns, folder, keep_alive=True) as server:
            lines = on_a_device(netns, folder, packages, REQUESTS, server)
        assert lines == [f"200 {len(PAGE)}"] * 3 + ["404", "refused", "timed out"]

    def test_httpx(self, netns: Namespace, folder: Path, packages: Path) -> None:
        with linux_side(netns), linux_server(netns, folder, keep_alive=True) as server:
            lines = on_a_device(netns, folder, packages, HTTPX, server)
        assert lines == [f"200 {len(PAGE)}"] * 2 + [str([len(PAGE)] * 3), "refused"]

    @pytest.mark.needs("mosquitto")
    def test_paho_mqtt(self, netns: Namespace, folder: Path, packages: Path) -> None:
        (folder / "broker.conf").write_text(f"listener 1883 {LINUX}\nallow_anonymous true\nuser root\n")
        argv = ["mosquitto", "-c", str(folder / "broker.conf"), "-v"]
        with linux_side(netns), netns.popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as broker:
            try:
                _wait_for(broker, b"Opening ipv4 listen socket")
                lines = on_a_device(netns, folder, packages, PAHO, LINUX)
            finally:
                broker.terminate()
        assert lines == ["True", *(f"board/{number} True" for number in range(5))]


def _wait_for(process: Any, text: bytes) -> None:
    for line in process.stderr:
        if text in line:
            break
    else:
        raise AssertionError(f"the broker has ended without {text!r}")
    threading.Thread(target=process.stderr.read, daemon=True).start()
