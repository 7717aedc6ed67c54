"""The client has gone and the server waits for ever: an end-of-file before accept() is lost

Seen: a sequential server is busy. Meanwhile a client connects, thinks better of it and closes. When the
server accepts that connection, ``recv()`` never returns: no data, no ``b""``, no error.

Why: before ``accept()`` MicroPython refuses whatever arrives for a connection (the callback returns
ERR_BUF). Data that is refused lwIP offers again later; the end of the stream alone it does not (tcp_input
looks only for ERR_ABRT there). Acknowledged it is all the same.

Cure: give every accepted connection a time-out; the listener's is inherited. And accept quickly: a thread
or asyncio for the work.

Reported: micropython#4644
"""

from lab.museum import error_of

ENDLESS = 3600  # s: as long as the exhibit waits


def serve(stage, timeout):
    server = stage.listener()
    client = stage.client()
    client.close()
    stage.sleep(1)
    stage.say("a client came and went; now accept()")
    connection, _ = server.accept()
    connection.settimeout(timeout)
    start = stage.now
    error = error_of(connection.recv, 100)
    stage.say(f"recv(): {error}")
    return f"recv() has waited {stage.now - start:.0f} s"


def pain(stage):
    """recv() without a time-out (here it ends after an hour)."""
    return serve(stage, ENDLESS)


def cure(stage):
    """recv() with a time-out of 5 s."""
    return serve(stage, 5)
