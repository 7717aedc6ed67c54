"""Running scripts: their modules, arguments, exit status and tracebacks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.usocket.support import Pair, two_devices
from usocket.script import run_script, run_source

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def run(pair: Pair, source: str, *args: str) -> int:
    return run_source(pair.server, source.encode(), "script.py", args)


def test_it_is_on_its_device(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import usocket, utime, uerrno, sys
sock = usocket.socket()
sock.settimeout(1.5)
start = utime.ticks_ms()
try:
    sock.connect(("10.0.0.77", 80))
except OSError as error:
    print(error.errno == uerrno.ETIMEDOUT, utime.ticks_diff(utime.ticks_ms(), start), sys.implementation.name)
print(__name__, sys.argv, type(sock))
"""
    assert run(pair, source, "one", "two") == 0
    assert capsys.readouterr().out.splitlines() == [
        "True 1500 micropython",
        "__main__ ['script.py', 'one', 'two'] <class 'socket'>",
    ]
    assert pair.server.stack.mem.tcp_pcb.max == 1
    assert pair.client.stack.mem.tcp_pcb.max == 0


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit(None)", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(259)", 3),
        ("1 / 0", 1),
        ("this is no Python", 1),
    ],
)
def test_exit_status(pair: Pair, source: str, status: int) -> None:
    assert run(pair, source) == status


def test_a_text_as_exit_status(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pair, "import sys; sys.exit('no way')") == 1
    assert capsys.readouterr().err == "no way\n"


def test_tracebacks_show_the_script_only(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "main.py"
    script.write_text("import socket\ndef ask(sock):\n    return sock.recv(1)\nask(socket.socket())\n")
    assert run_script(pair.server, script) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[1] for line in lines if line.startswith("  File")] == ["line 4", "line 3"]
    assert lines[-1] == "OSError: [Errno 107] ENOTCONN"


def test_nothing_stays(pair: Pair, tmp_path: Path) -> None:
    before = set(sys.modules), list(sys.path), list(sys.argv)
    script = tmp_path / "main.py"
    (tmp_path / "beside.py").write_text("import usocket\n")
    script.write_text("import beside, socket, sys\nsys.path.append('x')\nsys.argv.append('y')\n")
    assert run_script(pair.server, script) == 0
    assert (set(sys.modules), list(sys.path), list(sys.argv)) == before
    assert pair.server._sockets == {}


def test_a_missing_file(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_script(pair.server, tmp_path / "nobody.py")


def test_interrupts_pass_through(pair: Pair) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(pair, "raise KeyboardInterrupt")


def test_output_is_seen_at_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    class Out:
        text = ""
        flushed = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            self.flushed = self.text

    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    run(pair, "print('a', 1, sep='-', end='!')")
    assert out.flushed == "a-1!"


@pytest.mark.parametrize("name", [path.name for path in sorted(EXAMPLES.glob("*.py"))])
def test_the_examples_would_compile_on_a_board(name: str) -> None:
    """No f-strings with =, no walrus, no match, no annotations: what MicroPython's compiler has."""
    source = (EXAMPLES / name).read_text(encoding="ascii")
    compile(source, name, "exec")
    assert "import usocket" in source
    assert not any(word in source for word in (":=", "match ", "async ", "->", "from __future__"))
