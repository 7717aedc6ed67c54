"""errno, and the OSError that carries its numbers."""

from __future__ import annotations

import errno as linux

import pytest

from netstack.profiles import named
from tests.usocket.support import two_devices
from usocket import errno
from usocket.errno import LINUX, NEWLIB, MicroPythonError, errno_of


def test_numbers_are_linuxs() -> None:
    assert len(errno.errorcode) == 22
    for number, name in errno.errorcode.items():
        assert getattr(errno, name) == getattr(linux, name) == number
    assert set(errno.__all__) == {"errorcode", *errno.errorcode.values()}
    assert LINUX.errorcode == errno.errorcode
    assert LINUX.module() == {"errorcode": errno.errorcode} | {
        name: number for number, name in errno.errorcode.items()
    }


def test_newlib_has_its_own() -> None:
    assert sorted(NEWLIB.errorcode.values()) == sorted(LINUX.errorcode.values())
    assert NEWLIB[errno.ECONNRESET] == 104
    assert NEWLIB[errno.ETIMEDOUT] == 116
    assert NEWLIB[errno.EISCONN] == 127
    assert NEWLIB[-2] == -2
    assert NEWLIB.errorcode[112] == "EADDRINUSE"
    assert 98 not in NEWLIB.errorcode


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
    assert str(MicroPythonError(116, NEWLIB.errorcode)) == "[Errno 116] ETIMEDOUT"


def test_a_devices_errors_have_its_ports_numbers() -> None:
    with two_devices(client=named("micropython-mimxrt")) as pair:
        for device, number in ((pair.server, 98), (pair.client, 112)):
            first, second = device.socket(), device.socket()
            first.bind(("", 80))
            with pytest.raises(OSError, match=rf"\[Errno {number}\] EADDRINUSE") as caught:
                second.bind(("", 80))
            assert caught.value.errno == number


@pytest.mark.parametrize(
    ("err", "number"),
    [
        *[(-1, 12), (-2, 105), (-3, 11), (-4, 113), (-5, 115), (-6, 22), (-7, 11), (-8, 98), (-9, 114)],
        *[(-11, 107), (-12, -1), (-13, 103), (-14, 104), (-15, 107), (-16, 5), (-17, 9)],
    ],
)
def test_lwips_errors(err: int, number: int) -> None:
    assert errno_of(err) == number
