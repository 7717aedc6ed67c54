"""The ladder in text of a run."""

from __future__ import annotations

from lab.export.ladder import ladder
from tests.lab.export import runs


def test_frames_and_reasons() -> None:
    lines = ladder(runs.scenario("lost-syn-ack")).splitlines()
    assert lines[0].split() == ["seconds", "client", "server"]
    (lost,) = [line for line in lines if line.endswith("lost") and "X" in line]
    assert "0.0400" in lost
    assert any(". server: retransmitted SYN-ACK because the slow tick" in line for line in lines)


def test_what_is_left_out_is_said() -> None:
    whole = ladder(runs.script()).splitlines()
    cut = ladder(runs.script(), 8).splitlines()
    assert cut[:-1] == whole[:9]
    assert cut[-1].strip() == f"... {len(whole) - 9} more, the last at 2301.3500 s"


def test_a_peer_without_a_cable() -> None:
    lines = ladder(runs.script()).splitlines()
    assert lines[0].split() == ["seconds", "device", "peer"]
    assert "|<" in lines[1]
    assert "->|" in lines[2]
