# Echoes datagrams.
#
#     netstack up examples/udp_echo.py        and, on the Linux side,        nc -u 192.168.7.2 7

import usocket

PORT = 7

sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
sock.bind(("0.0.0.0", PORT))
print("echo: listening on UDP port", PORT)

while True:
    data, address = sock.recvfrom(1472)
    try:
        sock.sendto(data, address)
    except OSError as error:
        print("echo: an answer was not sent:", error)
