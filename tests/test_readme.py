"""README and docs are true: every command in them runs, and README's programs print what it says they print.

A ``console`` block is a story in a shell: its lines that begin with "$ " are run one after the other, in a
network namespace of the test's own. A device that is started with "&" gets Ctrl-C at the end of the block.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tap.netns import Namespace

ROOT = Path(__file__).resolve().parent.parent
DOCS = [path for folder in ("docs", "docs/lessons") for path in sorted((ROOT / folder).glob("*.md"))]
PAGES = [ROOT / "README.md", *DOCS]

PRELUDE = """
set -e
sudo() { "$@"; }
up() { for _ in $(seq 100); do netstack exec -- true 2>/dev/null && return; sleep 0.1; done; false; }
leave() { for pid in $(jobs -p); do { kill -INT "$pid" && wait "$pid"; } 2>/dev/null || true; done; }
trap leave EXIT
set -m
"""


def blocks(page: Path, kind: str) -> list[tuple[int, str]]:
    """The fenced blocks of that kind: (line number, text)."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start()].count("\n") + 1, match[1]) for match in found]


def stories() -> list[object]:
    """A parameter for each console block of each page."""
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}:{line}")
        for page in PAGES
        for line, text in blocks(page, "console")
    ]


def script(story: str) -> str:
    """The shell script for a console block. After a device was started, the next command waits for it."""
    lines = [PRELUDE]
    for line in story.splitlines():
        if line.startswith("$ "):
            lines.append(line[2:])
            if "netstack up" in line and line.endswith("&"):
                lines.append("up" if "--netns new" in line else "sleep 1.5")
    return "\n".join(lines) + "\n"


@pytest.mark.tap
@pytest.mark.needs("curl", "ping", "tshark", "dnsmasq")
@pytest.mark.parametrize("story", stories())
def test_commands_run(story: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "netstack").write_text(f'#!/bin/sh\nexec {sys.executable} -m lab.cli "$@"\n')
    (commands / "netstack").chmod(0o755)
    runtime = tmp_path / "run"  # only this story's devices are seen
    runtime.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "XDG_RUNTIME_DIR": str(runtime),
    }
    with Namespace.open("new") as machine:
        done = machine.run(
            ["bash", "-c", script(story)],
            cwd=tmp_path, env=environment, timeout=100,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout


def programs() -> list[object]:
    """A parameter for each Python block of README and what the next block says that it prints."""
    page = PAGES[0]
    prints = blocks(page, "text")
    found = []
    for line, text in blocks(page, "python"):
        end = line + text.count("\n") + 2
        expected = [printed for number, printed in prints if number - end in (0, 1, 2)]
        found.append(pytest.param(text, expected, id=f"README.md:{line}"))
    return found


@pytest.mark.tap
@pytest.mark.needs("nc")
@pytest.mark.parametrize(("program", "expected"), programs())
def test_programs_print_what_is_said(program: str, expected: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [done.stdout] == expected


def test_the_scenario_holds(tmp_path: Path) -> None:
    [(_, text)] = blocks(PAGES[0], "toml")
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "lab.cli", "scenario", file],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_explanations_are_those_of_the_run() -> None:
    """The lines of `netstack explain` that README shows."""
    [shown] = [text for _, text in blocks(PAGES[0], "text") if "retransmitted SYN-ACK because" in text]
    done = subprocess.run(
        [sys.executable, "-m", "lab.cli", "explain", "examples/scenarios/lost-syn-ack.toml"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert set(shown.splitlines()) <= set(done.stdout.splitlines())


def test_there_is_something_to_run() -> None:
    assert len(stories()) >= 4
    assert len(programs()) >= 2


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)`", PAGES[0].read_text("utf-8")))))
def test_make_has_the_targets(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
