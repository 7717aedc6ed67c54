"""What a page gets of a device: the lines of a trace, explained; and what is left out when it is too slow."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import usocket
from lab.control.board import Board
from lab.control.hooks import Hooks
from lab.control.session import Session
from lab.trace.schema import wrong_event, wrong_header
from netstack.trace import Event
from tap.clock import MS, RealClock
from tap.splice import SplicedLink
from tap.wire import wire
from usocket import Device

IP, PEER = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def board() -> Iterator[Board]:
    """A device in real time, on a wire to another."""
    clock = RealClock()
    near, far = wire(clock, delay=MS)
    splice = SplicedLink(near, clock, "device", seed=1)
    device = Device(address=f"{IP}/24", link=splice, clock=clock, service=True)
    peer = Device(address=f"{PEER}/24", link=far, clock=clock, name="peer")
    with device, peer:
        yield Board(device, splice, "none")


def connect(board: Board, data: bytes = b"hello") -> None:
    """A connection from the peer to the device, which takes ``data``."""
    with board.device.use():
        listener = usocket.socket()
        listener.setsockopt(usocket.SOL_SOCKET, usocket.SO_REUSEADDR, 1)
        listener.bind(("", 80))
        listener.listen(1)

    def take() -> None:
        with board.device.use():
            connection, _ = listener.accept()
            while connection.recv(1000):
                pass
            connection.close()
            listener.close()

    taking = threading.Thread(target=take)
    taking.start()
    sock = usocket.socket()  # the current device is the peer
    sock.connect((IP, 80))
    sock.sendall(data)
    sock.close()
    taking.join(20)


def lines_of(session: Session) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    while (text := session.take()) is not None:
        lines += json.loads(text)
    return lines


def test_a_connection_as_a_trace_with_explanations(board: Board) -> None:
    with Session(board) as session:
        connect(board)
        header, *events = lines_of(session)
    assert wrong_header(header) is None
    assert header["source"] == "live"
    assert header["cables"] == [{"name": "device-linux", "ends": ["device", "linux"]}]
    assert [wrong_event(event, i) for i, event in enumerate(events)] == [None] * len(events)
    states = [event["new"] for event in events if event["kind"] == "state"]
    assert states[:3] == ["SYN_RCVD", "ESTABLISHED", "CLOSE_WAIT"]
    (handshake,) = [event for event in events if event.get("cause") == "syn-ack"]
    assert handshake["text"].startswith("sent ")
    assert "tcp" in handshake["source"]
    sent = [event["frame"] for event in events if event["kind"] == "frame-out"]
    wired = [event["frame"] for event in events if event["kind"] == "wire" and event["on"] == "device>linux"]
    assert sent == wired != []


def test_frames_that_a_rule_takes_die_on_the_way(board: Board) -> None:
    with board.device.host.lock:
        board.injections.add("linux>device drop kind=data n=1 xmit=1")
    with Session(board) as session:
        connect(board)
        _, *events = lines_of(session)
    (died,) = [event for event in events if event["kind"] == "died"]
    assert (died["on"], died["rule"]) == ("linux>device", "drop kind=data n=1 xmit=1")


def test_what_has_no_room_is_left_out_and_counted(board: Board) -> None:
    with Session(board, most_waiting=40) as session:
        connect(board, bytes(20_000))
        assert len(session._queue) == 40
        _, *events = lines_of(session)
        (gap,) = [event for event in events if event["kind"] == "left-out"]
        assert gap["events"] > 300
        connect(board)  # it goes on, as soon as there is room
        assert "state" in [event["kind"] for event in lines_of(session)]


def test_with_no_session_nothing_is_recorded_and_no_cable_is_there(board: Board) -> None:
    device = board.device
    assert (device.stack.trace, board.splice.cable) == (None, None)
    with Session(board), Session(board):
        assert device.stack.trace is not None
        assert board.splice.cable is not None
    assert (device.stack.trace, device.trace, board.splice.cable) == (None, None, None)


def test_hooks_leave_those_that_were_there(board: Board) -> None:
    heard: list[tuple[str, Event]] = []
    device = board.device
    device.trace = device.stack.trace = first = lambda event: heard.append(("first", event))
    hooks = Hooks(device)
    second = lambda event: heard.append(("second", event))  # noqa: E731
    hooks.add(second)
    connect(board)
    names = [name for name, _ in heard]
    assert names.count("first") == names.count("second") > 10
    hooks.remove(second)
    assert device.stack.trace is first is device.trace
