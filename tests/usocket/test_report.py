"""Exceptions as MicroPython shows them (compared with MicroPython 1.27)."""

from __future__ import annotations

import io
from typing import Any

import pytest

from usocket.errno import MicroPythonError
from usocket.language import BUILTINS, compile_script
from usocket.report import lines_of, print_exception


def raised(source: str) -> tuple[BaseException, dict[str, Any]]:
    builtins = {**BUILTINS, "MicroPythonError": MicroPythonError}
    with pytest.raises(BaseException) as caught:
        exec(compile_script(source, "main.py"), {"__builtins__": builtins, "__name__": "x"})
    return caught.value, builtins


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("ValueError()", "ValueError: "),
        ("ValueError('a')", "ValueError: a"),
        ("ValueError('a', 1)", "ValueError: ('a', 1)"),
        ("OSError(104)", "OSError: [Errno 104] ECONNRESET"),
        ("OSError(-2)", "OSError: -2"),
        ("OSError('text')", "OSError: text"),
        ("KeyError('k')", "KeyError: k"),
        ("KeyboardInterrupt()", "KeyboardInterrupt: "),
        ("OSError(2, 'No such file')", "OSError: [Errno 2] ENOENT"),
    ],
)
def test_the_last_line(expression: str, line: str) -> None:
    error, builtins = raised(f"raise {expression}")
    found = lines_of(error, builtins)
    assert found[:2] == ["Traceback (most recent call last):", '  File "main.py", line 1, in <module>']
    assert found[2].replace("FileNotFoundError", "OSError") == line


def test_only_the_programs_own_code_is_shown() -> None:
    source = "def f():\n    return b'%d' % 'x'\n\nclass A:\n    def m(self):\n        f()\nA().m()"
    error, builtins = raised(source)
    assert lines_of(error, builtins)[:4] == [
        "Traceback (most recent call last):",
        '  File "main.py", line 7, in <module>',
        '  File "main.py", line 6, in m',
        '  File "main.py", line 2, in f',
    ]


def test_a_syntax_error_tells_its_line() -> None:
    with pytest.raises(SyntaxError) as caught:
        compile_script("x = 1\nx y\n", "main.py")
    assert lines_of(caught.value, {}) == [
        "Traceback (most recent call last):",
        '  File "main.py", line 2',
        "SyntaxError: invalid syntax",
    ]


def test_what_a_board_would_do_follows() -> None:
    error, builtins = raised("raise OSError(22)")
    error.add_note("a board would hang here: because")
    out = io.StringIO()
    print_exception(error, out, builtins)
    assert out.getvalue().endswith("OSError: [Errno 22] EINVAL\na board would hang here: because\n")
