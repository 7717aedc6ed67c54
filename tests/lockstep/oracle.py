"""A living lwIP: builds the C program of ``oracle/`` against Debian's liblwip, once per source text, and
talks to it.

The program holds no lwIP source; it calls the packaged library (``apt-get install liblwip-dev liblwip0
gcc``).
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lockstep.wire import Config, Op, Record, decode_records, encode_event

SOURCES = Path(__file__).parent / "oracle"
HEADERS = Path("/usr/include/lwip")
PACKAGES = "apt-get install liblwip-dev liblwip0 gcc"


class OracleError(Exception):
    """The oracle cannot be had, or broke the protocol."""


def why_missing() -> str | None:
    """Why no oracle can be built here, or None."""
    if shutil.which("gcc") is None:
        return f"gcc is not installed ({PACKAGES})"
    if not (HEADERS / "lwip" / "tcp.h").exists():
        return f"the headers of lwIP are not installed ({PACKAGES})"
    try:
        build()
    except OracleError as error:
        return str(error)
    return None


@functools.cache
def build() -> Path:
    """The compiled program, from a cache folder named after the sources. Raises OracleError with the
    compiler's words.
    """
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256()
    for source in [*sources, HEADERS / "lwipopts.h", HEADERS / "lwip" / "init.h"]:
        digest.update(source.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"lockstep-oracle-{os.getuid()}-{digest.hexdigest()[:16]}"
    program = folder / "oracle"
    if program.exists() and folder.stat().st_uid == os.getuid():
        return program
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise OracleError(f"{folder} belongs to somebody else")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        fresh = Path(scratch) / "oracle"
        # -rdynamic: the library must see the program's own sys_now, memp_malloc, ... before its own.
        command = ["gcc", "-O2", "-Wall", "-Wextra", f"-I{HEADERS}", "-rdynamic", "-o", str(fresh)]
        command += [str(source) for source in sources if source.suffix == ".c"] + ["-llwip"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OracleError(f"the oracle does not compile: {done.stderr.strip()}")
        fresh.replace(program)
    return program


def options() -> dict[str, str]:
    """The compile-time options of the library, as its headers give them: lwIP's NAME -> value as text."""
    done = subprocess.run([build(), "options"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OracleError(done.stderr.strip())
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


class Conversation:
    """One life of lwIP, from initialisation on. ``alive`` is False once it stopped at an assertion or
    crashed.
    """

    def __init__(self, oracle: Oracle, config: Config) -> None:
        self._oracle = oracle
        self.alive = True
        oracle.send(b"B" + config.encode())

    def run(self, time: int, op: Op, args: bytes) -> list[Record]:
        """session.Side.run: one operation."""
        return self.run_all(encode_event(time, op, args))

    def run_all(self, events: bytes) -> list[Record]:
        """Feed encoded events (``wire.encode_event``) and return what lwIP did."""
        if not self.alive:
            return []
        self._oracle.send(b"E" + struct.pack("<I", len(events)) + events)
        alive, length = struct.unpack("<BI", self._oracle.receive(5))
        self.alive = bool(alive)
        return decode_records(self._oracle.receive(length))


class Oracle:
    """The running program; ``conversation()`` gives a fresh lwIP as often as wanted."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([build()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @contextmanager
    def conversation(self, config: Config) -> Iterator[Conversation]:
        """A fresh lwIP for the time of the ``with`` block."""
        conversation = Conversation(self, config)
        try:
            yield conversation
        finally:
            self.send(b"Q")

    def send(self, data: bytes) -> None:
        """Write to the program. Raises OracleError when it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError as error:
            raise OracleError(f"the oracle is gone: {error}") from error

    def receive(self, length: int) -> bytes:
        """Read exactly ``length`` bytes. Raises OracleError when the program is gone."""
        assert self._process.stdout is not None
        data = self._process.stdout.read(length)
        if len(data) != length:
            raise OracleError(f"the oracle is gone (status {self._process.poll()})")
        return data

    def close(self) -> None:
        """End the program."""
        self._process.communicate()

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
