"""Every answer is a quarter of a second late: data that came before accept()

Seen: each request to the board takes up to 256 ms longer than it should, more or less at random. Requests
on a connection that is there already are quick.

Why: before ``accept()`` MicroPython refuses data (the callback returns ERR_BUF). lwIP keeps it and offers
it again only at its next fast timer, every 250 ms (TCP_TMR_INTERVAL), also when ``accept()`` has been
called long since (tcp_process_refused_data).

Cure: be in ``accept()`` before the client talks: it needs a round trip to get there. Or have the board
speak first, or keep connections open. A faster TCP_TMR_INTERVAL shortens the wait (and all other TCP
timers).

Reported: nobody has found it; measured on modlwip, and seen in the first transcript of README.md
"""

from lab.museum import BOARD, on_board


def serve(stage, pause):
    server = stage.listener()
    client = stage.peer.socket()
    client.setblocking(False)
    try:
        client.connect((BOARD, 80))
    except OSError:
        pass  # EINPROGRESS
    connection = None
    if not pause:
        connection, _ = server.accept()
    stage.sleep(0.01)
    client.send(b"GET /")
    start = stage.now
    if connection is None:
        stage.sleep(pause)
        connection, _ = server.accept()
    connection.recv(100)
    return f"the request is read {1000 * (stage.now - start):.0f} ms after it was sent"


def pain(stage):
    """The server calls accept() 5 ms after the client has spoken."""
    return serve(stage, 0.005)


def cure_by_accepting(stage):
    """The server waits in accept() when the client comes."""
    return serve(stage, 0)


@on_board(TCP_TMR_INTERVAL=50)
def cure_by_option(stage):
    """It calls accept() late, but lwIP's timer runs every 50 ms."""
    return serve(stage, 0.005)
