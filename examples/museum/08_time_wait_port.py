"""One client cannot connect for two minutes, all others can: its port is in TIME_WAIT

Seen: a client reconnects to the board and gets no connection for up to two minutes. Other clients get in at
once. It happens to clients that come from the same port each time: other boards after a reset, NAT routers.

Why: the board closed the last connection first, so it keeps it in TIME_WAIT for 2 x 60 s (TCP_MSL). A SYN
from the same address and port gets an ACK of the old connection (tcp_timewait_input), never a new one;
Linux would take it if its sequence number is higher (RFC 1122, 4.2.2.13).

Cure: let the client close first, then TIME_WAIT is on its side; or have the client take another port. When
all control blocks are in use lwIP gives up the oldest TIME_WAIT for a new connection, so they do not run
out.

Reported: micropython#15844, micropython#12819, micropython#15939
"""

from lab.museum import BOARD, error_of

PORT = 50000


def connect(stage, port):
    """A client on a port of its choice: its socket and the name of an error."""
    sock = stage.peer.socket()
    sock.bind(("", port))
    error = error_of(sock.connect, (BOARD, 80))
    if error:
        sock.close()
    return sock, error


def visit_twice(stage, second_port=PORT, client_closes_first=False):
    server = stage.listener()
    client, _ = connect(stage, PORT)
    connection, _ = server.accept()
    first, second = (client, connection) if client_closes_first else (connection, client)
    first.close()
    second.recv(1)
    second.close()
    stage.sleep(1)
    if client_closes_first:
        stage.peer.power_cycle()  # the client's own TIME_WAIT would keep it from using the port again
    start = stage.now
    _, error = connect(stage, second_port)
    stage.say(f"second visit, from port {second_port}: {error or 'connected'}")
    while error:
        stage.sleep(10)
        _, error = connect(stage, second_port)
    return f"connected after {stage.now - start:.0f} s"


def pain(stage):
    """The server closes first, the client comes again from its port."""
    return visit_twice(stage)


def cure_by_closing_last(stage):
    """The client closes first."""
    return visit_twice(stage, client_closes_first=True)


def cure_by_another_port(stage):
    """The client comes again from another port."""
    return visit_twice(stage, second_port=PORT + 1)
