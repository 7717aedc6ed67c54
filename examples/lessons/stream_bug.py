"""The programs of 13-lwip-bugs.toml and 13-window-learned.toml."""

import usocket
from usocket.current import current_device

PORT = 5000
MS = 1_000_000


def write(address, pause_ms="100"):
    """Send 20 letters A, then B, C and D, without Nagle; E after a pause, F ten seconds later."""
    device = current_device()
    sock = usocket.socket()
    sock.setsockopt(usocket.IPPROTO_TCP, usocket.TCP_NODELAY, 1)
    sock.connect((address, PORT))
    device.sleep_ns(150 * MS)
    for letter in (b"A", b"B", b"C", b"D"):
        sock.send(letter * 20)
    device.sleep_ns(int(pause_ms) * MS)
    sock.send(b"E" * 20)
    device.sleep_ns(10_000 * MS)
    sock.send(b"F" * 20)
    device.sleep_ns(60_000 * MS)


def write_twice(address, second="600"):
    """Send 400 letters A at once, and ``second`` letters B when the peer has spoken."""
    sock = usocket.socket()
    sock.connect((address, PORT))
    sock.send(b"A" * 400)
    sock.recv(10)
    sock.send(b"B" * int(second))
    current_device().sleep_ns(60_000 * MS)


def read():
    """Say something 145 ms and 645 ms after the client came, and print what comes."""
    device = current_device()
    listener = usocket.socket()
    listener.bind(("", PORT))
    listener.listen(1)
    connection, _ = listener.accept()
    device.sleep_ns(145 * MS)
    connection.send(b"wait")
    device.sleep_ns(500 * MS)
    connection.send(b"go on")
    while data := connection.recv(100):
        print(data.decode())
