"""After a reset the server is out of reach for two minutes: always the same local port

Seen: a program is changed and the board reset, again and again. At times ``connect()`` to the server fails,
and again after the next reset, for up to two minutes; a PC reaches the server at once.

Why: lwIP gives its local ports out in order, and begins with the same one after each power-on
(tcp_new_port). When the server closed the last connection first, it keeps that port in TIME_WAIT, and does
not take a new SYN from it.

Cure: ``bind(("", port))`` to a random port before ``connect()``; or close first, before the server does.

Reported: esp8266/Arduino#5902, esp8266/Arduino#5906
"""

from lab.museum import PEER, error_of


def connect(stage, port):
    sock = stage.board.socket()
    if port:
        sock.bind(("", port))
    return sock, error_of(sock.connect, (PEER, 80))


def reset_and_connect(stage, port=0, board_closes_first=False):
    server = stage.peer.socket()
    server.bind(("", 80))
    server.listen(5)
    sock, _ = connect(stage, 0)
    connection, _ = server.accept()
    first, second = (sock, connection) if board_closes_first else (connection, sock)
    first.close()
    second.recv(1)
    second.close()
    stage.sleep(1)
    stage.board.power_cycle()
    stage.say("the board was reset")
    start = stage.now
    while error := connect(stage, port)[1]:
        stage.say(f"connect(): {error}")
        stage.sleep(30)
        stage.board.power_cycle()  # what many programs do after an error: machine.reset()
    return f"connected {stage.now - start:.0f} s after the reset"


def pain(stage):
    """The server closes first, then the board is reset."""
    return reset_and_connect(stage)


def cure_by_port(stage):
    """After the reset the program binds a port of its own choice first."""
    return reset_and_connect(stage, port=50123)


def cure_by_closing(stage):
    """The board closes first."""
    return reset_and_connect(stage, board_closes_first=True)
