"""What all links share, and the check that the package ``tap`` is this project's."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from errno import EBUSY
from pathlib import Path

import tap.link
from tap.link import LinkWrapper, TapError, foreign_package
from tests.tap.fakes import socket_links


def test_an_error_is_one_line_with_an_errno() -> None:
    error = TapError("TAP x is busy: choose another", EBUSY)
    assert isinstance(error, OSError)
    assert (str(error), error.errno) == ("TAP x is busy: choose another", EBUSY)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_wrapper_passes_everything_on() -> None:
    one, other = socket_links()
    wrapped = LinkWrapper(LinkWrapper(one))
    assert wrapped.receive() is None
    wrapped.send(b"there")
    other.send(b"back")
    assert (other.receive(), wrapped.receive()) == (b"there", b"back")
    assert (wrapped.mtu, wrapped.fileno()) == (1500, one.fileno())
    wrapped.close()
    assert one.fileno() == -1
    other.close()


def test_this_package_is_ours() -> None:
    assert foreign_package() is None


def test_another_package_installed_over_ours_is_named(tmp_path: Path) -> None:
    """As pip leaves it after `pip install tap.py`: its __init__.py and our modules in one folder."""
    source = Path(tap.link.__file__).parent
    for package in ("tap", "netstack"):
        shutil.copytree(source.parent / package, tmp_path / package)
    (tmp_path / "tap" / "__init__.py").write_text('"""Test Anything Protocol."""\n', encoding="utf-8")
    program = "from tap.tun import TapLink\ntry: TapLink.open()\nexcept OSError as error: print(error)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    place = f"{tmp_path}/tap/__init__.py"
    assert done.stdout.startswith(f"another package is installed under the name tap ({place}): ")
    assert done.stdout.endswith("then install netstack-emulator again\n")
    assert done.stdout.count("\n") == 1
