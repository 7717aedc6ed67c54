"""What boards hide or do not survive: counted, told, and explained by the error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.usocket.support import CLIENT, listening, raises, two_devices
from usocket.errno import EBADF, EINVAL
from usocket.oddities import CRASH, HANG, LOSS, ODDITIES, Oddities


def test_they_are_counted_and_told() -> None:
    told: list[tuple[str, str]] = []
    oddities = Oddities(lambda name, sentence: told.append((name, sentence)))
    assert oddities.note("callback-lost").startswith(LOSS + ": more than 8 callbacks")
    oddities.note("callback-lost")
    assert oddities == {"callback-lost": 2}
    assert [name for name, _ in told] == ["callback-lost"] * 2


def test_every_note_in_the_code_is_in_the_table() -> None:
    folder = Path(__file__).resolve().parents[2] / "usocket"
    used = {
        name
        for file in folder.glob("*.py")
        for name in re.findall(r'(?:note\(|errno\.EINVAL, )"([a-z0-9-]+)"', file.read_text(encoding="utf-8"))
    }
    assert used == set(ODDITIES)


def test_a_second_bind_says_that_a_board_hangs() -> None:
    with two_devices() as pair:
        sock = pair.server.socket()
        sock.bind(("", 80))
        with pytest.raises(OSError) as caught:
            sock.bind(("", 81))
        assert caught.value.errno == EINVAL
        (note,) = caught.value.__notes__
        assert note.startswith(HANG)
        assert pair.server.oddities == {"second-bind": 1}


def test_what_would_crash_a_board() -> None:
    with two_devices() as pair:
        sock = pair.server.socket()
        sock.close()
        with raises(EBADF):
            sock.setsockopt(1, 4, 1)
        with pytest.raises(ValueError, match="negative") as caught:
            pair.server.socket().recv(-1)
        assert caught.value.__notes__[0].startswith(CRASH)
        datagrams = pair.server.socket(2, 2)
        datagrams.setsockopt(6, 0x40, 1)
        listening(pair.server, 80, 256)
        datagrams.close()
        with raises(EBADF):
            datagrams.read(1)
        assert pair.server.oddities == {
            "setsockopt-closed": 1,
            "negative-size": 1,
            "setsockopt-udp-nodelay": 1,
            "backlog-over-255": 1,
            "read-after-close": 1,
        }


def test_send_after_a_reset_that_recv_has_told_of() -> None:
    with two_devices() as pair:
        _, accepted, client = pair.connected()
        accepted.send(b"unread")
        pair.advance(10)
        client.close()  # unread data: a reset
        pair.advance(10)
        with raises(104):
            accepted.recv(1)
        with raises(EBADF):
            accepted.send(b"x")
        assert pair.server.oddities == {"send-after-reset": 1}
        assert CLIENT
