"""asyncio, ours and a copy of MicroPython's, on a real TAP; at the other end curl, Python's http.server."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tap.netns import Namespace
from tests.usocket.micropython_tree import micropython
from usocket import Device
from usocket.script import run_source

__all__ = ["micropython"]

pytestmark = pytest.mark.tap

DEVICE = "192.168.7.2"
LINUX = "192.168.7.1"

SERVER = """
import asyncio

body = bytes(range(256)) * 80
now = most = served = come = 0

async def serve(reader, writer):
    global now, most, served, come
    now += 1
    come += 1
    wanted = (come + 3) // 4 * 4
    most = max(most, now)
    request = await reader.readline()
    while await reader.readline() != b"\\r\\n":
        pass
    while come < wanted:  # all four are answered together
        await asyncio.sleep_ms(5)
    writer.write(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
    writer.write(body)
    await writer.drain()
    await writer.wait_closed()
    now -= 1
    served += 1

async def main():
    async with await asyncio.start_server(serve, "0.0.0.0", 80):
        while served < 8 or now:
            await asyncio.sleep_ms(20)
    print("at most", most, "at a time")

asyncio.run(main())
"""

CLIENT = """
import asyncio, hashlib, sys

async def fetch(path):
    reader, writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    writer.write("GET " + path + " HTTP/1.0\\r\\n\\r\\n")
    await writer.drain()
    status = await reader.readline()
    while await reader.readline() != b"\\r\\n":
        pass
    data = await reader.read()
    await writer.wait_closed()
    return status.split()[1], len(data), hashlib.sha256(data).digest().hex()

async def main():
    results = await asyncio.gather(*(fetch(path) for path in sys.argv[3:]))
    for result in results:
        print(*result)
    try:
        reader, writer = await asyncio.open_connection(sys.argv[1], 1)
        await reader.read(1)
    except OSError as error:
        print(error)

asyncio.run(main())
"""


@pytest.fixture
def netns() -> Iterator[Namespace]:
    with Namespace.open("new") as namespace:
        yield namespace


@contextmanager
def running(netns: Namespace, source: str, *args: str, library: Path | None = None) -> Iterator[Device]:
    """A device on which a program runs, in a thread; at the end of the block it has to end."""
    with Device(address=f"{DEVICE}/24", netns=netns, tap="tap0") as device:
        library_folders = [] if library is None else [library]
        thread = threading.Thread(
            target=run_source,
            args=(device, source, "main.py", args),
            kwargs={"library": library_folders},
        )
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not device.stack.tcp.listen_pcbs:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield device
            thread.join(20)
            assert not thread.is_alive()
        finally:
            if thread.is_alive():
                device.schedule(sys.exit)
                thread.join(10)


@pytest.fixture(params=["ours", "theirs"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """The library folder: none, or one with MicroPython's own package."""
    if request.param == "ours":
        return None
    tree: Path = request.getfixturevalue("micropython")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "asyncio").symlink_to(tree / "extmod" / "asyncio")
    return tmp_path / "lib"


@pytest.mark.needs("curl")
def test_four_clients_at_a_time_on_a_device_with_five_pcbs(
    netns: Namespace, library: Path | None, capsys: pytest.CaptureFixture[str]
) -> None:
    body = bytes(range(256)) * 80
    with running(netns, SERVER, library=library) as device:
        for _ in range(2):
            clients = [
                netns.popen(["curl", "-sS", "-m", "20", f"http://{DEVICE}/"], stdout=subprocess.PIPE)
                for _ in range(4)
            ]
            for client in clients:
                output, _ = client.communicate(timeout=30)
                assert client.returncode == 0
                assert output == body
        assert device.profile.memp_num_tcp_pcb == 5
        assert device.stack.mem.tcp_pcb.max <= 5
        assert device.oddities == {}
    # How many meet depends on how soon the machine starts the next curl.
    assert capsys.readouterr().out in {f"at most {count} at a time\n" for count in (2, 3, 4)}


def test_a_client_of_pythons_http_server(
    netns: Namespace, library: Path | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [bytes([number]) * 30_000 for number in range(3)]
    for number, content in enumerate(data):
        (tmp_path / f"file{number}").write_bytes(content)
    argv = [sys.executable, "-u", "-m", "http.server", "8000", "-b", LINUX, "-d", str(tmp_path)]
    with Device(address=f"{DEVICE}/24", netns=netns, tap="tap0") as device:
        server = netns.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with server:
            server.stdout.readline()  # "Serving HTTP on ..."
            args = (LINUX, "8000", "/file0", "/file1", "/file2", "/nothing")
            folders = [] if library is None else [library]
            assert run_source(device, CLIENT, "main.py", args, library=folders) == 0
            server.terminate()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"b'200' 30000 {hashlib.sha256(content).hexdigest()}" for content in data]
    assert lines[3].startswith("b'404' ")
    assert lines[4] == "[Errno 104] ECONNRESET"
