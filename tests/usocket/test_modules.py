"""What a program can import, and that nothing of it stays in the interpreter."""

from __future__ import annotations

import collections
import select
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import usocket
from netstack.profiles import named
from tests.usocket.support import Pair, two_devices
from usocket.errno import errorcode
from usocket.modules import NATIVE, Modules


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


@pytest.fixture
def modules(pair: Pair, tmp_path: Path) -> Modules:
    return Modules(["script.py", "an argument"], [str(tmp_path)])


@pytest.mark.parametrize(
    ("names", "attribute"),
    [
        (("socket", "usocket", "lwip"), "getaddrinfo"),
        (("select", "uselect"), "poll"),
        (("errno", "uerrno"), "ETIMEDOUT"),
        (("time", "utime"), "ticks_ms"),
        (("sys", "usys"), "print_exception"),
        (("_thread",), "start_new_thread"),
        (("json", "ujson"), "loads"),
        (("hashlib", "uhashlib"), "sha256"),
        (("network",), "WLAN"),
        (("machine", "umachine"), "unique_id"),
        (("os", "uos"), "uname"),
        (("binascii", "ubinascii"), "hexlify"),
        (("struct", "ustruct"), "unpack"),
        (("io", "uio"), "BytesIO"),
        (("re", "ure"), "match"),
        (("random", "urandom"), "getrandbits"),
        (("collections", "ucollections"), "deque"),
        (("gc",), "collect"),
        (("micropython",), "const"),
        (("heapq", "uheapq"), "heappush"),
        (("array", "uarray"), "array"),
        (("math",), "sqrt"),
    ],
)
def test_names_with_and_without_u(modules: Modules, names: tuple[str, ...], attribute: str) -> None:
    found = [modules.import_(name) for name in names]
    assert all(module is found[0] for module in found)
    assert hasattr(found[0], attribute)


@pytest.mark.parametrize("name", sorted(NATIVE))
def test_every_module_of_the_device_can_be_imported(modules: Modules, name: str) -> None:
    module = modules.import_(name)
    assert module.__name__ == ("lwip" if name == "socket" else name)
    assert [public for public in vars(module) if not public.startswith("_")]


def test_the_devices_own_are_not_the_machines(modules: Modules) -> None:
    assert modules.import_("socket").socket is usocket.socket
    assert modules.import_("select").poll is not select.poll
    assert modules.import_("sys") is not sys
    assert modules.import_("sys").argv == ["script.py", "an argument"]
    assert modules.import_("errno").errorcode == errorcode
    assert set(usocket.__all__) - set(vars(modules.import_("socket"))) <= {
        "Device", "Network", "NoDevice", "current_device", "patch"
    }  # fmt: skip
    assert not hasattr(modules.import_("socket"), "Device")
    assert sys.modules["socket"] is socket
    assert sys.argv != ["script.py", "an argument"]


def test_what_a_program_changes_in_a_module_stays_its_own(pair: Pair, modules: Modules) -> None:
    for name in ("json", "math", "collections", "socket"):
        modules.import_(name).pi = "changed"
    other = Modules([], [])
    assert not hasattr(other.import_("json"), "pi")
    assert other.import_("math").pi != "changed"
    assert not hasattr(collections, "pi")
    assert not hasattr(usocket, "pi")


@pytest.mark.parametrize("name", "urllib http subprocess threading _socket nobody logging ctypes".split())
def test_no_way_to_the_machines_network(modules: Modules, name: str) -> None:
    with pytest.raises(ImportError, match=rf"no module named '{name}' on the device, nor {name}\.py in"):
        modules.import_(name)


def test_files_beside_the_script(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import usocket\nanswer = usocket.AF_INET + 40\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from . import inner\nfrom .inner import value\n")
    (tmp_path / "package" / "inner.py").write_text("import beside\nvalue = beside.answer\n")
    assert modules.import_("beside").answer == 42
    assert modules.import_("package").value == 42
    assert modules.import_("package.inner").__name__ == "package"
    assert modules.import_("package.inner", fromlist=("value",)).value == 42
    assert modules.import_("package", fromlist=("inner",)).inner is modules.loaded["package.inner"]
    with pytest.raises(ImportError, match=r"no module named 'package\.nothing'"):
        modules.import_("package.nothing")
    assert "beside" not in sys.modules
    assert "package" not in sys.modules


def test_a_file_goes_before_a_module_of_the_device(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "socket.py").write_text("from usocket import *\nmine = True\n")
    (tmp_path / "gc.py").write_text("mine = True\n")
    assert modules.import_("socket").mine
    assert modules.import_("socket").socket is usocket.socket
    assert not hasattr(modules.import_("usocket"), "mine")
    assert not hasattr(modules.import_("gc"), "mine")


def test_a_librarys_asyncio_is_uasyncio_too(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "asyncio").mkdir()
    (tmp_path / "asyncio" / "__init__.py").write_text("from .core import *\n")
    (tmp_path / "asyncio" / "core.py").write_text("mine = True\n")
    assert modules.import_("uasyncio").mine
    assert modules.import_("asyncio") is modules.import_("uasyncio")


def test_ours_has_its_submodules(modules: Modules) -> None:
    assert modules.import_("uasyncio.core", fromlist=("Task",)).Task is modules.import_("asyncio").Task


def test_a_folder_needs_no_init(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "umqtt").mkdir()
    (tmp_path / "umqtt" / "simple.py").write_text("mine = True\n")
    assert modules.import_("umqtt.simple", fromlist=("mine",)).mine
    assert modules.import_("umqtt").simple.mine


def test_machine_code_for_a_board(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "fast.mpy").write_bytes(b"M\x06")
    with pytest.raises(ImportError, match=r"fast\.mpy is machine code for a board: put fast\.py there"):
        modules.import_("fast")


def test_a_file_that_fails_is_tried_again(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("raise ValueError(1)\n")
    with pytest.raises(ValueError):
        modules.import_("beside")
    (tmp_path / "beside.py").write_text("fine = True\n")
    assert modules.import_("beside").fine


def test_relative_imports_need_a_package(modules: Modules) -> None:
    with pytest.raises(ImportError, match="can't perform relative import"):
        modules.import_("x", {"__package__": ""}, level=1)


def test_what_only_some_ports_have() -> None:
    with two_devices(client=named("micropython-stm32")):
        with pytest.raises(ImportError):
            Modules([], []).import_("_thread")
        assert Modules([], []).import_("sys").platform == "pyboard"
    with two_devices(client=named("micropython-esp32")):
        esp32 = Modules([], [])
        assert esp32.import_("errno").ETIMEDOUT == 116
        assert esp32.import_("sys").platform == "esp32"
        with pytest.raises(ImportError):
            esp32.import_("lwip")


def test_code_that_a_program_runs_is_its_own(modules: Modules, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
exec("import errno; a = b'%s' % 'x'")
print(a, eval("b'1' + '2'"), eval(" errno.EIO "))
space = {}
exec("import errno as e", space)
print(space["e"] is errno)
exec(compile("print(errno.EIO)", "<made>", "exec"))
"""
    modules.execute(source, "main.py", modules.main)
    assert capsys.readouterr().out.split("\n")[:3] == ["b'x' b'12' 5", "True", "5"]


def test_execfile(modules: Modules, tmp_path: Path) -> None:
    file = tmp_path / "part.py"
    file.write_text("x = b'%s' % 'part'\n")
    modules.execute(f"execfile({str(file)!r})\n", "main.py", modules.main)
    assert modules.main.x == b"part"
