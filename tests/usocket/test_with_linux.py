"""Devices on a real TAP whose peers are Linux's own programs: nc, socat, curl, ss, Python's http.server."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netstack.profile import Profile
from tap.netns import Namespace
from usocket import Device
from usocket.errno import ECONNRESET
from usocket.script import run_script, run_source

pytestmark = pytest.mark.tap

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DEVICE = "192.168.7.2"
LINUX = "192.168.7.1"
MEGABYTE = 1_000_000


@pytest.fixture
def netns() -> Iterator[Namespace]:
    with Namespace.open("new") as namespace:
        yield namespace


@contextmanager
def device_in(netns: Namespace, profile: Profile | str = "micropython", **options: Any) -> Iterator[Device]:
    with Device(profile, address=f"{DEVICE}/24", netns=netns, tap="tap0", **options) as device:
        yield device


@contextmanager
def running(netns: Namespace, script: str) -> Iterator[Device]:
    """A device on which an example runs, in a thread, until the end of the block."""
    thread = None
    try:
        with device_in(netns) as device:
            thread = threading.Thread(target=run_script, args=(device, EXAMPLES / script))
            thread.start()
            deadline = time.monotonic() + 10
            while not device.stack.tcp.listen_pcbs and not device.stack.udp.pcbs:
                assert thread.is_alive(), f"{script} has ended"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield device
    finally:
        if thread is not None:
            thread.join(10)  # its accept fails when the device is closed
            assert not thread.is_alive()


def run(netns: Namespace, *argv: str, data: bytes | None = None, status: int = 0) -> bytes:
    """What a command in the namespace prints."""
    done = netns.run(argv, input=data, capture_output=True, timeout=60)
    assert done.returncode == status, (argv, done.returncode, done.stderr)
    output: bytes = done.stdout
    return output


def python(netns: Namespace, code: str, *args: str) -> subprocess.Popen[bytes]:
    """A Linux program in the namespace."""
    process: subprocess.Popen[bytes] = netns.popen(
        [sys.executable, "-I", "-c", code, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    return process


def numbers() -> bytes:
    """What examples/http_server.py gives to download."""
    lines = ((b"%08d " % number * 112)[:999] + b"\n" for number in range(1000))
    return b"".join(lines)


@pytest.mark.needs("nc")
def test_tcp_echo_and_nc(netns: Namespace) -> None:
    data = bytes(range(256)) * 400
    with running(netns, "tcp_echo.py"):
        for _ in range(2):
            assert run(netns, "nc", "-N", DEVICE, "7", data=data) == data


@pytest.mark.needs("socat")
def test_udp_echo_and_socat(netns: Namespace) -> None:
    with running(netns, "udp_echo.py"):
        for text in (b"one datagram", b"x" * 1400):
            assert run(netns, "socat", "-t", "0.3", "-", f"UDP:{DEVICE}:7", data=text) == text


@pytest.mark.needs("curl")
def test_http_server_and_curl(netns: Namespace, tmp_path: Path) -> None:
    url, file = f"http://{DEVICE}", tmp_path / "numbers"
    with running(netns, "http_server.py") as device:
        assert b"<h1>Hello from a small device</h1>" in run(netns, "curl", "-sS", f"{url}/")
        run(netns, "curl", "-sS", "-o", str(file), f"{url}/download")
        assert len(file.read_bytes()) == MEGABYTE
        assert file.read_bytes() == numbers()
        answer = run(netns, "curl", "-sS", "-T", str(file), f"{url}/upload")
        assert answer.split() == [b"%d" % MEGABYTE, hashlib.sha256(numbers()).hexdigest().encode()]
        assert run(netns, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/nothing") == b"404"
        assert device.stack.mem.heap.max <= 8000
        assert device.oddities == {}


@pytest.mark.needs("curl")
def test_a_sequential_server_takes_its_browsers_one_after_the_other(netns: Namespace) -> None:
    with running(netns, "http_server.py"):
        clients = [
            netns.popen(["curl", "-sS", "-m", "30", f"http://{DEVICE}/download"], stdout=subprocess.PIPE)
            for _ in range(3)
        ]
        for client in clients:
            output, _ = client.communicate(timeout=60)
            assert client.returncode == 0
            assert hashlib.sha256(output).digest() == hashlib.sha256(numbers()).digest()


def test_http_get_and_pythons_http_server(
    netns: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "numbers").write_bytes(numbers())
    argv = [sys.executable, "-u", "-m", "http.server", "8000", "-b", LINUX, "-d", str(tmp_path)]
    with device_in(netns) as device:
        server = netns.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with server:
            server.stdout.readline()  # "Serving HTTP on ..."
            assert run_script(device, EXAMPLES / "http_get.py", [LINUX, "8000", "/numbers"]) == 0
            assert capsys.readouterr().out.splitlines()[:2] == ["status 200", f"length {MEGABYTE}"]
            assert run_script(device, EXAMPLES / "http_get.py", [LINUX, "8000", "/nothing"]) == 1
            assert run_script(device, EXAMPLES / "http_get.py", [LINUX, "8001", "/"]) == 1
            assert "no answer from 192.168.7.1 port 8001: [Errno 104] ECONNRESET" in capsys.readouterr().out
            server.terminate()
        assert run_script(device, EXAMPLES / "http_get.py") == 2


# Opens N connections to the device one after the other and says what became of each.
CONNECTIONS = """
import socket, sys
address, number, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
sockets = []
for _ in range(number):
    sock = socket.socket()
    sock.settimeout(patience)
    try:
        sock.connect((address, 80))
        print("connected", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
    sockets.append(sock)
sys.stdin.readline()
for sock in sockets:
    try:
        print(sock.recv(1))
    except OSError as error:
        print(type(error).__name__)
"""


def test_the_sixth_connection_of_a_five_pcb_device(netns: Namespace) -> None:
    with device_in(netns) as device:
        server = device.socket()
        server.bind(("", 80))
        server.listen(8)
        with python(netns, CONNECTIONS, DEVICE, "6", "0.5") as client:
            device.sleep(1.5)
            output, _ = client.communicate(b"\n", timeout=20)
        lines = output.decode().split("\n")
        assert lines[:6] == ["connected"] * 5 + ["TimeoutError"]
        assert device.stack.mem.tcp_pcb.used == 5
        assert device.stack.mem.tcp_pcb.err > 0


def test_a_full_accept_queue_resets_who_has_just_connected(netns: Namespace) -> None:
    with device_in(netns) as device:
        server = device.socket()
        server.bind(("", 80))
        server.listen(2)
        with python(netns, CONNECTIONS, DEVICE, "4", "0.5") as client:
            device.sleep(1)
            output, _ = client.communicate(b"\n", timeout=20)
        lines = output.decode().split("\n")
        connects, receptions = lines[:4], lines[4:8]
        assert connects[:2] == ["connected"] * 2
        assert receptions[:2] == ["TimeoutError"] * 2
        for number in (2, 3):  # the reset may come before connect has returned, or after it
            assert "ConnectionResetError" in (connects[number], receptions[number])
        assert [server.accept()[1][0] for _ in range(2)] == [LINUX, LINUX]


@pytest.mark.needs("ss")
@pytest.mark.parametrize(
    ("profile", "mss", "window"),
    [("lwip-default", 536, 2144), ("micropython", 800, 6400), ("full", 1460 - 12, 116800)],  # 12: timestamps
)
def test_ss_shows_the_mss_and_the_window_of_the_profile(
    netns: Namespace, profile: str, mss: int, window: int
) -> None:
    with device_in(netns, profile) as device:
        server = device.socket()
        server.bind(("", 80))
        server.listen(1)
        with python(netns, CONNECTIONS, DEVICE, "1", "5") as client:
            accepted, _ = server.accept()
            accepted.send(b"x" * 10)
            device.sleep(0.5)
            shown = run(netns, "ss", "-tin", "dst", DEVICE).decode()
            client.communicate(b"\n", timeout=20)
    assert re.search(rf"\bmss:{mss}\b", shown), shown
    assert re.search(rf"\bsnd_wnd:{window}\b", shown), shown


@pytest.mark.needs("curl")
def test_a_peer_killed_in_the_middle_of_a_transfer(netns: Namespace) -> None:
    url = f"http://{DEVICE}"
    with running(netns, "http_server.py") as device:
        slow = ["curl", "-s", "--limit-rate", "20k", "-o", "/dev/null", f"{url}/download"]
        for _ in range(2):
            with netns.popen(slow) as client:
                time.sleep(0.5)
                assert client.poll() is None
                client.kill()
            assert b"Hello" in run(netns, "curl", "-sS", "-m", "20", f"{url}/")
        assert device.stack.mem.tcp_pcb.used <= 5


@pytest.mark.needs("ip", "curl")
def test_the_link_goes_down_and_comes_up_again(netns: Namespace, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    with running(netns, "http_server.py") as device:
        argv = ["curl", "-sS", "--limit-rate", "300k", "-o", str(file), f"http://{DEVICE}/download"]
        with netns.popen(argv) as client:
            time.sleep(0.5)
            assert client.poll() is None
            run(netns, "ip", "link", "set", "dev", "tap0", "down")
            time.sleep(0.5)
            run(netns, "ip", "link", "set", "dev", "tap0", "up")
            assert client.wait(60) == 0
        assert file.read_bytes() == numbers()
        assert device.link is not None


def test_a_reset_from_linux(netns: Namespace) -> None:
    code = """
import socket, struct, sys
sock = socket.create_connection((sys.argv[1], 80))
sock.sendall(b"last words")
sys.stdin.readline()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
sock.close()
"""
    with device_in(netns) as device:
        server = device.socket()
        server.bind(("", 80))
        server.listen(1)
        with python(netns, code, DEVICE) as client:
            accepted, _ = server.accept()
            device.sleep(0.5)
            client.communicate(b"\n", timeout=20)
            device.sleep(0.2)
            assert accepted.recv(100) == b"last words"
            with pytest.raises(OSError) as caught:
                accepted.recv(100)
            assert caught.value.errno == ECONNRESET
            assert accepted.recv(100) == b""


THREADED_ECHO = b"""
import _thread, usocket

def serve(client):
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.sendall(data)
    client.close()

server = usocket.socket()
server.bind(("", 7))
server.listen(5)
while True:
    _thread.start_new_thread(serve, (server.accept()[0],))
"""


@pytest.mark.needs("nc")
@pytest.mark.parametrize("service", [False, True])
def test_a_thread_for_each_connection(netns: Namespace, service: bool) -> None:
    data = bytes(range(256)) * 500
    with device_in(netns, service=service) as device:
        thread = threading.Thread(target=run_source, args=(device, THREADED_ECHO, "echo.py"))
        thread.start()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        clients = [netns.popen(["nc", "-N", DEVICE, "7"], **pipes) for _ in range(4)]
        outputs: list[bytes] = []
        talks = [
            threading.Thread(target=lambda client=client: outputs.append(client.communicate(data, 60)[0]))
            for client in clients
        ]
        for talk in talks:
            talk.start()
        for talk in talks:
            talk.join()
        assert outputs == [data] * 4
        with device.host.lock:
            device.schedule(sys.exit)  # the program leaves its accept
        thread.join(10)
        assert not thread.is_alive()


def test_opening_a_tap_of_its_own_and_leaving_nothing(netns: Namespace) -> None:
    with Device(address="10.9.8.7/24", netns=netns, tap="tap1") as device:
        assert b"10.9.8.1/24" in run(netns, "ip", "-4", "-o", "addr", "show", "tap1")
        assert device.stack.netif.gateway == device.ip - 6
    assert b"tap1" not in run(netns, "ip", "link")


@pytest.mark.needs("ping")
def test_with_a_service_thread_it_answers_while_the_program_computes(netns: Namespace) -> None:
    with device_in(netns, service=True):
        assert b"3 received" in run(netns, "ping", "-c", "3", "-i", "0.05", DEVICE)
