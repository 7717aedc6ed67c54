"""What a callback sees."""

from __future__ import annotations

import pytest

from tap.rules.coordinate import Tracker
from tap.rules.errors import RuleError
from tap.rules.view import FrameView
from tests.tap.rules.bench import ACK, PSH, packet, tcp


def view(frame: bytes) -> FrameView:
    return FrameView(frame, 5, Tracker().see(frame, "client>server", 0))


def test_everything_can_be_seen() -> None:
    frame = tcp(ACK | PSH, 1, 1, b"hello") + bytes(6)
    seen = view(frame)
    assert (seen.kind, seen.n, seen.seq, seen.xmit, seen.conn) == ("data", 1, 1, 1, 1)
    assert (seen.flow, seen.direction, seen.now) == ("10.0.0.2:49153>10.0.0.1:80", "client>server", 5)
    assert seen.payload == b"hello"
    assert seen.field("tcp.window") == 4096
    assert seen.field("udp.sport") is None
    assert (bytes(seen), len(seen)) == (frame, len(frame))
    assert "client>server kind=data n=1" in repr(seen)
    assert view(bytes(20)).payload == b""
    assert view(packet(1, 2, 200, b"above")).payload == b"above"
    with pytest.raises(RuleError, match=r"did you mean tcp\.window"):
        seen.field("tcp.wndow")


@pytest.mark.parametrize("name", ["frame", "now", "coordinate", "kind", "anything"])
def test_nothing_can_be_changed(name: str) -> None:
    seen = view(tcp(ACK, 1, 1))
    with pytest.raises(AttributeError, match="return Rewrite"):
        setattr(seen, name, 1)
    with pytest.raises(AttributeError, match="return Rewrite"):
        delattr(seen, name)
