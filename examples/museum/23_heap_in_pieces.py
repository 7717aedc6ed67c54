"""ENOMEM although there is room: the heap is in pieces

Seen: ``sendto()`` raises ENOMEM for a datagram of 3600 bytes while lwIP's statistics say that 4480 bytes of
the heap are free.

Why: a datagram needs one block, and lwIP takes the first that is large enough (mem_malloc). Blocks in use
lie between those that are free: here segments that are not acknowledged yet.

Cure: smaller datagrams (fragments of IP come from the same heap: less than 1472 bytes is best anyway), or a
larger MEM_SIZE.

Reported: measured on modlwip; micropython#1897 has the error
"""

from lab.museum import PEER, error_of, on_board
from usocket import SOCK_DGRAM


def send_beside(stage, size=3600):
    board, _client = stage.connection()
    board.send(bytes(6400))
    stage.sleep(0.0025)  # four of its eight segments are acknowledged,
    stage.cable.pull_out()
    stage.sleep(0.1)  # the others are not
    heap = stage.board.stack.mem.heap
    free = heap.size - heap.used
    error = error_of(stage.board.socket(2, SOCK_DGRAM).sendto, bytes(size), (PEER, 5000))
    stage.say(f"{free} of {heap.size} bytes are free; sendto({size} bytes): {error or 'sent'}")
    return error or "sent"


def pain(stage):
    """A datagram of 3600 bytes beside four segments on their way."""
    return send_beside(stage)


def cure_by_code(stage):
    """A datagram of 1400 bytes."""
    return send_beside(stage, size=1400)


@on_board(MEM_SIZE=12000)
def cure_by_option(stage):
    """A datagram of 3600 bytes and a heap of 12,000."""
    return send_beside(stage)
