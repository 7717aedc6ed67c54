"""curl: connection reset by peer, although the server has answered

Seen: a server that answers every client with the same page, whatever it asks. Browsers show "connection
reset" instead of the page, or its beginning only.

Why: closing a connection whose received data nobody has read sends a RST instead of a FIN
(tcp_close_shutdown, as RFC 1122, 4.2.2.13 asks), and a RST makes the peer throw away what it has not read
yet. Here that is the answer.

Cure: read the request before closing, to its end.

Reported: micropython#17072
"""

from lab.museum import error_of


def serve(stage, read):
    server = stage.listener()
    client = stage.client()
    connection, _ = server.accept()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    stage.sleep(0.5)
    if read:
        connection.recv(1000)
    connection.sendall(bytes(3000))
    connection.close()
    stage.sleep(1)  # the client is busy
    page = bytearray()

    def read_page():
        while data := client.recv(1000):
            page.extend(data)

    error = error_of(read_page)
    stage.say(f"the client gets {len(page)} bytes, then {error or 'the end'}")
    return f"{len(page)} bytes, {error or 'and the end'}"


def pain(stage):
    """The server answers and closes without reading the request."""
    return serve(stage, read=False)


def cure(stage):
    """It reads the request first."""
    return serve(stage, read=True)
