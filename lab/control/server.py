"""The control socket of a running device: a Unix socket that only its user can open, and a thread that
answers.

A request is a line of JSON, ``{"do": "ss"}``, and so is the answer, ``{"ok": ...}`` or ``{"error": "one
line"}``. The thread takes the device's lock for as long as an answer needs, and nothing of it is on a
frame's way.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import traceback
from typing import Any

from lab.control.board import Board
from lab.control.errors import ControlError
from lab.control.path import address, socket_file

LONGEST = 65_536  # bytes of a request
PATIENCE = 2.0  # s for a request to come; others wait meanwhile


class ControlServer:
    """Answers for ``board`` within a ``with`` block. Raises OSError (TapError) where there can be no
    socket.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._path = socket_file(os.getpid())
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._run, name="netstack control", daemon=True)

    def __enter__(self) -> ControlServer:
        draft = self._path.with_suffix(".new")  # whoever finds the socket can connect to it at once
        try:
            draft.unlink(missing_ok=True)
            with address(draft) as name:
                self._socket.bind(name)
            draft.chmod(0o600)
            self._socket.listen(8)
            draft.replace(self._path)
        except BaseException:
            self._socket.close()
            draft.unlink(missing_ok=True)
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        self._socket.shutdown(socket.SHUT_RDWR)  # which ends accept
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError, EOFError):  # it has gone, or says nothing
                peer.settimeout(PATIENCE)
                while True:
                    self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        line = _line(peer)
        answer = json.dumps(self._answered(line), separators=(",", ":"))
        peer.sendall(answer.encode() + b"\n")
        if len(line) > LONGEST:
            raise EOFError

    def _answered(self, line: bytes) -> dict[str, Any]:
        from lab.control.answers import answer  # only now: most devices are never asked

        if len(line) > LONGEST:
            return {"error": f"a request has at most {LONGEST} bytes"}
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": 'that is no JSON: a request is a line like {"do": "ss"}'}
        try:
            return {"ok": answer(self._board, request)}
        except ControlError as error:
            return {"error": str(error)}
        except Exception as error:
            traceback.print_exc()
            return {"error": f"an error of netstack itself, told where the device runs: {error!r}"}


def _line(peer: socket.socket) -> bytes:
    """The next line, without its end; more than LONGEST where that does not come. Raises EOFError."""
    data = bytearray()
    while len(data) <= LONGEST:
        part = peer.recv(4096)
        if not part:
            raise EOFError
        data += part
        if data.endswith(b"\n"):
            return bytes(data[:-1])
    return bytes(data)
