"""The page does not come because another client says nothing

Seen: a browser shows the page at once or not at all. With curl it always works.

Why: browsers open connections in advance ("preconnect") and use them later, or never. A server that deals
with one client at a time accepts such a connection, waits in ``recv()``, and the request waits behind it in
the queue.

Cure: a time-out for each client; or wait for several connections at once (``select.poll``, asyncio).

Reported: microdot#8, microdot#99
"""

ENDLESS = 600  # s: as long as the exhibit waits


def serve(stage, patience):
    server = stage.listener()
    idle = stage.client()
    busy = stage.client()
    busy.send(b"GET / HTTP/1.0\r\n\r\n")
    stage.say("two connections, the second one with a request")
    start = stage.now
    for _ in (idle, busy):
        connection, _ = server.accept()
        connection.settimeout(patience)
        try:
            request = connection.recv(100)
        except OSError as error:
            stage.say(f"recv(): {error}")
            connection.close()
        else:
            stage.say(f"recv(): {request}")
            return f"the request is read after {stage.now - start:.0f} s"


def pain(stage):
    """A client after the other, without a time-out (here ten minutes)."""
    return serve(stage, ENDLESS)


def cure(stage):
    """A time-out of 2 s for each client."""
    return serve(stage, 2)
