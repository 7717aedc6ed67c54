"""The module as scripts find it: its names, one loop for each program, MicroPython's insides, copies in the
path.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.usocket.support import Pair, two_devices
from usocket.asyncio import VERSION, modules
from usocket.device import Device
from usocket.script import run_script, run_source

NAMES = """
    CancelledError Event Lock Loop Server Stream StreamReader StreamWriter Task ThreadSafeFlag TimeoutError
    core create_task current_task gather get_event_loop new_event_loop open_connection run
    run_until_complete sleep sleep_ms start_server wait_for wait_for_ms
""".split()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def run(device: Device, source: str, folder: Path | str = "", library: Path | None = None) -> int:
    return run_source(device, source, "main.py", folder=folder, library=[library] if library else [])


def test_names(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pair.server, "import asyncio\nprint(*dir(asyncio))\nprint(asyncio.__version__)") == 0
    names, version = capsys.readouterr().out.splitlines()
    assert set(NAMES) <= set(names.split())
    assert version == str(VERSION)


def test_a_program(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import uasyncio as asyncio
import time

async def blink(name, period):
    while True:
        print(name, time.ticks_ms())
        await asyncio.sleep_ms(period)

async def main():
    tasks = [asyncio.create_task(blink("a", 70)), asyncio.create_task(blink("b", 40))]
    await asyncio.sleep_ms(100)
    for task in tasks:
        task.cancel()
    try:
        await asyncio.wait_for_ms(asyncio.sleep_ms(1), 5)
    except TypeError as error:
        print(error)
    return "end"

print(asyncio.run(main()))
"""
    assert run(pair.server, source) == 0
    assert capsys.readouterr().out.split("\n") == [
        "a 0", "b 0", "b 40", "a 70", "b 80", "coroutine expected", "end", "",
    ]  # fmt: skip


def test_each_program_has_a_loop_of_its_own(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    leave = "import asyncio\nasync def f():\n    print('left over')\nasyncio.create_task(f())\n"
    enter = "import asyncio\nasync def f():\n    await asyncio.sleep_ms(50)\nasyncio.run(f())\nprint('end')\n"
    for device, source in ((pair.server, leave), (pair.server, enter), (pair.client, enter)):
        assert run(device, source) == 0
    assert capsys.readouterr().out == "end\nend\n"
    with pair.server.use():
        one, other = (modules(sys)["asyncio"] for _ in range(2))
    assert one.get_event_loop() is not other.get_event_loop()
    assert one.get_event_loop(10, 10) is one.Loop is one.new_event_loop()
    assert one.Event is other.Event


def test_what_tasks_say_at_the_end_of_a_program_is_not_shown(
    pair: Pair, capfd: pytest.CaptureFixture[str]
) -> None:
    source = """
import asyncio
async def serve():
    try:
        while True:
            await asyncio.sleep(1)
    finally:
        print("a board never comes here")
        await asyncio.sleep(1)
async def main():
    asyncio.create_task(serve())
    await asyncio.sleep(3)
asyncio.run(main())
"""
    assert run(pair.server, source) == 0
    assert capfd.readouterr() == ("", "")


def test_an_exception_that_nobody_asks_for(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import asyncio
async def fail():
    await asyncio.sleep(1)
    raise ValueError("nobody asks")
async def main():
    asyncio.create_task(fail())
    await asyncio.sleep(3)
asyncio.run(main())
"""
    assert run(pair.server, source) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Task exception wasn't retrieved"
    assert lines[1].startswith("future: <Task> coro= ")
    assert lines[2:] == [
        "Traceback (most recent call last):",
        '  File "main.py", line 5, in fail',
        "ValueError: nobody asks",
    ]


def test_primitives_that_programs_make_themselves(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    """With a queue of tasks, the current task, ``data`` and a bare yield, as MicroPython's own are."""
    source = """
import asyncio
from asyncio import core
import asyncio.core

class Semaphore:
    def __init__(self, count):
        self.count = count
        self.waiting = core.TaskQueue()
    async def acquire(self):
        if self.count == 0:
            self.waiting.push(core.cur_task)
            core.cur_task.data = self.waiting
            yield
        else:
            self.count -= 1
    def release(self):
        if self.waiting.peek():
            core._task_queue.push(self.waiting.pop())
        else:
            self.count += 1

class Pin:
    ready = 0
    def ioctl(self, request, mask):
        return mask if core.ticks() >= 35 else 0
    def __iter__(self):
        core._io_queue.queue_read(self)
        yield

async def work(name, semaphore):
    await semaphore.acquire()
    print(name, core.ticks())
    await asyncio.sleep_ms(10)
    semaphore.release()

async def main():
    semaphore = Semaphore(2)
    await asyncio.gather(*(work(name, semaphore) for name in "abcd"))
    await Pin()
    print(core.ticks() >= 35, core.cur_task is asyncio.current_task())

asyncio.run(main())
print(core.cur_task)
"""
    assert run(pair.server, source) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["a", "b", "c", "d", "True", "None"]
    assert [line.split()[1] for line in lines[:5]] == ["0", "0", "10", "10", "True"]


@pytest.mark.parametrize("name", ["core", "event", "funcs", "lock", "stream"])
def test_modules_of_the_package(pair: Pair, name: str) -> None:
    source = f"import asyncio.{name}\nimport uasyncio.{name}\nassert asyncio.{name} is uasyncio.{name}\n"
    assert run(pair.server, source) == 0
    assert "usocket" not in getattr(sys.modules.get("asyncio"), "__file__", "")


def test_a_package_in_the_path_goes_before_it(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "asyncio"
    package.mkdir()
    (package / "__init__.py").write_text("from .core import *\nmine = True\n")
    (package / "core.py").write_text("from . import task\ndef run(coro):\n    return task.value\n")
    (package / "task.py").write_text("from . import core\nvalue = 42\nassert core\n")
    source = "import asyncio, uasyncio\nprint(asyncio.mine, asyncio.run(None), uasyncio is asyncio)\n"
    assert run(pair.server, source, library=tmp_path) == 0
    (tmp_path / "main.py").write_text(source)
    assert run_script(pair.server, tmp_path / "main.py") == 0
    assert capsys.readouterr().out == "True 42 True\n" * 2
