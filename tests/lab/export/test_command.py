"""The command as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.export import tables
from tests.lab import commands
from tests.lab.export import runs, xplot_grammar
from tests.lab.export.test_mermaid import parse

SCENARIO = str(runs.SCENARIOS / "lost-syn-ack.toml")


def test_several_at_once(tmp_path: Path) -> None:
    done = commands.netstack(
        "export", SCENARIO,
        "--pcapng", "run.pcapng", "--xplot", "run.xpl", "--mermaid", "run.mmd", "--csv", "csv",
        cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "run.pcapng: 32 frames",
        "run.xpl: connection 1, what client sends",
        "run-1-server.xpl: connection 1, what server sends",
        "run.mmd: a sequence diagram",
        *(f"csv/{name}.csv: {len(rows) - 1} rows" for name, rows in csvs(tmp_path / "csv").items()),
    ]
    parse((tmp_path / "run.mmd").read_text(encoding="utf-8"))
    for name in ("run.xpl", "run-1-server.xpl"):
        xplot_grammar.parse((tmp_path / name).read_text(encoding="utf-8"))


def csvs(folder: Path) -> dict[str, list[str]]:
    names = "segments tcb timers pools drops".split()
    return {name: (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines() for name in names}


def test_texts_on_standard_output(tmp_path: Path) -> None:
    done = commands.netstack("export", SCENARIO, "--mermaid", "-", "--csv", str(tmp_path), "--most", "3")
    assert done.returncode == 0
    assert done.stdout.startswith("sequenceDiagram\n")
    parse(done.stdout)
    assert "segments.csv" in done.stderr
    plot = commands.netstack("export", SCENARIO, "--xplot", "-")
    assert plot.stderr == ""
    xplot_grammar.parse(plot.stdout)


def test_pictures_are_the_reports(tmp_path: Path) -> None:
    pytest.importorskip("py_mini_racer", reason="mini-racer is not installed (extra svg)")
    done = commands.netstack("export", SCENARIO, "--svg", str(tmp_path / "one"))
    report = commands.netstack("report", SCENARIO, "--svg", str(tmp_path / "two"))
    assert (done.returncode, report.returncode) == (0, 0)
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert pictures == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert "ladder.svg" in pictures


MISTAKES = {
    "nothing asked": ([], "nothing to write"),
    "no text": (["--pcapng", "-"], "- is for what is one text"),
    "folder on standard output": (["--csv", "-"], "- is for what is one text"),
    "two texts": (["--mermaid", "-", "--xplot", "-"], "- twice"),
    "unknown device": (["--pcapng", "x", "--device", "a"], "no device a: in this run are client, server"),
    "no folder": (["--pcapng", "missing/x"], "missing/x cannot be written (No such file or directory)"),
    "no folder for a text": (["--mermaid", "missing/x"], "missing/x: No such file or directory"),
    "no arrows": (["--mermaid", "-", "--most", "0"], "--most"),
    "no time": (["--mermaid", "-", "--from", "soon"], "soon is no time"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = commands.netstack("export", SCENARIO, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_without_anything(tmp_path: Path) -> None:
    header = {"schema": "netstack-trace", "version": 1, "source": "live", "title": "", "clock": "real"}
    (tmp_path / "run.jsonl").write_text(json.dumps(header | {"devices": [], "cables": []}) + "\n")
    done = commands.netstack("export", "run.jsonl", "--xplot", "-", cwd=tmp_path)
    assert done.returncode == 2
    assert "no TCP connection" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    others = commands.netstack(
        "export", "run.jsonl", "--mermaid", "-", "--csv", "csv", "--pcapng", "run.pcapng", cwd=tmp_path
    )
    assert others.returncode == 0, others.stderr
    assert parse(others.stdout) == [{"key": "p0", "name": "peer"}]
    assert csvs(tmp_path / "csv")["drops"] == [",".join(tables.DROPS)]
