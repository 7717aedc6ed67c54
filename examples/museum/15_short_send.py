"""The end of a long answer is missing: send() takes what fits

Seen: a page of 10,000 bytes arrives cut off, always at the same length: 6400 bytes on most boards, 5760 on
an ESP32. Shorter ones are fine.

Why: ``send()`` queues what the send buffer has room for (TCP_SND_BUF) and returns that number, as
everywhere; a PC's buffer is so large that nobody notices (lwip_tcp_send, tcp_write).

Cure: ``sendall()`` or ``write()``, which loop; or look at what ``send()`` returns. A larger TCP_SND_BUF (it
needs MEM_SIZE and MEMP_NUM_TCP_SEG) moves the limit.

Reported: microdot#296
"""

from lab.museum import on_board

PAGE = 10_000  # bytes


def serve(stage, how):
    server_end, client = stage.connection()
    client.setblocking(False)
    result = getattr(server_end, how)(bytes(PAGE))
    stage.say(f"{how}({PAGE} bytes) returns {result}")
    stage.sleep(1)
    server_end.close()
    stage.sleep(1)
    client.setblocking(True)
    got = len(client.read())
    return f"{got} of {PAGE} bytes arrive"


def pain(stage):
    """A program that does not look at what send() returns."""
    return serve(stage, "send")


def cure_by_sendall(stage):
    """sendall()."""
    return serve(stage, "sendall")


def cure_by_write(stage):
    """write()."""
    return serve(stage, "write")


@on_board(TCP_SND_BUF=12800, TCP_SND_QUEUELEN=64, MEMP_NUM_TCP_SEG=64, MEM_SIZE=16000)
def cure_by_option(stage):
    """send() with a buffer of 12800 bytes."""
    return serve(stage, "send")
