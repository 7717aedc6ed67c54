"""getaddrinfo() raises OSError -1, and an hour later it works: no UDP control block

Seen: ``getaddrinfo()`` fails at times, with the strange numbers -1 or -2 instead of an errno.

Why: a question to the name server needs a UDP control block for as long as it is under way (dns_alloc_pcb);
a board has 4 or 5 (MEMP_NUM_UDP_PCB), and DHCP and mDNS take some of them, each UDP socket one. Without one
the answer is -1, lwIP's ERR_MEM; -2 means that there is no such name, or no answer in 7 s.

Cure: close UDP sockets that are not in use, and keep addresses that were found; or more control blocks
(MEMP_NUM_UDP_PCB).

Reported: micropython#3352, micropython#15695, micropython#18797
"""

import usocket
from lab.museum import on_board
from usocket import SOCK_DGRAM

SOCKETS = 4


def start_name_server(stage):
    """A server on the peer that knows one address for all names."""
    udp = stage.peer.stack.udp
    pcb = udp.new()
    udp.bind(pcb, 0, 53)

    def answer(pcb, packet, ip, port):
        query = packet.data
        head = query[:2] + bytes.fromhex("8180 0001 0001 0000 0000")  # a response with one record
        record = bytes.fromhex("c00c 0001 0001 0000003c 0004 0a000001")  # that name, A, 60 s, 10.0.0.1
        udp.sendto(pcb, head + query[12:] + record, ip, port)
        packet.free()

    pcb.recv = answer
    stage.board.stack.dns.set_server(0, stage.peer.ip)


def ask(stage, sockets):
    start_name_server(stage)
    kept = [stage.board.socket(2, SOCK_DGRAM) for _ in range(sockets)]
    stage.say(f"{len(kept)} UDP sockets are open")
    with stage.board.use():
        try:
            address = usocket.getaddrinfo("example.com", 80)[0][-1]
        except OSError as error:
            return f"getaddrinfo(): OSError {error}"
    return f"getaddrinfo(): {address}"


def pain(stage):
    """The program keeps four UDP sockets."""
    return ask(stage, SOCKETS)


def cure_by_closing(stage):
    """It has closed one of them."""
    return ask(stage, SOCKETS - 1)


@on_board(MEMP_NUM_UDP_PCB=8)
def cure_by_option(stage):
    """Four sockets, with room for eight."""
    return ask(stage, SOCKETS)
