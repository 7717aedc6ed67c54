"""A student's class: loaded, and called so that whatever it does is a finding with one line.

Exceptions, wrong types, missing methods and endless loops are found here; whether an answer is right is the
business of a test's rules. Endless loops end by ``TimeUp``, which a timer of the operating system raises
(``worker``), wherever the code is then.
"""

from __future__ import annotations

import importlib.util
import inspect
import math
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Shape = Callable[[object], Any]  # checks a result; raises WrongType
T = TypeVar("T")
SHOWN = 60  # characters of a value in a finding


class TimeUp(BaseException):
    """The student's code, or the run that it caused, has taken too long. No ``except Exception`` stops it."""


class Broken(Exception):
    """The student's code cannot be used, or could not go on: one line says why."""


class WrongType(Exception):
    """A result is not of the kind that the interface promises."""


def load(path: Path, interface: type) -> type:
    """The student's class in file ``path``, with all methods of ``interface``. Raises Broken."""
    name = interface.__name__
    spec = importlib.util.spec_from_file_location("exercise_of_a_student", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # behind everything else: no file of theirs hides one of ours
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit, TimeUp) as error:
        raise Broken(f"the file cannot be loaded: {describe(error, path)}") from None
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise Broken(f"the file has no class {name}: begin with a copy of the starter file")
    for method, original in methods(interface).items():
        _check_method(found, method, original)
    return found


def methods(interface: type) -> dict[str, Callable[..., object]]:
    """The methods that a student has to write, by name."""
    return {name: value for name, value in vars(interface).items() if inspect.isfunction(value)}


def _check_method(found: type, method: str, original: Callable[..., object]) -> None:
    parameters = list(inspect.signature(original).parameters)[1:]
    wanted = f"{method}({', '.join(parameters)})"
    written = getattr(found, method, None)
    if method == "__init__" and written is object.__init__ and parameters:
        raise Broken(f"{found.__name__} has no method {wanted}")
    if not callable(written):
        raise Broken(f"{found.__name__} has no method {wanted}")
    try:
        inspect.signature(written).bind(None, *parameters)
    except TypeError as error:
        raise Broken(f"{found.__name__}.{method} must be callable as {wanted}: {error}") from None
    except ValueError:
        return  # something without a signature: the first call will tell


def describe(error: BaseException, path: Path) -> str:
    """An exception in one line, with the line of the student's file where it came up."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"line {frames[-1].lineno}: " if frames else ""
    if isinstance(error, TimeUp):
        return f"{where}still not done when its time was up: an endless loop?"
    if isinstance(error, NotImplementedError):
        return f"{where}not written yet (NotImplementedError)"
    text = " ".join(str(error).split())
    return f"{where}{type(error).__name__}{': ' if text else ''}{text}"


class Student:
    """One object of the student's class."""

    def __init__(self, cls: type, path: Path, arguments: dict[str, object]) -> None:
        """Make it. Raises Broken."""
        self._path = path
        self._object: object = None
        self._object = self._guarded(cls, cls.__name__, arguments)

    def call(self, method: str, shape: Callable[[object], T], **arguments: object) -> T:
        """The result of ``method``, as ``shape`` has checked it. Raises Broken."""
        result = self._guarded(getattr(self._object, method), method, arguments)
        try:
            return shape(result)
        except WrongType as wrong:
            call = shown(method, arguments)
            raise Broken(f"{call} returned {brief(result)}: it must be {wrong}") from None

    def _guarded(self, function: Callable[..., T], name: str, arguments: dict[str, object]) -> T:
        try:
            return function(*arguments.values())
        except (Exception, SystemExit, TimeUp) as error:
            raise Broken(f"{shown(name, arguments)}: {describe(error, self._path)}") from None


def shown(name: str, arguments: dict[str, object]) -> str:
    """A call as it would be written."""
    return f"{name}({', '.join(f'{key}={brief(value)}' for key, value in arguments.items())})"


def brief(value: object) -> str:
    """A value in few characters, whatever it is."""
    if isinstance(value, bytes | bytearray) and len(value) > 16:
        return f"<{len(value)} bytes>"
    try:
        text = repr(value)
    except Exception:
        text = f"<a {type(value).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


# The kinds of results


def nothing(result: object) -> None:
    """Whatever it returns does not matter."""


def number(result: object) -> float:
    """A finite number."""
    if isinstance(result, bool) or not isinstance(result, int | float) or not math.isfinite(result):
        raise WrongType("a number")
    return result


def whole(result: object) -> int:
    """An int from 0 on."""
    if isinstance(result, bool) or not isinstance(result, int):
        raise WrongType("an int")
    if result < 0:
        raise WrongType("0 or more")
    return result


def flag(result: object) -> bool:
    """True or False."""
    if not isinstance(result, bool):
        raise WrongType("True or False")
    return result


def octets(result: object) -> bytes:
    """bytes."""
    if not isinstance(result, bytes | bytearray):
        raise WrongType("bytes")
    return bytes(result)


def ranges(result: object) -> list[tuple[int, int]]:
    """A list of pairs of sequence numbers."""
    if not isinstance(result, list | tuple):
        raise WrongType("a list of (left, right)")
    pairs = []
    for pair in result:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise WrongType("a list of (left, right)")
        left, right = pair
        for end in pair:
            if isinstance(end, bool) or not isinstance(end, int) or not 0 <= end <= 0xFFFFFFFF:
                raise WrongType("a list of pairs of sequence numbers, 0 to 2**32 - 1")
        pairs.append((left, right))
    return pairs
