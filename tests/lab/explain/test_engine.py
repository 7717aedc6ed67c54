"""The explain engine knows every word that the stack can say, and explains all of it in real runs."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import netstack
from lab.explain import Explainer, changes, dropped, incoming, outgoing, timing, waiting
from lab.explain.below import BELOW
from lab.explain.engine import KINDS
from lab.trace import Trace, load_run
from lab.trace.schema import KINDS as SCHEMA
from netstack import trace
from netstack.errors import ERR_IF, ERR_MEM, ERR_OK
from netstack.stats import Drop
from netstack.tcp.states import ALLOWED, STATE_NAMES
from tests.lab.explain import fetch
from tests.lab.trace.recorded import Recording
from tests.netstack.peer import ip_of
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established

ROOT = Path(__file__).parent.parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
CORE = sorted((ROOT / "netstack").rglob("*.py"))

# Events that are no line of a trace, and one that is told under another name
ENCLOSING = {"called", "done"}
RENAMED = {"held-packet": "held"}


# Every word of the code has its explanation


def test_every_kind_of_event_is_explained() -> None:
    kinds = {
        kind.kind
        for kind in vars(trace).values()
        if isinstance(kind, type) and issubclass(kind, trace.Event) and kind is not trace.Event
    }
    told = {RENAMED.get(kind, kind) for kind in kinds - ENCLOSING}
    assert told <= set(SCHEMA)
    assert set(KINDS) == set(SCHEMA)


def test_every_cause_verdict_reason_and_action_is_explained() -> None:
    assert set(outgoing.CAUSES) == set(trace.SEGMENT_CAUSES)
    assert set(waiting.REASONS) == set(trace.HELD_REASONS)
    assert set(incoming.VERDICTS) == set(trace.VERDICTS)
    assert set(timing.NAMES) == set(timing.PLACES) == set(trace.CONNECTION_TIMERS)
    assert set(timing.STOPS) == set(trace.STOP_REASONS)
    assert set(timing.ACTIONS) == set(trace.TIMER_ACTIONS)
    assert set(changes._CONGESTION) == set(trace.CONGESTION_CAUSES)
    assert set(changes._REASSEMBLY) == set(trace.REASSEMBLY_ACTIONS)
    assert set(importlib.import_module("lab.explain.below")._ARP) == set(trace.ARP_ACTIONS)
    assert "arp" in BELOW


def test_every_drop_reason_is_explained() -> None:
    for module in pkgutil.walk_packages(netstack.__path__, "netstack."):
        importlib.import_module(module.name)
    assert set(dropped.PLACES) == set(Drop.all)
    assert set(dropped.NOTES) <= set(Drop.all)


def test_every_change_of_state_is_explained() -> None:
    allowed = {
        (STATE_NAMES[old], STATE_NAMES[new]) for old, followers in ALLOWED.items() for new in followers
    }
    assert set(changes.TRANSITIONS) == allowed - {("CLOSED", "LISTEN")}  # a listener is no connection


# What the stack says is in the closed lists

# Function of ``observe`` or of the stack -> the place of the word among its arguments, the list it is from
CALLS: dict[str, tuple[int, tuple[str, ...]]] = {
    "send_empty_ack": (2, trace.ACK_CAUSES),
    "challenge": (2, trace.ACK_CAUSES),
    "send_rst": (6, trace.RST_CAUSES),
    "reset_connection": (2, trace.RST_CAUSES),
    "abort": (2, trace.RST_CAUSES),
    "rexmit_first": (2, trace.REXMIT_CAUSES),
    "rexmit_all": (2, trace.REXMIT_CAUSES),
    "rto_prepare": (2, trace.REXMIT_CAUSES),
    "held": (2, trace.HELD_REASONS),
    "write_refused": (2, trace.HELD_REASONS),
    "_held": (0, trace.HELD_REASONS),
    "timer_armed": (2, trace.CONNECTION_TIMERS),
    "timer_stopped": (3, trace.STOP_REASONS),
    "timer_fired": (5, trace.TIMER_ACTIONS),
    "congestion": (2, trace.CONGESTION_CAUSES),
    "rtt": (2, trace.RTT_ACTIONS),
    "reassembly": (2, trace.REASSEMBLY_ACTIONS),
    "left_queue": (3, trace.REASSEMBLY_ACTIONS),
    "_tell": (0, trace.ARP_ACTIONS),
}
FIELDS = {"ack_why": (*trace.ACK_CAUSES, ""), "verdict": (*trace.VERDICTS, ""), "ack_kind": trace.ACK_KINDS}


def words_of(node: ast.expr) -> Iterator[str]:
    """The string constants that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from words_of(node.body)
        yield from words_of(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from words_of(value)


@pytest.mark.parametrize("path", CORE, ids=[path.relative_to(ROOT).as_posix() for path in CORE])
def test_the_stack_says_only_words_that_are_listed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place, known = CALLS.get(name, (99, ()))
            if len(node.args) > place:
                assert set(words_of(node.args[place])) <= set(known), f"{path}:{node.lineno}"
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            known = FIELDS.get(node.targets[0].attr, ())
            if known:
                assert set(words_of(node.value)) <= set(known), f"{path}:{node.lineno}"


# Real runs: all of it is explained, and every word is met


def check(run: Trace, met: dict[str, set[str]]) -> None:
    """Explain every event of a run."""
    explainer = Explainer(run)
    for event in run.events:
        found = explainer.explain(event)
        line = found.line()
        assert "does not know" not in line, event
        assert not re.search(r"\bNone\b|\{|\}|<built", line), (line, event)
        kind = event["kind"]
        if kind in ("segment-in", "segment-out", "held", "drop", "state", "timer-fired"):
            assert found.lwip, event
        for name in ("cause", "why", "verdict", "what", "action", "reason"):
            if name in event:
                met[f"{kind}.{name}"].add(event[name])
        if kind == "state":
            met["state"].add(f"{event['old']}>{event['new']}")
        met["kind"].add(kind)


@cache
def met_in_recordings() -> dict[str, set[str]]:
    """What is met in some of the recordings of real lwIP, and in a network."""
    met: dict[str, set[str]] = defaultdict(set)
    check(fetch.run(), met)
    for pattern in ("micropython/*/*.pkt", "full/arp/*.pkt", "full/ooo/*.pkt", "esp-like/ooo/*.pkt"):
        for path in sorted(GOLDEN.glob(pattern)):
            if path.parent.name != "random" or path.stem.endswith("8"):  # of fifty alike
                check(load_run(path), met)
    return met


def refused_data(talk: Conversation) -> None:
    talk.answer = ERR_MEM
    for n in range(8):
        talk.segment(PSH | ACK, 1 + 800 * n, 1, bytes(800))
    talk.pcb.rcv_ann_wnd = 0
    talk.segment(PSH | ACK, 801, 1, b"probe")
    talk.answer = ERR_OK


def driver_and_buffer(talk: Conversation) -> None:
    talk.err = ERR_IF
    talk.write(b"x")
    talk.err = ERR_OK
    talk.tcp.write(talk.pcb, bytes(7000))


def abort_flush(talk: Conversation) -> None:
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.tcp.abort(talk.pcb)


def early(talk: Conversation) -> None:
    talk.connect()
    talk.write(b"early")
    talk.segment(SYN, 0)
    talk.segment(SYN | ACK, 0, 99)


def strict(talk: Conversation) -> None:
    talk.segment(PSH | ACK, 101, 1, bytes(100))
    talk.segment(PSH | ACK, 1, 1, bytes(100))  # fills the hole
    talk.segment(PSH | ACK, 60_000, 1, b"far")  # not acceptable
    talk.segment(PSH | ACK, 201, -100_000, b"old ack")
    for _ in range(12):
        talk.segment(SYN, 5)
    talk.segment(FIN | ACK, 201, 1)
    talk.segment(PSH | ACK, 202, 1, b"after the end")
    talk.write(bytes(10))
    talk.advance(ms=5_000_000)  # gives up


def pending(talk: Conversation) -> None:
    talk.stack.trace, hook = None, talk.stack.trace
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.stack.trace = hook
    talk.segment(ACK, 2, 1)
    talk.pcb.ack_why = ""
    talk.tcp.output(talk.pcb)
    talk.pcb.flags |= 2
    talk.tcp.output(talk.pcb)


def no_entry(talk: Conversation) -> None:
    for n in range(talk.stack.profile.arp_table_size):
        talk.stack.arp.add_static(ip_of(f"10.0.0.{n + 20}"), bytes([2, 0, 0, 0, 1, n]))
    udp = talk.stack.udp.new()
    assert udp is not None
    talk.stack.udp.sendto(udp, b"x", ip_of("10.0.0.99"), 7)


def idle(talk: Conversation) -> None:
    talk.write(bytes(3200))
    talk.segment(ACK, 1, 3201)
    talk.advance(ms=60_000)
    talk.write(bytes(3200))


CONVERSATIONS: list[tuple[str, Callable[[Conversation], None]]] = [
    ("micropython", refused_data),
    ("micropython", driver_and_buffer),
    ("micropython", abort_flush),
    ("micropython", early),
    ("micropython", pending),
    ("micropython", no_entry),
    ("strict", strict),
    ("strict", idle),
]


@cache
def met_in_conversations() -> dict[str, set[str]]:
    met: dict[str, set[str]] = defaultdict(set)
    for profile, play in CONVERSATIONS:
        talk = established(profile, mss=800)
        recording = Recording(talk.stack)
        play(talk)
        check(recording.trace(), met)
    return met


def met(name: str) -> set[str]:
    return met_in_recordings()[name] | met_in_conversations()[name]


WORDS: dict[str, tuple[str, ...]] = {
    "segment-out.cause": trace.SEGMENT_CAUSES,
    "held.why": trace.HELD_REASONS,
    "segment-in.verdict": trace.VERDICTS,
    "timer-fired.action": trace.TIMER_ACTIONS,
    "timer-stopped.why": trace.STOP_REASONS,
    "congestion.cause": trace.CONGESTION_CAUSES,
    "rtt.what": trace.RTT_ACTIONS,
    "reassembly.what": trace.REASSEMBLY_ACTIONS,
    "arp.what": trace.ARP_ACTIONS,
    "kind": tuple(set(SCHEMA) - {"device", "verdict"}),
}


def test_every_word_is_met_in_a_run() -> None:
    """One test, so that no two processes replay the recordings."""
    missing = {name: set(words) - met(name) for name, words in WORDS.items()}
    assert not any(missing.values()), missing


# What only an event of its own can show


def told(trace: Trace, kind: str, **fields: object) -> list[str]:
    """The explanations of the events of a kind with those fields."""
    explainer = Explainer(trace)
    return [
        explainer.explain(event).line()
        for event in trace.events
        if event["kind"] == kind and fields.items() <= event.items()
    ]


def test_a_window_before_the_first_byte_has_not_been_read_free() -> None:
    first = told(fetch.run(), "window", which="rcv_wnd", old=None)
    assert first
    assert not [line for line in first if "has read" in line]


def test_the_window_of_a_peer_that_has_not_answered_is_a_guess() -> None:
    assert "taken to be 6400, as large as ours" in told(fetch.run(), "window", which="snd_wnd", old=None)[0]


def test_the_ack_of_a_fin_is_not_said_to_wait() -> None:
    lines = told(
        load_run(GOLDEN / "micropython/close/active_fin_ack_together.pkt"), "held", why="delayed-ack"
    )
    assert "the FIN that came with it makes it immediate" in lines[-1]


def test_what_was_kept_and_is_replaced_is_not_the_packet_that_comes() -> None:
    talk = established("micropython")
    recording = Recording(talk.stack)
    talk.segment(PSH | ACK, 11, 1, bytes(10))
    talk.segment(PSH | ACK, 1, 1, bytes(20))
    (event,) = [event for event in recording.trace().events if event["kind"] == "drop"]
    assert "frame" not in event
    (line,) = told(recording.trace(), "drop", reason="tcp_ooseq_covered")
    assert line.startswith("dropped a packet: kept out of order, and replaced")


def test_an_element_that_a_segment_does_not_find_is_counted() -> None:
    talk = established("micropython", memp_num_tcp_seg=1)
    recording = Recording(talk.stack)
    talk.segment(PSH | ACK, 11, 1, bytes(10))
    talk.segment(PSH | ACK, 31, 1, bytes(10))
    (line,) = told(recording.trace(), "drop", reason="tcp_ooseq_no_element")
    assert line.startswith("dropped the packet [")
    assert "1 of 1 in use" in line


@pytest.mark.parametrize(("profile", "own"), [("micropython", True), ("strict", False)])
def test_what_is_lwips_own_about_a_reset_is_said_only_where_it_is_so(profile: str, own: bool) -> None:
    talk = Conversation(profile)
    recording = Recording(talk.stack)
    talk.segment(ACK, 7, 7)  # to a listener
    lines = told(recording.trace(), "segment-out", cause="rst-listener")
    assert ["swapped bytes" in line for line in lines] == [own]


def test_a_keep_alive_whose_answer_is_stuck_behind_nagle_is_not_said_to_be_answered() -> None:
    talk = established("micropython", mss=800)
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.advance(ms=300)
    talk.write(bytes(100))
    talk.write(bytes(50))  # held: 100 bytes are in flight
    recording = Recording(talk.stack)
    talk.segment(ACK, 1, 1)  # one before the next
    (line,) = told(recording.trace(), "segment-in", verdict="outside")
    assert "the answer that is due does not go out now" in line


def test_a_word_of_a_later_version_is_no_end() -> None:
    run = fetch.run()
    run.events[20] |= {"kind": "telepathy"}
    run.events[30] |= {"cause": "whim"}
    explainer = Explainer(run)
    assert "does not know" in explainer.explain(run.events[20]).line()
    assert "does not know" in explainer.explain(run.events[30]).line()
