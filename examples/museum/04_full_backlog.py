"""Connected, then reset: the backlog is full

Seen: a browser opens several connections at once. Some pictures of the page are missing: "connection
reset", although the connection had been established. A client that connects and writes gets ECONNRESET.

Why: MicroPython keeps finished handshakes in a queue of ``listen(n)`` places. lwIP completes the handshake
first and asks then: with no place left the callback refuses, and lwIP resets the connection
(lwip_tcp_accept, tcp_abort). Linux would let the client wait instead. lwIP's own backlog counts half-open
connections only.

Cure: ``listen(5)``; a board has 5 control blocks (MEMP_NUM_TCP_PCB), more is never of use without more of
these. And accept quickly.

Reported: micropython#2490, micropython#4312, picoweb#67
"""

from lab.museum import error_of

CONNECTIONS = 4  # that the browser opens


def browse(stage, backlog):
    server = stage.listener(backlog=backlog)
    clients = [stage.client() for _ in range(CONNECTIONS)]
    stage.say(f"listen({backlog}): connect() has returned for {len(clients)} clients")
    stage.sleep(0.1)
    served = 0
    server.settimeout(0.5)
    while error_of(serve, server) is None:
        served += 1
    for number, client in enumerate(clients, 1):
        error = error_of(client.recv, 100)
        stage.say(f"client {number}: {error or 'has its answer'}")
    return f"{served} of {CONNECTIONS} clients are served, {CONNECTIONS - served} reset"


def serve(server):
    connection, _ = server.accept()
    connection.send(b"the answer")
    connection.close()


def pain(stage):
    """A browser with four connections meets listen(1)."""
    return browse(stage, backlog=1)


def cure(stage):
    """It meets listen(5)."""
    return browse(stage, backlog=5)
