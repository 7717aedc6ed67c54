"""One seeded conversation: its world, its events as they are drawn, and where the two stacks differ in it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from lab.pkt.events import Event, Inbound, Tcp
from tests.lockstep.generator import Generator
from tests.lockstep.moods import MOODS, Mood
from tests.lockstep.session import Leader, Side
from tests.lockstep.wire import Config

STEPS = 150  # draws of the generator; makes about 130 segments


@dataclass(frozen=True)
class Plan:
    """What a seed decides before the first event."""

    seed: str
    mood: Mood
    config: Config
    peer_iss: int
    rng: Random


def plan(seed: str, mood: str | None = None, state: bool = False) -> Plan:
    """The plan of ``seed``; ``mood`` names one of MOODS instead of the drawn one. Numbers near their wrap
    come up often.
    """
    rng = Random(seed)
    drawn = rng.choice(MOODS)
    chosen = next((m for m in MOODS if m.name == mood), drawn)
    config = Config(
        iss=rng.choice((1_000_000, 0, 0xFFFFFFFF, 0x7FFFFF00, 0xFFFFF000, rng.getrandbits(32))),
        iss_step=rng.choice((64_000, 64_000, 0, 1, rng.getrandbits(32))),
        ephemeral_first=rng.choice((49153, 49153, 0xFFFD, rng.randrange(0xC001, 0xFFFF))),
        clock_start=rng.choice((0, 0, 0xFFFFF000, rng.getrandbits(32))),
        mtu=rng.choice(chosen.mtus),
        poll_ms=rng.choice(chosen.polls),
        tcp_pcb=rng.choice(chosen.pools),
        tcp_seg=rng.choice(chosen.segments),
        state=int(state),
    )
    peer_iss = rng.choice((0, 0xFFFFFFF0, 0x7FFFFFF0, 0xFFFF8000, rng.getrandbits(32)))
    return Plan(seed, chosen, config, peer_iss, rng)


def converse(plan: Plan, side: Side, steps: int = STEPS) -> Leader:
    """Draw events and feed them to ``side`` until the conversation ends."""
    leader = Leader(plan.config, plan.peer_iss, side)
    generator = Generator(plan.rng, plan.mood, leader.peers, leader.slots)
    leader.feed(generator.opening())
    for _ in range(steps):
        leader.feed(generator.step())
    leader.feed(generator.closing())
    return leader


def segments(events: list[Event]) -> int:
    """How many TCP segments the peers sent."""
    return sum(isinstance(event, Inbound) and isinstance(event.packet, Tcp) for event in events)
