"""Both stacks through one conversation: ours leads, the oracle gets the same bytes, the transcripts are
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.pkt.events import Event
from tests.lockstep.conversation import STEPS, Plan, converse, segments
from tests.lockstep.describe import Difference, first_difference, tell
from tests.lockstep.oracle import Oracle
from tests.lockstep.ours import OurSide
from tests.lockstep.profile import configured
from tests.lockstep.script import format_options
from tests.lockstep.session import Leader, Side
from tests.lockstep.wire import Config, Record


@dataclass(frozen=True)
class Outcome:
    """What a conversation showed; ``lwip`` is the oracle's transcript."""

    config: Config
    peer_iss: int
    events: list[Event]
    lwip: list[Record]
    difference: Difference | None

    @property
    def segments(self) -> int:
        """How many segments of peers both stacks were fed with."""
        return segments(self.events)

    @property
    def stop(self) -> str:
        """The assertion at which lwIP itself stopped, or ""."""
        last = self.lwip[-1] if self.lwip else None
        if last is None or last.kind not in "AX":
            return ""
        return (
            last.body.decode().strip()
            if last.kind == "A"
            else f"signal {int.from_bytes(last.body, 'little')}"
        )

    def script(self) -> str:
        """The conversation up to the difference, as a script of the trace language."""
        assert self.difference is not None
        head = format_options(self.config, self.peer_iss)
        return head + tell(self.config, self.peer_iss, self.events, self.lwip, self.difference)


def _finish(oracle: Oracle, config: Config, peer_iss: int, leader: Leader) -> Outcome:
    with oracle.conversation(config) as conversation:
        lwip = conversation.run_all(leader.encoded())
    return Outcome(config, peer_iss, leader.events, lwip, first_difference(lwip, leader.transcript))


def our_side(config: Config) -> Side:
    """The stack under test."""
    return OurSide(configured(config), config)


def check(
    oracle: Oracle, plan: Plan, steps: int = STEPS, side: Callable[[Config], Side] = our_side
) -> Outcome:
    """A seeded conversation."""
    return _finish(oracle, plan.config, plan.peer_iss, converse(plan, side(plan.config), steps))


def replay(
    oracle: Oracle,
    config: Config,
    peer_iss: int,
    events: Sequence[Event],
    side: Callable[[Config], Side] = our_side,
) -> Outcome:
    """Given events, e.g. of a script."""
    leader = Leader(config, peer_iss, side(config))
    leader.feed(events)
    return _finish(oracle, config, peer_iss, leader)
