"""One socket that nobody reads, and the whole board is deaf: no ping, no ARP, no new connection

Seen: a program is busy and does not read a connection for a while. The board stops answering ping, other
connections stand still, new ones are not accepted. As soon as the program reads, everything works.

Why: each received frame takes a buffer of the pool (PBUF_POOL_SIZE: 16 buffers of 856 bytes), and data
stays in it until the program reads it. The window counts bytes, not buffers: 16 segments of one byte hold
the whole pool, and the window still says 6384. Without a buffer the driver drops every frame.

Cure: read, or close what is not to be read. Twice the buffers (PBUF_POOL_SIZE) hold out twice as long.

Reported: mbed-os#4536; measured on modlwip
"""

from lab.museum import on_board
from usocket import SOL_SOCKET, TCP_NODELAY

SEGMENTS = 16


def starve(stage, read):
    board, peer = stage.connection()
    peer.setsockopt(SOL_SOCKET, TCP_NODELAY, 1)
    for _ in range(SEGMENTS):
        peer.send(b"x")
        stage.sleep(0.01)
        if read:
            board.recv(1)
    pool = stage.board.stack.mem.pbuf_pool
    stage.say(f"{SEGMENTS} bytes have come in {SEGMENTS} segments; {pool.used} of {pool.size} buffers in use")
    answered = stage.ping()
    return "the board answers ping" if answered else "the board does not answer ping"


def pain(stage):
    """The program does not read what a chatty peer sends."""
    return starve(stage, read=False)


def cure_by_reading(stage):
    """The program reads."""
    return starve(stage, read=True)


@on_board(PBUF_POOL_SIZE=32)
def cure_by_option(stage):
    """It does not read, but there are 32 buffers."""
    return starve(stage, read=False)
