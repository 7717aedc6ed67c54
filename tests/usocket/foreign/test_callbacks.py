"""A prompt in socket callbacks (option 20), as WebREPL's: the main program is free meanwhile."""

from __future__ import annotations

import pytest

from tests.usocket.foreign.board import DEVICE, PATIENCE, Board

pytestmark = [pytest.mark.tap, pytest.mark.needs("nc")]

PROGRAM = """
import socket, time

served = 0
names = {}
clients = {}  # each with the line that is not yet complete

def on_data(client):
    global served
    while client in clients:
        line = client.readline()
        if line is None:
            return
        clients[client] += line
        if line and not line.endswith(b"\\n"):
            continue
        line, clients[client] = clients[client], b""
        if line in (b"", b"exit\\n"):
            del clients[client]
            client.close()
            served += 1
            return
        try:
            answer = repr(eval(line, names))
        except Exception as error:
            answer = type(error).__name__
        client.write(answer + "\\n")

def on_connection(listener):
    client, address = listener.accept()
    clients[client] = b""
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, 20, on_data)
    client.write("hello\\n")
    on_data(client)

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", 8266))
listener.listen(4)
listener.setsockopt(socket.SOL_SOCKET, 20, on_connection)
print("ready")
names["turns"] = lambda: turns
turns = 0
while served < 3:
    turns += 1
    time.sleep_ms(10)
print(served, turns > 3)
"""


def test_prompt(board: Board) -> None:
    with board.running(PROGRAM) as process:

        def ask(lines: str) -> str:
            return board.linux("nc", "-N", DEVICE, "8266", data=lines + "exit\n")

        assert ask("1 + 1\n'a' * 3\n") == "hello\n2\n'aaa'\n"
        assert ask("1 / 0\n") == "hello\nZeroDivisionError\n"
        assert ask("turns() > 0\n" * 200) == "hello\n" + "True\n" * 200
        assert process.communicate(timeout=PATIENCE)[0] == "3 True\n"
    assert process.returncode == 0
