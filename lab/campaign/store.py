"""The results of campaigns: an sqlite file that is whole after a kill -9, and JSON lines beside it.

A result is known by the hash of its scenario, the version of the code, the seed and the overrides, and is
committed before the next one: a campaign that is started again goes on with what is missing. The JSON lines
(``results.jsonl`` of ``results.sqlite``) grow while it runs, in the order in which runs end; when it ends
they are written anew from the table, in the order of their keys.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TextIO

from lab.campaign.errors import CampaignError
from lab.campaign.job import Job, Record, code_version, scenario_hash

FORMAT = 1  # user_version of the file
_APPLICATION = 0x6E657473  # "nets"
_BIGGEST = 2**63 - 1  # sqlite's integers
_TABLES = """
CREATE TABLE scenarios (scenario TEXT PRIMARY KEY, path TEXT, text TEXT NOT NULL);
CREATE TABLE runs (
    scenario TEXT NOT NULL, code TEXT NOT NULL, overrides TEXT NOT NULL, seed INTEGER NOT NULL,
    status TEXT NOT NULL, failed TEXT NOT NULL, details TEXT NOT NULL, error TEXT, digest TEXT NOT NULL,
    time INTEGER NOT NULL, frames INTEGER NOT NULL, verdicts INTEGER NOT NULL, counters TEXT NOT NULL,
    reproduce TEXT NOT NULL,
    PRIMARY KEY (scenario, code, overrides, seed)
);
CREATE TABLE shrunk (
    scenario TEXT NOT NULL, code TEXT NOT NULL, overrides TEXT NOT NULL, seed INTEGER NOT NULL,
    target TEXT NOT NULL, faults TEXT NOT NULL, minimal INTEGER NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (scenario, code, overrides, seed, target)
);
"""
_JSON = ("overrides", "failed", "details", "counters", "faults")


class Store:
    """A file of results; None: nothing is kept beyond this object. One process writes it at a time.

    Raises CampaignError when the file is none of ours or another campaign has it.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._lines: TextIO | None = None
        self._lock: int | None = None
        self._hashes: dict[tuple[str, str | None], str] = {}
        if self.path is not None:
            self._check_lines()
            self._lock = _locked(self.path)
        try:
            self._base = sqlite3.connect(self.path or ":memory:")
            self._prepare()
            if self.path is not None:
                self._lines = self.json_lines.open("a", encoding="utf-8")
        except (sqlite3.OperationalError, OSError) as error:
            self.close()
            raise CampaignError(f"{path} cannot be used ({error}): free space, or name another") from None
        except sqlite3.Error as error:
            self.close()
            raise CampaignError(f"{path} is no file of results ({error}): name another") from None

    def _check_lines(self) -> None:
        """The JSON lines beside the file must not take the place of something else. Raises CampaignError."""
        assert self.path is not None
        lines = self.json_lines
        if lines == self.path:
            raise CampaignError(f"{lines} is where the JSON lines go: name it {lines.stem}.sqlite")
        if lines.exists() and lines.stat().st_size and not self.path.exists():
            raise CampaignError(f"{lines} is there and would be overwritten: name another, or remove it")

    @property
    def json_lines(self) -> Path:
        """The file beside it."""
        assert self.path is not None
        return self.path.with_suffix(".jsonl")

    def _prepare(self) -> None:
        mine = self._base.execute("PRAGMA application_id").fetchone()[0]
        tables = self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and mine != _APPLICATION:
            raise sqlite3.DatabaseError("its tables are others")
        version = self._base.execute("PRAGMA user_version").fetchone()[0]
        if tables and version != FORMAT:
            raise sqlite3.DatabaseError(f"its format is {version}, not {FORMAT}")
        self._base.execute("PRAGMA journal_mode = WAL")  # whole whenever this process ends, and quick
        self._base.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            marks = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {FORMAT}"
            self._base.executescript(f"BEGIN; {_TABLES} {marks}; COMMIT")

    # Runs

    def key(self, job: Job) -> tuple[str, str, str, int]:
        """Scenario hash, code version, overrides (as JSON) and seed. Raises CampaignError."""
        if job.seed > _BIGGEST:
            raise CampaignError(f"seed {job.seed} is over 2**63 - 1: take a smaller one")
        source = job.text, job.path
        if source not in self._hashes:
            self._hashes[source] = scenario_hash(*source)
        return self._hashes[source], code_version(), json.dumps(job.overrides), job.seed

    def add(self, job: Job, record: Record) -> None:
        """Keep a result; it replaces one with the same key."""
        key = self.key(job)
        row = dict(zip(("scenario", "code", "overrides", "seed"), key, strict=True))
        values = {name: value for name, value in asdict(record).items() if name not in row}
        row |= {name: json.dumps(value) if name in _JSON else value for name, value in values.items()}
        row["reproduce"] = job.reproduction
        with self._writing():
            self._insert("scenarios", {"scenario": key[0], "path": job.path, "text": job.text})
            self._insert("runs", row)
            self._base.commit()
            self._write_line(row)

    def records(self, jobs: Iterable[Job]) -> dict[Job, Record]:
        """The results that there are of these jobs. A run that was ended from outside has none: its worker
        died, or it took too long in real time.
        """
        found: dict[tuple[str, str, str, int], Record] = {}
        wanted = {self.key(job): job for job in jobs}
        for row in self._rows("SELECT * FROM runs"):
            record = _record(row)
            if record.is_final:
                found[row["scenario"], row["code"], json.dumps(row["overrides"]), row["seed"]] = record
        return {job: found[key] for key, job in wanted.items() if key in found}

    # Shrunk failures

    def add_shrunk(self, job: Job, target: str, faults: Sequence[str], minimal: bool, file: str) -> None:
        """Keep what was found of a failure: the least ``faults``, as texts, and the file that has them."""
        scenario, code, overrides, seed = self.key(job)
        row = {
            "scenario": scenario, "code": code, "overrides": overrides, "seed": seed, "target": target,
            "faults": json.dumps(faults), "minimal": int(minimal), "file": file,
        }  # fmt: skip
        with self._writing():
            self._insert("shrunk", row)
            self._base.commit()

    def shrunk(self) -> list[dict[str, Any]]:
        """All of them."""
        return list(self._rows("SELECT * FROM shrunk ORDER BY scenario, code, overrides, seed, target"))

    # The file

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every run in the order of the keys."""
        return self._rows("SELECT * FROM runs ORDER BY scenario, code, overrides, seed")

    def _rows(self, query: str, *values: object) -> Iterator[dict[str, Any]]:
        cursor = self._base.execute(query, values)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield {
                name: json.loads(value) if name in _JSON else value
                for name, value in zip(names, row, strict=True)
            }

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        self._base.execute(
            f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Within, the files are written. Raises CampaignError."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error):
                self._base.rollback()
            why = getattr(error, "strerror", None) or error
            mend = "free some space; the same command goes on where it was"
            raise CampaignError(f"{self.path} cannot be written ({why}): {mend}") from None

    def _write_line(self, row: dict[str, Any]) -> None:
        if self._lines is not None:
            self._lines.write(_line({name: json.loads(value) if name in _JSON else value
                                     for name, value in row.items()}))  # fmt: skip
            self._lines.flush()

    def close(self) -> None:
        """Write the JSON lines anew, in order, and close the file. Raises CampaignError when the lines cannot
        be written: those that are there stay.
        """
        base = getattr(self, "_base", None)
        try:
            if self._lines is not None and base is not None:
                self._write_lines(self._lines)
        finally:
            self._lines = None
            if base is not None:
                base.close()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _write_lines(self, lines: TextIO) -> None:
        fresh = self.json_lines.with_name(self.json_lines.name + ".new")
        with self._writing():
            try:
                lines.close()
                with fresh.open("w", encoding="utf-8") as file:
                    file.writelines(_line(row) for row in self.rows())
                fresh.replace(self.json_lines)
            finally:
                fresh.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(CampaignError) if kind is not None else nullcontext():  # the first error is the one
            self.close()


def _record(row: dict[str, Any]) -> Record:
    names = "seed status error digest time frames verdicts counters code".split()
    values: dict[str, Any] = {name: row[name] for name in names}
    return Record(**values | {name: tuple(row[name]) for name in ("overrides", "failed", "details")})


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _locked(path: Path) -> int:
    """A descriptor of the file that keeps other campaigns from it. It is closed last: sqlite's own locks on
    the file go when any descriptor of it is closed.
    """
    try:
        lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CampaignError(f"{path} cannot be written ({error.strerror}): name another file") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise CampaignError(f"{path} is in use by another campaign: wait for it, or name another") from None
    return lock
