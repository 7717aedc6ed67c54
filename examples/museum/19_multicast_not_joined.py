"""Multicast never arrives: nobody has joined the group

Seen: a socket is bound to the right port, a PC sends to the group's address (mDNS, SSDP), nothing comes.
Datagrams to the board's own address do.

Why: lwIP takes a multicast packet only when the interface is a member of its group (ip4_input,
igmp_lookfor_group). Binding a socket does not join; and without the membership report a switch may not even
pass the packets on.

Cure: ``setsockopt(0, IP_ADD_MEMBERSHIP, group + interface)``, 4 bytes each, all zeros for the interface
that there is. The membership is the interface's: it lasts beyond the socket.

Reported: micropython#9105, micropython#3299
"""

from usocket import IP_ADD_MEMBERSHIP, IPPROTO_IP, SOCK_DGRAM

GROUP = "239.1.2.3"
MEMBERSHIP = bytes([239, 1, 2, 3, 0, 0, 0, 0])


def listen(stage, join):
    sock = stage.board.socket(2, SOCK_DGRAM)
    sock.bind(("", 5000))
    if join:
        sock.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, MEMBERSHIP)
    sock.settimeout(1)
    stage.peer.socket(2, SOCK_DGRAM).sendto(b"hello, group", (GROUP, 5000))
    try:
        data, _ = sock.recvfrom(100)
    except OSError as error:
        return f"nothing came: {error}"
    return f"received: {data.decode()}"


def pain(stage):
    """The socket is bound only."""
    return listen(stage, join=False)


def cure(stage):
    """It joins the group."""
    return listen(stage, join=True)
