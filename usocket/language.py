"""MicroPython's language on CPython: a script's source is translated before it is compiled.

``compile_script(source, filename)`` is the one entry; run its code with globals whose ``__builtins__`` are
(or contain) ``BUILTINS``: MicroPython's builtins, and the functions that translated code calls (their names
begin with ``@``, which no script can write). Only code that is given to it is touched. ``usocket.modules``
uses it for a script and all files that the script imports.

What it changes, since programs for boards rely on it:

* ``yield`` and ``yield from`` in an ``async def`` do not make an asynchronous generator: they suspend the
  coroutine. Generators can be awaited, and so can any iterator (``asyncio``'s tasks and sleeps are some).
* ``b"%s" % value`` and ``b"text" + value`` take a str, which has the buffer protocol there.
* Annotations are not looked at. ``const`` is known without an import, as are ``@micropython.native`` and
  ``@micropython.viper``, which change nothing here, and viper's ``ptr8`` and so on.
* ``OSError(number)`` has an ``errno`` and prints its name; every caught exception has a ``value``.
* A class prints as ``<class 'Name'>``, without its module.

What MicroPython's compiler refuses is refused here: ``match``, ``except*``, positional-only parameters,
``{**d}``, ``[*x]``, asynchronous comprehensions.

Sources: micropython/micropython:py/compile.c, py/grammar.h, docs/differences; compared with MicroPython 1.27.
"""

from __future__ import annotations

import ast
import builtins
import threading
import types
import warnings
from collections.abc import Callable, Generator, Iterable
from typing import Any, Literal

from usocket.current import current
from usocket.errno import LINUX, MicroPythonError

PREFIX = "@"

_compiler = threading.Lock()  # making syntax trees and muting warnings are not safe in two threads at a time

# What MicroPython has of Python's builtins (rp2's build; the set that dir(builtins) gives there).
_NAMES = """
    ArithmeticError AssertionError AttributeError BaseException EOFError Ellipsis Exception GeneratorExit
    ImportError IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError
    NotImplemented NotImplementedError OSError OverflowError RuntimeError StopAsyncIteration StopIteration
    SyntaxError SystemExit TypeError UnicodeError ValueError ZeroDivisionError abs all any bin bool bytearray
    bytes callable chr classmethod compile complex delattr dict dir divmod enumerate eval exec filter float
    frozenset getattr globals hasattr hash hex id input int isinstance issubclass iter len list locals map max
    memoryview min next object oct open ord pow print property range repr reversed round set setattr slice
    sorted staticmethod str sum super tuple type zip __build_class__ __debug__ __import__
""".split()


def parse(source: str | bytes, filename: str, mode: str = "exec", flags: int = 0) -> Any:
    """The translated syntax tree. Raises SyntaxError, also for what MicroPython's compiler does not know."""
    with _compiler, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(source, filename, mode, flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    translated = _Translator(filename).visit(tree)
    return ast.fix_missing_locations(translated)


def compile_script(source: str | bytes, filename: str, mode: str = "exec", flags: int = 0) -> types.CodeType:
    """Code for ``exec`` (or ``eval``, or ``single``), as MicroPython would understand the source."""
    tree = parse(source, filename, mode, flags)
    with _compiler, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: types.CodeType = compile(tree, filename, mode, dont_inherit=True)
    return code


class _Translator(ast.NodeTransformer):
    """Rewrites one source file."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._functions: list[ast.AST] = []  # the functions that are open here, innermost last
        self._caught: list[str] = []  # names of the exceptions whose handlers are open here

    # Functions and coroutines

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self._function(node)
        if _yields(node) and node.name != "__await__":  # which must not return a coroutine
            node.decorator_list.append(_name("coroutine"))
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self._function(node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._parameters(node.args)
        return self._inside(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._refuse_type_parameters(node)
        node.decorator_list = [each for each in node.decorator_list if self._is_decorator(each)]
        self._parameters(node.args)
        node.returns = None
        self._inside(node)

    def _inside(self, node: ast.AST) -> ast.AST:
        caught, self._caught = self._caught, []
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()
        self._caught = caught
        return node

    def _parameters(self, args: ast.arguments) -> None:
        if args.posonlyargs:
            raise self._refused(args.posonlyargs[0], "positional-only parameters")
        for argument in (*args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if argument is not None:
                argument.annotation = None

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        node.value = _call("awaitable", node, node.value)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        self.generic_visit(node)
        if not self._in_coroutine():
            return node
        value = node.value or ast.Constant(None)
        return ast.copy_location(ast.Await(_call("suspend", node, value)), node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        if not self._in_coroutine():
            return node
        return ast.copy_location(ast.Await(_call("awaitable", node, node.value)), node)

    def _in_coroutine(self) -> bool:
        return bool(self._functions) and isinstance(self._functions[-1], ast.AsyncFunctionDef)

    # Bytes and str

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod) and _may_be_format(node):
            return _call("modulo", node, node.left, node.right)
        if isinstance(node.op, ast.Add) and _begins_with_bytes(node.left):
            return _call("add", node, node.left, node.right)
        return node

    # Exceptions

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.type is not None:
            node.type = self.visit(node.type)
        self._caught.append(node.name or "")
        node.body = [self.visit(statement) for statement in node.body]
        self._caught.pop()
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr == "format" and _begins_with_bytes(node.value):
            node.value = _call("formatter", node, node.value)
        of_exception = isinstance(node.value, ast.Name) and node.value.id in self._caught
        if of_exception and node.attr in ("errno", "value") and isinstance(node.ctx, ast.Load):
            return _call(node.attr, node, node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "OSError":
            node.args.insert(0, node.func)
            node.func = ast.copy_location(_name("oserror"), node)
        return node

    # Classes and annotations

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._refuse_type_parameters(node)
        node.decorator_list = [each for each in node.decorator_list if self._is_decorator(each)]
        caught, self._caught = self._caught, []
        self.generic_visit(node)
        self._caught = caught
        where = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body[where:where] = [
            ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], ast.Constant(value)), node)
            for name, value in (("__module__", "builtins"), ("__qualname__", node.name))
        ]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        plain = ast.Assign([self.visit(node.target)], self.visit(node.value))
        return ast.copy_location(plain, node)

    # What a board's compiler does not know

    def visit_Match(self, node: ast.Match) -> ast.AST:
        raise self._refused(node, "match statements")

    def visit_TryStar(self, node: ast.AST) -> ast.AST:
        raise self._refused(node, "except*")

    def visit_TypeAlias(self, node: ast.AST) -> ast.AST:
        raise self._refused(node, "type statements")

    def visit_TemplateStr(self, node: ast.AST) -> ast.AST:
        raise self._refused(node, "template strings")

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        if None in node.keys:
            raise self._refused(node, "** in a dict")
        return self.generic_visit(node)

    def visit_List(self, node: ast.List) -> ast.AST:
        return self._without_stars(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return self._without_stars(node)

    def visit_Set(self, node: ast.Set) -> ast.AST:
        return self._without_stars(node)

    def _without_stars(self, node: ast.List | ast.Tuple | ast.Set) -> ast.AST:
        stored = isinstance(getattr(node, "ctx", None), ast.Store)
        if not stored and any(isinstance(item, ast.Starred) for item in node.elts):
            raise self._refused(node, "* in a list, tuple or set")
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            raise self._refused(node.target, "asynchronous comprehensions")
        return self.generic_visit(node)

    def _is_decorator(self, node: ast.expr) -> bool:
        """Whether a decorator has to be applied: those of the compiler have not. Raises SyntaxError."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "micropython" and node.attr in ("bytecode", "native", "viper"):
                return False
            if node.value.id == "micropython":
                raise self._refused(node, f"@micropython.{node.attr} here: that is for a board's CPU")
        while isinstance(node, ast.Attribute | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            raise self._refused(node, "decorators other than dotted names")
        return True

    def _refuse_type_parameters(self, node: ast.AST) -> None:
        parameters: list[ast.AST] = getattr(node, "type_params", [])
        if parameters:
            raise self._refused(parameters[0], "type parameters")

    def _refused(self, node: ast.AST, what: str) -> SyntaxError:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        return SyntaxError(f"invalid syntax: MicroPython has no {what}", (self._filename, line, column, None))


def _name(helper: str) -> ast.Name:
    return ast.Name(PREFIX + helper, ast.Load())


def _call(helper: str, at: ast.expr, *args: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(_name(helper), list(args), []), at)


def _yields(function: ast.FunctionDef) -> bool:
    """Whether a function has a ``yield`` of its own."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting += node.decorator_list
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False


def _may_be_format(node: ast.BinOp) -> bool:
    """Whether the left side of a ``%`` may be bytes. A number on the right makes it arithmetic, mostly."""
    if isinstance(node.left, ast.Constant):
        return isinstance(node.left.value, bytes)
    number = isinstance(node.right, ast.Constant) and isinstance(node.right.value, int | float)
    return not number and not isinstance(node.left, ast.JoinedStr)


def _begins_with_bytes(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == PREFIX + "add":
        node = node.args[0]
        return _begins_with_bytes(node)
    return isinstance(node, ast.Constant) and isinstance(node.value, bytes)


# What translated code calls


@types.coroutine
def suspend(value: object) -> Generator[object, Any, Any]:
    """``yield value`` in a coroutine."""
    return (yield value)


@types.coroutine
def _delegate(iterable: Iterable[Any]) -> Generator[Any, Any, Any]:
    return (yield from iterable)


_ITERABLE_COROUTINE = 0x100  # CO_ITERABLE_COROUTINE of a code object


def awaitable(value: Any) -> Any:
    """What ``await`` can take in place of ``value``: itself, or a coroutine around an iterator."""
    if isinstance(value, types.CoroutineType):
        return value
    if isinstance(value, types.GeneratorType):
        return value if value.gi_code.co_flags & _ITERABLE_COROUTINE else _delegate(value)
    return value if hasattr(type(value), "__await__") else _delegate(value)


class _Formatted:
    """A value as ``%s`` and ``%r`` in bytes show it, one character a byte."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        value = self._value
        data = value if isinstance(value, bytes) else str(value).encode()
        return data.decode("latin-1")

    def __repr__(self) -> str:
        return repr(self._value).encode().decode("latin-1")


def modulo(left: Any, right: Any) -> Any:
    """``left % right``, where bytes are a format for everything that has a str."""
    if not isinstance(left, bytes):
        return left % right
    values = right if isinstance(right, tuple) else (right,)
    shown: Any = tuple(value if isinstance(value, int | float) else _Formatted(value) for value in values)
    if isinstance(right, dict):
        shown = {key: value if isinstance(value, int | float) else _Formatted(value)
                 for key, value in right.items()}  # fmt: skip
    return (left.decode("latin-1") % shown).encode("latin-1")


def add(left: Any, right: Any) -> Any:
    """``left + right``, where a str can follow bytes."""
    if isinstance(left, bytes) and isinstance(right, str):
        return left + right.encode()
    return left + right


def formatter(pattern: bytes) -> Any:
    """What has the method ``format``, which bytes lack here."""
    text = pattern.decode(errors="surrogateescape")
    return types.SimpleNamespace(format=lambda *a, **k: text.format(*a, **k).encode(errors="surrogateescape"))


def value_of(error: Any) -> Any:
    """``error.value``: the first argument of any exception."""
    if not isinstance(error, BaseException) or hasattr(error, "value"):
        return error.value
    return error.args[0] if error.args else None


def errno_of(error: Any) -> Any:
    """``error.errno``: the first argument of an OSError."""
    if isinstance(error, OSError) and error.errno is None:
        return error.args[0] if error.args else None
    return error.errno


def oserror(kind: Any, *args: Any, **kwargs: Any) -> Any:
    """``OSError(...)``: with a number alone, one that knows its name."""
    if kind is OSError and len(args) == 1 and isinstance(args[0], int):
        device = current.get(None)
        names = LINUX if device is None else device.port.errno
        return MicroPythonError(args[0], names.errorcode)
    return kind(*args, **kwargs)


def const(value: Any, /) -> Any:
    """The value itself."""
    return value


def _pointer(code: Literal["B", "H", "I"]) -> Callable[[Any], memoryview]:
    def pointer(buffer: Any, /) -> memoryview:
        """A view of a buffer as viper code uses it."""
        return memoryview(buffer).cast("B").cast(code)

    return pointer


def _uint(value: Any, /) -> int:
    """A machine word of viper code."""
    return int(value) & 0xFFFFFFFF


BUILTINS: dict[str, Any] = {
    **{name: getattr(builtins, name) for name in _NAMES},
    "const": const,
    "ptr": _pointer("B"),
    "ptr8": _pointer("B"),
    "ptr16": _pointer("H"),
    "ptr32": _pointer("I"),
    "uint": _uint,
    PREFIX + "coroutine": types.coroutine,
    PREFIX + "suspend": suspend,
    PREFIX + "awaitable": awaitable,
    PREFIX + "modulo": modulo,
    PREFIX + "add": add,
    PREFIX + "formatter": formatter,
    PREFIX + "value": value_of,
    PREFIX + "errno": errno_of,
    PREFIX + "oserror": oserror,
}
