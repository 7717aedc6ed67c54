"""What a running device answers to the requests of its control socket (docs/live.md lists them)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.control import facts, settings
from lab.control.board import Board
from lab.control.errors import ControlError

Request = Mapping[str, Any]


def answer(board: Board, request: object) -> object:
    """What to answer, as JSON. Raises ControlError: one line for whoever asks."""
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise ControlError('a request is an object like {"do": "ss"}')
    known = ANSWERS.get(request["do"])
    if known is None:
        raise ControlError(f"there is no request {request['do']!r}: there are {', '.join(ANSWERS)}")
    if request["do"] == "about":
        return known(board, request)
    with board.device.host.lock:
        return known(board, request)


def _text(request: Request) -> str:
    text = request.get("text")
    if not isinstance(text, str):
        raise ControlError(f'{request["do"]} needs "text", a string')
    return text


def _whole(request: Request, name: str) -> int:
    value = request.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ControlError(f'{request["do"]} needs "{name}", a whole number')
    return value


def _inject(board: Board, request: Request) -> object:
    return board.injections.add(_text(request)).about()


def _injected(board: Board, request: Request) -> object:
    return [one.about() for one in board.injections.all()]


def _remove(board: Board, request: Request) -> object:
    return board.injections.remove(_whole(request, "number")).about()


def _set(board: Board, request: Request) -> object:
    port = None if request.get("port") is None else _whole(request, "port")
    return settings.change(board.device.stack, _text(request), port)


ANSWERS: dict[str, Callable[[Board, Request], object]] = {
    "about": lambda board, request: board.about(),
    "ss": lambda board, request: facts.sockets(board.device.stack),
    "stats": lambda board, request: facts.stats(board.device.stack),
    "pools": lambda board, request: facts.pools(board.device.stack),
    "arp": lambda board, request: facts.neighbours(board.device.stack),
    "inject": _inject,
    "injected": _injected,
    "remove": _remove,
    "set": _set,
}
