"""Statements about a run: what each quantity measures, what a comparison that fails says."""

from __future__ import annotations

import pytest

from lab.scenario import load
from lab.scenario.names import names_of
from lab.scenario.quantities import QUANTITIES
from lab.scenario.statement import parse_statement
from tests.lab.scenario.texts import BASE, TRANSFER, expecting, fault, found, played, program

LOST = TRANSFER + fault(on="client>server kind=data n=2 xmit=1", do="drop", name="lost")

# (quantity, how it is in LOST, how it is not)
EACH = [
    ("delivered", "== sent", "!= sent"),
    ("delivered client>server:5000", "== 8k", "== 9k"),
    ("delivered server>client", "== 0", "== 1"),
    ("sent client>server", "== 8192", "< 8192"),
    ("count client>server kind=data xmit=2", "== 1", "== 2"),
    ("count client>server kind=syn seq=0", "== 1", "== 0"),
    ("gap client>server kind=data seq=1441 xmit=1..2", "in 1s..3s", "in 0s..1s"),
    ("gap client>server kind=syn to server>client kind=syn-ack", "in 10ms..10ms", "in 0ms..9ms"),
    ("first client>server kind=syn", "in 10ms..30ms", "> 30ms"),
    ("last client>server kind=fin", "> 1s", "< 1s"),
    ("hits lost", "== 1", "== 0"),
    ("time", "in 1s..5s", "in 0s..1s"),
    ("result client.send.bytes", "== 8k", "!= 8k"),
    ("result client.send.took", "in 1s..3s", "in 0s..1s"),
    ("error client.send", "== none", "== ECONNRESET"),
    ("ended client.send", "in 1s..3s", "< 1s"),
    ("pools client leaked", "== 0", "> 0"),
    ("pool client TCP_SEG max", "in 2..20", "in 0..1"),
    ("pool server TCP_PCB avail", "== 12", "== 13"),
    ("stat server tcp.recv", "> 5", "<= 5"),
    ("drops server", "== 0", "== 1"),
    ("connections client", "== 1", "== 0"),
    ("connections client TIME_WAIT", "== 1", "== 0"),
    ("address client", "== 10.0.0.2", "== 10.0.0.3"),
    ("oddity client send-lost", "== 0", "== 1"),
    ("output client", '== ""', 'has "x"'),
]


def test_every_quantity_measures() -> None:
    assert {quantity.split()[0] for quantity, _, _ in EACH} == set(QUANTITIES)
    result = played(LOST + expecting(*(f"{quantity} {good}" for quantity, good, _ in EACH)))
    assert result.failed == []


def test_every_quantity_can_fail() -> None:
    result = played(LOST + expecting(*(f"{quantity} {bad}" for quantity, _, bad in EACH)))
    assert [text for text, holds, _ in result.expectations if holds] == []
    assert len(result.expectations) == len(EACH)
    assert all(detail for _, _, detail in result.expectations)


def test_what_a_failing_one_says() -> None:
    result = played(
        LOST
        + fault(on="client>server kind=data", do="drop", at="1ms", name="all")
        + expecting(
            "delivered == sent",
            "gap client>server kind=data seq=1441 xmit=1..2 in 0s..1ms",
            "gap client>server kind=data seq=1 xmit=1..99 in 0s..1ms",
            "gap server>client kind=rst to client>server kind=syn in 0s..1ms",
            "count client>server kind=syn == 2",
            "first server>client kind=rst < 1s",
            "connections client == 0",
            "result client.send.bites == 1",
        ),
        "run.stop=5s",
    )
    assert found(result) == {
        "delivered == sent": "client:49153>server:5000: none of 5760 bytes arrived",
        "gap client>server kind=data seq=1441 xmit=1..2 in 0s..1ms": (
            "no client>server kind=data seq=1441 was sent 2 times: at most 1"
        ),
        "gap client>server kind=data seq=1 xmit=1..99 in 0s..1ms": (
            "no client>server kind=data seq=1 was sent 99 times: at most 3"
        ),
        "gap server>client kind=rst to client>server kind=syn in 0s..1ms": (
            "no server>client kind=rst was sent"
        ),
        "count client>server kind=syn == 2": "1: kind=syn n=1 seq=0 xmit=1 conn=1",
        "first server>client kind=rst < 1s": "no such frame was sent",
        "connections client == 0": "1: ESTABLISHED",
        "result client.send.bites == 1": "it has not ended: waits for client (send)",
    }  # fmt: skip


def test_several_at_once() -> None:
    result = played(LOST + expecting("hits lost == 1 and time > 1s", "hits lost == 1 and time > 1h"))
    assert [(holds, detail.split("; ")) for _, holds, detail in result.expectations] == [
        (True, ["1", f"{result.time / 1e9:g} s"]),
        (False, [f"{result.time / 1e9:g} s"]),
    ]


def test_at_a_moment_and_within() -> None:
    text = LOST + "".join(
        f"\n[[expect]]\nthat = 'delivered {sign} 8k'\n{when}\n"
        for sign, when in [
            ("==", "within = '1h'"),
            ("==", "within = '100ms'"),
            ("<", "at = '100ms'"),
            ("==", "at = '100ms'"),
            ("==", "at = '1h'"),
        ]
    )
    result = played(text)
    assert [holds for _, holds, _ in result.expectations] == [True, False, True, False, False]
    details = [detail for _, _, detail in result.expectations]
    assert details[1] == "1440 (at 0.1 s)"
    assert details[4].startswith("the run ended at ")
    assert details[4].endswith(", before 3600 s: give [run] a later stop")


def test_nothing_sent_is_nothing_delivered() -> None:
    result = played(BASE + expecting("delivered == sent"), "run.stop=1s")
    assert result.failed == ["delivered == sent: nothing was sent"]


def test_programs_have_to_end_well_unless_something_is_said_of_them() -> None:
    text = BASE + program("client", "send bytes=1 to=server:9")
    assert played(text).failed == ["program client.send ends well: failed with ECONNRESET at 0.03 s"]
    assert played(text + expecting("error client.send == ECONNRESET")).ok
    waits = BASE + program("client", "receive port=9 count=1")
    assert played(waits, "run.stop=3s").failed == [
        "program client.receive ends well: waits for client (accept)"
    ]
    assert played(waits, "run.stop=3s", "program.1.daemon=true").ok


@pytest.mark.parametrize("name", sorted(QUANTITIES))
def test_examples_of_quantities_are_statements(name: str) -> None:
    text = TRANSFER + program("client", "request to=server:5000") + fault(link="wire", do="pull", at="9s")
    names = names_of(load(text).file)
    names.programs += ["client.send", "client.request"]
    names.faults.append("fault1")
    assert parse_statement(QUANTITIES[name].example, names).comparisons[0].quantity.name == name
