"""A request takes 200 ms on a quiet network: head and body in two writes

Seen: a program writes the head of a request, then its body, then reads the answer; each request takes up to
a quarter of a second. With head and body in one ``write()`` it takes a few milliseconds.

Why: Nagle's algorithm (RFC 9293, 3.7.4) holds the second small write until the first is acknowledged, and
the peer, which has nothing to answer yet, delays that acknowledgement (tcp_output_nagle on this side,
tcp_ack on that).

Cure: one write; or TCP_NODELAY, at the price of a segment for each write.

Reported: micropython#14123
"""

from lab.museum import PEER
from usocket import SOL_SOCKET, TCP_NODELAY

HEAD, BODY = b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\n", b"body"


def post(stage, writes, nodelay=0):
    server = stage.peer.socket()
    server.bind(("", 80))
    server.listen(1)
    sock = stage.board.socket()
    sock.setsockopt(SOL_SOCKET, TCP_NODELAY, nodelay)
    sock.connect((PEER, 80))
    connection, _ = server.accept()
    start = stage.now
    for data in writes:
        sock.write(data)
    connection.read(len(HEAD + BODY))
    return f"the server has the request after {1000 * (stage.now - start):.0f} ms"


def pain(stage):
    """Two writes."""
    return post(stage, [HEAD, BODY])


def cure_by_one_write(stage):
    """One write."""
    return post(stage, [HEAD + BODY])


def cure_by_nodelay(stage):
    """Two writes with TCP_NODELAY."""
    return post(stage, [HEAD, BODY], nodelay=1)
