"""Exercise "rto": how long to wait before a segment is sent again (RFC 6298).

Too short, and segments are repeated that are still on their way; too long, and a loss stops the connection.
The stack measures round-trip times, runs the timer and sends; this class says how long the timer runs. All
times are milliseconds.

    netstack grade rto.py --seed 1
"""

INITIAL_RTO = 1_000  # before anything has been measured (RFC 6298 2.1)
MIN_RTO = 1_000  # never less (RFC 6298 2.4)
MAX_RTO = 60_000  # never more (RFC 6298 2.5 allows any limit from 60 s on; here it is this one)


class RtoEstimator:
    """The retransmission time-out of one connection.

    It keeps a smoothed round-trip time, SRTT, and its mean deviation, RTTVAR. After the first measurement R:
    SRTT = R, RTTVAR = R/2. After each further one: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, and then SRTT = 7/8
    SRTT + 1/8 R. Always: RTO = SRTT + max(G, 4 RTTVAR), where G is the granularity (RFC 6298 2.2, 2.3).
    """

    def __init__(self, granularity: int) -> None:
        """``granularity``: G, ms between two looks at the timer; lwIP takes 500."""
        # TODO: what has to be remembered?
        self.granularity = granularity

    def on_ack(self, rtt: int, retransmitted: bool) -> None:
        """New data was acknowledged, ``rtt`` ms after its segment was last sent.

        ``retransmitted``: the segment was sent more than once, and nobody can know which of them was answered
        (Karn's algorithm, RFC 6298 3). A time-out that was backed off stays as it is until a segment that was
        sent only once is acknowledged (RFC 6298 5, the note on 5.7).
        """
        # TODO
        raise NotImplementedError

    def on_timeout(self) -> None:
        """The timer has run out: the next time-out is twice as long as this one (RFC 6298 5.5)."""
        # TODO
        raise NotImplementedError

    def rto(self) -> float:
        """The time-out that a segment sent now gets."""
        # TODO
        return INITIAL_RTO
