"""The board on which foreign programs run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.netns import Namespace
from tests.usocket.foreign.board import Board
from tests.usocket.micropython_tree import micropython

__all__ = ["micropython"]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Namespace.open("new") as namespace:
        yield Board(namespace, tmp_path)


@pytest.fixture(params=["ours", "theirs"])
def either_asyncio(request: pytest.FixtureRequest, board: Board) -> None:
    """The test runs with our asyncio, and with MicroPython's own in the board's library."""
    if request.param == "theirs":
        tree: Path = request.getfixturevalue("micropython")
        (board.library / "asyncio").symlink_to(tree / "extmod" / "asyncio")
