"""Nobody gets in: handshakes that never finish

Seen: the server on the board works, but for some 20 s no client can connect; the board answers ping. It
happens after a port scan, or when phones leave the Wi-Fi while they connect.

Why: a SYN takes a control block at once, and keeps it until the handshake is over or 20 s have passed
(TCP_SYN_RCVD_TIMEOUT). Half-open connections are never given up for a new one (tcp_alloc), and further SYNs
are dropped without a word.

Cure: more control blocks (MEMP_NUM_TCP_PCB), or a shorter patience (TCP_SYN_RCVD_TIMEOUT is a constant of
tcp_priv.h). In a program: nothing.

Reported: RIOT#10945, picotcp#53
"""

from lab.museum import BOARD, error_of, on_board

PHONES = 5


def visit(stage):
    """Five phones vanish while they connect; then another host wants to."""
    stage.listener(backlog=8)
    stage.ping()  # the neighbours know each other
    stage.cable.to_peer = False  # nothing reaches the phones any more
    for _ in range(PHONES):
        phone = stage.peer.socket()
        phone.setblocking(False)
        try:
            phone.connect((BOARD, 80))
        except OSError:
            pass  # EINPROGRESS: the SYN is on its way
    stage.another_peer()
    stage.say(f"{PHONES} SYNs have come, nobody answers the SYN-ACKs; ping: {stage.ping()}")
    start = stage.now
    while error := error_of(stage.client):
        stage.say(f"connect(): {error}")
    return f"a new client is connected after {stage.now - start:.0f} s"


def pain(stage):
    """Five phones begin to connect and are gone."""
    return visit(stage)


@on_board(MEMP_NUM_TCP_PCB=8)
def cure_with_more_pcbs(stage):
    """The same with eight control blocks."""
    return visit(stage)


@on_board(TCP_SYN_RCVD_TIMEOUT=3000)
def cure_with_less_patience(stage):
    """The same with a patience of 3 s."""
    return visit(stage)
