"""MicroPython's ``errno``: its names and numbers, and the OSError that carries one.

The numbers are Linux's, as on all ports that define MICROPY_USE_INTERNAL_ERRNO (rp2, stm32 and most others;
esp32 and mimxrt have their C library's). There is no EISCONN and no EPIPE among the names, so 106 prints as a
bare number.

Source: micropython/micropython:py/moderrno.c; the table of err_t: extmod/modlwip.c, ``error_lookup_table``.
"""

from __future__ import annotations

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

errorcode = {
    number: name for name, number in list(globals().items()) if name[0] == "E" and not name.startswith("ERR_")
}

__all__ = ["errorcode", *errorcode.values()]  # noqa: PLE0604

_EISCONN = 106  # has no name in MicroPython

_NUMBERS = {
    ERR_MEM: ENOMEM,
    ERR_BUF: ENOBUFS,
    ERR_TIMEOUT: EAGAIN,
    ERR_RTE: EHOSTUNREACH,
    ERR_INPROGRESS: EINPROGRESS,
    ERR_VAL: EINVAL,
    ERR_WOULDBLOCK: EAGAIN,
    ERR_USE: EADDRINUSE,
    ERR_ALREADY: EALREADY,
    ERR_ISCONN: _EISCONN,
    ERR_CONN: ENOTCONN,
    ERR_IF: -1,
    ERR_ABRT: ECONNABORTED,
    ERR_RST: ECONNRESET,
    ERR_CLSD: ENOTCONN,
    ERR_ARG: EIO,
    ERR_BADF: EBADF,
}


class MicroPythonError(OSError):
    """An OSError as MicroPython's: ``args`` is the number alone, ``errno`` as well; prints as one.

    A class of its own because CPython would make OSError(104, text) a ConnectionResetError, and leaves the
    ``errno`` of OSError(104) None.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.errno = number

    def __str__(self) -> str:
        name = errorcode.get(self.args[0])
        return str(self.args[0]) if name is None else f"[Errno {self.args[0]}] {name}"

    def __repr__(self) -> str:
        return f"OSError({self.args[0]},)"


# In tracebacks and messages it is what it is on a board.
MicroPythonError.__name__ = MicroPythonError.__qualname__ = "OSError"
MicroPythonError.__module__ = "builtins"


def error_of(err: int) -> MicroPythonError:
    """The OSError for an err_t of lwIP."""
    return MicroPythonError(_NUMBERS[err])
