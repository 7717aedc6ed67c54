"""connect() failed, and now it is EALREADY: the attempt goes on

Seen: ``connect()`` raises ETIMEDOUT, or EINPROGRESS without blocking. The program tries again with the same
socket and gets EALREADY (114), then EBADF (9) for ever, although the server is back.

Why: the time-out is MicroPython's, lwIP goes on sending SYNs for 18 s (TCP_SYNMAXRTX, one each 3 s). Until
then the socket is connecting; afterwards its control block is gone, and with it every further attempt
(lwip_socket_connect).

Cure: a new socket for each attempt, and ``close()`` for the old one.

Reported: micropython#15223, micropython#8326, micropython#2930
"""

from lab.museum import PEER, error_of


def attempt(stage, sock):
    """One attempt with a time-out of 5 s: the name of its error."""
    sock.settimeout(5)
    error = error_of(sock.connect, (PEER, 80))
    stage.say(f"connect(): {error or 'connected'}")
    return error


def connect(stage, new_socket):
    stage.cable.pull_out()
    sock = stage.board.socket()
    for pause in (1, 40):
        attempt(stage, sock)
        stage.sleep(pause)
        if new_socket:
            sock.close()
            sock = stage.board.socket()
    stage.cable.put_in()
    server = stage.peer.socket()
    server.bind(("", 80))
    server.listen(1)
    stage.say("the server is back")
    return attempt(stage, sock) or "connected"


def pain(stage):
    """The same socket each time; the server is back 40 s later."""
    return connect(stage, new_socket=False)


def cure(stage):
    """A new socket for each attempt."""
    return connect(stage, new_socket=True)
