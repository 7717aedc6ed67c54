"""ENOMEM after a few requests: the sixth socket

Seen: a program fetches something every minute. Five times it works, then ``socket()`` raises OSError 12
(ENOMEM), for ever after.

Why: a board has 5 TCP control blocks (MEMP_NUM_TCP_PCB), and ``socket()`` takes one at once (tcp_new). A
socket that is not closed keeps it, also when its peer has long gone, and also when the program has
forgotten the socket: until the garbage collector finds it.

Cure: close each socket on every way out (``try: ... finally: sock.close()``, or ``with``). ``gc.collect()``
closes those that were forgotten. More control blocks (MEMP_NUM_TCP_PCB) only delay the day.

Reported: micropython#1897, micropython-lib#151, micropython-lib#175
"""

from lab.museum import PEER, on_board

FETCHES = 8


def fetch(stage, close):
    """One request to a server on the peer."""
    sock = stage.board.socket()
    sock.connect((PEER, 80))
    sock.send(b"GET / HTTP/1.0\r\n\r\n")
    if close:
        sock.close()


def fetch_all(stage, close=False, collect=False):
    server = stage.peer.socket()
    server.bind(("", 80))
    server.listen(FETCHES)
    for number in range(FETCHES):
        if collect:
            stage.board.collect()  # what gc.collect() does in a program
        try:
            fetch(stage, close)
        except OSError as error:
            stage.say(f"request {number + 1}: {error}")
            return f"{number} of {FETCHES} requests, then {error}"
        stage.say(f"request {number + 1}: sent, {stage.board.stack.mem.tcp_pcb.used} control blocks in use")
        connection, _ = server.accept()
        connection.recv(100)
        connection.close()
        stage.sleep(60)
    return f"{FETCHES} of {FETCHES} requests"


def pain(stage):
    """Nobody closes the sockets."""
    return fetch_all(stage)


def cure_by_closing(stage):
    """The program closes each socket."""
    return fetch_all(stage, close=True)


def cure_by_collecting(stage):
    """The program calls gc.collect() before each request."""
    return fetch_all(stage, collect=True)


@on_board(MEMP_NUM_TCP_PCB=10)
def cure_by_option(stage):
    """Nobody closes the sockets, but there are ten control blocks: it takes longer."""
    return fetch_all(stage)
