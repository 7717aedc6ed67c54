"""Programs that others have written, from the package index that pip knows: fetched when tests want them,
never kept in the repository.

Looked for in the folder that FOREIGN_PACKAGES names, in pytest's cache, and in the index. Where they cannot
be had, tests are skipped and say so.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

WANTED = ("httpx==0.28.*", "paho-mqtt==2.*", "requests==2.*")
PATIENCE = 90  # s


@pytest.fixture(scope="session")
def packages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with all of ``WANTED``."""
    given = os.environ.get("FOREIGN_PACKAGES")
    if given:
        return Path(given)
    cache = getattr(request.config, "cache", None)
    folder = Path(cache.mkdir("packages")) if cache else tmp_path_factory.mktemp("packages")
    done = folder / "complete"
    with (folder / "lock").open("w") as lock:  # several processes may test at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            reason = _fetch(folder)
            if reason:
                names = ", ".join(WANTED)
                pytest.skip(
                    f"NOT TESTED WITH FOREIGN PROGRAMS: {names} cannot be had"
                    f" (set FOREIGN_PACKAGES to a folder that has them): {reason}"
                )
            done.touch()
    return folder


def _fetch(folder: Path) -> str:
    """Install them into the folder; why that did not work, or ``""``."""
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    argv += ["--timeout", "10", "--retries", "1", "--target", str(folder), *WANTED]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
