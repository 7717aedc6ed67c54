"""recv(4096) returns 800 bytes: one segment at a time

Seen: ``data = sock.recv(4096)`` gets the beginning of a page only, always 800 bytes or fewer (536 on an
ESP8266, 1440 on an ESP32), while the same line on a PC often gets all of it.

Why: TCP is a stream, ``recv(n)`` promises at most n bytes, and MicroPython returns what is in the first
packet buffer: one segment, at most TCP_MSS bytes (lwip_tcp_receive). CPython's kernel joins segments.

Cure: read in a loop until there is enough: ``sock.read(n)``, ``readline()``, or ``recv`` until ``b""``. A
larger TCP_MSS gives larger pieces, and the same bug later.

Reported: micropython#7605, micropython#8430
"""

PAGE = 3000  # bytes


def receive(stage, take):
    board, peer = stage.connection()
    peer.sendall(bytes(PAGE))
    peer.close()
    stage.sleep(1)
    lengths = take(board)
    stage.say(f"pieces of {', '.join(map(str, lengths))} bytes")
    return f"{sum(lengths)} of {PAGE} bytes"


def pain(stage):
    """One recv(4096) for a page of 3000 bytes."""
    return receive(stage, lambda sock: [len(sock.recv(4096))])


def cure_by_looping(stage):
    """recv(4096) until the end."""
    return receive(stage, lambda sock: [len(data) for data in iter(lambda: sock.recv(4096), b"")])


def cure_by_read(stage):
    """One read(4096), which loops until it has them all or the peer has closed."""
    return receive(stage, lambda sock: [len(sock.read(4096))])
