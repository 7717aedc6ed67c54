# Sends 20000 bytes to whoever connects.
import socket

listener = socket.socket()
listener.bind(("", 7))
listener.listen(1)
connection, _ = listener.accept()
sent = 0
while sent < 20000:
    sent += connection.send(bytes(1000))
