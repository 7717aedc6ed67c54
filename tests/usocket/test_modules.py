"""What a script can import, and that nothing of it stays in the interpreter."""

from __future__ import annotations

import select
import socket
import sys
from pathlib import Path

import pytest

import usocket
from usocket.errno import errorcode
from usocket.modules import Modules


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    return Modules(["script.py", "an argument"], tmp_path)


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
    ],
)
def test_names_with_and_without_u(modules: Modules, names: tuple[str, ...], attribute: str) -> None:
    found = [modules.import_(name) for name in names]
    assert all(module is found[0] for module in found)
    assert hasattr(found[0], attribute)


def test_the_devices_own_are_not_the_machines(modules: Modules) -> None:
    assert modules.import_("socket").socket is usocket.socket
    assert modules.import_("select").poll is not select.poll
    assert modules.import_("sys") is not sys
    assert modules.import_("sys").argv == ["script.py", "an argument"]
    assert modules.import_("errno").errorcode == errorcode
    assert not hasattr(modules.import_("socket"), "Device")
    assert sys.modules["socket"] is socket
    assert sys.argv != ["script.py", "an argument"]


@pytest.mark.parametrize("name", "asyncio ssl urllib http subprocess threading _socket nobody".split())
def test_no_way_to_the_machines_network(modules: Modules, name: str) -> None:
    with pytest.raises(ImportError, match=f"no module named '{name}' on the device, nor {name}.py beside"):
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
    assert "beside" not in sys.modules
    assert "package" not in sys.modules


def test_a_file_that_fails_is_tried_again(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("raise ValueError(1)\n")
    with pytest.raises(ValueError):
        modules.import_("beside")
    (tmp_path / "beside.py").write_text("fine = True\n")
    assert modules.import_("beside").fine


def test_relative_imports_need_a_package(modules: Modules) -> None:
    with pytest.raises(ImportError, match="can't perform relative import"):
        modules.import_("x", {"__package__": ""}, level=1)
