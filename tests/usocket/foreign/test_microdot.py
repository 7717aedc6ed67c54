"""microdot serving curl, four at a time."""

from __future__ import annotations

import subprocess

import pytest

from tests.usocket.foreign.board import DEVICE, PATIENCE, Board
from tests.usocket.foreign.download import install
from tests.usocket.foreign.sources import MICRODOT

pytestmark = [pytest.mark.tap, pytest.mark.needs("curl")]

PROGRAM = """
import asyncio
from microdot import Microdot, redirect, send_file

class Parts:  # MicroPython has no asynchronous generators
    number = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep_ms(5)
        if self.number == 10:
            raise StopAsyncIteration
        self.number += 1
        return "part %d\\n" % (self.number - 1)

app = Microdot()

@app.get("/")
async def index(request):
    return "<h1>Hello</h1>", 200, {"Content-Type": "text/html"}

@app.get("/big")
async def big(request):
    return "0123456789" * 2000

@app.get("/json/<int:number>")
async def data(request, number):
    return {"number": number, "arguments": request.args.get("q")}

@app.post("/echo")
async def echo(request):
    return request.body, 201, {"Content-Type": request.content_type}

@app.get("/stream")
async def stream(request):
    return Parts()

@app.get("/away")
async def away(request):
    return redirect("/")

@app.get("/file")
async def file(request):
    return send_file("page.txt")

@app.get("/fault")
async def fault(request):
    raise ValueError("mine")

@app.errorhandler(ValueError)
async def handle(request, error):
    return "handled " + str(error), 418

@app.get("/end")
async def end(request):
    request.app.shutdown()
    return "bye"

async def main():
    server = asyncio.create_task(app.start_server(port=80))
    await asyncio.sleep_ms(0)
    print("ready")
    await server
    await asyncio.sleep_ms(300)  # for the last answer

asyncio.run(main())
"""

SITE = f"http://{DEVICE}"


@pytest.mark.usefixtures("either_asyncio")
def test_pages(board: Board) -> None:
    install(board.library, MICRODOT)
    (board.folder / "page.txt").write_text("a file\n" * 1000)
    with board.running(PROGRAM) as process:

        def curl(*arguments: str) -> str:
            return board.linux("curl", "-sS", "-m", "20", *arguments)

        assert curl(f"{SITE}/") == "<h1>Hello</h1>"
        assert curl(f"{SITE}/json/7?q=a+b") == '{"number": 7, "arguments": "a b"}'
        assert curl(f"{SITE}/stream") == "".join(f"part {number}\n" for number in range(10))
        assert curl(f"{SITE}/file") == "a file\n" * 1000
        assert curl("-w", "%{http_code}", "-d", "x" * 5000, f"{SITE}/echo") == "x" * 5000 + "201"
        assert curl("-L", "-w", " %{num_redirects}", f"{SITE}/away") == "<h1>Hello</h1> 1"
        assert curl("-w", " %{http_code}", f"{SITE}/nothing") == "Not found 404"
        assert curl("-w", " %{http_code}", f"{SITE}/fault") == "handled mine 418"
        clients = [
            board.namespace.popen(["curl", "-sS", "-m", "20", f"{SITE}/big"], stdout=subprocess.PIPE)
            for _ in range(4)
        ]
        for client in clients:
            assert client.communicate(timeout=PATIENCE)[0] == b"0123456789" * 2000
        assert curl(f"{SITE}/end") == "bye"
        assert process.wait(PATIENCE) == 0
