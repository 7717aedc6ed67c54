"""``netstack run --cpython``: unchanged programs for CPython, in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lab.run_cpython import CPythonProgram
from tap.netns import Namespace
from tests.lab.commands import ENVIRONMENT, NETSTACK, PATIENCE, netstack
from usocket import Device

RUN = ["run", "--netns", "new", "--cpython"]
ADDRESS = "192.168.7.2"


class TestChoosing:
    def test_one_of_three(self, tmp_path: Path) -> None:
        file = tmp_path / "script.py"
        file.touch()
        script = str(file)
        assert CPythonProgram.of(script, None, None, ("a",)) == CPythonProgram(file, None, None, ("a",))
        assert CPythonProgram.of("a", "mod", None, ("b",)) == CPythonProgram(None, "mod", None, ("a", "b"))
        assert CPythonProgram.of(None, None, "pass", ()) == CPythonProgram(None, None, "pass", ())

    def test_none_or_two(self) -> None:
        for script, module, code, words in (
            (None, None, None, "give a SCRIPT, -c CODE or -m MODULE"),
            (None, "mod", "pass", "not both"),
            ("missing.py", None, None, "there is no file or folder missing.py"),
        ):
            with pytest.raises(click.UsageError, match=words):
                CPythonProgram.of(script, module, code, ())


@pytest.fixture
def device() -> Iterator[Device]:
    from tests.usocket.patched import two_in_real_time

    argv, path, main = sys.argv, list(sys.path), sys.modules["__main__"]
    with two_in_real_time() as both:
        yield both.device
    sys.argv, sys.path[:], sys.modules["__main__"] = argv, path, main


class TestRunning:
    """In this process, which is quicker."""

    def test_a_script(self, device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "neighbour.py").write_text("import socket\nkind = socket.socket.__name__\n")
        script = tmp_path / "script.py"
        script.write_text("import sys, neighbour\nprint(__name__, sys.argv[1:], neighbour.kind)\n")
        assert CPythonProgram.of(str(script), None, None, ("1", "-x")).run(device) == 0
        assert capsys.readouterr().out == "__main__ ['1', '-x'] DeviceSocket\n"
        del sys.modules["neighbour"]

    def test_a_text(self, device: Device, capsys: pytest.CaptureFixture[str]) -> None:
        code = "import sys\ndef f(): return sys.argv\nprint(__name__, f())"
        assert CPythonProgram.of("a", None, code, ()).run(device) == 0
        assert capsys.readouterr().out == "__main__ ['-c', 'a']\n"

    def test_a_module(self, device: Device, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            CPythonProgram.of("--help", "calendar", None, ()).run(device)
        assert not caught.value.code
        assert "usage: " in capsys.readouterr().out

    def test_an_exception_is_shown_without_our_part(
        self, device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        script = tmp_path / "script.py"
        script.write_text("def f():\n    raise ValueError('oops')\nf()\n")
        assert CPythonProgram.of(str(script), None, None, ()).run(device) == 1
        lines = capsys.readouterr().err.splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert f'File "{script}", line 3' in lines[1]
        assert lines[-1] == "ValueError: oops"
        assert "runpy" not in "".join(lines)

    def test_its_threads_go_on_to_their_end(self, device: Device, tmp_path: Path) -> None:
        code = f"""
import threading, time
def late():
    time.sleep(0.2)
    open({str(tmp_path / "late")!r}, "w").close()
threading.Thread(target=late).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""
        assert CPythonProgram.of(None, None, code, ()).run(device) == 0
        assert (tmp_path / "late").exists()
        assert sum(not thread.daemon for thread in threading.enumerate()) == 1


@pytest.mark.tap
class TestCommand:
    def test_arguments_and_status(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import socket, sys\nprint(sys.argv[1:], socket.socket().getsockname())\nsys.exit(7)\n"
        )
        done = netstack(*RUN, str(script), "one", "--two")
        assert (done.returncode, done.stderr) == (7, "")
        assert done.stdout == "['one', '--two'] ('0.0.0.0', 0)\n"

    def test_an_exception(self) -> None:
        done = netstack(*RUN, "-c", "import socket\nsocket.socket(socket.AF_INET6)")
        assert done.returncode == 1
        assert "a device has IPv4 only" in done.stderr.splitlines()[-1]

    @pytest.mark.needs("curl")
    def test_a_module_that_serves(self, tmp_path: Path) -> None:
        (tmp_path / "page").write_bytes(b"hello" * 1000)
        with Namespace.open("new") as netns:
            argv = [*NETSTACK, "run", "--netns", f"pid:{netns.holder}"]
            argv += ["--cpython", "-m", "http.server", "80"]
            process = subprocess.Popen(
                argv, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            with process:
                assert process.stdout is not None
                assert b"Serving HTTP" in process.stdout.readline()
                curl = ["curl", "-sS", "-m", "20", f"http://{ADDRESS}/page"]
                done = netns.run(curl, capture_output=True, timeout=30)
                process.send_signal(signal.SIGINT)
                assert process.wait(PATIENCE) == 0  # http.server takes it for its end
        assert done.stderr == b""
        assert done.stdout == b"hello" * 1000

    def test_mistakes_get_one_line(self) -> None:
        for arguments, words in (
            (["--cpython"], "give a SCRIPT, -c CODE or -m MODULE"),
            (["--cpython", "missing.py"], "there is no file or folder missing.py"),
            (["-m", "http.server"], "use it with --cpython"),
            (["--cpython", "--repl", "-c", "1"], "MicroPython's programs only"),
            (["--cpython", "--link", "virtual", "-c", "1"], "MicroPython's programs only"),
            (["--cpython", "-c", "1", "-m", "x"], "give -c or -m, not both"),
        ):
            done = netstack("run", *arguments)
            assert done.returncode == 2
            assert words in done.stderr
            assert len(done.stderr.splitlines()) == 1
