"""The ten scenarios are the same bytes in every run: twice in a process, in processes with other hash seeds,
and on other Pythons (newer ones in PATH, and those that NETSTACK_TEST_PYTHONS names) that have what it takes.

Compared are the digest over all frames with their times, the capture, the journal and the trace.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.scenario.texts import EXAMPLES
from tests.tap.test_network import pythons

ROOT = Path(__file__).resolve().parents[2]
HASH_SEEDS = ("0", "1", "4242")

# Each scenario twice, with all that can be written of it.
TWICE = """
import hashlib, json, sys
from pathlib import Path
folder, *files = map(Path, sys.argv[1:])
sys.path.insert(0, str(Path.cwd()))
from lab.scenario import load, run
hashes = {}
for file in files:
    hashes[file.stem] = []
    for _ in range(2):
        paths = {kind: folder / f"{file.stem}.{kind}" for kind in ("pcap", "journal", "trace")}
        result = run(load(file), **paths)
        assert result.ok, result.failed
        written = [path.read_bytes() for path in paths.values()]
        assert all(len(content) > 1000 for content in written)
        hashes[file.stem].append([result.digest, *(hashlib.sha256(one).hexdigest() for one in written)])
print(json.dumps(hashes))
"""


def can_run(python: str) -> bool:
    """Whether an interpreter has what scenarios need; says so when it has not."""
    done = subprocess.run([python, "-c", "import greenlet, msgspec"], capture_output=True, check=False)
    if done.returncode:
        sys.stdout.write(f"{python} is left out: it has no greenlet or no msgspec\n")
    return not done.returncode


def hashes_of(python: str, hash_seed: str, folder: Path, files: list[Path]) -> dict[str, list[list[str]]]:
    """What the scenarios come to there: (name -> two times [digest, capture, journal, trace])."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-c", TWICE, str(folder), *(str(path.relative_to(ROOT)) for path in files)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[str]]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("half", [0, 1])
def test_each_scenario_is_the_same_bytes_everywhere(half: int, tmp_path: Path) -> None:
    files = EXAMPLES[half::2]
    places = [(python, seed) for python in pythons() if can_run(python) for seed in HASH_SEEDS]
    assert len(places) >= len(HASH_SEEDS)
    found = {place: hashes_of(*place, tmp_path, files) for place in places}
    for path in files:
        all_hashes = [tuple(hashes) for made in found.values() for hashes in made[path.stem]]
        assert len(all_hashes) == 2 * len(places)
        assert len(set(all_hashes)) == 1, path.stem
        sys.stdout.write(f"{path.stem}: {all_hashes[0][0]} {len(all_hashes)} times\n")
    versions = {python: version_of(python) for python, _ in places}
    sys.stdout.write(f"on {', '.join(versions.values())}, PYTHONHASHSEED {', '.join(HASH_SEEDS)}\n")


def version_of(python: str) -> str:
    """As in "Python 3.11.7"."""
    return subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
