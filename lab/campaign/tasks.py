"""Has an engine do tasks, and copes with workers that die.

When a worker is killed (by the kernel that is out of memory, say) a process pool breaks, and nobody knows
which of the tasks at work did it. So all of them are done again, one at a time: a task in which a worker dies
once more is given up, the others are done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Generic, TypeVar

from lab.campaign.engine import Engine
from lab.campaign.errors import CampaignError

MOST_IN_VAIN = 3  # executors one after the other that are broken as soon as they are made

T = TypeVar("T")
R = TypeVar("R")


def perform(
    function: Callable[[T], R],
    tasks: Iterable[T],
    engine: Engine,
    done: Callable[[T, R], None],
    lost: Callable[[T, str], None],
    note: Callable[[str], None],
) -> None:
    """Call ``function`` with each task on the engine, and ``done`` here with what it returned, in the order
    in which they end; ``lost`` with what was given up, and why; ``note`` with what else there is to say.

    ``function`` and tasks are picklable. Whatever ends this, the engine's workers end with it.
    """
    _Work(function, tasks, engine, done, lost, note).run()


class _Work(Generic[T, R]):
    def __init__(
        self,
        function: Callable[[T], R],
        tasks: Iterable[T],
        engine: Engine,
        done: Callable[[T, R], None],
        lost: Callable[[T, str], None],
        note: Callable[[str], None],
    ) -> None:
        self._function = function
        self._queue = deque(tasks)
        self._suspects: deque[T] = deque()  # a worker died while they were at work
        self._engine = engine
        self._executor: Executor = engine.make()
        self._pending: dict[Future[R], T] = {}
        self._second: set[Future[R]] = set()  # those of suspects
        self._done, self._lost, self._note = done, lost, note
        self._in_vain = 0  # executors that broke before they did anything

    def run(self) -> None:
        idle = False
        try:
            while self._queue or self._suspects or self._pending:
                broken = self._submit()
                finished = wait(self._pending, return_when=FIRST_COMPLETED).done if self._pending else ()
                for future in [one for one in self._pending if one in finished]:
                    broken |= self._take(future)
                if broken:
                    self._renew()
            idle = True
        finally:
            self._engine.end(self._executor, idle)

    def _submit(self) -> bool:
        """Give it what it can be given now; whether it is broken."""
        source, room = (self._suspects, 1) if self._suspects else (self._queue, self._engine.window)
        while source and len(self._pending) < room:
            task = source.popleft()
            try:
                future = self._executor.submit(self._function, task)
            except BrokenExecutor as error:
                source.appendleft(task)
                self._in_vain += 1
                if self._in_vain > MOST_IN_VAIN:
                    raise CampaignError(f"the workers cannot begin ({error}): see what ails them") from None
                return True
            self._in_vain = 0
            self._pending[future] = task
            if source is self._suspects:
                self._second.add(future)
        return False

    def _take(self, future: Future[R]) -> bool:
        """One is over, well or not; whether the executor is broken."""
        task = self._pending.pop(future)
        try:
            result = future.result()
        except Exception as error:  # of the engine: a run that breaks has a result that says so
            what = " ".join(f"{type(error).__name__}: {error}".split())
            if future in self._second:
                self._lost(task, f"its worker died twice ({what})")
            else:
                self._suspects.append(task)
                self._note(f"a worker died ({what}): what it was at is done once more")
            return isinstance(error, BrokenExecutor)
        self._done(task, result)
        return False

    def _renew(self) -> None:
        """The executor is broken, and all that it was at: another one."""
        if not self._engine.renewable:
            raise CampaignError(f"the executor ({self._engine.name}) is broken: give a new one and go on")
        for future, task in self._pending.items():
            if future.exception() is None:
                self._done(task, future.result())
            else:
                self._suspects.append(task)
        self._pending.clear()
        self._engine.end(self._executor, False)
        self._executor = self._engine.make()
