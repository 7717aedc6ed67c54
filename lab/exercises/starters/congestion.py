"""Exercise "congestion": how much may be in the network at a time (Reno, RFC 5681).

Nobody tells the sender what the network can carry. It finds out: it sends more and more until something is
lost, takes half, and goes on carefully. The stack counts duplicates, runs the timer and sends; this class
says how much may be in flight. All sizes are bytes; MSS is that of a full segment.

    netstack grade congestion.py --seed 1
"""


class CongestionControl:
    """The congestion window of one connection, from the end of the handshake on.

    "In flight" is what was sent and is not acknowledged yet: RFC 5681 calls it FlightSize.
    """

    def __init__(self, mss: int) -> None:
        """The handshake is done: take the largest initial window that RFC 5681 3.1 allows (or RFC 3390's, in
        bytes). The slow-start threshold is as high as can be, 65535 or more.
        """
        # TODO: what has to be remembered?
        self.mss = mss

    def cwnd(self) -> int:
        """The congestion window."""
        # TODO
        raise NotImplementedError

    def ssthresh(self) -> int:
        """The slow-start threshold: below it is slow start, from it on congestion avoidance."""
        # TODO
        raise NotImplementedError

    def on_ack(self, acked: int, flight: int) -> None:
        """``acked`` new bytes were acknowledged, ``flight`` are still in flight.

        Slow start: cwnd grows by what was acknowledged, by one MSS at most; bytes are counted, not ACKs (RFC
        5681 3.1). Congestion avoidance: by one MSS for each whole cwnd of bytes acknowledged. The first ACK
        of new data after a fast retransmission ends fast recovery: cwnd is ssthresh then, and nothing is
        added (RFC 5681 3.2, step 6).
        """
        # TODO
        raise NotImplementedError

    def on_fast_retransmit(self, flight: int) -> None:
        """The third duplicate ACK: the stack sends the first segment again, with ``flight`` bytes in flight.

        ssthresh is half of what is in flight, but two MSS at least; cwnd is that and the three segments that
        have left the network (RFC 5681 3.2, steps 2 and 3).
        """
        # TODO
        raise NotImplementedError

    def on_further_duplicate(self) -> None:
        """One more duplicate ACK during fast recovery: one more segment has arrived (RFC 5681 3.2, step
        4).
        """
        # TODO
        raise NotImplementedError

    def on_timeout(self, flight: int, again: bool) -> None:
        """The retransmission timer has run out, with ``flight`` bytes in flight: cwnd is one MSS, ssthresh as
        after a fast retransmission.

        ``again``: it had run out for this very segment before; ssthresh stays as it is then (RFC 5681 3.1).
        """
        # TODO
        raise NotImplementedError
