"""The same campaign on every engine: this process, threads, processes, dask. The results are the same."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.campaign import CampaignError, Engine, Job, Record, Store, campaign, dask, here, of, processes, sweep
from lab.campaign.engine import MISSING, dask_client
from tests.lab.campaign.planted import plant

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason=f"NOT TESTED ON DASK: {MISSING}"
)


@contextmanager
def dask_in_threads() -> Iterator[Engine]:
    """A cluster whose workers are threads of this process."""
    yield dask_client(cluster(n_workers=2, threads_per_worker=1, processes=False))


@contextmanager
def dask_in_processes() -> Iterator[Engine]:
    yield dask(workers=2)


@contextmanager
def in_threads() -> Iterator[Engine]:
    with ThreadPoolExecutor(2) as executor:
        yield of(executor)


@contextmanager
def in_processes() -> Iterator[Engine]:
    yield processes(2)


def cluster(**options: Any) -> Any:
    from distributed import Client

    new: Any = Client
    return new(dashboard_address=":0", **options)


def run(jobs: list[Job], engine: Engine) -> list[Record]:
    with Store() as store:
        return campaign(jobs, engine, store)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    file = plant(tmp_path, "twice", '"loss rate=20%", "duplicate rate=40%"')
    return sweep(file.read_text(), str(file), range(12), ["link.wire.delay=1ms,20ms"])


@pytest.mark.parametrize(
    "engine",
    [
        in_threads,
        in_processes,
        pytest.param(dask_in_threads, marks=needs_dask),
        pytest.param(dask_in_processes, marks=needs_dask),
    ],
)
def test_every_engine_has_the_same_results(jobs: list[Job], engine: Any) -> None:
    expected = run(jobs, here())
    assert {record.status for record in expected} == {"passed", "failed"}
    assert len({record.digest for record in expected}) > len(jobs) / 2
    with engine() as made:
        assert run(jobs, made) == expected


@needs_dask
def test_a_cluster_at_an_address_does_the_runs(jobs: list[Job]) -> None:
    local = cluster(n_workers=1, threads_per_worker=2, processes=False)
    try:
        assert run(jobs[:4], dask(local.scheduler_info()["address"])) == run(jobs[:4], here())
    finally:
        local.close()


@needs_dask
def test_an_address_where_nobody_is_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.campaign.engine.PATIENCE", "1s")
    with pytest.raises(CampaignError, match=r"no dask cluster at tcp://127\.0\.0\.1:1 .*: start one, or"):
        dask("tcp://127.0.0.1:1")


def test_without_dask_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(CampaignError, match=r"pip install 'netstack-emulator\[campaign\]'"):
        dask("tcp://127.0.0.1:1")


def test_workers_with_other_code_are_refused(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.campaign.run.code_version", lambda: "9.9+other")
    with pytest.raises(CampaignError, match=r"a worker's code is .*, not 9\.9\+other: install the same"):
        run(jobs, here())
