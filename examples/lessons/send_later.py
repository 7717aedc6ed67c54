# Connects to the server, lets it accept, sends as many bytes as the argument says, waits, and closes.
import socket
import sys
import time

sock = socket.socket()
sock.connect(("10.0.0.1", 5000))
time.sleep_ms(300)
sock.write(b"x" * int(sys.argv[1]))
time.sleep(1)
sock.close()
