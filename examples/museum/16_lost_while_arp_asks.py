"""The first datagram to a new neighbour is lost: it waited for ARP

Seen: a program sends two datagrams, one after the other; only the second arrives. Later ones do, until
there was silence for five minutes; then it happens again.

Why: before the first packet to an address lwIP asks who has it (ARP). Meanwhile it keeps one packet, the
newest (etharp_query with ARP_QUEUEING 0); a second one takes the first one's place. An entry that is not
used for 300 s (ARP_MAXAGE) is forgotten.

Cure: send one datagram and wait for an answer (or a moment) before more. With ARP_QUEUEING 1 lwIP keeps
ARP_QUEUE_LEN (3) packets.

Reported: mbed-os#2437, mbed-os#14370, esp8266/Arduino#3481, FreeRTOS-Plus-TCP#1179
"""

from lab.museum import PEER, error_of, on_board
from usocket import SOCK_DGRAM


def send_two(stage, pause=0.0):
    receiver = stage.peer.socket(2, SOCK_DGRAM)
    receiver.bind(("", 5000))
    receiver.settimeout(0.1)
    sender = stage.board.socket(2, SOCK_DGRAM)
    for data in (b"first", b"second"):
        sender.sendto(data, (PEER, 5000))
        stage.say(f"sent: {data.decode()}")
        stage.sleep(pause)
    received = []
    while not error_of(lambda: received.append(receiver.recv(100).decode())):
        pass
    return f"received: {', '.join(received)}"


def pain(stage):
    """Two datagrams to a neighbour whose address is not known yet."""
    return send_two(stage)


def cure_by_pausing(stage):
    """A pause of 10 ms after the first."""
    return send_two(stage, pause=0.01)


@on_board(ARP_QUEUEING=1)
def cure_by_option(stage):
    """Two at once, with ARP_QUEUEING."""
    return send_two(stage)
