# Answers questions of 50 bytes with 50 bytes each.
import socket

listener = socket.socket()
listener.bind(("", 7))
listener.listen(1)
connection, _ = listener.accept()
question = b""
while True:
    data = connection.recv(50 - len(question))
    if not data:
        break
    question += data
    if len(question) == 50:
        connection.send(question)
        question = b""
