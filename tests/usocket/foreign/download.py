"""Programs that are not ours: fetched when tests want them, at a fixed version, known by their SHA-256.

They are kept in a folder of the temporary directory (or that of ``NETSTACK_FOREIGN``) under the name of
their SHA-256, so that what is there is what was asked for. Where one cannot be had, the test is skipped and
says so.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

RAW = "https://raw.githubusercontent.com"
PATIENCE = 30  # s


class Unavailable(Exception):
    """Why something cannot be had here."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A package of Python's package index: the file that holds version ``version`` of ``name``.

    ``modules`` are the files and folders in it that a program imports.
    """

    name: str
    version: str
    file: str
    sha256: str
    modules: tuple[str, ...]

    def install(self, library: Path) -> None:
        """Put its modules into a library folder."""
        for name, data in _members(_kept(self.sha256, functools.partial(_from_index, self))):
            path = PurePosixPath(name)
            if path.parts and path.parts[0] == f"{self.name}-{self.version}":
                path = path.relative_to(path.parts[0])
            if path.parts and path.parts[0] in self.modules and ".." not in path.parts:
                target = library / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)


@dataclass(frozen=True, slots=True)
class Raw:
    """One file of a repository on GitHub, at a commit; ``target`` is where in a library it goes."""

    repository: str
    commit: str
    path: str
    sha256: str
    target: str

    def install(self, library: Path) -> None:
        """Put it into a library folder."""
        url = f"{RAW}/{self.repository}/{self.commit}/{self.path}"
        data = _kept(self.sha256, functools.partial(_read, url))
        target = library / self.target
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def install(library: Path, *sources: Archive | Raw) -> Path:
    """A library folder with these in it; skips the test when one cannot be had."""
    for source in sources:
        try:
            source.install(library)
        except Unavailable as reason:
            pytest.skip(f"NOT TRIED, it cannot be had here: {reason}")
    return library


def _kept(sha256: str, fetch: Callable[[], bytes]) -> bytes:
    """What has this SHA-256, from the cache or else fetched."""
    usual = Path(tempfile.gettempdir()) / f"foreign-{os.getuid()}"
    folder = Path(os.environ.get("NETSTACK_FOREIGN") or usual)
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / sha256
    if file.is_file() and hashlib.sha256(data := file.read_bytes()).hexdigest() == sha256:
        return data
    data = fetch()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Unavailable(f"what was fetched is something else: its SHA-256 is {found}, not {sha256}")
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:  # two processes may come here
        copy.write(data)
    Path(copy.name).replace(file)
    return data


@functools.cache
def _read(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            data: bytes = answer.read()
            return data
    except OSError as error:
        raise Unavailable(f"{url}: {error}") from None


def _from_index(archive: Archive) -> bytes:
    """pip knows the index and where the file is; it would not unpack those made for MicroPython's upip."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", "pip", "-vv", "download", "--no-deps", "--dest", folder]
        argv += ["--retries", "0", f"{archive.name}=={archive.version}"]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"pip does not find {archive.file} in {PATIENCE} s") from None
    found = re.search(rf"https?://\S*/{re.escape(archive.file)}", done.stdout + done.stderr)
    if found is None:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Unavailable(f"pip does not find {archive.file}: {last}")
    return _read(found.group())


def _members(archive: bytes) -> list[tuple[str, bytes]]:
    """The files of a wheel or a source archive: (name, content)."""
    if archive.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
            return [(name, wheel.read(name)) for name in wheel.namelist()]
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
        return [(name, file.read()) for name, file in files if file is not None]
