"""HTTP clients of micropython-lib with Python's http.server: urequests, requests, uaiohttpclient, aiohttp."""

from __future__ import annotations

import json

import pytest

from tests.usocket.foreign import peers
from tests.usocket.foreign.board import LINUX, Board
from tests.usocket.foreign.download import Archive, Raw, install
from tests.usocket.foreign.sources import AIOHTTP, MICRODOT, REQUESTS, UAIOHTTPCLIENT, UREQUESTS

pytestmark = pytest.mark.tap

SITE = f"http://{LINUX}:8000"

REQUESTS_PROGRAM = """
import sys
try:
    import requests
except ImportError:
    import urequests as requests

site = sys.argv[1]
answer = requests.get(site + "/small")
print(answer.status_code, answer.reason, answer.text)
answer.close()
answer = requests.get(site + "/big")
print(len(answer.content), sum(answer.content))
answer = requests.get(site + "/nothing")
print(answer.status_code)
answer.close()
print(requests.get(site + "/data.json").json()["list"])
print(requests.post(site + "/there", json={"a": [1, None]}).text)
print(requests.put(site + "/there", data=b"z" * 9000, headers={"X-Own": "yes"}).text)
for number in range(7):  # more than there are pcbs
    requests.get(site + "/small").close()
try:
    requests.get(site.replace("8000", "8001"))
except OSError as error:
    print(error)
"""

NEWER = """
print(requests.get(site + "/moved").text)
print(requests.post(site + "/chunks", data=iter([b"one", b"two" * 500])).text)
print(requests.patch(site + "/secret", data="x", auth=("user", "word"), timeout=5).text)
"""

UAIOHTTPCLIENT_PROGRAM = """
import asyncio, sys
import uaiohttpclient

async def main(site):
    answer = await uaiohttpclient.request("GET", site + "/small")
    print(answer.status, await answer.read())
    answer = await uaiohttpclient.request("GET", site + "/nothing")
    print(answer.status)

asyncio.run(main(sys.argv[1]))
"""

AIOHTTP_PROGRAM = """
import asyncio, sys
import aiohttp

async def main(site):
    async with aiohttp.ClientSession(site) as session:
        async with session.get("/small", params={"a": 1}) as answer:
            print(answer.status, answer.headers["Content-Length"], await answer.text())
        async with session.get("/big") as answer:
            data = await answer.read(30000)
            while len(data) < 30000:
                data += await answer.read(30000)
            print(len(data), sum(data))
        async with session.get("/moved/none") as answer:
            print(answer.status)
        async with session.post("/there", json={"a": 1}) as answer:
            print(await answer.text())

    async def size(number):
        async with aiohttp.ClientSession() as session:
            async with session.get(site + "/small") as answer:
                return number, len(await answer.text())

    print(await asyncio.gather(*[size(number) for number in range(4)]))

asyncio.run(main(sys.argv[1]))
"""

# The same library's websockets with a server of microdot, which runs on CPython too.
ECHO = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from microdot import Microdot
from microdot.websocket import with_websocket

app = Microdot()

@app.route("/echo")
@with_websocket
async def echo(request, ws):
    while True:
        await ws.send(await ws.receive())

print("ready")
app.run(host="0.0.0.0", port=8000)
"""

WEBSOCKET_PROGRAM = """
import asyncio, sys
import aiohttp

async def main(site):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(site + "/echo") as ws:
            await ws.send_str("hello")
            print(await ws.receive_str())
            await ws.send_bytes(bytes(range(256)) * 2)
            print(sum(await ws.receive_bytes()))
            await ws.send_json({"a": [1, 2]})
            print(await ws.receive_json())
            await ws.close()

asyncio.run(main(sys.argv[1]))
"""


def files(board: Board) -> None:
    (board.folder / "small").write_text("a small file")
    (board.folder / "big").write_bytes(bytes(range(250)) * 120)
    (board.folder / "data.json").write_text('{"list": [1, 2.5, "three"]}')


def answers(lines: list[str]) -> list[tuple[str, str, int, str]]:
    """What the server says of POST and PUT: method, path, size, begin."""
    told = [json.loads(line) for line in lines]
    return [(each["method"], each["path"], each["size"], each["begins"]) for each in told]


@pytest.mark.parametrize("library", [UREQUESTS, REQUESTS], ids=["urequests", "requests"])
def test_requests(board: Board, library: Archive | Raw) -> None:
    install(board.library, library)
    files(board)
    newer = isinstance(library, Raw)
    with board.python(peers.HTTP, "8000"):
        lines = board.run(REQUESTS_PROGRAM + NEWER * newer, SITE).splitlines()
    assert lines[:4] == ["200 b'OK' a small file", "30000 3735000", "404", "[1, 2.5, 'three']"]
    assert answers(lines[4:6]) == [
        ("POST", "/there", 16, '{"a": [1, null]}'),
        ("PUT", "/there", 9000, "z" * 40),
    ]
    assert lines[6] == "[Errno 104] ECONNRESET"
    if newer:
        assert lines[7] == "a small file"
        assert answers(lines[8:10]) == [
            ("POST", "/chunks", 1503, "one" + ("two" * 20)[:37]),
            ("PATCH", "/secret", 1, "x"),
        ]
        assert json.loads(lines[9])["Authorization"] == "Basic dXNlcjp3b3Jk"


def test_uaiohttpclient(board: Board) -> None:
    install(board.library, UAIOHTTPCLIENT)
    files(board)
    with board.python(peers.HTTP, "80"):  # the only port that it knows
        lines = board.run(UAIOHTTPCLIENT_PROGRAM, f"http://{LINUX}").splitlines()
    assert lines == ["200 b'a small file'", "404"]


@pytest.mark.usefixtures("either_asyncio")
def test_aiohttp(board: Board) -> None:
    install(board.library, *AIOHTTP)
    files(board)
    with board.python(peers.HTTP, "8000"):
        lines = board.run(AIOHTTP_PROGRAM, SITE).splitlines()
    assert lines[:3] == ["200 12 a small file", "30000 3735000", "404"]
    assert answers(lines[3:4]) == [("POST", "/there", 8, '{"a": 1}')]
    assert lines[4:] == ["[(0, 12), (1, 12), (2, 12), (3, 12)]"]


@pytest.mark.usefixtures("either_asyncio")
def test_aiohttp_websocket(board: Board) -> None:
    install(board.library, *AIOHTTP)
    theirs = install(board.folder / "linux", MICRODOT)
    with board.python(ECHO, str(theirs)):
        lines = board.run(WEBSOCKET_PROGRAM, SITE.replace("http", "ws")).splitlines()
    assert lines == ["hello", "65280", "{'a': [1, 2]}"]
