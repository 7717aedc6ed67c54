# An HTTP server for a board with little memory: never more than a kilobyte of a body is held.
#
#     GET /            a small page
#     GET /download    1 MB of numbers, made as they are sent
#     POST /upload     (or PUT) takes a body of any length, answers its length and SHA-256
#
#     netstack up examples/http_server.py     and, on the Linux side,
#     curl http://192.168.7.2/                curl -o numbers http://192.168.7.2/download
#     curl -T numbers http://192.168.7.2/upload

import sys

import binascii
import hashlib
import usocket

PORT = 80
DOWNLOAD = 1000000  # bytes
PIECE = 1000  # bytes sent at a time; 1000 lines of PIECE bytes are a download
PATIENCE = 10  # s without a byte from a client, after which it is dropped

PAGE = b"""<!DOCTYPE html>
<title>A small device</title>
<h1>Hello from a small device</h1>
<p><a href="/download">Download 1 MB</a>, or upload: <code>curl -T FILE http://ADDRESS/upload</code></p>
"""


def piece(number):
    """The n-th piece of the download: a line of PIECE bytes, its number over and over."""
    return (b"%08d " % number * (PIECE // 9 + 1))[: PIECE - 1] + b"\n"


def respond(client, status, kind, length):
    head = "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    client.sendall(head % (status, kind, length))


def read_head(client):
    """(method, path, length of the body, whether the client waits to send it); None without a request."""
    line = client.readline(256)
    words = line.split()
    if len(words) < 2:
        return None
    length = 0
    waits = False
    for _ in range(64):
        line = client.readline(512)
        if line in (b"\r\n", b"\n", b""):
            break
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"content-length":
            length = int(value)
        elif name == b"expect":
            waits = True
    return words[0], words[1], length, waits


def download(client):
    respond(client, "200 OK", "text/plain", DOWNLOAD)
    for number in range(DOWNLOAD // PIECE):
        client.sendall(piece(number))


def upload(client, length, waits):
    if waits:
        client.sendall("HTTP/1.1 100 Continue\r\n\r\n")
    digest = hashlib.sha256()
    got = 0
    while got < length:
        data = client.recv(min(1024, length - got))
        if not data:
            print("upload: ended after", got, "of", length, "bytes")
            return
        digest.update(data)
        got += len(data)
    answer = "%d %s\n" % (got, binascii.hexlify(digest.digest()).decode())
    respond(client, "200 OK", "text/plain", len(answer))
    client.sendall(answer)


def serve(client):
    request = read_head(client)
    if request is None:
        return
    method, path, length, waits = request
    print(method.decode(), path.decode())
    if method in (b"POST", b"PUT") and path == b"/upload":
        upload(client, length, waits)
    elif method == b"GET" and path == b"/download":
        download(client)
    elif method == b"GET" and path == b"/":
        respond(client, "200 OK", "text/html", len(PAGE))
        client.sendall(PAGE)
    else:
        respond(client, "404 Not Found", "text/plain", 10)
        client.sendall("not found\n")


port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
server = usocket.socket()
server.setsockopt(usocket.SOL_SOCKET, usocket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", port))
server.listen(5)
print("http: listening on port", port)

while True:
    client, address = server.accept()
    client.settimeout(PATIENCE)
    try:
        serve(client)
    except (OSError, ValueError) as error:
        print("http:", address[0], error)
    client.close()
