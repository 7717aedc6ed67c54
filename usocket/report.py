"""Exceptions as MicroPython shows them: where it happened, innermost last, then what.

Only the program's own code is shown: on a board the modules are machine code. What a board would have done
instead (the exception's notes) follows.

Source: micropython/micropython:py/obj.c, ``mp_obj_print_exception``; py/objexcept.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

from usocket.errno import LINUX


def print_exception(error: BaseException, file: Any, builtins: dict[str, Any]) -> None:
    """Write an exception to ``file``; the program's code is what runs with ``builtins``."""
    file.write("".join(line + "\n" for line in lines_of(error, builtins)))


def lines_of(error: BaseException, builtins: dict[str, Any]) -> list[str]:
    """The lines of an exception."""
    places = list(_places(error.__traceback__, builtins))
    if isinstance(error, SyntaxError) and error.filename is not None:
        places.append(f'  File "{error.filename}", line {error.lineno}')
    lines = ["Traceback (most recent call last):", *places] if places else []
    return [*lines, f"{type(error).__name__}: {_message(error)}", *getattr(error, "__notes__", ())]


def _places(trace: TracebackType | None, builtins: dict[str, Any]) -> Iterator[str]:
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_builtins is builtins:
            code = frame.f_code
            yield f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}'
        trace = trace.tb_next


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    if isinstance(error, OSError):
        return _os_message(error)
    if len(error.args) > 1:
        return str(error.args)
    return str(error.args[0]) if error.args else ""


def _os_message(error: OSError) -> str:
    """``[Errno 2] ENOENT``, also of an error of this machine's files."""
    number = error.args[0] if error.args else None
    if len(error.args) > 1 and isinstance(number, int) and number in LINUX.errorcode:
        return f"[Errno {number}] {LINUX.errorcode[number]}"
    return str(error)
