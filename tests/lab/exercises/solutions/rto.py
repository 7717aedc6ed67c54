"""Exercise "rto", solved."""

INITIAL_RTO = 1_000
MIN_RTO = 1_000
MAX_RTO = 60_000


class RtoEstimator:
    def __init__(self, granularity):
        self.granularity = granularity
        self.srtt = None
        self.rttvar = 0.0
        self.current = INITIAL_RTO

    def on_ack(self, rtt, retransmitted):
        if retransmitted:
            return
        if self.srtt is None:
            self.srtt = rtt
            self.rttvar = rtt / 2
        else:
            self.rttvar = 3 / 4 * self.rttvar + 1 / 4 * abs(self.srtt - rtt)
            self.srtt = 7 / 8 * self.srtt + 1 / 8 * rtt
        self.current = self.srtt + max(self.granularity, 4 * self.rttvar)
        self.current = min(max(self.current, MIN_RTO), MAX_RTO)

    def on_timeout(self):
        self.current = min(2 * self.current, MAX_RTO)

    def rto(self):
        return self.current
