"""The interactive prompt of a device. It goes on answering while the prompt waits (with a service thread).

A block ends with an empty line. Ctrl-C ends what runs, Ctrl-D the prompt; ``machine.reset()`` and
``machine.soft_reset()`` begin anew.

Source: micropython/micropython:shared/runtime/pyexec.c.
"""

from __future__ import annotations

import ast
import sys

from usocket import console, report
from usocket.current import current_device
from usocket.language import parse
from usocket.script import Program, status_of
from usocket.sys import VERSION

PROMPT, CONTINUED = ">>> ", "... "
FILE = "<stdin>"
DISPLAY = "__repl_print__"

_FLAGS = 0x4000 | 0x200  # PyCF_ALLOW_INCOMPLETE_INPUT, PyCF_DONT_IMPLY_DEDENT, as codeop uses them


def banner() -> str:
    """What a board says before its first prompt."""
    version = ".".join(map(str, VERSION))
    return f"MicroPython v{version} (netstack); {current_device().port.machine}\nCtrl-D ends the prompt."


class Repl:
    """A prompt in the namespace of ``__main__`` of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._builtins = program.modules.builtins
        self._builtins[DISPLAY] = self._display

    def run(self) -> int | None:
        """Prompt until the end of standard input (None) or until a line leaves: its exit status."""
        console.stdout.write(banner() + "\n")
        lines: list[str] = []
        while True:
            try:
                lines.append(_read(CONTINUED if lines else PROMPT))
                tree = _parsed("\n".join(lines))
                if tree is None:
                    continue
                lines.clear()
                status = self._execute(tree)
                if status is not None:
                    return status
            except EOFError:
                console.stdout.write("\n")
                return None
            except KeyboardInterrupt:
                lines.clear()
                console.stdout.write("\n")
            except SyntaxError as error:
                lines.clear()
                report.print_exception(error, console.stdout, self._builtins)

    def _execute(self, tree: ast.Interactive) -> int | None:
        body = [_displayed(statement) for statement in tree.body]
        module = ast.fix_missing_locations(ast.Module(body, []))
        code = compile(module, FILE, "exec", dont_inherit=True)
        modules = self._program.modules
        try:
            modules.run(code, vars(modules.main))
        except SystemExit as leaving:
            return status_of(leaving)
        except (Exception, KeyboardInterrupt) as error:
            report.print_exception(error, console.stdout, self._builtins)
        return None

    def _display(self, value: object) -> None:
        if value is not None:
            self._builtins["_"] = value
            console.stdout.write(f"{value!r}\n")


def _read(prompt: str) -> str:
    """A line, which can be edited where it is typed."""
    if not sys.stdin.isatty():
        return console.input_(prompt)
    import readline  # noqa: F401 (input edits with it)

    return input(prompt)


def _parsed(source: str) -> ast.Interactive | None:
    """What was typed; None while more has to come. Raises SyntaxError."""
    if not source.strip():
        return ast.Interactive([])
    try:
        tree: ast.Interactive = parse(source, FILE, "single", _FLAGS)
    except SyntaxError:
        try:
            parse(source + "\n", FILE, "single", _FLAGS)
        except SyntaxError as error:
            if "incomplete input" not in str(error.msg):
                raise
        return None
    return tree


def _displayed(statement: ast.stmt) -> ast.stmt:
    """An expression shows its value."""
    if not isinstance(statement, ast.Expr):
        return statement
    call = ast.Call(ast.Name(DISPLAY, ast.Load()), [statement.value], [])
    return ast.copy_location(ast.Expr(call), statement)
