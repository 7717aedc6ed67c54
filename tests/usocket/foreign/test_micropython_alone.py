"""MicroPython's own tests of sockets and select on a device whose internet is this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.usocket.foreign.board import DEVICE, LINUX, Board
from tests.usocket.foreign.micropython_tests import ALONE, Own
from tests.usocket.micropython_tree import micropython, same_style

__all__ = ["micropython"]

pytestmark = [pytest.mark.tap, pytest.mark.needs("dnsmasq")]

# What asyncio_tcp_read_headers expects of micropython.org.
SITE = """
import socketserver

HEADERS = '''Content-Type: text/html
Content-Length: 54
Connection: close
Vary: Accept-Encoding
ETag: "54306c85-36"
Strict-Transport-Security: max-age=15768000
Accept-Ranges: bytes'''
ANSWER = "\\r\\n".join(["HTTP/1.1 200 OK", *HEADERS.splitlines(), "", "x" * 54])

class Site(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(ANSWER.encode())

print("ready")
socketserver.ThreadingTCPServer(("", 80), Site).serve_forever()
"""

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
    import __main__
    for name in sorted(dir(__main__.Test)):
        method = getattr(__main__.Test, name)
        if name.startswith("test") and method:
            method(__main__.Test())
    print("OK")
"""


@contextmanager
def internet(board: Board, site: str) -> Iterator[None]:
    """A name server that knows micropython.org only, and its web server."""
    names = "dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --pid-file="
    options = [f"--address=/micropython.org/{site}", "--address=/#/", f"--listen-address={LINUX}"]
    with board.server([*names.split(), *options], 53, "dnsmasq.log"), board.python(SITE):
        yield


def marked(own: Own) -> pytest.param:
    marks = [pytest.mark.xfail(reason=own.fails)] * bool(own.fails) + [pytest.mark.slow] * own.slow
    return pytest.param(own, id=own.name, marks=marks)


@pytest.mark.parametrize("own", map(marked, ALONE))
def test_on_the_device(board: Board, micropython: Path, own: Own) -> None:
    (board.library / "unittest.py").write_text(UNITTEST)
    test = micropython / "tests" / f"{own.name}.py"
    with internet(board, own.site):
        output = board.run(test, options=("--dns", LINUX))
        recorded = test.with_name(f"{test.name}.exp")
        if recorded.exists():
            expected = recorded.read_text()
        elif "unittest" in test.read_text():
            assert output.endswith("OK\n"), output
            return
        else:
            expected = board.linux(sys.executable, "-I", str(test))  # CPython is the measure
    assert DEVICE not in output
    assert same_style(output) == same_style(expected)
