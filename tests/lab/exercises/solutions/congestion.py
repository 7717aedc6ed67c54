"""Exercise "congestion", solved."""


class CongestionControl:
    def __init__(self, mss):
        self.mss = mss
        self.window = min(4 * mss, max(2 * mss, 4380))
        self.threshold = 1 << 30
        self.counted = 0
        self.recovering = False

    def cwnd(self):
        return self.window

    def ssthresh(self):
        return self.threshold

    def on_ack(self, acked, flight):
        if self.recovering:
            self.recovering = False
            self.window = self.threshold
        elif self.window < self.threshold:
            self.window += min(acked, self.mss)
        else:
            self.counted += acked
            if self.counted >= self.window:
                self.counted -= self.window
                self.window += self.mss

    def on_fast_retransmit(self, flight):
        self.threshold = max(flight // 2, 2 * self.mss)
        self.window = self.threshold + 3 * self.mss
        self.counted = 0
        self.recovering = True

    def on_further_duplicate(self):
        self.window += self.mss

    def on_timeout(self, flight, again):
        if not again:
            self.threshold = max(flight // 2, 2 * self.mss)
        self.window = self.mss
        self.counted = 0
        self.recovering = False
