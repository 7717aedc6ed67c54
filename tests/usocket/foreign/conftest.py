"""The board on which foreign programs run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.netns import Namespace
from tests.usocket.foreign.board import Board


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Namespace.open("new") as namespace:
        yield Board(namespace, tmp_path)
