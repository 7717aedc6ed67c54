"""MicroPython's own source tree (its asyncio package, its tests): fetched when tests want it, never kept.

Looked for in the folder that MICROPYTHON_TREE names, in pytest's cache, on GitHub, and in the source package
of the Debian archive that this machine's apt knows. Where none can be had, tests are skipped and say so.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

GITHUB = "https://github.com/micropython/micropython/archive/refs/tags/v1.25.0.tar.gz"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBIAN_RELEASE = "trixie"  # has 1.25
WANTED = re.compile(
    r"[^/]+/((extmod/asyncio/.*\.py|tools/pyboard\.py|examples/network/.*\.py|tests/run-multitests\.py"
    r"|tests/(extmod|multi_net|net_hosted|net_inet)"
    r"/((accept|asyncio|connect|getaddrinfo|select|socket|ssl|tcp|tls|udp)[^/]*|[^/]*\.der)))$"
)


@pytest.fixture(scope="session")
def micropython(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The top folder of the tree."""
    given = os.environ.get("MICROPYTHON_TREE")
    if given:
        return Path(given)
    cache = getattr(request.config, "cache", None)
    folder = Path(cache.mkdir("micropython")) if cache else tmp_path_factory.mktemp("micropython")
    with (folder / "lock").open("w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        reason = "" if (folder / "tools").is_dir() else _fetch(folder)
        if reason:
            pytest.skip(f"MicroPython's sources cannot be had (set MICROPYTHON_TREE to a copy): {reason}")
    return folder


@functools.cache
def _fetch(folder: Path) -> str:
    """Put the tree into ``folder``; why that did not work, or ``""``. Once for all tests."""
    reasons = []
    for name, fetch in (("GitHub", _from_github), ("apt", _from_apt)):
        try:
            archive = fetch(folder)
            _unpack(archive, folder)
            return ""
        except (OSError, subprocess.SubprocessError, tarfile.TarError, StopIteration) as error:
            reasons.append(f"{name}: {type(error).__name__} {error}")
    return "; ".join(reasons)


def _from_github(folder: Path) -> Path:
    archive = folder / "tree.tar.gz"
    with urllib.request.urlopen(GITHUB, timeout=20) as answer, archive.open("wb") as file:
        shutil.copyfileobj(answer, file)
    return archive


def _from_apt(folder: Path) -> Path:
    """The upstream archive of Debian's source package, by way of apt, whose own lists stay as they are."""
    sites = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian").split()
    site = next(site for site in sites if "security" not in site)
    lists, cache = folder / "lists", folder / "cache"
    for each in (lists / "partial", cache / "archives" / "partial"):
        each.mkdir(parents=True, exist_ok=True)
    signed = f"[signed-by={KEYRING}] " if Path(KEYRING).exists() else ""
    sources = folder / "sources.list"
    sources.write_text(f"deb-src {signed}{site} {DEBIAN_RELEASE} main\n")
    apt = [
        "apt-get", "-qq", "-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-",
        "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    _run(*apt, "update")
    _run(*apt, "source", "--download-only", "micropython", cwd=folder)
    shutil.rmtree(lists)
    shutil.rmtree(cache)
    return next(folder.glob("micropython_*.orig.tar.*"))


def _run(*argv: str, cwd: Path | None = None) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            found = WANTED.match(member.name)
            file = tar.extractfile(member) if found and member.isfile() else None
            if file is None or found is None:
                continue
            target = folder / found.group(1)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read())
    archive.unlink()


def expected(test: Path) -> str:
    """What a test has to print: its .exp, or without one what CPython prints, as MicroPython does."""
    recorded = test.with_name(test.name + ".exp")
    if recorded.exists():
        return recorded.read_text()
    return _run(sys.executable, "-I", str(test))


def same_style(output: str) -> str:
    """MicroPython writes a comma behind the only argument of an exception, CPython does not."""
    return re.sub(r",\)", ")", output)
