"""Tasks on an engine: all are done once, and a worker that dies takes nothing with it but its own task."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.campaign import CampaignError, Engine, here, of, processes
from lab.campaign.tasks import perform


class Heard:
    """What was done, lost and said."""

    def __init__(self) -> None:
        self.done: dict[object, object] = {}
        self.lost: dict[object, str] = {}
        self.notes: list[str] = []

    def run(self, function: object, tasks: list[object], engine: Engine) -> Heard:
        perform(function, tasks, engine, self._done, self.lost.__setitem__, self.notes.append)  # type: ignore[arg-type]
        return self

    def _done(self, task: object, result: object) -> None:
        assert task not in self.done
        self.done[task] = result


def double(task: int) -> int:
    return 2 * task


def die_at_7(task: int) -> int:
    if task == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def die_once(marker: str) -> str:
    """Dies when its file is there, and takes it away."""
    if Path(marker).exists():
        Path(marker).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker


def raises_at_3(task: int) -> int:
    if task == 3:
        raise MemoryError("too much")
    return task


def threads() -> Engine:
    return of(ThreadPoolExecutor(2))


@pytest.mark.parametrize("make", [here, lambda: processes(2), threads], ids=["here", "processes", "threads"])
def test_every_task_is_done_once(make: Callable[[], Engine]) -> None:
    heard = Heard().run(double, list(range(40)), make())
    assert heard.done == {task: 2 * task for task in range(40)}
    assert (heard.lost, heard.notes) == ({}, [])


def test_in_this_process_they_are_done_in_their_order() -> None:
    assert list(Heard().run(double, [3, 1, 2], here()).done) == [3, 1, 2]


def test_a_task_that_kills_its_worker_twice_is_given_up_and_the_others_are_done() -> None:
    heard = Heard().run(die_at_7, list(range(20)), processes(2))
    assert set(heard.done) == set(range(20)) - {7}
    assert list(heard.lost) == [7]
    assert heard.lost[7].startswith("its worker died twice (BrokenProcessPool")
    assert heard.notes
    assert all(note.startswith("a worker died") for note in heard.notes)


def test_a_task_whose_worker_died_once_is_done_the_second_time(tmp_path: Path) -> None:
    tasks = [str(tmp_path / f"{number}") for number in range(6)]
    Path(tasks[2]).touch()
    heard = Heard().run(die_once, tasks, processes(2))
    assert (set(heard.done), heard.lost) == (set(tasks), {})
    assert len(heard.notes) >= 1


def test_what_a_function_raises_counts_as_a_death() -> None:
    heard = Heard().run(raises_at_3, list(range(5)), here())
    assert set(heard.done) == {0, 1, 2, 4}
    assert heard.lost == {3: "its worker died twice (MemoryError: too much)"}


def test_an_executor_of_ones_own_that_breaks_ends_it_with_the_mend() -> None:
    with ProcessPoolExecutor(1) as executor, pytest.raises(CampaignError, match="is broken: give a new one"):
        Heard().run(die_at_7, [7, 8, 9], of(executor))


def test_an_executor_of_ones_own_is_not_shut_down() -> None:
    with ThreadPoolExecutor(1) as executor:
        Heard().run(double, [1], of(executor))
        assert executor.submit(double, 4).result() == 8


def test_an_executor_that_cannot_begin_does_not_go_on_for_ever() -> None:
    class Broken(Executor):
        def submit(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise BrokenExecutor("no workers")

    made = []

    def make() -> Executor:
        made.append(1)
        return Broken()

    with pytest.raises(CampaignError, match="cannot begin"):
        Heard().run(double, [1, 2, 3], Engine("broken", make, lambda *_: None, 2))
    assert len(made) < 5


def test_workers_are_gone_when_it_is_over() -> None:
    heard = Heard().run(pid, list(range(8)), processes(2))
    assert not [worker for worker in set(heard.done.values()) if Path(f"/proc/{worker}").exists()]


def pid(_: object) -> int:
    return os.getpid()


def test_ctrl_c_while_they_work_ends_the_workers_at_once() -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    workers: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        perform(sleep_long, [0, 1, 2], processes(2), lambda _, worker: interrupted(workers.append(worker)),
                interrupted, interrupted)  # fmt: skip
    assert workers


def sleep_long(task: int) -> int:
    """The first ends, the second would take very long."""
    if task:
        signal.pause()
    return os.getpid()
