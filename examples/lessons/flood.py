"""The attacker of 10-syn-flood.toml."""

import usocket
from usocket.current import current_device


def flood(address, port="80", count="5", gap_ms="100"):
    """Begin ``count`` connections, ``gap_ms`` ms apart, and forget each as soon as its SYN has left: nobody
    will answer the SYN-ACKs. (The scenario loses these on their way here: a host that knows nothing of a
    connection would answer with a reset. Real attackers use addresses where nobody is.)
    """
    device = current_device()
    for _ in range(int(count)):
        sock = usocket.socket()
        sock.setblocking(False)
        try:
            sock.connect((address, int(port)))
        except OSError:
            pass  # EINPROGRESS: the SYN is on its way
        device.sleep_ns(int(gap_ms) * 10**6)
        sock.close()
