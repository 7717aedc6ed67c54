"""lwIP's error codes (err_t).

Calls into the stack return these ints; nothing is raised for what the network or a full pool causes.
Source: lwIP ``err.h``; the values are part of the API that MicroPython shows (``OSError(-2)`` and the like).
"""

ERR_OK = 0
ERR_MEM = -1
ERR_BUF = -2
ERR_TIMEOUT = -3
ERR_RTE = -4
ERR_INPROGRESS = -5
ERR_VAL = -6
ERR_WOULDBLOCK = -7
ERR_USE = -8
ERR_ALREADY = -9
ERR_ISCONN = -10
ERR_CONN = -11
ERR_IF = -12
ERR_ABRT = -13
ERR_RST = -14
ERR_CLSD = -15
ERR_ARG = -16

ERR_NAMES: dict[int, str] = {
    value: name
    for name, value in list(globals().items())
    if name.startswith("ERR_") and isinstance(value, int)
}


def err_name(err: int) -> str:
    """The name of an lwIP error code, e.g. ``ERR_RTE``; unknown codes give their number."""
    return ERR_NAMES.get(err, str(err))
