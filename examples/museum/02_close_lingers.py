"""ENOMEM although every socket was closed: a closed connection lingers for 10 s

Seen: a server answers five clients and closes each connection properly. Right after that ``socket()``, and
every new client, fails for up to ten seconds, then all is well again.

Why: ``close()`` sends a FIN, but the control block stays until the peer has closed its side, too. lwIP's
own limit for that is 20 s (TCP_FIN_WAIT_TIMEOUT); MicroPython gives up after 10 s and resets the connection
(_lwip_tcp_close_poll). Connections in TIME_WAIT and LAST_ACK are given up for a new one (tcp_alloc), those
in FIN_WAIT_2 are not.

Cure: let the client close first: it does so if the answer says when it is over (Content-Length, Connection:
close), and the server reads until ``b""``, with a time-out. Or more control blocks (MEMP_NUM_TCP_PCB).

Reported: micropython#12819, micropython-lib#1121
"""

from lab.museum import error_of, on_board

CLIENTS = 5


def serve(stage, client_closes):
    """Answer five clients; then how long it takes until there is a socket again."""
    server = stage.listener()
    clients = []
    for _ in range(CLIENTS):
        client = stage.client()
        connection, _ = server.accept()
        connection.send(b"the answer")
        client.recv(100)
        if client_closes:
            client.close()
            connection.recv(1)  # b"": the client has closed
        connection.close()
        clients.append(client)  # a client that has got all it wants, and keeps its side open
    pool = stage.board.stack.mem.tcp_pcb
    stage.say(f"all {CLIENTS} connections are closed; {pool.used} of {pool.size} control blocks are in use")
    start = stage.now
    while error := error_of(stage.board.socket):
        stage.say(f"socket(): {error}")
        stage.sleep(2)
    return f"a socket is to be had {stage.now - start:.0f} s later"


def pain(stage):
    """The server closes first, the clients keep their side open."""
    return serve(stage, client_closes=False)


def cure_by_code(stage):
    """The server waits for the clients to close."""
    return serve(stage, client_closes=True)


@on_board(MEMP_NUM_TCP_PCB=8)
def cure_by_option(stage):
    """The server closes first, but there are eight control blocks."""
    return serve(stage, client_closes=False)
