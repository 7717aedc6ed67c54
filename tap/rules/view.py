"""What a rule's callback sees of a frame: everything, and it can change none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tap.impair.fields import get, layers
from tap.rules.fields import field_name

if TYPE_CHECKING:
    from tap.rules.coordinate import Coordinate


class FrameView:
    """A frame that is about to pass: ``frame`` its bytes, ``now`` the clock's ns, ``coordinate`` where it is.

    ``view.kind``, ``n``, ``seq``, ``xmit``, ``conn``, ``flow`` and ``direction`` are those of the coordinate,
    so ``n`` counts the frames of that kind in the flow, whatever else the rule asks for.
    """

    __slots__ = ("coordinate", "frame", "now")

    frame: bytes
    now: int
    coordinate: Coordinate

    def __init__(self, frame: bytes, now: int, coordinate: Coordinate) -> None:
        for name, value in (("frame", frame), ("now", now), ("coordinate", coordinate)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a frame view cannot be changed: return Rewrite(...)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a frame view cannot be changed: return Rewrite(...)")

    @property
    def kind(self) -> str:
        """The main kind."""
        return self.coordinate.kind

    @property
    def n(self) -> int:
        """The ordinal among the frames of that kind in the flow."""
        return self.coordinate.n

    @property
    def seq(self) -> int | None:
        """The relative sequence number; None for what is not TCP."""
        return self.coordinate.seq

    @property
    def xmit(self) -> int | None:
        """Which transmission it is; None for what is not TCP."""
        return self.coordinate.xmit

    @property
    def conn(self) -> int:
        """Which conversation on the cable."""
        return self.coordinate.conn

    @property
    def flow(self) -> str:
        """Who to whom."""
        return self.coordinate.flow

    @property
    def direction(self) -> str:
        """Of the cable, as client>server."""
        return self.coordinate.direction

    @property
    def payload(self) -> bytes:
        """What is behind the headers of TCP, UDP or ICMP, or of IPv4; without Ethernet padding."""
        at = layers(self.frame).get("payload")
        if at is None:
            return b""
        return self.frame[at : 14 + (self.frame[16] << 8 | self.frame[17])]

    def field(self, name: str) -> int | None:
        """The value of a field by its name, ``tcp.window``; None when the frame has none. Raises RuleError
        when there is no such field.
        """
        return get(self.frame, field_name(name))

    def __bytes__(self) -> bytes:
        return self.frame

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<{self.coordinate}, {len(self.frame)} bytes>"
