"""MicroPython's language on CPython. Expected values were compared with MicroPython 1.27's."""

from __future__ import annotations

import ast
import gc
import sys
import threading
from typing import Any

import pytest

from usocket.errno import MicroPythonError
from usocket.language import BUILTINS, compile_script, parse


def run(source: str, **names: Any) -> dict[str, Any]:
    """The namespace after running a script."""
    namespace = {"__name__": "__main__", "__builtins__": {**BUILTINS, "__import__": __import__}, **names}
    exec(compile_script(source, "script.py"), namespace)
    return namespace


def drive(coroutine: Any, *values: Any) -> tuple[list[Any], Any]:
    """What a coroutine yields when it is sent ``values``, and what it returns."""
    yielded = []
    try:
        yielded.append(coroutine.send(None))
        for value in values:
            yielded.append(coroutine.send(value))
        while True:
            yielded.append(coroutine.send(None))
    except StopIteration as end:
        return yielded, end.value


def test_yield_in_a_coroutine_suspends_it() -> None:
    space = run("""
def inner():
    got = yield 2
    return got
async def outer():
    a = yield 1
    b = yield from inner()
    c = await inner()
    return a, b, c
""")
    assert drive(space["outer"](), "a", "b", "c") == ([1, 2, 2], ("a", "b", "c"))


def test_anything_that_iterates_can_be_awaited() -> None:
    space = run("""
class Twice:
    def __init__(self):
        self.left = 2
    def __iter__(self):
        return self
    def __next__(self):
        if not self.left:
            raise StopIteration("end")
        self.left -= 1
        return self.left
async def main():
    first = await Twice()
    second = await (x for x in (7, 8))
    third = await (lambda: (yield 9))()
    return first, second, third
""")
    assert drive(space["main"]()) == ([1, 0, 7, 8, 9], ("end", None, None))


def test_what_python_can_await_stays_as_it_is() -> None:
    space = run("""
class Awaitable:
    def __await__(self):
        yield 1
        return 2
async def sub():
    return 3
async def main():
    return await Awaitable(), await sub()
""")
    assert drive(space["main"]()) == ([1], (2, 3))


def test_coroutines_with_contexts_and_loops_of_generators() -> None:
    space = run("""
class Context:
    def __aenter__(self):
        yield "in"
        return self
    def __aexit__(self, kind, error, trace):
        yield "out"
        return True
class Items:
    def __init__(self):
        self.left = 2
    def __aiter__(self):
        return self
    def __anext__(self):
        yield self.left
        self.left -= 1
        if self.left < 0:
            raise StopAsyncIteration
        return self.left
async def main():
    got = []
    async with Context():
        async for item in Items():
            got.append(item)
        raise ValueError
    return got
""")
    assert drive(space["main"]()) == (["in", 2, 1, 0, "out"], [1, 0])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("b'%s' % 'text'", b"text"),
        ("b'%s' % b'bytes'", b"bytes"),
        ("b'%s %d %r' % ('é', 3, b'q')", "é 3 b'q'".encode()),
        ("b'%5.1f|%x' % (2.25, 255)", b"  2.2|ff"),
        ("b'%s' % None", b"None"),
        ("fmt % ('a', 1)", b"a=1"),
        ("b'%(x)s' % {'x': 'é'}", "é".encode()),
        ("b'a' + 'b'", b"ab"),
        ("b'GET ' + path + ' HTTP/1.0' + b'!'", b"GET /x HTTP/1.0!"),
        ("b'a' + b'b'", b"ab"),
        ("7 % 4", 3),
        ("seven % four", 3),
        ("'%s-%s' % (1, b'x')", "1-b'x'"),
        ("-7 % 4", 1),
        ("b'{}:{:03x}'.format('\\u00b5', seven)", b"\xc2\xb5:007"),
    ],
)
def test_formats_and_sums_of_bytes(expression: str, value: object) -> None:
    space = run(f"value = {expression}", fmt=b"%s=%d", path="/x", seven=7, four=4)
    assert space["value"] == value
    assert type(space["value"]) is type(value)


def test_annotations_are_not_looked_at() -> None:
    space = run("""
x: nothing = 5
y: int
class A:
    z: also_nothing = 6
    w: None
def f(a: ptr8, *b: undefined, c: int = 3, **d: what) -> nowhere:
    e: int = a
    return e
""")
    assert (space["x"], space["A"].z, space["f"](1), "y" in space) == (5, 6, 1, False)
    assert space["f"].__annotations__ == {}


def test_const_and_the_types_of_viper_code() -> None:
    space = run("""
A = const(3)
buf = bytearray(b"\\x01\\x02\\x03\\x04")
p = ptr8(buf)
p[0] = 9
low = ptr16(buf)[0]
big = uint(-1)
""")
    assert (space["A"], space["buf"][0], space["low"], space["big"]) == (3, 9, 0x0209, 0xFFFFFFFF)


def test_emitters_change_nothing() -> None:
    space = run("""
@micropython.native
def f(x):
    return x + 1
class A:
    @micropython.viper
    def g(self, x: int) -> int:
        return x + 2
""")
    assert (space["f"](1), space["A"]().g(1)) == (2, 3)
    with pytest.raises(SyntaxError, match=r"no @micropython\.asm_thumb here: that is for a board's CPU"):
        run("@micropython.asm_thumb\ndef f(r0): mov(r0, r1)")


def test_oserror_knows_its_number() -> None:
    space = run("""
def caught(error):
    try:
        raise error
    except OSError as e:
        return str(e), repr(e), e.errno, e.value
class Mine(OSError):
    pass
a = caught(OSError(110))
b = caught(OSError(-1))
c = caught(Mine(5))
d = OSError
e = OSError(2, "text")
""")
    assert space["a"] == ("[Errno 110] ETIMEDOUT", "OSError(110,)", 110, 110)
    assert space["b"][2] == -1
    assert space["c"][2:] == (5, 5)
    assert space["d"] is OSError
    assert space["e"].strerror == "text"
    assert isinstance(run("x = OSError(104)")["x"], MicroPythonError)


def test_a_caught_exception_has_a_value() -> None:
    space = run("""
def f():
    yield
    return 4
g = f()
next(g)
try:
    next(g)
except StopIteration as e:
    a = e.value
try:
    raise ValueError("x", 2)
except ValueError as e:
    b = e.value
try:
    raise ValueError
except ValueError as e:
    c = e.value
""")
    assert (space["a"], space["b"], space["c"]) == (4, "x", None)


def test_value_of_anything_else_is_left_alone() -> None:
    space = run("""
class Cell:
    value = 7
e = Cell()
try:
    raise ValueError(1)
except ValueError as e:
    e = Cell()
    a = e.value
    def f():
        e = Cell()
        e.value = 8
        return e.value
    b = f()
""")
    assert (space["a"], space["b"]) == (7, 8)


def test_classes_print_as_on_a_board() -> None:
    space = run("""
class Outer:
    "doc"
    class Inner:
        pass
shown = str(Outer), str(Outer.Inner), repr(Outer())
""")
    assert space["shown"][:2] == ("<class 'Outer'>", "<class 'Inner'>")
    assert space["shown"][2].startswith("<Outer object at 0x")
    assert space["Outer"].__doc__ == "doc"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("match 3:\n  case 3: pass", "match statements"),
        ("try: pass\nexcept* ValueError: pass", "except*"),
        ("def f(a, /): pass", "positional-only parameters"),
        ("lambda a, /: 0", "positional-only parameters"),
        ("x = {**{}}", "** in a dict"),
        ("x = [*range(3)]", "* in a list, tuple or set"),
        ("x = (*range(3),)", "* in a list, tuple or set"),
        ("x = {*range(3)}", "* in a list, tuple or set"),
        ("async def f(): return [x async for x in y]", "asynchronous comprehensions"),
        ("@a[0]\ndef f(): pass", "decorators other than dotted names"),
    ],
)
def test_what_a_boards_compiler_refuses(source: str, what: str) -> None:
    with pytest.raises(SyntaxError) as caught:
        compile_script(source, "script.py")
    assert caught.value.msg == f"invalid syntax: MicroPython has no {what}"
    assert caught.value.filename == "script.py"
    assert caught.value.lineno in (1, 2)


@pytest.mark.parametrize(
    "source",
    [
        "a, *b = 1, 2, 3",
        "for a, *b in [[1, 2]]: pass",
        "print(*[1], **{'end': ''})",
        "match = case = type = 3",
        "(x := 3)",
        "class A(*()): pass",
        "with open('x') as f, open('y') as g: pass",
        "f'{1!r:>5}' f'{2=}'",
    ],
)
def test_what_it_takes(source: str) -> None:
    compile_script(source, "script.py")


def test_lines_stay_where_they_are() -> None:
    source = "\n\nasync def f():\n    yield\n    x = b'%s' % (\n        missing)\n"
    coroutine = run(source)["f"]()
    coroutine.send(None)
    with pytest.raises(NameError) as caught:
        coroutine.send(None)
    trace = caught.value.__traceback__
    assert trace is not None
    assert trace.tb_next is not None
    assert trace.tb_next.tb_lineno == 6


def test_names_that_boards_lack_are_not_there() -> None:
    for name in ("ConnectionResetError", "vars", "breakpoint", "FileNotFoundError", "exit"):
        with pytest.raises(NameError):
            run(f"x = {name}")


def test_no_warning_escapes(recwarn: pytest.WarningsRecorder) -> None:
    run("x = '\\d'\ny = x is 'a'\n")
    assert not recwarn.list


def test_the_tree_for_a_prompt() -> None:
    tree = parse("b'%s' % 1", "<stdin>", "single")
    assert isinstance(tree, ast.Interactive)
    assert "@modulo" in ast.dump(tree)


def test_nothing_of_pythons_own_is_touched() -> None:
    assert b"%s" % b"x" == b"x"
    with pytest.raises(TypeError):
        assert b"%s" % "x"  # type: ignore[operator]
    assert "const" not in dir(__builtins__)


def test_two_threads_at_a_time() -> None:
    """CPython's maker of syntax trees fails when a thread comes between, as when the collector calls one."""

    class Slow:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            for _ in range(50):
                pass

    source = "\n".join(
        f"def f{number}(a):\n    return [a + {number}, (a, b'%s' % a)]" for number in range(150)
    )
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(8):
                Slow()
                compile_script(source, "script.py")
        except BaseException as error:
            failures.append(error)

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert failures == []
