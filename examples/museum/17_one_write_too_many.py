"""One write too many: send() hangs for ten seconds, says yes, and the data is lost

Seen: a program sends many small messages with TCP_NODELAY. Suddenly ``send()`` takes ten seconds, also on a
socket that shall not block, and although ``poll`` called it writable; it returns the full length, but the
message never arrives.

Why: with TCP_NODELAY every write is a segment of its own, and there are 32 of them for all connections
(MEMP_NUM_TCP_SEG; also TCP_SND_QUEUELEN). When the peer is slow to acknowledge, tcp_write fails with
ERR_MEM; MicroPython tries again for 200 x 50 ms and then reports success all the same (lwip_tcp_send).

Cure: write larger pieces, or leave Nagle's algorithm on: small writes share a segment then. A peer that
acknowledges is as good. More segments (MEMP_NUM_TCP_SEG, TCP_SND_QUEUELEN) take more writes.

Reported: micropython#19704, micropython#19627
"""

from lab.museum import on_board
from usocket import SOL_SOCKET, TCP_NODELAY

WRITES = 34
MESSAGE = b"0123456789"


def chatter(stage, nodelay=True):
    board, peer = stage.connection()
    board.setblocking(False)
    board.setsockopt(SOL_SOCKET, TCP_NODELAY, nodelay)
    stage.cable.to_board = False  # the peer's acknowledgements do not come through for a while
    sent = 0
    for number in range(1, WRITES + 1):
        start = stage.now
        sent += board.send(MESSAGE)
        if stage.now - start > 1:
            stage.say(f"send() number {number} returns {len(MESSAGE)} after {stage.now - start:.1f} s")
    stage.cable.to_board = True
    stage.sleep(30)
    board.close()
    got = len(peer.read())
    return f"{sent} bytes sent, {got} arrive"


def pain(stage):
    """34 writes of 10 bytes with TCP_NODELAY."""
    return chatter(stage)


def cure_by_nagle(stage):
    """The same without TCP_NODELAY."""
    return chatter(stage, nodelay=False)


@on_board(MEMP_NUM_TCP_SEG=64, TCP_SND_QUEUELEN=64)
def cure_by_option(stage):
    """With TCP_NODELAY and 64 segments."""
    return chatter(stage)
