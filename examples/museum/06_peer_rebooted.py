"""The broker has rebooted and the subscriber never knows: a half-open connection

Seen: a program waits in ``recv()`` for messages. After the server was restarted none ever come, and no
error either. After a reset of the board it works again.

Why: the new life of the server knows nothing of the connection and sends nothing. Only a segment from the
board would draw a RST (RFC 9293, 3.5.1 "half-open connections"), and a board that only receives sends none.

Cure: send something now and then (MQTT's PINGREQ): the RST comes back, the next call raises ECONNRESET, and
the program can connect anew. TCP's keep-alive would do the same, but MicroPython has no SO_KEEPALIVE.

Reported: esp-idf#8668, umqtt.simple's missing ping, EthernetENC#56
"""

from lab.museum import PEER, error_of

HOUR = 3600
PING = 60  # s between two pings


def subscribe(stage):
    broker = stage.peer.socket()
    broker.bind(("", 1883))
    broker.listen(1)
    subscriber = stage.board.socket()
    subscriber.connect((PEER, 1883))
    connection, _ = broker.accept()
    connection.send(b"a message")
    stage.say(f"received: {subscriber.recv(100)}")
    stage.sleep(60)
    stage.peer.power_cycle()
    stage.say("the broker has rebooted")
    return subscriber


def pain(stage):
    """The subscriber only listens."""
    subscriber = subscribe(stage)
    subscriber.settimeout(HOUR)  # or the exhibit would never end
    error = error_of(subscriber.recv, 100)
    stage.say(f"recv() for an hour: {error}")
    return "after an hour the subscriber knows nothing"


def cure(stage):
    """The subscriber sends a ping when it has heard nothing for 60 s."""
    subscriber = subscribe(stage)
    subscriber.settimeout(PING)
    start = stage.now
    while True:
        error = error_of(subscriber.recv, 100)
        stage.say(f"recv(): {error}")
        if error != "ETIMEDOUT":
            return f"after {stage.now - start:.0f} s recv() raises {error}"
        subscriber.send(b"\xc0\x00")  # PINGREQ
