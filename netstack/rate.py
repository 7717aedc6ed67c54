"""A token bucket: what limits the rate of our answers to packets that anybody may send (RFC 1812 4.3.2.8,
RFC 5961 7; quirk no_rate_limits off).
"""

from __future__ import annotations

BURST = 10  # answers at once,
GAP_MS = 100  # and how often one more


class TokenBucket:
    """BURST tokens, and a new one every GAP_MS."""

    __slots__ = ("_full_at",)

    def __init__(self) -> None:
        self._full_at = 0  # ms at which all tokens are there again

    def take(self, now: int) -> bool:
        """Take a token at ``now`` (ms); False when there is none."""
        start = max(self._full_at, now)
        if start - now > (BURST - 1) * GAP_MS:
            return False
        self._full_at = start + GAP_MS
        return True
