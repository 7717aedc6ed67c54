"""errno, and the OSError that carries its numbers."""

from __future__ import annotations

import errno as linux

import pytest

from usocket import errno
from usocket.errno import MicroPythonError, error_of


def test_numbers_are_linuxs() -> None:
    assert len(errno.errorcode) == 22
    for number, name in errno.errorcode.items():
        assert getattr(errno, name) == getattr(linux, name) == number
    assert not hasattr(errno, "EISCONN")
    assert not hasattr(errno, "EPIPE")
    assert set(errno.__all__) == {"errorcode", *errno.errorcode.values()}


def test_it_looks_as_on_a_board() -> None:
    error = MicroPythonError(104)
    assert isinstance(error, OSError)
    assert not isinstance(error, ConnectionResetError)
    assert (error.errno, error.args) == (104, (104,))
    assert str(error) == "[Errno 104] ECONNRESET"
    assert repr(error) == "OSError(104,)"
    assert type(error).__name__ == "OSError"
    assert str(MicroPythonError(106)) == "106"
    assert str(MicroPythonError(-2)) == "-2"


@pytest.mark.parametrize(
    ("err", "number"),
    [
        *[(-1, 12), (-2, 105), (-3, 11), (-4, 113), (-5, 115), (-6, 22), (-7, 11), (-8, 98), (-9, 114)],
        *[(-11, 107), (-12, -1), (-13, 103), (-14, 104), (-15, 107), (-16, 5), (-17, 9)],
    ],
)
def test_lwips_errors(err: int, number: int) -> None:
    assert error_of(err).errno == number
