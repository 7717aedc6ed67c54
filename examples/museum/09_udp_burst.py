"""Of a burst of ten datagrams four arrive: the short queue of a UDP socket

Seen: a sender emits several datagrams at once (sensors that answer a broadcast, a file in pieces). The
program on the board reads the first four; the others are gone, without an error on either side.

Why: a socket of MicroPython keeps 4 datagrams that have not been read (1 before v1.26) and drops the newest
when there are more (udp_recv_callback). Each of them also holds a buffer of the receive pool (16 of them
for everything).

Cure: have the sender pause, or wait for an answer to each datagram; read as soon as something has come. The
length of the queue is a constant of modlwip.c (here UDP_RXQ); an ESP32 has 6.

Reported: micropython#17261, micropython#8688
"""

from lab.museum import BOARD, error_of, on_board
from usocket import MSG_PEEK, SOCK_DGRAM

DATAGRAMS = 10


def burst(stage, pause=0.0):
    stage.ping()  # the neighbours know each other
    receiver = stage.board.socket(2, SOCK_DGRAM)
    receiver.bind(("", 5000))
    receiver.setblocking(False)
    sender = stage.peer.socket(2, SOCK_DGRAM)
    received = []
    for number in range(DATAGRAMS):
        sender.sendto(b"%d" % number, (BOARD, 5000))
        if pause:
            stage.sleep(pause)
            received.append(receiver.recv(100))
    stage.sleep(0.1)  # the program on the board does something else
    while error_of(receiver.recv, 1, MSG_PEEK) is None:
        received.append(receiver.recv(100))
    stage.say(f"read: {b' '.join(received).decode()}")
    return f"{len(received)} of {DATAGRAMS} datagrams arrive"


def pain(stage):
    """The sender emits ten datagrams at once."""
    return burst(stage)


def cure_by_pausing(stage):
    """It pauses 10 ms after each, and the program reads meanwhile."""
    return burst(stage, pause=0.01)


@on_board(UDP_RXQ=10)
def cure_by_option(stage):
    """A socket keeps ten datagrams."""
    return burst(stage)
