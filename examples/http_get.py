# Fetches a page and prints its length, its status and its beginning.
#
#     netstack run examples/http_get.py 192.168.7.1 8000 /

import sys

import usocket


def get(host, port, path):
    """(status, length, first bytes) of a page; read piece by piece, it may be larger than the memory."""
    sock = usocket.socket()
    try:
        sock.connect(usocket.getaddrinfo(host, port)[0][-1])
        sock.write("GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host))
        line = sock.readline()
        if not line.startswith(b"HTTP/"):
            raise ValueError("not an HTTP server: %r" % line)
        status = int(line.split()[1])
        while line not in (b"\r\n", b"\n", b""):
            line = sock.readline()
        length = 0
        start = b""
        while True:
            data = sock.recv(512)
            if not data:
                return status, length, start
            if not length:
                start = data[:64]
            length += len(data)
    finally:
        sock.close()


if len(sys.argv) < 2:
    print("usage: http_get.py HOST [PORT [PATH]]")
    sys.exit(2)
host = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 80
path = sys.argv[3] if len(sys.argv) > 3 else "/"
try:
    status, length, start = get(host, port, path)
except OSError as error:
    print("no answer from %s port %d:" % (host, port), error)
    sys.exit(1)
print("status", status)
print("length", length)
print(start)
sys.exit(0 if status == 200 else 1)
