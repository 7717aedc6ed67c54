"""The programs of 09-closing.toml: two ways to say that one has nothing more to send, and a server that may
answer late.
"""

import usocket
from usocket.current import current_device

PORT = 5000
REQUEST = b"give me the answer\n"


def ask(address, ending, idle="0"):
    """Send a request, do nothing for ``idle`` seconds, then end by ``close`` (both directions, as MicroPython
    does) or by ``shutdown`` (only the own one). Returns how many bytes of an answer came.
    """
    sock = usocket.socket()
    sock.connect((address, PORT))
    sock.send(REQUEST)
    device = current_device()
    device.sleep_ns(int(idle) * 10**9)
    if ending == "close":
        sock.close()
        return 0
    tcp = device.stack.tcp  # MicroPython's socket has no shutdown(): this is lwIP's own
    (pcb,) = tcp.active_pcbs
    tcp.shutdown(pcb, rx=False, tx=True)
    answer = sock.read()
    sock.close()
    return len(answer)


def serve(pause="0", size="0"):
    """Read a request to its end; ``pause`` seconds later send an answer of ``size`` bytes and close."""
    listener = usocket.socket()
    listener.bind(("", PORT))
    listener.listen(1)
    connection, _ = listener.accept()
    while connection.recv(100):
        pass
    current_device().sleep_ns(int(pause) * 10**9)
    if int(size):
        connection.send(b"A" * int(size))
    connection.close()
