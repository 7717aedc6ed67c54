"""sys of a program."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from netstack.profiles import named
from tests.usocket.support import two_devices
from usocket.modules import Modules


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    with two_devices():
        yield


def test_what_it_says_of_the_interpreter() -> None:
    sys = Modules(["main.py", "x"], ["", "/lib"]).load("sys")
    assert sys.implementation.name == "micropython"
    assert sys.implementation.version[:2] == (1, 28)
    assert not hasattr(sys.implementation, "_mpy")  # mip then fetches sources
    assert sys.version.startswith("3.4.0; MicroPython v1.28")
    assert (sys.platform, sys.byteorder, sys.maxsize) == ("rp2", "little", 0x7FFFFFFF)
    assert (sys.argv, sys.path) == (["main.py", "x"], ["", "/lib"])
    with two_devices(client=named("micropython-mimxrt")):
        assert Modules([], []).load("sys").platform == "mimxrt"


def test_its_modules_are_the_programs_own() -> None:
    modules = Modules([], [])
    sys = modules.load("sys")
    modules.load("json")
    assert {"sys", "json", "__main__"} <= set(sys.modules)
    assert "pytest" not in sys.modules
    del sys.modules["json"]
    assert modules.load("json").loads("1") == 1


def test_exit() -> None:
    for status in (None, 3, "text"):
        with pytest.raises(SystemExit) as leaving:
            Modules([], []).load("sys").exit(status)
        assert leaving.value.code == status


def test_print_exception(capsys: pytest.CaptureFixture[str]) -> None:
    sys = Modules([], []).load("sys")
    stream = io.StringIO()
    sys.print_exception(ValueError("x"), stream)
    assert stream.getvalue() == "ValueError: x\n"
    sys.print_exception(ValueError("y"))
    assert capsys.readouterr().out == "ValueError: y\n"
