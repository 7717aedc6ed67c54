"""Files of whole pieces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tap.link import TapError
from tap.wholefile import WholeFile


def test_each_piece_is_in_the_kernels_hands_at_once(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "a", "journal")
    file.write(b"one\n")
    assert (tmp_path / "a").read_bytes() == b"one\n"
    file.write(b"two\n")
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"
    assert (file.size, file.problem) == (8, None)


def test_after_close_nothing_is_written(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "a", "journal")
    file.close()
    file.close()
    file.write(b"late")
    assert (tmp_path / "a").read_bytes() == b""
    assert file.problem is None


def test_a_file_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TapError) as caught:
        WholeFile(tmp_path, "journal")
    assert str(caught.value) == f"journal {tmp_path} cannot be written (Is a directory): give another file"


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from tap.wholefile import WholeFile
file = WholeFile(sys.argv[1], "journal")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
for number in range(100):
    file.write(b"0123456\\n")
print(file.problem)
"""


def test_a_full_disk_leaves_whole_pieces(tmp_path: Path) -> None:
    """A limit of the file's size stands in for the disk."""
    path, root = tmp_path / "a", Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", LIMITED, str(path), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"journal {path} ends early (File too large): free some space, or give another file\n"
    )
    assert path.read_bytes() == b"0123456\n" * 12


def test_a_reader_that_leaves_a_pipe_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = WholeFile(path, "capture")
    file.write(b"x")
    os.close(reading)
    file.write(b"y")
    assert str(file.problem).startswith(f"capture {path} ends early (Broken pipe): ")
    file.close()
