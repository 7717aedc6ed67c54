"""The rules of a direction: order, coming and going, what becomes of frames."""

from __future__ import annotations

import pytest
from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether

from tap.cable import Direction, Note, PassOn, Port
from tap.clock import MS, VirtualClock
from tap.rules.errors import RuleError
from tap.rules.rule import Rule
from tap.rules.verdicts import DROP, Delay, Inject, Rewrite, Verdict
from tap.rules.view import FrameView
from tests.tap.rules.bench import ACK, SERVER, Bench, tcp
from tests.tap.rules.test_rule import TEN, data, lost


def numbers(frames: list[bytes]) -> list[int]:
    return [int(frame[54:59]) for frame in frames]


def test_the_first_match_wins_but_all_count() -> None:
    bench = Bench()
    first = bench.forth.rules.add("drop kind=data n=1")
    second = bench.forth.rules.add("drop kind=data n=3")
    allow = bench.forth.rules.add("pass kind=data n=5")
    third = bench.forth.rules.add("drop kind=data n=5..6")
    assert lost(bench, *TEN) == [1, 3, 6]
    assert [rule.hits for rule in (first, second, allow, third)] == [1, 1, 1, 1]
    assert list(bench.forth.rules) == [first, second, allow, third]
    assert len(bench.forth.rules) == 4


def test_after_a_chain_the_next_one_decides_too() -> None:
    bench = Bench()
    bench.forth.rules.add("delay 5ms kind=data n=2 chain")
    bench.forth.rules.add(Rewrite({"tcp.window": 7}), kind="data", chain=True)
    bench.forth.rules.add("duplicate kind=data n=2")
    bench.forth.rules.add("drop")
    bench.pass_all(*TEN[:2])
    assert [at for at, _ in bench.at_server] == [5 * MS, 5 * MS]
    assert [Ether(frame)[TCP].window for _, frame in bench.at_server] == [7, 7]
    assert [action for _, _, action, _ in bench.notes] == ["rewrite", "drop", "delay", "rewrite", "duplicate"]


def test_a_rule_that_is_used_up_lets_the_next_one_decide() -> None:
    bench = Bench()
    bench.forth.rules.add("pass count=2")
    bench.forth.rules.add("drop")
    assert lost(bench, *TEN[:4]) == [3, 4]


def test_rules_come_and_go() -> None:
    bench = Bench()
    with bench.forth.drop(kind="data", n=2) as rule:
        assert isinstance(rule, Rule)
        assert lost(bench, *TEN[:3]) == [2]
    assert len(bench.forth.rules) == 0
    assert lost(bench, *TEN[3:]) == []
    assert bench.forth.rules
    rule = bench.forth.rules.add("drop")
    rule.remove()
    with pytest.raises(RuleError, match="removed already"):
        rule.remove()
    bench.forth.rules.add("drop")
    bench.forth.rules.clear()
    assert not len(bench.forth.rules)
    with bench.forth.rules.add("drop") as rule:
        rule.remove()  # and the end of with does not mind


def test_n_counts_from_when_the_rule_was_added_a_coordinate_does_not() -> None:
    bench = Bench()
    bench.pass_all(*TEN[:4])
    bench.forth.rules.add("drop kind=data n=2")
    bench.forth.rules.add("drop kind=data n=8 seq=36 xmit=1 conn=1")
    assert lost(bench, *TEN[4:]) == [2, 4]


def test_a_callback_may_change_the_rules() -> None:
    bench = Bench()

    def once(frame: FrameView) -> Verdict:
        rule.remove()
        bench.forth.rules.add("drop kind=data n=2")
        return DROP

    rule = bench.forth.rules.add(once)
    assert lost(bench, *TEN[:4]) == [1, 3]


def test_reorder_waits_for_others_that_pass() -> None:
    bench = Bench()
    bench.forth.rules.add("reorder behind=2 kind=data n=2")
    bench.forth.rules.add("drop kind=data n=3")
    assert numbers(bench.pass_all(*TEN[:6])) == [1, 4, 5, 2, 6]
    assert {at for at, _ in bench.at_server} == {0}


def test_reorder_gives_up_waiting() -> None:
    bench = Bench()
    bench.forth.rules.add("reorder behind=9 patience=30ms kind=data n=1")
    assert numbers(bench.pass_all(*TEN[:3])) == [2, 3, 1]
    assert [at for at, _ in bench.at_server] == [0, 0, 30 * MS]


def test_what_is_held_still_arrives_when_the_rule_is_gone() -> None:
    bench = Bench()
    with bench.forth.rules.add("reorder behind=2 kind=data n=1"):
        bench.send(data(1))
    assert numbers(bench.pass_all(*TEN[1:4])) == [2, 3, 1, 4]


def test_injected_frames() -> None:
    bench = Bench()
    bench.forth.rules.add("inject rst after kind=data n=2")
    bench.forth.rules.add(Inject("zero-window", before=True, delay=0), kind="data", n=3)
    bench.forth.rules.add("drop kind=rst")  # does not meet what was injected
    bench.back.rules.add("drop")
    bench.forth.rules.add("inject icmp-unreachable kind=data n=4")
    bench.pass_all(*TEN[:4])
    assert [str(Ether(frame)[TCP].flags) for _, frame in bench.at_server] == ["A", "A", "RA", "A", "A", "A"]
    [(_, icmp)] = bench.at_client
    assert icmp[23] == 1
    assert [text for text in bench.coordinates if "injected" in text] == [
        "client>server kind=injected n=1 conn=1",
        "client>server kind=injected n=2 conn=1",
        "server>client kind=injected n=1 conn=2",
    ]
    injected = [(name, len(frame)) for visit in bench.visits for name, _, frame in visit.injected]
    assert injected == [("client>server", 54), ("client>server", 54), ("server>client", 70)]


def test_injected_frames_meet_the_stages_behind_the_rules() -> None:
    class Late:
        name = "late"

        def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
            pass_on(frame, now + MS)

    bench = Bench()
    bench.back.add(Late())  # this direction has no rules
    bench.forth.add(Late())
    bench.forth.rules.add("inject rst to=sender delay=2ms kind=data chain")
    bench.forth.rules.add("inject rst before delay=1ms kind=data")
    bench.pass_all(data(1))
    assert [at for at, _ in bench.at_client] == [3 * MS]
    assert [(at, len(frame)) for at, frame in bench.at_server] == [(MS, 59), (2 * MS, 54)]


def test_a_packet_of_scapy_can_be_injected() -> None:
    bench = Bench()
    packet = Ether(tcp(ACK, 1, 1, b"scapy"))
    bench.forth.rules.add(Inject(packet, before=True), kind="data")
    assert bench.pass_all(data(1)) == [bytes(packet), data(1)]


def test_where_there_is_no_way_back() -> None:
    direction = Direction("a>b", VirtualClock(), Port("b", handler=lambda frame: None))
    direction.rules.add("inject rst to=sender")
    with pytest.raises(RuleError, match="no way back"):
        direction.send(data(1))


def test_the_rules_are_the_first_stage_and_the_journal_hears_of_them() -> None:
    bench = Bench()

    class Second:
        name = "second"
        met = 0

        def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
            self.met += 1
            pass_on(frame, now)

    second = Second()
    bench.forth.add(second)
    bench.forth.rules.add("drop kind=data n=2", name="the second")
    bench.pass_all(*TEN[:3])
    assert bench.forth.stages[0] is bench.forth.rules
    assert second.met == 2
    assert bench.notes == [("client>server kind=data n=2 seq=6 xmit=1 conn=1", "the second", "drop", "")]
    [visit] = [visit for visit in bench.visits if visit.notes]
    assert (visit.stage, visit.out) == (bench.forth.rules, [])


@pytest.mark.parametrize(
    ("what", "given", "message"),
    [
        ("drop server>client kind=data", {}, "column 6: this is client>server: a rule for 'server>client'"),
        ("drop kind=data", {"kind": "ack"}, "kind is in the text and among the keywords"),
        ("drop", {"knd": "ack"}, "did you mean kind"),
        (5, {}, "is no rule: give a text"),
        ("drop state=nobody:LISTEN", {}, "state: no device is called nobody"),
        (Delay, {"n": "x"}, "is no number"),
    ],
)
def test_mistakes(what: object, given: dict[str, object], message: str) -> None:
    bench = Bench()
    with pytest.raises(RuleError, match=message):
        bench.forth.rules.add(what, **given)  # type: ignore[arg-type]
    assert not len(bench.forth.rules)
    assert bench.forth.stages == ()


def test_without_a_network_there_is_no_chance() -> None:
    direction = Direction("a>b", VirtualClock(), Port("b"))
    direction.rules.add("drop n=1")
    with pytest.raises(RuleError, match="is in no network"):
        direction.rules.add("drop p=5%")


def test_texts_are_rules_again() -> None:
    bench = Bench()
    rules = bench.back.rules
    made = [
        rules.add(Delay(5 * MS), kind=["data", "fin"], n=range(2, 5), from_=2_000_000, p=0.25),
        rules.add("drop", flow="10.0.0.1:*>*:49153", seq="5..", chain=True, every=2, count=3),
        rules.add(Inject("rst"), xmit=[1, 3], until="3s"),
    ]
    assert [rule.text for rule in made] == [
        "delay 5ms kind=data,fin n=2..4 from=2ms p=25%",
        "drop flow=10.0.0.1:*>*:49153 seq=5.. every=2 count=3 chain",
        "inject rst xmit=1,3 until=3s",
    ]
    for rule in made:
        again = rules.add(rule.text)
        assert (again.does, again.conditions, again.chain) == (rule.does, rule.conditions, rule.chain)
        assert again.text == rule.text


def test_both_directions_have_rules() -> None:
    bench = Bench()
    bench.back.drop(kind="ack", n=2)
    for number in (1, 6, 11):
        bench.send(tcp(ACK, 1, number, source=SERVER))
    assert len(bench.at_client) == 2
