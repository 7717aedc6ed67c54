"""Exercise "reassembly": the out-of-order queue of a TCP receiver (RFC 9293 3.10.7.4, RFC 2018 3).

Segments overtake one another. What begins beyond RCV.NXT cannot be delivered yet, and throwing it away would
have it sent again: it is kept until the hole before it is filled. The stack calls this class; it has checked
that everything lies in the receive window, and it delivers what is in sequence by itself.

    netstack grade reassembly.py --seed 1
"""

Range = tuple[int, int]  # sequence numbers [left, right): the first byte kept and the one behind the last


class ReassemblyQueue:
    """The out-of-order queue of one connection.

    Sequence numbers are 32 bits wide and wrap: 10 comes after 0xFFFFFFF0. Two of them are never compared by
    "<", but by their distance modulo 2**32, which is below 2**31 when the second is ahead (RFC 9293 3.4).

    Segments that overlap have the same bytes where they do: the sender only repeats itself.
    """

    def __init__(self, capacity: int) -> None:
        """``capacity``: bytes of data that may be kept at the same time. A board has little memory."""
        # TODO: what do you keep, and in which order?
        self.capacity = capacity

    def insert(self, seq: int, data: bytes, rcv_nxt: int) -> None:
        """A segment has come whose first byte has number ``seq``, somewhere beyond ``rcv_nxt``.

        It may have been here before, whole or in part, and in other pieces. Each byte is kept once. Where
        there is no room for all, those bytes stay that are nearest to ``rcv_nxt``: they are wanted first.
        """
        # TODO
        raise NotImplementedError

    def take(self, rcv_nxt: int) -> bytes:
        """All before ``rcv_nxt`` has been delivered: hand out, and forget, what is in sequence now.

        That is everything kept from ``rcv_nxt`` on without a gap, b"" when that very byte is missing. What is
        kept before ``rcv_nxt`` is old; it is forgotten, too.
        """
        # TODO
        raise NotImplementedError

    def ranges(self) -> list[Range]:
        """What is kept, as [left, right) in the order of the stream: what SACK tells the sender (RFC 2018 3).

        Ranges that touch are one range.
        """
        # TODO
        raise NotImplementedError
