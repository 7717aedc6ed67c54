"""``netstack up --watch``: the page in a real browser while a real curl talks to the device on a real TAP."""

from __future__ import annotations

import http.client
import importlib.util
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.lab.commands import Running, Traces
from tests.lab.control.running import Machine

pytestmark = [pytest.mark.tap, pytest.mark.needs("curl", "ping")]

IP = "10.93.6.2"
PAGE = f"http://{IP}/"

# A browser that opens the page's WebSocket and then never reads from it.
STOPPED = """
import sys, time
from websockets.sync.client import connect
with connect(sys.argv[1].replace("http", "ws") + "events", max_size=None, max_queue=1) as page:
    print("watching", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def watched(machine: Machine) -> Iterator[tuple[Running, str]]:
    """A device that serves HTTP, and the URL of its page."""
    with machine.up("examples/http_server.py", "--ip", f"{IP}/24", "--watch", listening=True) as up:
        yield up, url_of(up)


def url_of(up: Running) -> str:
    up.wait_for("watch it: ")
    found = re.search(r"^watch it: (http://127\.0\.0\.1:\d+/[\w-]{22}/)$", up.log, re.MULTILINE)
    assert found, up.log
    return found[1]


def get(url: str, path: str | None = None, host: str | None = None) -> tuple[int, str, str]:
    """Status, content type and body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(host or parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", parts.path if path is None else path)
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read().decode()


@pytest.mark.needs("chromium", "chromedriver")
@pytest.mark.skipif(importlib.util.find_spec("selenium") is None, reason="selenium is not installed")
def test_the_page_shows_the_connection_of_a_curl_while_it_happens(
    machine: Machine, watched: tuple[Running, str]
) -> None:
    from tests.lab.report.browser import chromium

    up, url = watched
    with chromium() as browser:
        browser.open(url)
        browser.wait("return document.documentElement.dataset.live === 'on'")
        machine.said("inject", "device>linux drop kind=syn-ack n=1")
        slow = ["curl", "-s", "-o", "/dev/null", "--limit-rate", "50k", f"{PAGE}download"]
        with Running(machine.folder, "exec", "--", *slow, launcher=machine.launcher) as curl:
            browser.wait("return netstack.app.views[0].run.connections.size === 1", 30)
            browser.wait("return netstack.app.views[0].run.hasDied", 30)
            browser.wait("return netstack.app.views[0].run.arrows.length > 30", 30)
            assert curl.process.poll() is None
        assert "device:80" in browser.run("return document.body.textContent")
        events = "netstack.app.views[0].run.events"
        texts = browser.run(f"return {events}.filter((event) => event?.text).map((event) => event.text)")
        assert any("SYN" in text for text in texts)
        assert browser.complaints() == []
        assert up.ctrl_c() == 0
        browser.wait("return document.documentElement.dataset.live === 'ended'", 30)
        assert "the device has ended" in browser.run("return document.getElementById('live').textContent")
    assert "Traceback" not in up.log


def test_only_who_knows_the_word_sees_the_page(watched: tuple[Running, str]) -> None:
    _, url = watched
    status, kind, body = get(url)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "window.netstack" in body
    assert f"connect-src ws://127.0.0.1:{urlsplit(url).port}" in body
    word = urlsplit(url).path.strip("/")
    wrong = (
        f"/{word[:-1]}/",
        f"/{word}x/",
        f"/{word}/other",
        f"/../{word}",
        "/%C3%A9/",
        "/",
        "//",
        "/events",
    )
    for path in wrong:
        status, _, body = get(url, path)
        assert (status, body) == (404, "There is nothing here.\n"), path
    own = socket.gethostbyname(socket.gethostname())
    if not own.startswith("127."):
        with pytest.raises(ConnectionRefusedError):
            get(url, host=own)


def test_it_is_off_by_default(machine: Machine) -> None:
    with machine.up("--ip", f"{IP}/24") as up:
        listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
        assert f"pid={up.process.pid}," not in listening
        assert "watch it" not in up.log


def test_a_port_that_is_taken(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        told = machine.refused_late("up", "--netns", "new", "--ip", f"{IP}/24", "--watch-port", port)
    problem = f"port {port} of 127.0.0.1 cannot be served (Address already in use)"
    assert told == f"netstack: {problem}: choose another with --watch-port"


def test_a_browser_that_stops_holds_up_nothing_and_ctrl_c_ends_it(
    machine: Machine, watched: tuple[Running, str]
) -> None:
    up, url = watched
    with subprocess.Popen([sys.executable, "-c", STOPPED, url], stdout=subprocess.PIPE) as browser:
        assert browser.stdout is not None
        assert browser.stdout.readline() == b"watching\n"
        browser.send_signal(signal.SIGSTOP)
        for _ in range(3):  # several times what the kernel keeps for it
            curl = ["curl", "-s", "-m", "30", "-o", "/dev/null", "-w", "%{http_code}", f"{PAGE}download"]
            status = machine.linux(*curl)
            assert status == "200"
        begun = time.monotonic()
        assert "1 received" in machine.linux("ping", "-c", "1", "-W", "5", IP)
        traces = Traces(up.process)
        assert up.ctrl_c() == 0
        assert time.monotonic() - begun < 15
        browser.kill()
    assert traces.left() == []
    assert "Traceback" not in up.log


def test_a_browser_that_goes_is_forgotten(machine: Machine, watched: tuple[Running, str]) -> None:
    from websockets.sync.client import connect

    up, url = watched
    for _ in range(10):  # more than may watch at a time
        with connect(url.replace("http", "ws") + "events", max_size=None) as page:
            machine.linux("ping", "-c", "1", "-W", "5", IP)
            assert '"schema":"netstack-trace"' in page.recv(timeout=20)
    assert "Traceback" not in up.log
