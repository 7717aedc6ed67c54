"""What a board hides or does not survive: where the emulator meets it, it is counted and can be told of.

A board that crashes or hangs says nothing; here the call raises a clear error, or goes on, and the device
notes one of these. The behaviours were found by measuring real boards' code (``extmod/modlwip.c`` of v1.28).
"""

from __future__ import annotations

from collections.abc import Callable

HANG, CRASH, LOSS = "a board would hang here", "a board would crash here", "a board would not tell"

# name: (what kind it is, what happens on a board)
ODDITIES: dict[str, tuple[str, str]] = {
    "second-bind": (HANG, "a TCP socket bound to a second port corrupts lwIP's list of bound sockets"),
    "backlog-over-255": (CRASH, "the backlog is kept in 8 bits: listen(256) accepts a connection of nobody"),
    "negative-size": (CRASH, "recv with a negative size overwrites its memory"),
    "setsockopt-closed": (CRASH, "setsockopt on a closed or reset socket uses a freed control block"),
    "setsockopt-udp-nodelay": (CRASH, "TCP_NODELAY on a datagram socket overwrites another of its fields"),
    "send-after-reset": (CRASH, "send after recv has told of the reset reads outside a table"),
    "read-after-close": (HANG, "read on a closed datagram socket waits for ever"),
    "send-lost": (LOSS, "10 s without memory: send reported success, but nothing was queued"),
    "callback-lost": (LOSS, "more than 8 callbacks were waiting: one was dropped"),
    "esp32-empty-datagram": (HANG, "sending a datagram of no bytes is repeated for ever"),
    "esp32-empty-received": (LOSS, "after a datagram of no bytes the socket receives nothing more"),
    "asyncio-task-lost": (LOSS, "a task of asyncio yielded without anybody to wake it: it is gone"),
    "asyncio-second-waiter": (HANG, "two tasks wait for the same direction of a stream: the first is lost"),
    "asyncio-write-lost": (LOSS, "what another task wrote to a stream of asyncio during drain is gone"),
    "tls-cipher": (CRASH, "cipher() without a TLS connection follows a null pointer"),
    "asyncio-other-direction-kept": (HANG, "cancelling a stream's reader loses its writer, or vice versa"),
}

OddityHook = Callable[[str, str], None]


class Oddities(dict[str, int]):
    """How often each was met. ``hook(name, sentence)`` is called each time; it may be changed."""

    def __init__(self, hook: OddityHook | None = None) -> None:
        super().__init__()
        self.hook = hook

    def note(self, name: str) -> str:
        """Count one; its sentence."""
        self[name] = self.get(name, 0) + 1
        sentence = ": ".join(ODDITIES[name])
        if self.hook is not None:
            self.hook(name, sentence)
        return sentence
