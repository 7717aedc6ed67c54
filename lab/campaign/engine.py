"""Who does the work: any ``concurrent.futures.Executor``, with how to make a new one when it breaks.

Three are at hand: this process, processes of this machine, and ``dask.distributed``, local or at an address.
Any other, as that of mpi4py or of a Slurm library, goes in with ``of(executor)``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from lab.campaign.errors import CampaignError

MISSING = "dask.distributed is not installed: pip install 'netstack-emulator[campaign]'"

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = "10s"  # for a dask scheduler to answer


@dataclass(frozen=True)
class Engine:
    """``make`` gives an executor, ``end`` ends one: it has nothing to do any more (True), or is to end
    at once whatever it is at (False). ``window``: so many tasks are handed to it at a time. ``renewable``:
    when it breaks, ``make`` gives another.
    """

    name: str
    make: Callable[[], Executor]
    end: Callable[[Executor, bool], None]
    window: int
    renewable: bool = True


class InProcess(Executor):
    """Does each task when it is submitted, here."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The future is done when this returns."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def here() -> Engine:
    """This process, one after the other: what a debugger wants."""
    return Engine("this process", InProcess, lambda executor, _: executor.shutdown(), window=1)


def processes(count: int) -> Engine:
    """``count`` processes of this machine. They end with this one, however it ends."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lab.scenario.run"])
    name = f"{count} process{'es' if count > 1 else ''}"

    def make() -> Executor:
        return ProcessPoolExecutor(count, mp_context=context, initializer=_begin_worker)

    return Engine(name, make, _end_processes, window=2 * count + 2)


def dask(address: str | None = None, workers: int = 2) -> Engine:
    """A cluster of ``dask.distributed``: the scheduler at ``address``, or one on this machine with
    ``workers`` processes. Raises CampaignError when the package is missing or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CampaignError(MISSING) from None
    new: Any = Client  # which has no types
    try:
        if address is None:
            client = new(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0")
        else:
            client = new(address, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        text = " ".join(str(error).split())
        raise CampaignError(
            f"no dask cluster at {address} ({text}): start one, or give its address"
        ) from None
    return dask_client(client)


def dask_client(client: Any) -> Engine:
    """The cluster of a ``distributed.Client``, which is closed when the work ends."""
    cores = max(1, sum(client.nthreads().values()))

    def end(executor: Executor, idle: bool) -> None:
        executor.shutdown(wait=idle)
        client.close()  # which cancels what is left

    return Engine(f"dask, {cores} cores", client.get_executor, end, window=2 * cores + 2)


def of(executor: Executor, window: int | None = None) -> Engine:
    """An executor of one's own; it is not shut down. ``window``: tasks that it is given at a time."""
    size = window or 2 * (os.cpu_count() or 1) + 2
    return Engine(type(executor).__name__, lambda: executor, lambda *_: None, size, renewable=False)


def _end_processes(executor: Executor, idle: bool) -> None:
    workers = [] if idle else multiprocessing.active_children()
    executor.shutdown(wait=idle, cancel_futures=True)
    for worker in workers:  # nobody waits for what they do
        if worker.name.startswith("ForkServerProcess"):
            worker.terminate()


def _begin_worker() -> None:
    """A worker leaves Ctrl-C to the process it works for, and ends with it: also when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
