"""MicroPython's own runner for tests with two instances: ``netstack run``, and CPython on Linux."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.lab.commands import NETSTACK, ROOT
from tests.usocket.foreign.board import DEVICE, LINUX, TAP, Board
from tests.usocket.foreign.micropython_tests import ASKING, SERVING, Own, parameters

pytestmark = pytest.mark.tap


def run_multitests(board: Board, tree: Path, own: Own, instances: tuple[str, ...]) -> None:
    """It has to say that the test passed; its truth for tests without .exp are two CPythons."""
    launcher = board.folder / "launcher"
    start = shlex.join(["env", f"PYTHONPATH={ROOT}", *NETSTACK, "run"])
    launcher.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
    launcher.chmod(0o755)
    device = f"exec:{launcher},NETSTACK_IP={DEVICE}/24,NETSTACK_TAP={TAP}"
    # the runner asks for the way to the internet to learn this machine's address
    board.linux("ip", "route", "add", "default", "dev", TAP, "src", LINUX)
    options = [word for instance in instances for word in ("-i", instance.replace("device", device))]
    test = tree / "tests" / f"{own.name}.py"
    output = board.linux(
        "env", f"MICROPY_CPYTHON3={sys.executable}", f"PATH={os.environ['PATH']}",
        sys.executable, str(tree / "tests" / "run-multitests.py"), "-s", *options, str(test),
    )  # fmt: skip
    assert "1 tests passed" in output, output


@pytest.mark.parametrize("own", parameters(SERVING))
def test_the_device_first(board: Board, micropython: Path, own: Own) -> None:
    run_multitests(board, micropython, own, ("device", "cpython"))


@pytest.mark.parametrize("own", parameters(ASKING))
def test_the_device_second(board: Board, micropython: Path, own: Own) -> None:
    run_multitests(board, micropython, own, ("cpython", "device"))
