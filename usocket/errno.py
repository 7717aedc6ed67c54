"""MicroPython's ``errno``: its names and numbers, and the OSError that carries one.

The constants are Linux's numbers, as on all ports that define MICROPY_USE_INTERNAL_ERRNO (rp2, stm32 and
most others); esp32 and mimxrt have those of their C library, ``NEWLIB``. All of ``usocket`` speaks of errors
by the constants; ``device.error(ETIMEDOUT)`` is the error with the device's number. There is no EISCONN and
no EPIPE among the names, so 106 prints as a bare number.

Source: micropython/micropython:py/moderrno.c; the table of err_t: extmod/modlwip.c, ``error_lookup_table``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netstack.api.common import ERR_BADF
from netstack.errors import (
    ERR_ABRT,
    ERR_ALREADY,
    ERR_ARG,
    ERR_BUF,
    ERR_CLSD,
    ERR_CONN,
    ERR_IF,
    ERR_INPROGRESS,
    ERR_ISCONN,
    ERR_MEM,
    ERR_RST,
    ERR_RTE,
    ERR_TIMEOUT,
    ERR_USE,
    ERR_VAL,
    ERR_WOULDBLOCK,
)
from usocket.current import current_device

if TYPE_CHECKING:
    from usocket.modules import Modules

EPERM = 1
ENOENT = 2
EIO = 5
EBADF = 9
EAGAIN = 11
ENOMEM = 12
EACCES = 13
EEXIST = 17
ENODEV = 19
EISDIR = 21
EINVAL = 22
EOPNOTSUPP = 95
EADDRINUSE = 98
ECONNABORTED = 103
ECONNRESET = 104
ENOBUFS = 105
ENOTCONN = 107
ETIMEDOUT = 110
ECONNREFUSED = 111
EHOSTUNREACH = 113
EALREADY = 114
EINPROGRESS = 115

errorcode: dict[int, str] = {
    number: name for name, number in list(globals().items()) if name[0] == "E" and not name.startswith("ERR_")
}

__all__ = ["errorcode", *errorcode.values()]  # noqa: PLE0604

EISCONN = 106  # has no name in MicroPython, nor has the next
ENFILE = 23


class Numbers:
    """The errno numbers of a port: those of Linux but for ``changed`` (by name).

    ``errorcode`` is number -> name, of the names that MicroPython has.
    """

    def __init__(self, changed: Mapping[str, int]) -> None:
        mine = {number: changed.get(name, number) for number, name in errorcode.items()}
        self.errorcode = {mine[number]: name for number, name in errorcode.items()}
        self._numbers = mine
        self._numbers[EISCONN] = changed.get("EISCONN", EISCONN)

    def __getitem__(self, number: int) -> int:
        """This port's number for one of the constants; what is none of them stays."""
        return self._numbers.get(number, number)

    def module(self) -> dict[str, object]:
        """The contents of the module ``errno`` on this port."""
        return {"errorcode": dict(self.errorcode)} | {name: number for number, name in self.errorcode.items()}


LINUX = Numbers({})
NEWLIB = Numbers(
    {
        "EADDRINUSE": 112,
        "ECONNABORTED": 113,
        "ETIMEDOUT": 116,
        "EHOSTUNREACH": 118,
        "EINPROGRESS": 119,
        "EALREADY": 120,
        "EISCONN": 127,
        "ENOTCONN": 128,
    }
)

_OF_LWIP = {
    ERR_MEM: ENOMEM,
    ERR_BUF: ENOBUFS,
    ERR_TIMEOUT: EAGAIN,
    ERR_RTE: EHOSTUNREACH,
    ERR_INPROGRESS: EINPROGRESS,
    ERR_VAL: EINVAL,
    ERR_WOULDBLOCK: EAGAIN,
    ERR_USE: EADDRINUSE,
    ERR_ALREADY: EALREADY,
    ERR_ISCONN: EISCONN,
    ERR_CONN: ENOTCONN,
    ERR_IF: -1,
    ERR_ABRT: ECONNABORTED,
    ERR_RST: ECONNRESET,
    ERR_CLSD: ENOTCONN,
    ERR_ARG: EIO,
    ERR_BADF: EBADF,
}


def for_script(modules: Modules) -> dict[str, object]:
    """The contents of the module, with the port's numbers."""
    return current_device().port.errno.module()


class MicroPythonError(OSError):
    """An OSError as MicroPython's: ``args`` is the number alone, ``errno`` as well; prints as one.

    ``names`` are the names of the numbers (``Numbers.errorcode``). A class of its own because CPython would
    make OSError(104, text) a ConnectionResetError, and leaves the ``errno`` of OSError(104) None.
    """

    def __init__(self, number: int, names: Mapping[int, str] = LINUX.errorcode) -> None:
        super().__init__(number)
        self.errno = number
        self._name = names.get(number)

    def __str__(self) -> str:
        return str(self.args[0]) if self._name is None else f"[Errno {self.args[0]}] {self._name}"

    def __repr__(self) -> str:
        return f"OSError({self.args[0]},)"


# In tracebacks and messages it is what it is on a board.
MicroPythonError.__name__ = MicroPythonError.__qualname__ = "OSError"
MicroPythonError.__module__ = "builtins"


def errno_of(err: int) -> int:
    """The constant that an err_t of lwIP turns into."""
    return _OF_LWIP[err]
