"""Five kilobytes in two and a half seconds: the send buffer holds one segment

Seen: sending is as slow as two or four segments a second, whatever the network. Receiving is quick.

Why: the peer acknowledges every second segment at once, a single one only after its delayed-ACK timer (250
ms in lwIP, 40 to 200 ms elsewhere; RFC 1122, 4.2.3.2). With room for one segment (TCP_SND_BUF = TCP_MSS)
there never is a second one, so each segment waits for that timer.

Cure: TCP_SND_BUF of at least 2 * TCP_MSS, better 4, and the heap for it (MEM_SIZE).

Reported: a classic of lwIP's mailing list; the comment on TCP_SND_BUF in opt.h
"""

from lab.museum import on_board

SIZE = 5360  # bytes: ten segments


def transfer(stage):
    board, _client = stage.connection()
    seconds = stage.took(board.sendall, bytes(SIZE))
    return f"{SIZE} bytes are queued after {seconds:.2f} s"


@on_board("lwip-default", TCP_SND_BUF=536, LWIP_DISABLE_TCP_SANITY_CHECKS=1)
def pain(stage):
    """TCP_SND_BUF = TCP_MSS = 536."""
    return transfer(stage)


@on_board("lwip-default", TCP_SND_BUF=2144, MEM_SIZE=6400)
def cure(stage):
    """TCP_SND_BUF = 4 * TCP_MSS."""
    return transfer(stage)
