"""The internet of MicroPython's tests and examples, played by this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.usocket.foreign.board import LINUX, Board

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


@contextmanager
def internet(board: Board, site: str = LINUX) -> Iterator[None]:
    """A name server that knows two names only, and the web server of ``site``, which is Linux or nobody."""
    names = "dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --pid-file="
    options = [f"--address=/micropython.org/www.google.com/{site}", "--address=/#/"]
    options += [f"--listen-address={LINUX}"]
    with board.server([*names.split(), *options], 53, "dnsmasq.log"), board.python(SITE):
        yield
