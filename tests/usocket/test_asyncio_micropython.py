"""MicroPython's own tests of asyncio: on ours, and on a copy of its own package in the library folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.usocket.micropython_tree import expected, micropython, same_style
from tests.usocket.support import two_devices
from usocket.script import run_script

__all__ = ["micropython"]

TESTS = """
    as_uasyncio await_return basic basic2 cancel_fair cancel_fair2 cancel_self cancel_task
    cancel_wait_on_finished current_task event event_fair exception fair gather gather_finished_early
    gather_notimpl get_event_loop heaplock lock lock_cancel loop_stop micropython new_event_loop
    set_exception_handler task_done threadsafeflag wait_for wait_for_fwd wait_task
""".split()


HOSTED = ["start_server"]  # of tests/net_hosted; asyncio_loopback needs 127.0.0.1, which few boards have


def output_of(test: Path, library: Path | None, capsys: pytest.CaptureFixture[str]) -> str:
    with two_devices() as pair:
        assert run_script(pair.server, test, library=[] if library is None else [library]) == 0
    return capsys.readouterr().out


def path_of(tree: Path, name: str) -> Path:
    return tree / "tests" / ("net_hosted" if name in HOSTED else "extmod") / f"asyncio_{name}.py"


@pytest.mark.parametrize("name", TESTS + HOSTED)
def test_ours(micropython: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    test = path_of(micropython, name)
    assert same_style(output_of(test, None, capsys)) == same_style(expected(test))


@pytest.mark.parametrize("name", TESTS + HOSTED)
def test_a_copy_of_theirs(
    micropython: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "asyncio").symlink_to(micropython / "extmod" / "asyncio")
    test = path_of(micropython, name)
    assert same_style(output_of(test, tmp_path, capsys)) == same_style(expected(test))
