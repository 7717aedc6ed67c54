"""The CSV files: their form (RFC 4180), what is in them, and that docs/exports.md explains every column."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from lab.export import tables
from lab.trace import Trace
from tests.lab.export import runs

DOCS = runs.ROOT / "docs" / "exports.md"


def read(trace: Trace, folder: Path) -> dict[str, list[dict[str, str]]]:
    found = {}
    for path, count in tables.write(trace, folder):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = list(csv.DictReader(file, strict=True))
        assert len(found[path.stem]) == count
    return found


def of(trace: Trace, *kinds: str) -> list[dict[str, object]]:
    return [event for event in trace.events if event["kind"] in kinds]


def test_the_form_is_rfc_4180(tmp_path: Path) -> None:
    """CR LF behind each record, the same number of fields in each, quotes around what needs them."""
    field = rb'(?:"(?:[^"]|"")*"|[^",\r\n]*)'
    record = re.compile(rb"(" + field + rb"(?:," + field + rb")*)\r\n")
    for path, count in tables.write(runs.impaired(), tmp_path):
        data = path.read_bytes()
        at, records = 0, 0
        while at < len(data):
            found = record.match(data, at)
            assert found is not None, data[at : at + 100]
            assert len(re.findall(rb"(?:^|,)" + field, found[1])) >= len(tables.TABLES[path.stem].columns)
            at, records = found.end(), records + 1
        assert records == count + 1
        assert data.split(b"\r\n", 1)[0].decode() == ",".join(tables.TABLES[path.stem].columns)


def test_every_event_has_its_row(tmp_path: Path) -> None:
    trace = runs.scenario("pool-starvation")
    found = read(trace, tmp_path)
    for name, kinds in {
        "segments": ("segment-in", "segment-out"),
        "tcb": ("tcb",),
        "timers": ("timer", "timer-armed", "timer-stopped", "timer-fired"),
        "pools": ("pool",),
    }.items():
        assert [int(row["event"]) for row in found[name]] == [event["i"] for event in of(trace, *kinds)]
        assert [int(row["t_ns"]) for row in found[name]] == [event["t"] for event in of(trace, *kinds)]


def test_a_segment_that_was_lost_and_sent_again(tmp_path: Path) -> None:
    rows = read(runs.scenario("lost-third-segment"), tmp_path)["segments"]
    first, again = [row for row in rows if row["way"] == "out" and row["seq"] == "2881"]
    assert (first["xmit"], first["cause"], first["died_by"], first["arrived_ns"]) == ("1", "data", "lost", "")
    assert (again["xmit"], again["cause"], again["died_by"]) == ("2", "fast", "")
    assert int(again["arrived_ns"]) == int(again["t_ns"]) + 50_000_000
    assert again["why"].startswith("retransmitted 2881:4321")
    (came,) = [row for row in rows if row["way"] == "in" and row["frame"] == again["frame"]]
    assert (came["device"], came["verdict"], came["len"]) == ("server", "in-order", "1440")
    assert (came["local"], came["remote"]) == (again["remote"], again["local"])


def test_variables_over_time(tmp_path: Path) -> None:
    trace = runs.scenario("zero-window")
    rows = read(trace, tmp_path)["tcb"]
    for row, event in zip(rows, of(trace, "tcb"), strict=True):
        assert (row["cwnd"], row["snd_wnd"]) == (str(event["cwnd"]), str(event["snd_wnd"]))
    assert any(row["snd_wnd"] == "0" for row in rows)
    assert any(re.fullmatch(r"\d+:\d+( \d+:\d+)*", row["unsent"]) for row in rows)
    told = set(of(trace, "tcb")[0]) - {"i", "t", "on", "kind", "by", "flow"}
    assert told <= set(tables.TCB), "a variable of the trace has no column"


def test_timers(tmp_path: Path) -> None:
    rows = read(runs.scenario("lost-syn-ack"), tmp_path)["timers"]
    (fired,) = [row for row in rows if row["what"] == "fired"]
    assert (fired["timer"], fired["count"], fired["limit"], fired["action"]) == (
        "rexmit",
        "3",
        "3",
        "retransmit",
    )
    armed = [row for row in rows if row["what"] == "armed" and row["device"] == "server"]
    assert fired["t_ns"] in {row["due_ns"] for row in armed if row["timer"] == "rexmit"}
    assert {row["what"] for row in rows} == {"armed", "stopped", "fired", "ran"}


def test_what_was_lost_and_where(tmp_path: Path) -> None:
    rows = read(runs.impaired(), tmp_path)["drops"]
    assert {row["what"] for row in rows} == {"died", "dropped"}
    assert all(row["info"] and row["why"] and row["reason"] for row in rows)
    assert {row["device"] for row in rows if row["what"] == "died"} == {"server>client"}
    starved = read(runs.scenario("pool-starvation"), tmp_path)["pools"]
    assert all(int(row["used"]) <= int(row["size"]) for row in starved)


def documented(name: str) -> dict[str, str]:
    """The table of a file in docs/exports.md: column -> meaning."""
    text = DOCS.read_text(encoding="utf-8")
    section = re.search(rf"^### {name}\.csv$(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, name
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section[1], re.MULTILINE))


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_column_is_documented(name: str) -> None:
    assert documented(name) == tables.TABLES[name].columns
