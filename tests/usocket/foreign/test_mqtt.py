"""umqtt.simple and umqtt.robust of micropython-lib with mosquitto."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.usocket.foreign.board import LINUX, PATIENCE, Board
from tests.usocket.foreign.download import install
from tests.usocket.foreign.sources import UMQTT_ROBUST, UMQTT_SIMPLE

pytestmark = [pytest.mark.tap, pytest.mark.needs("mosquitto")]

CONFIGURATION = """
listener 1883 0.0.0.0
allow_anonymous true
user root
log_type all
"""

SIMPLE = """
import sys
from umqtt.simple import MQTTClient, MQTTException

heard = []

def client(name, **options):
    it = MQTTClient(name, sys.argv[1], keepalive=30, **options)
    it.set_callback(lambda topic, message: heard.append((topic, len(message), message[:5])))
    return it

board = client("board")
board.set_last_will(b"will", b"gone")
print("session", board.connect())
board.subscribe(b"to/#", qos=1)
board.publish(b"to/board", b"hello")
board.wait_msg()
board.publish(b"to/board/big", b"x" * 5000, qos=1)
while len(heard) < 2:
    board.wait_msg()
board.publish(b"kept", b"still here", retain=True, qos=1)
board.ping()
board.wait_msg()
print(board.check_msg())
board.disconnect()

board = client("other")
board.connect(False)
board.subscribe(b"kept")
board.wait_msg()
board.sock.close()
print(heard)
"""

ROBUST = """
import sys, time
from umqtt.robust import MQTTClient

board = MQTTClient("robust", sys.argv[1])
board.connect()
print("ready")
sys.stdin.readline()
for number in range(3):  # the first may be lost: only the reset that it earns tells that nobody is there
    board.publish(b"count", b"%d" % number)
    time.sleep(0.2)
print("published")
board.disconnect()
"""


def broker(board: Board) -> AbstractContextManager[Path]:
    file = board.folder / "mosquitto.conf"
    file.write_text(CONFIGURATION)
    return board.server(["mosquitto", "-c", str(file)], 1883, "mosquitto.log")


@pytest.mark.parametrize("profile", ["micropython", "micropython-esp32"])
def test_simple(board: Board, profile: str) -> None:
    install(board.library, UMQTT_SIMPLE)
    with broker(board) as log:
        assert board.run(SIMPLE, LINUX, options=("--profile", profile)).splitlines() == [
            "session 0",
            "None",
            "[(b'to/board', 5, b'hello'), (b'to/board/big', 5000, b'xxxxx'), (b'kept', 10, b'still')]",
        ]
        told = wait_for("Received DISCONNECT from board", log)
    assert "Received PUBLISH from board (d0, q1, r0, m2, 'to/board/big', ... (5000 bytes))" in told
    assert "Received PINGREQ from board" in told
    assert "Received DISCONNECT from board" in told
    assert "No will message specified" in told  # of the second client


def test_robust_goes_on_with_a_broker_that_was_restarted(board: Board) -> None:
    install(board.library, UMQTT_SIMPLE, UMQTT_ROBUST)
    with ExitStack() as cleanup:
        with broker(board):
            process = cleanup.enter_context(board.running(ROBUST, LINUX))
        with broker(board) as log:
            assert process.communicate("\n", timeout=PATIENCE)[0] == "published\n"
            told = wait_for("Received DISCONNECT from robust", log)
    assert process.returncode == 0
    assert told.count("New client connected") == 2
    assert told.count("Received PUBLISH from robust (d0, q0, r0, m0, 'count', ... (1 bytes))") in (2, 3)


def wait_for(text: str, file: Path) -> str:
    """The content of a log when ``text`` is in it."""
    deadline = time.monotonic() + PATIENCE
    while text not in (told := file.read_text()):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told
