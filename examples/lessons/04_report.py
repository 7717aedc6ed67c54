# Receives 20000 bytes; when the first have come, reports that in two small writes.
import socket

sock = socket.socket()
sock.connect(("10.0.0.1", 7))
received = len(sock.recv(1000))
sock.send(b"h" * 100)
sock.send(b"b" * 50)
while received < 20000:
    received += len(sock.recv(1000))
print(received, "bytes")
