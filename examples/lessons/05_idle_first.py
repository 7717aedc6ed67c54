# Connects, is idle for ten seconds, then asks two questions of 100 bytes.
import socket
import time

sock = socket.socket()
sock.connect(("10.0.0.1", 7))
time.sleep(10)
for _ in range(2):
    sock.send(b"?" * 100)
    answer = b""
    while len(answer) < 100:
        answer += sock.recv(100 - len(answer))
print("answered")
