"""``netstack scenario`` in processes of its own, as users run it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.lab.commands import ROOT, netstack
from tests.lab.scenario.texts import TRANSFER, expecting, program

EXAMPLE = "examples/scenarios/lost-syn-ack.toml"


def test_a_run_that_holds() -> None:
    done = netstack("scenario", EXAMPLE, "--repeat", "2")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "A lost SYN-ACK"
    assert "What to look at: " in done.stdout
    assert "ok   gap server>client kind=syn-ack xmit=1..2 in 1.0s..1.5s: 1.25 s" in lines
    assert re.fullmatch(
        r"all expectations hold; \d+ frames in 2\.370000 s of virtual time, seed 0", lines[-3]
    )
    assert re.fullmatch("sha256 [0-9a-f]{64}", lines[-1])
    assert lines[-1] == lines[-2]
    assert max(map(len, lines[:16])) <= 100


def test_a_run_that_does_not_hold() -> None:
    done = netstack(
        "scenario", EXAMPLE, "--quiet", "--set", "fault.1.on=server>client kind=rst", "--seed", "3"
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("server.receive: ")
    assert (
        "FAIL gap server>client kind=syn-ack xmit=1..2 in 1.0s..1.5s: no server>client kind=syn-ack"
        in done.stdout
    )
    assert re.search(r"(?m)^4 of 5 fail; \d+ frames in .* seed 3$", done.stdout)


def test_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(TRANSFER.replace("delay", "dealy") + expecting("tim > 1s").replace("that", "taht"))
    done = netstack("scenario", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{file}:11: link wire has no 'dealy': did you mean delay?\n"
    done = netstack("scenario", str(file), "--check")
    assert done.returncode == 2
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == [
        f"{file}:{n}:" for n in (11, 21, 22)
    ]
    done = netstack("scenario", "none.toml")
    assert (done.returncode, done.stderr) == (
        2,
        "none.toml: it cannot be read (No such file or directory): name a scenario file\n",
    )
    done = netstack("scenario", EXAMPLE, "--check", "--set", "run.sed=1")
    assert (done.returncode, done.stderr) == (2, "--set run.sed=1: run has no 'sed': did you mean seed?\n")
    done = netstack("scenario", EXAMPLE, "--pcap", str(tmp_path / "no" / "x"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_checking_does_not_run() -> None:
    done = netstack("scenario", EXAMPLE, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{EXAMPLE}: no mistakes\n", "")


def test_what_programs_print_and_runs_that_differ(tmp_path: Path) -> None:
    (tmp_path / "chance.py").write_text("import os\nprint('from', os.urandom(9))\n")
    (tmp_path / "own.py").write_text(
        "import random\nimport usocket\n\ndef send():\n    sock = usocket.socket()\n"
        "    sock.connect(('10.0.0.1', 5000))\n"
        "    sock.send(b'x' * random.SystemRandom().randrange(1, 1000))\n"
    )
    file = tmp_path / "x.toml"
    file.write_text(TRANSFER + program("client", "chance.py"))
    done = netstack("scenario", str(file), "--repeat", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"(?m)^    0\.000000  client: from b'", done.stdout)
    file.write_text(TRANSFER + program("client", "own:send"))
    done = netstack("scenario", str(file), "--repeat", "3")
    assert done.returncode == 1
    assert done.stdout.endswith("the runs differ: a program of its own has used Python's random or clock\n")


def test_a_campaign(tmp_path: Path) -> None:
    done = netstack("scenario", str(ROOT / EXAMPLE), "--seeds", "3", "-j", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 runs" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_takes_too_long(tmp_path: Path) -> None:
    (tmp_path / "spin.py").write_text("while True:\n    pass\n")
    (tmp_path / "spin.toml").write_text(TRANSFER + program("client", "spin.py"))
    done = netstack("scenario", "spin.toml", "--timeout", "200ms", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "broken: OutOfTime: 0.2 s of real time are over in program client.spin, at " in done.stdout
    several = netstack("scenario", "spin.toml", "--seeds", "2", "-j", "0", "--timeout", "200ms", cwd=tmp_path)
    assert several.returncode == 1
    assert several.stdout.splitlines()[2].split()[:2] == ["2", "2"]
    assert "seed 1: OutOfTime: 0.2 s" in several.stdout
    assert "not shrunk" not in several.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spin.py", "spin.toml"]


def test_words_of_netem_that_are_a_trap_are_shown_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(TRANSFER.replace('delay = "10ms"', 'netem = "delay 80"'))
    warning = "x.toml:11: link wire netem: warning: netem, column 13: a bare 80 is 80 microseconds: write "
    for more in ((), ("--check",), ("--seeds", "1", "-j", "0")):
        done = netstack("scenario", "x.toml", *more, cwd=tmp_path)
        assert done.returncode == 0
        assert done.stderr.startswith(warning)
        assert done.stderr.count("warning") == 1
    changed = netstack("scenario", EXAMPLE, "--check", "--set", "link.wire.netem=loss gemodel 1%")
    assert changed.stderr.startswith("--set link.wire.netem=loss gemodel 1%: link wire netem: warning: ")


def test_a_file_that_ends_early_is_said(tmp_path: Path) -> None:
    for option, what in (("--pcap", "capture"), ("--journal", "journal"), ("--trace", "trace")):
        done = netstack("scenario", EXAMPLE, option, "/dev/full", cwd=ROOT)
        assert done.returncode == 2
        assert done.stderr.startswith(f"netstack: {what} /dev/full ends early (No space left on device): ")
        assert len(done.stderr.splitlines()) == 1
        assert "all expectations hold" in done.stdout
