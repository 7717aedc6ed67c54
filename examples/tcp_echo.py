# Echoes what each client sends, one client after the other.
#
#     netstack up examples/tcp_echo.py        and, on the Linux side,        nc 192.168.7.2 7

import usocket

PORT = 7

server = usocket.socket()
server.setsockopt(usocket.SOL_SOCKET, usocket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", PORT))
server.listen(2)
print("echo: listening on TCP port", PORT)

while True:
    client, address = server.accept()
    print("echo: connection from", address[0], address[1])
    total = 0
    try:
        while True:
            data = client.recv(512)
            if not data:
                break
            client.sendall(data)
            total += len(data)
    except OSError as error:
        print("echo: lost the connection:", error)
    client.close()
    print("echo:", total, "bytes echoed")
