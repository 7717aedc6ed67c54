"""Places in a frame."""

from __future__ import annotations

import pytest

from tap.rules.errors import RuleError
from tap.rules.place import Position, position
from tests.tap.rules.bench import ACK, tcp

FRAME = tcp(ACK, 1, 1, b"hello")


@pytest.mark.parametrize(
    ("text", "at"),
    [("54", 54), ("-1", 58), ("0", 0), ("tcp+13", 47), ("payload+0", 54), ("payload", 54), ("eth+3", 3),
     ("59", None), ("-60", None), ("udp+0", None), ("payload+5", None), ("tcp+999", None)],
)  # fmt: skip
def test_places(text: str, at: int | None) -> None:
    assert position(text).find(FRAME) == at
    assert position(str(position(text))) == position(text)


def test_bits() -> None:
    assert Position(-8).find(FRAME, 8) == 58 * 8
    assert Position(1, "payload").find(FRAME, 8) == 54 * 8 + 1
    assert position(7) == Position(7)


@pytest.mark.parametrize("text", ["", "x y", "+3", "tcp-1", "payloda+1", "1.5", True, None])
def test_mistakes(text: object) -> None:
    with pytest.raises(RuleError, match=r"write 54|did you mean payload"):
        position(text)  # type: ignore[arg-type]
