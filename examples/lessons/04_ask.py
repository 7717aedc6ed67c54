# Asks ten questions, a head and a body each: in two writes, in one, or in two with Nagle's algorithm off.
import socket
import sys
import time

how = sys.argv[1]
sock = socket.socket()
sock.connect(("10.0.0.1", 7))
if how == "nodelay":
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
time.sleep_ms(300)  # until the server has accepted
head, body = b"h" * 20, b"b" * 30
answers = 0
for _ in range(10):
    if how == "one":
        sock.send(head + body)
    else:
        sock.send(head)
        sock.send(body)
    answer = b""
    while len(answer) < 50:
        answer += sock.recv(50 - len(answer))
    answers += 1
print(answers, "answers")
