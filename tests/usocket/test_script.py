"""Running scripts: their modules, arguments, exit status and tracebacks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstack.profiles import named
from tests.usocket.support import Pair, two_devices
from usocket.files import FileSystem
from usocket.script import run_board, run_script, run_source

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
    assert capsys.readouterr().err.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{script}", line 4, in <module>',
        f'  File "{script}", line 3, in ask',
        "OSError: [Errno 107] ENOTCONN",
    ]


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


def test_a_library_folder(pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "umqtt.py").write_text("import beside\nname = beside.name\n")
    (tmp_path / "beside.py").write_text("name = b'%s' % 'found'\n")
    script = tmp_path / "main.py"
    script.write_text("import umqtt\nprint(umqtt.name)\n")
    assert run_script(pair.server, script, library=[tmp_path / "lib"]) == 0
    assert capsys.readouterr().out == "b'found'\n"
    assert run_script(pair.server, script) == 1


def test_a_board_runs_boot_and_main(pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("y = 5\n")
    (tmp_path / "boot.py").write_text("x = 4\n")
    (tmp_path / "main.py").write_text(
        "import helper, os, sys\nprint(x, helper.y, os.listdir('/'), __file__, sys.argv)\n"
    )
    pair.server.files = FileSystem(tmp_path)
    assert run_board(pair.server, ["an argument"]) == 0
    assert capsys.readouterr().out == "4 5 ['boot.py', 'lib', 'main.py'] main.py ['', 'an argument']\n"
    (tmp_path / "boot.py").write_text("1 / 0\n")
    assert run_board(pair.server) == 1
    (tmp_path / "boot.py").write_text("import sys\nsys.exit(3)\n")
    assert run_board(pair.server) == 3
    (tmp_path / "boot.py").unlink()
    (tmp_path / "main.py").unlink()
    assert run_board(pair.server) == 0
    assert capsys.readouterr().out == ""


def test_what_a_board_would_do_is_shown_with_the_error(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "import socket\ns = socket.socket()\ns.bind(('', 1))\ns.bind(('', 2))\n"
    assert run(pair, source) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "OSError: [Errno 22] EINVAL",
        "a board would hang here: a TCP socket bound to a second port corrupts lwIP's list of bound sockets",
    ]


def test_a_program_on_an_esp32(capsys: pytest.CaptureFixture[str]) -> None:
    with two_devices(server=named("micropython-esp32")) as esp32:
        source = """
import socket, errno
s = socket.socket()
print(s.fileno(), socket.TCP_NODELAY, errno.EADDRINUSE)
s.bind(("", "80"))
t = socket.socket()
try:
    t.bind(("0.0.0.0", 80))
except OSError as e:
    print(e, e.errno == errno.EADDRINUSE, OSError(116))
"""
        assert run(esp32, source) == 0
        assert capsys.readouterr().out.splitlines() == [
            "54 1 112",
            "[Errno 112] EADDRINUSE True [Errno 116] ETIMEDOUT",
        ]


def test_two_programs_at_a_time_know_nothing_of_each_other(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (
        "import random, network\nnetwork.hostname('%s')\n"
        "print(network.hostname(), random.getrandbits(32))\n"
    )
    run_source(pair.server, source % "one", "one.py")
    run_source(pair.client, source % "two", "two.py")
    run_source(pair.server, "import network\nprint(network.hostname())\n", "one.py")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["one", "two", "one"]
    assert lines[0][1] != lines[1][1]


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
