"""``netstack up --watch``: serves the page of the report on this machine, fed while the device runs.

One port of 127.0.0.1 has the page and, beside it, a WebSocket with the lines of the trace. Both are below a
random word, so that other users of the machine cannot look. A device that nobody watches does nothing for
it; each page has a session (``lab.control.session``) and a thread of its own, so that a browser that is slow
or gone holds up nobody. Slow is what a page that is read late loses events for.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING

import click

from lab.control.board import Board
from lab.report.page import page

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import Server, ServerConnection

HOST = "127.0.0.1"
PAGES = 8  # that may watch at a time
PAUSE = 0.05  # s between two looks at what has happened
CLOSING = 1  # s for the browser's good-bye


class Watch:
    """The pages of ``board``, served on ``port`` (0: any that is free) within a ``with`` block. ``url`` is
    where. Raises ClickException where the port is taken.
    """

    def __init__(self, board: Board, port: int) -> None:
        from websockets.sync.server import serve

        logger = logging.getLogger("netstack.watch")
        logger.addHandler(logging.NullHandler())  # a browser that goes is no news
        logger.propagate = False
        self._board = board
        self._token = secrets.token_urlsafe(16)
        self._closing = threading.Event()
        self._pages = threading.Semaphore(PAGES)
        try:
            self._server: Server = serve(
                self._feed, HOST, port, process_request=self._request, logger=logger, server_header=None,
                close_timeout=CLOSING, max_size=1024,
            )  # fmt: skip
        except OSError as error:
            problem = f"port {port} of {HOST} cannot be served ({os.strerror(error.errno or 0)})"
            raise click.ClickException(f"{problem}: choose another with --watch-port") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="netstack watch", daemon=True)

    @property
    def port(self) -> int:
        """Where it is served."""
        port: int = self._server.socket.getsockname()[1]
        return port

    @cached_property
    def url(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.port}/{self._token}/"

    def __enter__(self) -> Watch:
        self.url  # noqa: B018 -- while the socket is there
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        """None: it is a page's WebSocket."""
        folder, _, name = request.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(folder.encode(), self._token.encode()) or name not in ("", "events"):
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        if name == "events":
            return None
        response = connection.respond(HTTPStatus.OK, self._page)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @cached_property
    def _page(self) -> str:
        """The report's page without a run, and what feeds it."""
        script = (files("lab.control") / "web" / "live.js").read_text(encoding="utf-8")
        text = page([]).replace("connect-src 'self'", f"connect-src ws://{HOST}:{self.port}", 1)
        before, _, after = text.rpartition("</body>")
        return f"{before}<script>\n{script}</script>\n</body>{after}"

    def _feed(self, connection: ServerConnection) -> None:
        """A page has come: have it told what happens until it goes."""
        from websockets.exceptions import ConnectionClosed

        from lab.control.session import Session

        if not self._pages.acquire(blocking=False):
            connection.close(1013, f"{PAGES} pages watch already: close one")
            return
        try:
            with Session(self._board) as session:
                while not self._closing.is_set():
                    lines = session.take()
                    if lines is not None:
                        connection.send(lines)
                    if session.full:
                        connection.close(1000, "the page is full: reload it to go on")
                        return
                    self._wait(connection, 0 if lines is not None else PAUSE)
        except ConnectionClosed:
            pass
        finally:
            self._pages.release()

    @staticmethod
    def _wait(connection: ServerConnection, seconds: float) -> None:
        """Let some time pass; what a page says is not listened to. Raises ConnectionClosed."""
        try:
            connection.recv(timeout=seconds)
        except TimeoutError:
            return
