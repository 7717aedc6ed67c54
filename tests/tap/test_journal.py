"""The journal: what it says, that it can be read whatever happened, and that its mistakes are named."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tap.journal import Journal, JournalError, read
from tap.link import TapError
from tests.tap.test_driver import until

ROOT = Path(__file__).resolve().parents[2]

VERDICT = {
    "t": 5, "dir": "a>b", "frame": "a>b kind=data n=3 seq=1 xmit=1 conn=1", "stage": "loss", "action": "drop",
    "detail": "loss", "out": [],
}  # fmt: skip
FAULT = {"t": 6, "device": "a", "fault": "heap-fail below=2000", "action": "fail", "detail": "nth=4"}
END = {"t": 9, "digest": "00ff", "frames": 12}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    header = {"seed": 7, "scenario": {"text": "[run]\nseed = 7\n", "path": "a.toml"}}
    journal = Journal(path, header)
    for line in (VERDICT, FAULT, END):
        before = path.stat().st_size
        journal.write(line)
        assert path.stat().st_size > before  # at once
    journal.close()
    recorded = read(path)
    assert recorded.header == {"journal": 1, **header}
    assert (recorded.seed, recorded.verdicts, recorded.end, recorded.cut) == (7, [VERDICT, FAULT], END, False)
    assert [json.loads(line) for line in path.read_text().splitlines()][1:] == [VERDICT, FAULT, END]


def test_a_run_without_an_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    Journal(path, {"seed": 7}).write(VERDICT)
    assert (read(path).verdicts, read(path).end, read(path).cut) == ([VERDICT], None, False)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"t": 6, "dev')
    assert (read(path).verdicts, read(path).cut) == ([VERDICT], True)


ENDLESS = """
import sys
sys.path.insert(0, sys.argv[2])
from tap.journal import Journal
journal = Journal(sys.argv[1], {"seed": 1})
for number in range(10**9):
    journal.write({"t": number, "device": "a", "fault": "f", "action": "x" * (number % 500), "detail": ""})
"""


def test_after_kill_9_every_line_is_whole_but_perhaps_the_last(tmp_path: Path) -> None:
    chance = random.Random(1)
    for attempt in range(5):
        path = tmp_path / f"{attempt}.jsonl"
        with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path), str(ROOT)]) as victim:
            size = chance.randrange(1000, 300_000)
            until(lambda: path.exists() and path.stat().st_size > size, "nothing is written")  # noqa: B023
            victim.kill()
        lines = read(path).verdicts
        assert len(lines) > 2
        assert [(line["t"], len(line["action"])) for line in lines] == [
            (n, n % 500) for n in range(len(lines))
        ]


def test_a_file_that_cannot_be_made_and_a_header_that_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(TapError, match=r"journal .* cannot be written \(Is a directory\): give another file"):
        Journal(tmp_path, {"seed": 1})
    with pytest.raises(TypeError):
        Journal(tmp_path / "a.jsonl", {"seed": 1, "what": object()})
    assert not (tmp_path / "a.jsonl").exists()


def lines(*given: object) -> bytes:
    return b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in given)


HEADER = {"journal": 1, "seed": 1}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ": no whole line is in it: give the journal of a run"),
        (b'{"journal": 1', ": no whole line is in it: give the journal of a run"),
        (lines({"seed": 1}), ':1: no {"journal": 1, ...}: give the journal of a run'),
        (
            lines({"journal": 2, "seed": 1}),
            ":1: journal version 2 is not 1: read it with the release that wrote it",
        ),
        (
            lines({"journal": 1}),
            ":1: has no 'seed', which is a whole number: restore the line, or take it out",
        ),
        (lines([1]), ":1: '[1]' is no object: take the line out"),
        (b"\xff\xfe{\n", ":1: not JSON ("),
        (
            lines(HEADER, b"hello\n"),
            ":2: not JSON (Expecting value): restore the line, or take it out",
        ),
        (lines(HEADER, b"[" * 100_000 + b"\n"), ":2: not JSON ("),
        (
            lines(HEADER, FAULT, {**VERDICT, "t": "5"}),
            ":3: has 't' '5', which is a whole number: restore the line, or take it out",
        ),
        (
            lines(HEADER, {name: value for name, value in VERDICT.items() if name != "dir"}),
            ":2: has no 'dir', which is a text: restore the line, or take it out",
        ),
        (lines(HEADER, {**VERDICT, "out": 5}), ":2: the outcome 5 is no list: restore"),
        (
            lines(HEADER, {**VERDICT, "out": [-1]}),
            ":2: the outcome -1 is none: it is ns, or what was changed or held: restore",
        ),
        (
            lines(HEADER, {**VERDICT, "out": [{"after": 1, "xor": [[2, "zz"]]}]}),
            ":2: the outcome {'after': 1, ",
        ),
        (lines(HEADER, {**VERDICT, "out": [{"behind": 1}]}), ":2: the outcome {'behind': 1} is none"),
        (lines(HEADER, {**VERDICT, "also": [["drop"]]}), ":2: the notes [("),
        (lines(HEADER, {**VERDICT, "also": 5}), ":2: the notes [5] are not"),
        (lines(HEADER, {**VERDICT, "copy": "x"}), ":2: 'x' is no whole number: restore"),
        (lines(HEADER, {"t": 1, "device": "a"}), ":2: has no 'fault', which is a text: restore"),
        (lines(HEADER, END, VERDICT), ":3: a line after the end of the run: take one journal for one run"),
        (lines(HEADER, {"digest": "00"}), ":2: has no 't', which is a whole number: restore"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, content: bytes, error: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        read(path)
    told = str(caught.value)
    assert told.startswith(f"{path}{error}")
    assert "\n" not in told
    assert ": " in told.removeprefix(f"{path}:")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as caught:
        read(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path / 'none'}: cannot be read (No such file or directory): give the file of a run"
    )
