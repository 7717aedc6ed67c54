"""Wrong solutions, each the right one with a mistake that students make: what is changed, which tests must
notice (and no others; but for "bad line", where it takes luck), and what the first finding must say.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

SOLUTIONS = Path(__file__).parent / "solutions"


class Wrong(NamedTuple):
    """``changes``: (text of the right solution, what stands there instead)."""

    exercise: str
    mistake: str
    changes: tuple[tuple[str, str], ...]
    lost: set[str]
    says: str
    also: frozenset[str] = frozenset()  # may be lost, too, as the numbers fall

    def source(self) -> str:
        """The wrong solution."""
        text = (SOLUTIONS / f"{self.exercise}.py").read_text(encoding="utf-8")
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.mistake}: {old!r} is not there once"
            text = text.replace(old, new)
        return text


SEVERAL = {"backwards", "holes", "duplicates", "overlap", "longer", "wrap", "capacity"}

REASSEMBLY = (
    Wrong(
        "reassembly", "numbers are compared without wrap",
        (("    ahead = (seq - start) & MASK\n    return ahead - (1 << 32) if ahead >> 31 else ahead",
          "    return seq - start"),),
        {"wrap"}, "is in sequence now",
    ),
    Wrong(
        "reassembly", "what overlaps is kept twice",
        (("            begin = distance(rcv_nxt, left)\n"
          "            if begin + len(kept) <= start or end <= begin:",
          "            begin = distance(rcv_nxt, left)\n"
          "            if begin != start or len(kept) != len(data):"),
         ("            if begin <= len(taken):\n                taken += kept[len(taken) - begin :]",
          "            if begin <= len(taken):\n                taken += kept[max(0, -begin) :]")),
        {"overlap", "longer"}, "kept twice",
    ),
    Wrong(
        "reassembly", "duplicates are kept twice",
        (("        blocks = []\n        for left, kept in self.blocks:\n"
          "            begin = distance(rcv_nxt, left)\n"
          "            if begin + len(kept) <= start or end <= begin:",
          "        blocks = []\n        for left, kept in self.blocks:\n            begin = "
          "distance(rcv_nxt, left)\n"
          "            if True:"),
         ("                taken += kept[len(taken) - begin :]", "                taken += kept")),
        {"duplicates", "overlap", "longer", "stale"}, "kept twice",
    ),
    Wrong(
        "reassembly", "off by one: a segment that touches is no neighbour",
        (("            if begin <= len(taken):", "            if begin < len(taken):"),),
        SEVERAL | {"one hole"}, "returned 0 bytes",
    ),
    Wrong(
        "reassembly", "off by one: the last byte of what remains is lost",
        (("blocks.append((left, kept[: start - begin]))", "blocks.append((left, kept[: start - begin - "
                                                          "1]))"),),
        {"overlap"}, "in sequence now",
    ),
    Wrong(
        "reassembly", "what begins before RCV.NXT is not looked at",
        (("            if begin <= len(taken):", "            if begin == len(taken):"),),
        {"stale"}, "is in sequence now",
    ),
    Wrong(
        "reassembly", "only the first segment is handed out",
        (("            if begin <= len(taken):", "            if not taken and begin <= 0:"),),
        SEVERAL, "all of it is in sequence now",
    ),
    Wrong(
        "reassembly", "one segment is all that is kept",
        (("            room -= len(kept)\n", "            room = 0\n"),),
        SEVERAL | {"stale", "ranges"}, "all of it is in sequence now",
    ),
    Wrong(
        "reassembly", "the capacity is ignored",
        (("        room = self.capacity\n", "        room = 1 << 30\n"),),
        {"capacity"}, "with a capacity of 2000",
    ),
    Wrong(
        "reassembly", "what does not fit is thrown away, however near",
        (("        start = distance(rcv_nxt, seq)\n",
          "        start = distance(rcv_nxt, seq)\n"
          "        if sum(len(kept) for _, kept in self.blocks) + len(data) > self.capacity:\n"
          "            return\n"),),
        {"capacity"}, "all of it is in sequence now",
    ),
    Wrong(
        "reassembly", "a segment that overlaps is ignored",
        (("        blocks = []\n        for left, kept in self.blocks:\n",
          "        blocks = []\n        for left, kept in self.blocks:\n"
          "            if distance(left, seq) < len(kept) and distance(seq, left) < len(data):\n"
          "                return\n"),),
        {"overlap", "longer"}, "all of it is in sequence now",
    ),
    Wrong(
        "reassembly", "nothing is sorted",
        (("        blocks.sort(key=lambda block: distance(rcv_nxt, block[0]))\n", ""),),
        SEVERAL | {"ranges"}, "all of it is in sequence now",
    ),
    Wrong(
        "reassembly", "ranges that touch are not joined",
        (("found[-1][1] == left", "False"),),
        {"ranges"}, "joined where they touch",
    ),
    Wrong(
        "reassembly", "ranges end at their last byte",
        (("            right = (left + len(kept)) & MASK", "            right = (left + len(kept) - 1) & "
                                                           "MASK"),),
        {"ranges"}, "ranges() says",
    ),
    Wrong(
        "reassembly", "what is taken stays",
        (("        self.blocks = rest\n        return taken", "        return taken"),),
        {"capacity"}, "all of it is in sequence now",
    ),
)  # fmt: skip

RTO = (
    Wrong(
        "rto", "Karn is ignored",
        (("        if retransmitted:\n            return\n", ""),),
        {"karn"}, "Karn, RFC 6298 3",
    ),
    Wrong(
        "rto", "any acknowledgement ends the back-off",
        (("        if retransmitted:\n            return\n",
          "        if retransmitted:\n"
          "            if self.srtt is not None:\n"
          "                self.current = max(self.srtt + max(self.granularity, 4 * self.rttvar), MIN_RTO)\n"
          "            return\n"),),
        {"karn"}, "the back-off stays",
    ),
    Wrong(
        "rto", "no minimum",
        (("min(max(self.current, MIN_RTO), MAX_RTO)", "min(self.current, MAX_RTO)"),),
        {"minimum"}, "RFC 6298 2.4",
    ),
    Wrong(
        "rto", "no room for the granularity of the clock",
        (("max(self.granularity, 4 * self.rttvar)", "4 * self.rttvar"),),
        {"granularity"}, "max(G, 4 RTTVAR)",
    ),
    Wrong(
        "rto", "alpha and beta exchanged",
        (("3 / 4 * self.rttvar + 1 / 4 *", "7 / 8 * self.rttvar + 1 / 8 *"),
         ("7 / 8 * self.srtt + 1 / 8 *", "3 / 4 * self.srtt + 1 / 4 *")),
        {"smoothing"}, "RFC 6298 2.3",
    ),
    Wrong(
        "rto", "SRTT changes before RTTVAR looks at it",
        (("            self.rttvar = 3 / 4 * self.rttvar + 1 / 4 * abs(self.srtt - rtt)\n"
          "            self.srtt = 7 / 8 * self.srtt + 1 / 8 * rtt\n",
          "            self.srtt = 7 / 8 * self.srtt + 1 / 8 * rtt\n"
          "            self.rttvar = 3 / 4 * self.rttvar + 1 / 4 * abs(self.srtt - rtt)\n"),),
        {"smoothing"}, "from the old SRTT",
    ),
    Wrong(
        "rto", "the deviation has a sign",
        (("abs(self.srtt - rtt)", "(rtt - self.srtt)"),),
        {"smoothing"}, "the deviation",
    ),
    Wrong(
        "rto", "K is forgotten",
        (("4 * self.rttvar)", "self.rttvar)"),),
        {"first", "smoothing"}, "R + 4 * R/2",
    ),
    Wrong(
        "rto", "the first measurement is no special one",
        (("            self.srtt = rtt\n            self.rttvar = rtt / 2\n",
          "            self.srtt = rtt / 8\n            self.rttvar = rtt / 4\n"),),
        {"first", "smoothing"}, "RFC 6298 2.2",
    ),
    Wrong(
        "rto", "no back-off",
        (("self.current = min(2 * self.current, MAX_RTO)", "pass"),),
        {"back-off"}, "RFC 6298 5.5",
    ),
    Wrong(
        "rto", "the back-off adds instead of doubling",
        (("min(2 * self.current, MAX_RTO)", "min(self.current + 1000, MAX_RTO)"),),
        {"back-off"}, "twice the one before",
    ),
    Wrong(
        "rto", "the back-off doubles only once",
        (("min(2 * self.current, MAX_RTO)", "min(2 * (self.srtt + max(self.granularity, 4 * self.rttvar)), "
                                            "MAX_RTO)"),),
        {"back-off"}, "twice the one before",
    ),
    Wrong(
        "rto", "no maximum",
        (("min(2 * self.current, MAX_RTO)", "2 * self.current"),),
        {"maximum"}, "RFC 6298 2.5",
    ),
    Wrong(
        "rto", "the back-off never ends",
        (("        self.current = self.srtt + max(", "        self.current = self.backed * (self.srtt + "
                                                     "max("),
         ("4 * self.rttvar)\n", "4 * self.rttvar))\n"),
         ("self.current = INITIAL_RTO", "self.current = INITIAL_RTO\n        self.backed = 1"),
         ("    def on_timeout(self):\n", "    def on_timeout(self):\n        self.backed *= 2\n")),
        {"recovery"}, "ends the back-off",
    ),
    Wrong(
        "rto", "the first time-out is lwIP's 3 s",
        (("self.current = INITIAL_RTO", "self.current = 3 * INITIAL_RTO"),),
        {"initial"}, "RFC 6298 2.1",
    ),
    Wrong(
        "rto", "seconds instead of milliseconds",
        (("        return self.current", "        return self.current / 1000"),),
        {"initial", "first", "smoothing", "minimum", "granularity"}, "1000 ms",
    ),
)  # fmt: skip

CONGESTION = (
    Wrong(
        "congestion", "half of cwnd instead of what is in flight",
        (("    def on_fast_retransmit(self, flight):\n        self.threshold = max(flight // 2,",
          "    def on_fast_retransmit(self, flight):\n        self.threshold = max(self.window // 2,"),),
        {"halving"}, "not half of cwnd",
    ),
    Wrong(
        "congestion", "never mind two segments",
        (("        if not again:\n            self.threshold = max(flight // 2, 2 * self.mss)",
          "        if not again:\n            self.threshold = flight // 2"),),
        {"floor"}, "never less than two MSS",
    ),
    Wrong(
        "congestion", "a time-out only halves",
        (("        self.window = self.mss\n", "        self.window = self.threshold\n"),),
        {"time-out"}, "one MSS",
    ),
    Wrong(
        "congestion", "a time-out leaves the threshold alone",
        (("        if not again:\n            self.threshold = max(flight // 2, 2 * self.mss)\n", ""),),
        {"half"}, "half of what was in flight",
    ),
    Wrong(
        "congestion", "slow start never ends",
        (("elif self.window < self.threshold:", "elif True:"),),
        {"avoidance"}, "a whole cwnd of acknowledged bytes",
    ),
    Wrong(
        "congestion", "ACKs are counted, not bytes",
        (("self.window += min(acked, self.mss)", "self.window += self.mss"),),
        {"divided"}, "count bytes, not ACKs",
    ),
    Wrong(
        "congestion", "all that was acknowledged is added, without limit",
        (("self.window += min(acked, self.mss)", "self.window += 2 * acked"),),
        {"slow start", "divided"}, "one MSS",
    ),
    Wrong(
        "congestion", "avoidance adds one segment for each ACK",
        (("            if self.counted >= self.window:\n                self.counted -= self.window\n"
          "                self.window += self.mss\n",
          "            self.window += self.mss\n"),),
        {"avoidance"}, "a whole cwnd of acknowledged bytes",
    ),
    Wrong(
        "congestion", "avoidance adds nothing",
        (("                self.window += self.mss\n\n"
          "    def on_fast", "                pass\n\n    def on_fast"),),
        {"avoidance"}, "have added 0",
    ),
    Wrong(
        "congestion", "the three duplicates are forgotten",
        (("self.threshold + 3 * self.mss", "self.threshold"),),
        {"recovery"}, "so many have left the network",
    ),
    Wrong(
        "congestion", "further duplicates are ignored",
        (("    def on_further_duplicate(self):\n        self.window += self.mss\n",
          "    def on_further_duplicate(self):\n        pass\n"),),
        {"recovery"}, "each further duplicate",
    ),
    Wrong(
        "congestion", "the window stays inflated",
        (("            self.recovering = False\n            self.window = self.threshold\n",
          "            self.recovering = False\n"),),
        {"deflation"}, "ends fast recovery",
    ),
    Wrong(
        "congestion", "the initial window of ten segments",
        (("min(4 * mss, max(2 * mss, 4380))", "10 * mss"),),
        {"initial"}, "the initial window is",
    ),
    Wrong(
        "congestion", "segments are counted, not bytes",
        (("        return self.window\n", "        return self.window // self.mss\n"),),
        {"initial", "slow start", "divided", "avoidance", "halving", "recovery", "deflation", "time-out",
         "half", "floor", "again"}, "the initial window is",
    ),
    Wrong(
        "congestion", "a second time-out halves again",
        (("        if not again:\n"
          "            self.threshold", "        if True:\n            self.threshold"),),
        {"again"}, "ssthresh stays",
    ),
    Wrong(
        "congestion", "the threshold starts at one segment",
        (("self.threshold = 1 << 30", "self.threshold = mss"),),
        {"slow start", "divided"}, "as high as can be",
    ),
    Wrong(
        "congestion", "a loss makes no threshold",
        (("    def on_fast_retransmit(self, flight):\n"
          "        self.threshold = max(flight // 2, 2 * self.mss)\n"
          "        self.window = self.threshold + 3 * self.mss\n",
          "    def on_fast_retransmit(self, flight):\n"),
         ("            self.window = self.threshold\n        elif", "            pass\n        elif")),
        {"avoidance", "halving", "recovery", "deflation"}, "stayed below ssthresh()",
    ),
)  # fmt: skip

WINDOW = (
    Wrong(
        "window", "all that is free is announced, always",
        (("        if self.free - self.announced >= self.step:\n", "        if True:\n"),),
        {"crumbs"}, "silly window syndrome",
    ),
    Wrong(
        "window", "whole segments only",
        (("        return self.announced\n", "        return self.free // self.step * self.step\n"),),
        {"shrinking"}, "must not move to the left", frozenset({"opening", "silence"}),
    ),
    Wrong(
        "window", "less than a segment is announced as nothing",
        (("        return self.announced\n", "        return self.announced if self.free >= self.step else "
                                             "0\n"),),
        {"shrinking"}, "must not move to the left", frozenset({"opening"}),
    ),
    Wrong(
        "window", "the buffer is never used up",
        (("        self.free -= length\n"
          "        self.announced = max(self.announced - length, 0)\n", "        pass\n"),),
        {"free", "update"}, "are free",
    ),
    Wrong(
        "window", "what is read does not become free",
        (("        self.free += length\n", ""),),
        {"opening", "small buffer", "update", "slow program"}, "now the right edge has to move",
    ),
    Wrong(
        "window", "it opens only when all has been read",
        (("        if self.free - self.announced >= self.step:\n",
          "        if self.free == self.size:\n"),
         ("        self.free = size\n", "        self.free = self.size = size\n")),
        {"opening", "small buffer", "update"}, "now the right edge has to move",
    ),
    Wrong(
        "window", "half of the buffer is no step",
        (("min(mss, size // 2)", "mss"),),
        {"small buffer"}, "half of the buffer",
    ),
    Wrong(
        "window", "the sender is never told",
        (("        return self.window() > before and before < self.step\n",
          "        self.window()\n        return False\n"),),
        {"update"}, "on_read has to say True",
    ),
    Wrong(
        "window", "the sender is told of every read",
        (("        return self.window() > before and before < self.step\n",
          "        self.window()\n        return True\n"),),
        {"silence"}, "an ACK would tell nothing new",
    ),
    Wrong(
        "window", "off by one: a byte is kept back",
        (("        self.announced = size\n", "        self.announced = size - 1\n"),),
        {"fresh", "shrinking"}, "the buffer is empty",
    ),
    Wrong(
        "window", "off by one: a byte too many",
        (("            self.announced = self.free\n", "            self.announced = self.free + 1\n"),),
        {"free"}, "are free",
    ),
    Wrong(
        "window", "data counts twice",
        (("        self.free -= length\n", "        self.free -= 2 * length\n"),),
        {"opening", "small buffer", "update", "slow program"}, "now the right edge has to move",
    ),
    Wrong(
        "window", "a closed window waits for two segments",
        (("        if self.free - self.announced >= self.step:\n",
          "        if self.free - self.announced >= 2 * self.step:\n"),),
        {"opening", "small buffer", "update"}, "now the right edge has to move",
    ),
)  # fmt: skip

ALL = (*REASSEMBLY, *RTO, *CONGESTION, *WINDOW)
