"""Lockstep with a living lwIP: the same random segments and calls to our stack and to Debian's liblwip 2.1.3.

Every frame, every callback and every result must be the same, to the byte and to the virtual millisecond.
docs/lockstep.md says what is compared, and what is not. By hand: ``python -m tests.lockstep --help``.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lockstep import oracle as lwip
from tests.lockstep.campaign import Task, run
from tests.lockstep.check import Outcome, check, replay
from tests.lockstep.conversation import converse, plan
from tests.lockstep.coverage import measure
from tests.lockstep.moods import MOODS
from tests.lockstep.oracle import Oracle
from tests.lockstep.ours import OurSide
from tests.lockstep.profile import configured
from tests.lockstep.script import parse_script
from tests.lockstep.session import Leader, Side
from tests.lockstep.shrink import Shrinker
from tests.lockstep.wire import Config, Op, Record, encode_event

SEGMENTS = 100_000
SHARDS = 10


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    reason = lwip.why_missing()
    if reason is not None:
        pytest.skip(f"NOT COMPARED WITH A LIVING LWIP: {reason}")
    with Oracle() as program:
        yield program


def _story(oracle: Oracle, seed: str, outcome: Outcome) -> str:
    small = Shrinker(oracle, outcome).shrink()
    assert small.difference is not None
    return f"conversation {seed}: {small.difference.signature()}\n{small.script()}"


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_100000_segments_without_a_difference(oracle: Oracle, shard: int) -> None:
    report = run(Task("test", SEGMENTS // SHARDS, shard, SHARDS, most_differences=1))
    for seed, outcome in report.differences:
        pytest.fail(_story(oracle, seed, outcome), pytrace=False)
    assert report.segments >= SEGMENTS // SHARDS


@pytest.mark.parametrize("mood", [mood.name for mood in MOODS])
def test_the_inside_is_the_same_too(oracle: Oracle, mood: str) -> None:
    report = run(Task("inside", 2_000, mood=mood, state=True, most_differences=1))
    for seed, outcome in report.differences:
        pytest.fail(_story(oracle, seed, outcome), pytrace=False)


SCRIPTS = sorted((Path(__file__).parent / "lockstep" / "scripts").glob("*.pkt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_once_differed(oracle: Oracle, path: Path) -> None:
    config, peer_iss, events = parse_script(path.read_text("ascii"))
    outcome = replay(oracle, dataclasses.replace(config, state=1), peer_iss, events)
    assert outcome.difference is None, outcome.script()
    assert sum(record.kind == "F" for record in outcome.lwip) >= 2


# What the wire shows of each quirk is in the conversations: a stack without it is told apart.
QUIRKS = (
    ("abort_sends_ack_first", "calm"),
    ("ack_lost_without_memory", "starved"),
    ("ack_starvation_behind_nagle", "calm"),
    ("data_with_future_ack_accepted", "hostile"),
    ("data_without_ack_accepted", "hostile"),
    ("dupack_count_not_reset", "sender"),
    ("fast_retransmit_counts_as_retry", "sender"),
    ("frozen_timer_after_close", "timers"),
    ("hole_fill_ack_delayed", "receiver"),
    ("martian_source_accepted", "hostile"),
    ("mss_option_on_any_segment", "hostile"),
    ("no_minimum_mss", "sender"),
    ("no_restart_after_idle", "timers"),
    ("no_rst_on_give_up", "timers"),
    ("no_simultaneous_open", "opening"),
    ("ooseq_last_replaced", "receiver"),
    ("probe_byte_sent_again", "windows"),
    ("psh_kept_on_split", "windows"),
    ("recovery_outlives_timeout", "sender"),
    ("retransmission_timed", "sender"),
    ("rst_ack_flag_always", "calm"),
    ("rst_in_syn_sent_without_ack", "opening"),
    ("rst_window_byteswap", "calm"),
    ("segment_cap_half_window", "windows"),
    ("syn_rcvd_ack_before_syn", "hostile"),
    ("syn_retry_without_backoff", "timers"),
    ("syn_rtt_sample_late", "timers"),
    ("time_wait_never_reused", "closing"),
    ("window_update_from_any_segment", "hostile"),
    ("zero_window_split_keeps_fin", "windows"),
)


@pytest.mark.parametrize(("quirk", "mood"), QUIRKS)
def test_a_stack_without_a_quirk_is_told_apart(oracle: Oracle, quirk: str, mood: str) -> None:
    def without(config: Config) -> Side:
        profile = configured(config)
        return OurSide(profile.replace(check=False, quirks=profile.quirks ^ {quirk}), config)

    outcomes = (check(oracle, plan(f"quirk/{number}", mood), side=without) for number in range(80))
    assert any(outcome.difference is not None for outcome in outcomes)


# ---- The harness itself: lwIP against lwIP ----


@dataclass
class OracleSide:
    """A second lwIP in the place of our stack, fed event by event; ``fault`` changes what it says."""

    config: Config
    program: Oracle
    operations: bytes = b""
    seen: int = 0
    faulty: bool = False
    records: list[Record] = field(default_factory=list)

    def run(self, time: int, op: Op, args: bytes) -> list[Record]:
        """session.Side.run: everything from the start again, in a lwIP of its own."""
        self.operations += encode_event(time, op, args)
        with self.program.conversation(self.config) as conversation:
            self.records = conversation.run_all(self.operations)
        new, self.seen = self.records[self.seen :], len(self.records)
        return [self._plant(record) for record in new] if self.faulty else new

    @staticmethod
    def _plant(record: Record) -> Record:
        """The urgent pointer of every SYN-ACK is 1."""
        body = record.body
        if record.kind == "F" and len(body) >= 54 and body[47] & 0x12 == 0x12:
            return record._replace(body=body[:53] + b"\1" + body[54:])
        return record


def test_same_seed_same_frames(oracle: Oracle) -> None:
    def transcript() -> list[Record]:
        world = plan("same", state=True)
        with oracle.conversation(world.config) as conversation:
            return converse(world, conversation).transcript

    first = transcript()
    assert sum(record.kind == "F" for record in first) > 20
    assert first == transcript()


def test_fed_at_once_or_one_by_one_lwip_does_the_same(oracle: Oracle) -> None:
    with Oracle() as second:
        outcome = check(oracle, plan("at once"), 60, lambda config: OracleSide(config, second))
    assert outcome.difference is None
    assert outcome.segments > 20


def test_a_planted_fault_is_found_and_made_small(oracle: Oracle) -> None:
    with Oracle() as second:

        def faulty(config: Config) -> Side:
            return OracleSide(config, second, faulty=True)

        outcomes = (check(oracle, plan(f"planted/{number}", "calm"), 40, faulty) for number in range(10))
        outcome = next(outcome for outcome in outcomes if outcome.difference is not None)
        small = Shrinker(oracle, outcome, faulty).shrink()
        assert small.difference is not None
        assert small.difference.signature() == "frame: urg"
        # What is left: a listener and a SYN to it, and the neighbour's address.
        assert len(small.events) <= 3
        config, peer_iss, events = parse_script(small.script())
        again = replay(oracle, config, peer_iss, events, faulty)
        assert again.difference is not None
        assert again.script() == small.script()


def test_conversations_reach_every_state_and_situation(oracle: Oracle) -> None:
    seen: Counter[str] = Counter()
    for number in range(60):
        world = plan(f"coverage/{number}", MOODS[number % len(MOODS)].name, state=True)
        with oracle.conversation(world.config) as conversation:
            leader: Leader = converse(world, conversation)
        seen.update(measure(leader.transcript))
    assert [name for name, count in seen.items() if count == 0] == []


@pytest.mark.usefixtures("oracle")
def test_the_library_is_the_one_the_profile_describes() -> None:
    assert lwip.options()["VERSION"] == "2.1.3"
