"""Verdicts: what they make of a frame, their texts and mistakes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tap.impair.fields import get, repair
from tap.rules.coordinate import Tracker
from tap.rules.errors import RuleError
from tap.rules.grammar import parse
from tap.rules.verdicts import (
    DROP,
    PASS,
    Corrupt,
    Delay,
    Delivery,
    Duplicate,
    Inject,
    Reorder,
    Rewrite,
    Sent,
    Verdict,
    as_bytes,
    time_text,
    verdicts,
)
from tap.rules.view import FrameView
from tests.tap.rules.bench import ACK, PSH, tcp, udp

DATA = tcp(ACK | PSH, 1, 1, b"hello")


def delivered(verdict: Verdict, frame: bytes = DATA) -> tuple[Delivery, list[tuple[str, str]]]:
    to = Delivery(FrameView(frame, 100, Tracker().see(frame, "a>b", 0)), [Sent(100, frame)])
    notes: list[tuple[str, str]] = []
    verdict.apply(to, lambda action, detail: notes.append((action, detail)))
    return to, notes


def changed(verdict: Verdict, frame: bytes = DATA) -> tuple[bytes, str]:
    to, [(_, detail)] = delivered(verdict, frame)
    return to.sent[0].frame, detail


def test_pass_and_drop() -> None:
    to, notes = delivered(PASS)
    assert (to.sent, notes) == ([Sent(100, DATA)], [("pass", "")])
    to, notes = delivered(DROP)
    assert (to.sent, notes) == ([], [("drop", "")])


def test_delay_and_duplicate() -> None:
    to, notes = delivered(Delay(5))
    assert (to.sent, notes) == ([Sent(105, DATA)], [("delay", "5 ns")])
    to, notes = delivered(Duplicate(2, 7))
    assert to.sent == [Sent(100, DATA), Sent(107, DATA), Sent(114, DATA)]
    assert notes == [("duplicate", "2 x, 7 ns apart")]
    assert delivered(Duplicate())[1] == [("duplicate", "1 x")]


@pytest.mark.parametrize(
    ("corrupt", "byte", "value", "detail"),
    [
        (Corrupt(), -1, ord("o") ^ 1, "bit 0 of byte 58"),
        (Corrupt(byte=54), 54, ord("h") ^ 255, f"byte 54 = {ord('h') ^ 255}"),
        (Corrupt(byte="payload+1", bit=7), 55, ord("e") ^ 128, "bit 7 of byte 55"),
        (Corrupt(bit=54 * 8 + 2), 54, ord("h") ^ 4, "bit 2 of byte 54"),
        (Corrupt(byte=-5, value=0), 54, 0, "byte 54 = 0"),
    ],
)
def test_corrupt_changes_one_place(corrupt: Corrupt, byte: int, value: int, detail: str) -> None:
    frame, said = changed(corrupt)
    expected = bytearray(DATA)
    expected[byte] = value
    assert (frame, said) == (bytes(expected), detail)


def test_corrupt_a_field() -> None:
    frame, said = changed(Corrupt(field="tcp.checksum"))
    assert get(frame, "tcp.chksum") == get(DATA, "tcp.chksum") ^ 1  # type: ignore[operator]
    assert said == f"tcp.chksum = {get(frame, 'tcp.chksum')}"
    frame, said = changed(Corrupt(field="ip.ttl", value=1))
    assert (get(frame, "ip.ttl"), get(frame, "ip.chksum")) == (1, get(DATA, "ip.chksum"))
    frame, said = changed(Corrupt(field="ip.ttl", value=1, repaired=True))
    whole = Ether(frame)
    del whole[IP].chksum
    assert bytes(whole) == frame
    assert said == "ip.ttl = 1, repaired"


def test_rewrite() -> None:
    frame, said = changed(Rewrite({"tcp.window": 0, "ip.dst": "10.0.0.9"}))
    assert (get(frame, "tcp.window"), said) == (0, "tcp.window = 0, ip.dst = 167772169, repaired")
    whole = Ether(frame)
    del whole[IP].chksum
    del whole[TCP].chksum
    assert bytes(whole) == frame
    frame, _ = changed(Rewrite({"tcp.window": 0}, repaired=False))
    assert get(frame, "tcp.chksum") == get(DATA, "tcp.chksum")
    assert changed(Rewrite(Ether(bytes(20)))) == (bytes(20), bytes(20).hex())


@pytest.mark.parametrize("verdict", [Corrupt(byte=999), Corrupt(field="udp.len"), Rewrite({"udp.len": 1})])
def test_a_frame_that_has_no_such_place_passes(verdict: Verdict) -> None:
    to, [(action, detail)] = delivered(verdict)
    assert (to.sent[0].frame, action) == (DATA, "pass")
    assert detail


def test_reorder() -> None:
    to, notes = delivered(Reorder(2, 5))
    assert (to.behind, to.patience, notes) == (2, 5, [("reorder", "2 behind")])


def test_inject() -> None:
    raw = bytes(range(20))
    to, notes = delivered(Inject(raw))
    assert to.sent == [Sent(100, DATA), Sent(100, raw, True)]
    assert notes == [("inject", f"frame after to receiver, 0 ns later: {raw.hex()}")]
    assert delivered(Inject(raw, before=True))[0].sent[0].injected
    to, notes = delivered(Inject("rst", to="sender", delay=9))
    assert (to.sent, [(one.at, one.injected) for one in to.back]) == ([Sent(100, DATA)], [(109, True)])
    assert notes[0][1].startswith("rst to sender, 9 ns later: 0200")
    assert delivered(Inject("rst"), udp(1, 2, b""))[1] == [("pass", "rst answers no such frame")]
    assert delivered(Inject(Ether(raw)))[0].sent[1].frame == raw


def test_injected_frames_are_not_lost_nor_late() -> None:
    to, _ = delivered(Inject(bytes(20)))
    for verdict in (Delay(50), Duplicate(), Corrupt(), DROP):
        verdict.apply(to, lambda action, detail: None)
    assert to.sent == [Sent(100, bytes(20), True)]


ALL = [
    PASS, DROP, Delay(200_000_000), Delay(0), Duplicate(3, 1500), Duplicate(), Corrupt(),
    Corrupt(byte="tcp+13", bit=2), Corrupt(byte=5, value=7), Corrupt(bit=77),
    Corrupt(field="ip.ttl", value=3, repaired=True),
    Rewrite({"tcp.window": 0}), Rewrite({"tcp.flags": "RA", "ip.dst": "10.0.0.9"}, repaired=False),
    Rewrite(bytes(14)), Reorder(), Reorder(3, 2_500_000), Inject("rst"), Inject(bytes(14), before=True),
    Inject("icmp-unreachable", to="receiver", delay=1000, options={"code": "frag-needed", "mtu": 500}),
]  # fmt: skip


@pytest.mark.parametrize("verdict", ALL, ids=str)
def test_its_text_is_the_rule_that_does_the_same(verdict: Verdict) -> None:
    again = parse(str(verdict)).verdict
    assert type(again) is type(verdict)
    assert delivered(again) == delivered(verdict) or delivered(again)[1] == delivered(verdict)[1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Delay(-1), "0 or more"),
        (lambda: Delay(1.5), "whole number"),  # type: ignore[arg-type]
        (lambda: Duplicate(0), "1 or more"),
        (lambda: Duplicate(10**6), "is a flood"),
        (lambda: Corrupt(field="tcp.seq", byte=1), "leave one out"),
        (lambda: Corrupt(field="tcp.sq"), "did you mean tcp.seq"),
        (lambda: Corrupt(field="ip.ttl", value=256), "0 to 255"),
        (lambda: Corrupt(value=1), "add byte=54"),
        (lambda: Corrupt(byte=1, value=256), "0 to 255"),
        (lambda: Corrupt(byte=1, bit=8), "0 to 7"),
        (lambda: Rewrite({}), "needs a field"),
        (lambda: Rewrite({"tcp.windw": 1}), "did you mean tcp.window"),
        (lambda: Rewrite("tcp.window=1"), "is no frame"),  # type: ignore[arg-type]
        (lambda: Rewrite(b"short"), "5 bytes are no frame"),
        (lambda: Reorder(0), "1 or more"),
        (lambda: Inject("rts"), "did you mean rst"),
        (lambda: Inject(bytes(14), options={"mtu": 5}), "crafted frames"),
        (lambda: Inject("rst", to="me"), "to=receiver or to=sender"),
        (lambda: Inject(5), "is no frame"),  # type: ignore[arg-type]
    ],
)
def test_mistakes(make: Callable[[], object], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        make()


def test_what_a_callback_may_return() -> None:
    assert verdicts(None) == ()
    assert verdicts(DROP) == (DROP,)
    assert verdicts([Delay(1), Duplicate()]) == (Delay(1), Duplicate())
    for wrong in (True, "drop", Delay, b"frame", [DROP, None]):
        with pytest.raises(RuleError, match="is no verdict"):
            verdicts(wrong)


def test_small_things() -> None:
    assert as_bytes(bytearray(14)) == bytes(14)
    assert [time_text(ns) for ns in (0, 5, 3000, 2_000_000, 10**9, 1_500_000_000)] == [
        "0ns", "5ns", "3us", "2ms", "1s", "1500ms",
    ]  # fmt: skip
    fixed = bytearray(DATA)
    repair(fixed)
    assert fixed == DATA
