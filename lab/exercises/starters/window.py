"""Exercise "window": what a receiver tells the sender about its buffer (RFC 9293 3.8.6, RFC 1122 4.2.3.3).

The window in each header says how much may be sent beyond what is acknowledged; the sequence number where it
ends is its right edge. The stack keeps the data, and sends; this class says what to announce. All sizes are
bytes.

    netstack grade window.py --seed 1
"""


class ReceiveWindow:
    """The receive window of one connection.

    Two things a receiver must not do. It must not take back what it has promised: the right edge never moves
    to the left (RFC 9293 3.8.6). And it must not offer crumbs, or the sender fills them with crumbs, for ever
    (silly window syndrome, RFC 9293 3.8.6.2.2): the right edge stays where it is until it can move by one MSS
    or by half of the buffer, whichever is less.
    """

    def __init__(self, size: int, mss: int) -> None:
        """``size``: of the buffer, empty now, all of it announced. ``mss``: of a full segment."""
        # TODO: what has to be remembered?
        self.size = size
        self.mss = mss

    def on_data(self, length: int) -> None:
        """``length`` bytes have come in sequence; they fill the buffer until the program reads them."""
        # TODO
        raise NotImplementedError

    def on_read(self, length: int) -> bool:
        """The program has read ``length`` bytes. Whether the sender has to be told at once, by an ACK of its
        own.

        It has to when the window was too small to be used (less than the step of the right edge) and is not
        any more: else both wait for each other. It must not when the right edge stays where it is: there is
        nothing to tell.
        """
        # TODO
        raise NotImplementedError

    def window(self) -> int:
        """What the next header announces, 0 to what is free. Asked after each ``on_data`` and ``on_read``;
        assume that the sender is told each time.
        """
        # TODO
        raise NotImplementedError
