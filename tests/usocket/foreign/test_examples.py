"""MicroPython's own examples of HTTP, examples/network, with curl and a web server of Linux."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.usocket.foreign.board import DEVICE, LINUX, Board
from tests.usocket.foreign.internet import internet

pytestmark = pytest.mark.tap

URL = f"http://{DEVICE}:8080/"


@pytest.mark.needs("curl")
@pytest.mark.parametrize("name", ["http_server", "http_server_simplistic"])
def test_servers(board: Board, micropython: Path, name: str) -> None:
    example = micropython / "examples" / "network" / f"{name}.py"
    with board.running(example, ready="Listening"):
        for number in range(7):  # more than there are pcbs
            page = board.linux("curl", "-sS", "--http0.9", "-m", "20", URL)
            assert page.replace("\r\n", "\n").endswith(f"Hello #{number} from MicroPython!\n")


@pytest.mark.needs("dnsmasq")
def test_client(board: Board, micropython: Path) -> None:
    with internet(board):
        output = board.run(micropython / "examples" / "network" / "http_client.py", options=("--dns", LINUX))
    assert f"Connect address: ('{LINUX}', 80)\n" in output
    assert "b'HTTP/1.1 200 OK\\r\\nContent-Type: text/html" in output
