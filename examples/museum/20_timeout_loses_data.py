"""read(100) with a time-out: what had come already is lost

Seen: a program reads records of fixed length with ``read(n)`` and a time-out. After a time-out the records
are shifted: their beginning is missing.

Why: ``read(n)`` loops until it has n bytes. Any error but EAGAIN, a time-out too, leaves that loop and
throws away what it had (mp_stream_rw); the bytes are acknowledged and gone.

Cure: collect with ``recv()``, which returns what there is, in a buffer of the program's own; or do not
block (``setblocking(False)`` and ``poll``): then ``read`` returns the part that it has.

Reported: micropython#3155
"""

from lab.museum import error_of

RECORD = bytes(range(100))


def read_record(sock):
    """A record, as one would like to write it."""
    return sock.read(len(RECORD))


class Collector:
    """Keeps what has come until a record is complete."""

    def __init__(self):
        self.data = b""

    def __call__(self, sock):
        while len(self.data) < len(RECORD):
            self.data += sock.recv(len(RECORD) - len(self.data))
        return self.data


def receive(stage, read):
    board, peer = stage.connection()
    board.settimeout(1)
    peer.send(RECORD[:60])
    stage.say(f"60 bytes have come: {error_of(read, board)}")
    peer.send(RECORD[60:] + RECORD)
    record = read(board)
    stage.say(f"then the rest: the record begins with byte {record[0]}")
    return f"a record of bytes {record[0]} to {record[-1]}"


def pain(stage):
    """read(100) with a time-out of 1 s, twice."""
    return receive(stage, read_record)


def cure(stage):
    """recv() into a buffer of one's own."""
    return receive(stage, Collector())
