"""``netstack replay-run``: a run again, from its journal alone."""

from __future__ import annotations

import json
from pathlib import Path

from tests.lab.commands import ROOT, netstack
from tests.lab.scenario.texts import TRANSFER, expecting, fault

NOISY = (
    TRANSFER
    + fault(link="wire", do="loss rate=10%")
    + expecting("delivered == sent", "ended client.send < 1ms")
)


def recorded(folder: Path) -> Path:
    """The journal of a run whose scenario is not there any more."""
    file = folder / "noisy.toml"
    file.write_text(f"# Noise\n#\n# Look.\n{NOISY}")
    done = netstack(
        "scenario",
        str(file),
        "--journal",
        "run.jsonl",
        "--seed",
        "5",
        "--set",
        "program.2.run=send bytes=9k to=server:5000",
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (1, "")
    file.unlink()
    return folder / "run.jsonl"


def test_the_same_run(tmp_path: Path) -> None:
    journal = recorded(tmp_path)
    done = netstack("replay-run", str(journal), "--pcap", "x.pcapng", "--trace", "x.trace", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("Noise", "the same run as the journal's")
    assert "seed 5" in lines[-3]
    assert any(line.startswith("FAIL ended client.send < 1ms: ") for line in lines)
    assert lines[-2] == f"sha256 {json.loads(journal.read_text().splitlines()[-1])['digest']}"
    assert {path.name for path in tmp_path.iterdir()} == {"run.jsonl", "x.pcapng", "x.trace"}


def test_another_run(tmp_path: Path) -> None:
    journal = recorded(tmp_path)
    first, *verdicts, last = journal.read_text().splitlines(keepends=True)
    kept = [line for line in verdicts if '"drop"' not in line]
    assert len(kept) < len(verdicts)
    journal.write_text("".join([first, *kept, last]))
    done = netstack("replay-run", str(journal), "--quiet")
    assert done.returncode == 1
    assert (
        done.stdout.splitlines()[-1] == f"it is another run: the journal's was {json.loads(last)['digest']}"
    )
    journal.write_text("".join([first, *verdicts]))
    done = netstack("replay-run", str(journal), "--quiet")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "the journal does not say how its run ended: it was cut off"


def test_what_is_no_journal(tmp_path: Path) -> None:
    bad = json.dumps({"text": "[devise.x]\n", "path": "y.toml"})
    for text, words in (
        ("", "give the journal of a run"),
        ('{"journal": 1, "seed": 1}\n', "no scenario is in it: give a journal that netstack scenario wrote"),
        (f'{{"journal": 1, "seed": 1, "scenario": {bad}}}\n', "y.toml:1: a scenario has no 'devise'"),
        ("not json\n", "not JSON"),
    ):  # fmt: skip
        (tmp_path / "j").write_text(text)
        done = netstack("replay-run", str(tmp_path / "j"))
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert netstack("replay-run", "none", cwd=ROOT).returncode == 2
