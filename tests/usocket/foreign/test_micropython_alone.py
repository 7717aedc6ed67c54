"""MicroPython's own tests of sockets and select on a device whose internet is this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.usocket.foreign.board import LINUX, Board
from tests.usocket.foreign.internet import internet
from tests.usocket.foreign.micropython_tests import ALONE, Own, parameters
from tests.usocket.micropython_tree import expected, same_style

pytestmark = [pytest.mark.tap, pytest.mark.needs("dnsmasq")]

# What these tests use of micropython-lib's unittest.
UNITTEST = """
class _Raises:
    def __init__(self, kind):
        self.kind = kind
    def __enter__(self):
        return self
    def __exit__(self, kind, error, traceback):
        self.exception = error
        return isinstance(error, self.kind)

class TestCase:
    def fail(self):
        raise AssertionError
    def assertEqual(self, x, y):
        assert x == y, (x, y)
    def assertIsNone(self, x):
        assert x is None, x
    def assertRaises(self, kind):
        return _Raises(kind)

def skipIf(condition, reason):
    return (lambda method: None) if condition else (lambda method: method)

def main():
    import __main__, sys
    for name in sorted(dir(__main__.Test)):
        method = getattr(__main__.Test, name)
        if name.startswith("test") and method and name not in sys.argv:
            method(__main__.Test())
    print("OK")
"""


@pytest.mark.parametrize("own", parameters(ALONE))
def test_on_the_device(board: Board, micropython: Path, own: Own) -> None:
    (board.library / "unittest.py").write_text(UNITTEST)
    test = micropython / "tests" / f"{own.name}.py"
    with internet(board, own.site):
        output = board.run(test, *own.without.split(), options=("--dns", LINUX))
    if "import unittest" in test.read_text():
        assert output.endswith("OK\n"), output
    else:
        assert same_style(output) == same_style(own.truth or expected(test))
