"""The Wi-Fi is gone: recv() waits for ever, send() for 40 minutes

Seen: the access point is switched off, or the cable pulled behind the switch. ``recv()`` never returns.
``send()`` goes on reporting success until its buffer is full; the error comes some 40 minutes later.

Why: silence is no error to TCP. What was sent is repeated 12 times (TCP_MAXRTX) with doubling time-outs
(tcp_slowtmr, tcp_backoff), then the connection ends with ECONNABORTED. Who sends nothing finds nothing out:
there is no keep-alive (LWIP_TCP_KEEPALIVE is 0 and MicroPython knows no SO_KEEPALIVE).

Cure: ``settimeout()``, a ping with an answer, and a limit for that answer. With a lower TCP_MAXRTX lwIP
gives up earlier.

Reported: micropython#18797, esp-idf#4221, esp-idf#6329
"""

from lab.museum import error_of, on_board


def talk(stage):
    """A connection whose peer then vanishes."""
    board, _peer = stage.connection()
    board.send(b"reading 1")
    stage.sleep(1)
    stage.cable.pull_out()
    stage.say("the peer is gone")
    return board


def pain(stage):
    """A program that sends a reading each minute."""
    sock = talk(stage)
    start = stage.now
    while not (error := error_of(sock.send, b"another reading")):
        stage.sleep(60)
    stage.say(f"send(): {error}")
    return f"{error} after {(stage.now - start) / 60:.0f} minutes"


def cure_by_code(stage):
    """It asks for an answer and waits 10 s for it."""
    sock = talk(stage)
    sock.settimeout(10)
    start = stage.now
    sock.send(b"another reading, please confirm")
    error = error_of(sock.recv, 100)
    stage.say(f"recv(): {error}: close, and connect anew")
    return f"{error} after {stage.now - start:.0f} s"


@on_board(TCP_MAXRTX=4)
def cure_by_option(stage):
    """The first program; lwIP repeats 4 times only."""
    return pain(stage)
