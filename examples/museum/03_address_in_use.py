"""EADDRINUSE after Ctrl-D: the port of the last run is still taken

Seen: a server is stopped and started again (Ctrl-C, Ctrl-D, a soft reset). ``bind()`` raises OSError 98
(EADDRINUSE; 112 on an ESP32) for two minutes. After a power cycle it works at once.

Why: a soft reset closes the program's sockets but does not restart lwIP. A connection that the board closed
first stays in TIME_WAIT for 2 x 60 s (TCP_MSL), and its local port counts as used (tcp_bind).

Cure: set SO_REUSEADDR on the listener before ``bind()`` (needs lwIP's SO_REUSE, which MicroPython has). Or
let the client close first: then TIME_WAIT is on its side.

Reported: micropython#10812, micropython#3739
"""

from lab.museum import error_of
from usocket import SO_REUSEADDR, SOL_SOCKET


def start_server(stage, reuse):
    """The program begins: its listener, and the name of an error."""
    server = stage.board.socket()
    if reuse:
        server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    error = error_of(server.bind, ("", 80))
    if error:
        server.close()
        return None, error
    server.listen(1)
    return server, None


def run_twice(stage, reuse):
    server, _ = start_server(stage, reuse)
    client = stage.client()
    connection, _ = server.accept()
    connection.close()
    client.recv(1)
    client.close()
    stage.sleep(1)
    stage.say("one client was served; Ctrl-D: soft reset")
    stage.board.soft_reset()
    start = stage.now
    server, error = start_server(stage, reuse)
    stage.say(f"the second run: {error or 'it listens'}")
    while error:
        stage.sleep(1)
        server, error = start_server(stage, reuse)
    return f"the server is back {stage.now - start:.0f} s after the reset"


def pain(stage):
    """A listener as in most examples."""
    return run_twice(stage, reuse=False)


def cure(stage):
    """The listener sets SO_REUSEADDR."""
    return run_twice(stage, reuse=True)
