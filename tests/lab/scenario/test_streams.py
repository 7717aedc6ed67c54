"""Streams are observed at usocket's calls, whatever the program is, and compared byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.scenario.texts import BASE, TRANSFER, expecting, fault, found, played, program

SCRIPT = """
import socket, sys, time
sock = socket.socket()
sock.connect(("10.0.0.1", 5000))
data = bytes(range(250)) * 20
sock.write(data)
print("sent", len(data), sys.argv[1])
time.sleep(1)
sock.close()
"""

ASYNCIO = """
import asyncio
async def main():
    reader, writer = await asyncio.open_connection("10.0.0.1", 5000)
    writer.write(b"abc" * 1000)
    await writer.drain()
    await asyncio.sleep(1)
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
"""

MODULE = """
import usocket
from usocket import time

def send(text):
    sock = usocket.socket()
    sock.connect(("10.0.0.1", 5000))
    sock.sendall(text.encode() * 1000)
    time.sleep(1)
    sock.close()
    return len(text)

def serve():
    listener = usocket.socket()
    listener.bind(("", 5000))
    listener.listen(1)
    connection, _ = listener.accept()
    while connection.recv(100):
        pass

def fails():
    raise ValueError("on\\npurpose")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "tasks.py").write_text(ASYNCIO)
    (tmp_path / "own_module.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize("profile", ["micropython", "micropython-esp32"])
@pytest.mark.parametrize(
    ("run", "args", "size", "name"),
    [
        ("script.py", '["x"]', 5000, "client.script"),
        ("tasks.py", "[]", 3000, "client.tasks"),
        ("own_module:send", '["four"]', 4000, "client.send"),
    ],
)
def test_every_kind_of_program_is_observed(
    folder: Path, profile: str, run: str, args: str, size: int, name: str
) -> None:
    text = (
        BASE.replace("micropython-esp32", profile)
        + program("server", "own_module:serve", daemon="true")
        + program("client", run, args=args)
        + expecting(
            f"sent client>server == {size} and delivered == sent",
            f"error {name} == none",
            f"result {name} < 5",
        )
    )
    result = played(text, path=str(folder / "x.toml"))
    assert result.failed == []


def test_what_a_script_prints_and_how_it_ends(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = BASE + program("client", "script.py", args='["a", "b"]') + program("server", "receive port=5000")
    result = played(text + expecting('output client has "sent 5000 a"'), path=str(folder / "x.toml"))
    assert result.failed == []
    assert [(device, line) for _, device, line in result.output] == [("client", "sent 5000 a")]
    assert capsys.readouterr() == ("", "")
    alone = played(BASE + program("client", "script.py", args='["a"]'), path=str(folder / "x.toml"))
    assert alone.programs[0][1].startswith("failed with ECONNRESET at ")
    assert any("Traceback" in line for _, _, line in alone.output)


def test_of_what_programs_print_a_mebibyte_is_kept(folder: Path) -> None:
    (folder / "megabytes.py").write_text("for _ in range(200000):\n    print('x' * 20)\n")
    text = BASE + program("client", "megabytes.py") + expecting('output client has "rest is not kept"')
    result = played(text, path=str(folder / "x.toml"))
    assert result.failed == []
    assert sum(len(line) + 1 for _, _, line in result.output) < (1 << 20) + 100
    assert result.output[-1][2] == "(it printed over 1 MiB: the rest is not kept)"


def test_what_a_function_raises_is_its_result(folder: Path) -> None:
    result = played(BASE + program("client", "own_module:fails"), path=str(folder / "x.toml"))
    assert result.failed == ["program client.fails ends well: failed with ValueError: on purpose at 0 s"]


def test_a_byte_that_arrives_as_another() -> None:
    bad = fault(on="client>server kind=data seq=2000 xmit=1", do="corrupt byte=payload+559 value=0 repaired")
    result = played(TRANSFER + bad + expecting("delivered == sent", "delivered == 8k", "sent == 8k"))
    assert [holds for _, holds, _ in result.expectations] == [False, True, True]
    assert found(result)["delivered == sent"] == "client:49153>server:5000: byte 1999 arrived as another"


def test_a_stream_that_was_cut_off() -> None:
    cut = fault(on="client>server kind=data seq=4000", do="drop")
    result = played(TRANSFER + cut + expecting("delivered == sent"), "run.stop=1min")
    assert found(result)["delivered == sent"] == "client:49153>server:5000: 2880 of 8192 bytes arrived"


def test_each_connection_is_compared_with_its_own_other_end() -> None:
    text = (
        BASE
        + program("server", "echo port=7", name="'one'")
        + program("server", "receive port=8", name="'two'")
        + "".join(program("client", f"request to=server:7 bytes={size} count=2") for size in (100, 200))
        + program("client", "send bytes=300 hold=1s to=server:8")
        + expecting(
            "delivered == sent",
            "sent client>server:7 == 600 and delivered server:7>client == 600",
            "sent client>server:8 == 300 and sent server:8>client == 0",
        )
    )
    assert played(text).failed == []


def test_a_port_that_is_used_again_after_a_reset() -> None:
    text = (
        BASE
        + program("server", "receive port=8")
        + program("client", "send bytes=100 pause=3s chunk=50 to=server:8")
        + fault(device="client", do="reboot mode=cold down=1s", at="500ms")
        + expecting("sent client>server == 150", "count client>server kind=syn xmit=1 flow=*:49153>*:* >= 2")
        + expecting("delivered client>server == sent")
    )
    result = played(text, "run.stop=5min")
    assert result.failed == [], result.programs
