"""micropython-modbus as a server (target), asked by a client that writes its requests byte by byte."""

from __future__ import annotations

import sys

import pytest

from tests.usocket.foreign.board import DEVICE, Board
from tests.usocket.foreign.download import install
from tests.usocket.foreign.sources import MODBUS

pytestmark = pytest.mark.tap

PROGRAM = """
from umodbus.tcp import ModbusTCP

target = ModbusTCP()
target.bind(local_ip="0.0.0.0", local_port=502)
target.add_coil(20, value=True)
target.add_hreg(93, value=19)
target.add_ireg(10, value=[60001, 2])
print("ready")
while True:
    target.process()
"""

# Transaction, protocol 0, length, unit, function, what it is about: Modbus Messaging on TCP/IP 1.0b, 3.1.3.
CLIENT = """
import socket, sys
connection = socket.create_connection((sys.argv[1], 502), 20)
for request in sys.argv[2:]:
    connection.sendall(bytes.fromhex(request))
    head = connection.recv(6, socket.MSG_WAITALL)
    print((head + connection.recv(head[5], socket.MSG_WAITALL)).hex())
"""

CONVERSATION = {
    "0001000000060103005d0001": "0001000000050103020013",  # read holding register 93: 19
    "0002000000060106005d01f4": "0002000000060106005d01f4",  # set it to 500
    "0003000000060103005d0001": "00030000000501030201f4",
    "000400000006010100140001": "00040000000401010101",  # read coil 20
    "000500000006010500140000": "000500000006010500140000",  # switch it off
    "000600000006010100140001": "00060000000401010100",
    "0007000000060104000a0002": "000700000007010404ea610002",  # read two input registers
    "000800000006010300630001": "000800000003018302",  # there is no register 99
}
NEXT = {  # what the first client has set
    "0001000000060103005d0001": "00010000000501030201f4",
    "000200000006010100140001": "00020000000401010100",
}


def test_target(board: Board) -> None:
    install(board.library, MODBUS)
    with board.running(PROGRAM):
        for conversation in (CONVERSATION, NEXT):
            answers = board.linux(sys.executable, "-I", "-c", CLIENT, DEVICE, *conversation)
            assert answers.split() == list(conversation.values())
