"""What is remembered of connections has an end."""

from __future__ import annotations

import pytest

from lab.trace import flows
from lab.trace.flows import Flows

HERE = (1, 80)


def test_only_the_latest_connections_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MOST_CONNECTIONS", 10)
    known = Flows()
    busy = known.syn(HERE, (2, 1), 1000, True)
    for port in range(2, 100):
        known.syn(HERE, (2, port), 1000, True)
        assert known.of(HERE, (2, 1)) is busy  # it is used all the time
    assert len(known._connections) == 10
    assert known.of(HERE, (2, 99)).number == 99
    assert known.of(HERE, (2, 50)).number == 100  # forgotten, so it counts as a new one


def test_of_a_long_connection_only_the_latest_first_transmissions_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flows, "MOST_FIRST", 10)
    talk = Flows().of(HERE, (2, 1))
    for number in range(100):
        talk.sent(HERE, number, 5 * number)
        talk.sent(HERE, number, 7777)  # again: the first one counts
    assert talk.first == {(HERE, number): 5 * number for number in range(90, 100)}
