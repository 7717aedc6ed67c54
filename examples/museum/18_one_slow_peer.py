"""One slow client stops all others: they share a heap of 8000 bytes

Seen: a large page goes to a client whose Wi-Fi is bad. Meanwhile another client, right beside the board,
waits for seconds for a short answer, and ``sendto()`` raises ENOMEM.

Why: what was sent and not acknowledged stays in lwIP's heap (MEM_SIZE), which all connections share. One
full send buffer of 6400 bytes takes 7040 of its 8000 bytes, since 80 bytes of headers go with every
segment. What does not fit has to wait: MicroPython tries again every 50 ms, for 10 s.

Cure: queue less at a time for a client that may be slow. With a larger MEM_SIZE both fit.

Reported: micropython#1897, measured on modlwip
"""

from lab.museum import PEER, error_of, on_board
from usocket import SOCK_DGRAM

ANSWER = bytes(1600)


def serve_two(stage, queued=6400):
    slow, _slow_client = stage.connection(80)
    quick, _quick_client = stage.connection(81)
    stage.cable.to_board = False  # for 2 s no acknowledgement comes through
    stage.after(2, stage.cable.put_in)
    slow.send(bytes(queued))
    heap = stage.board.stack.mem.heap
    stage.say(f"{queued} bytes wait for the slow client; {heap.used} of {heap.size} bytes of the heap in use")
    error = error_of(stage.board.socket(2, SOCK_DGRAM).sendto, bytes(1000), (PEER, 5000))
    stage.say(f"sendto(1000 bytes): {error or 'sent'}")
    seconds = stage.took(quick.sendall, ANSWER)
    return f"the quick client's answer is queued after {seconds:.2f} s"


def pain(stage):
    """6400 bytes for the slow client, then 1600 for the quick one."""
    return serve_two(stage)


def cure_by_code(stage):
    """No more than 3200 bytes at a time for the slow client."""
    return serve_two(stage, queued=3200)


@on_board(MEM_SIZE=16000)
def cure_by_option(stage):
    """6400 bytes for the slow client, and a heap of 16000."""
    return serve_two(stage)
