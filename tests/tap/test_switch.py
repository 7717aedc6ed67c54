"""A switch learns, floods, forgets."""

from __future__ import annotations

import pytest

from tap.cable import Cable, Port
from tap.clock import SECOND, VirtualClock
from tap.switch import AGING, MAX_STATIONS, Switch

EVERYBODY = b"\xff" * 6


def mac(number: int) -> bytes:
    return b"\x02" + number.to_bytes(5, "big")


class Bench:
    """A switch with three stations 0, 1, 2."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.switch = Switch("sw", self.clock)
        self.stations = [Port(f"s{number}") for number in range(3)]
        self.cables = [Cable(self.clock, station, self.switch.new_port()) for station in self.stations]

    def send(self, source: int, dst: bytes, src: bytes | None = None) -> list[int]:
        """Send a frame; who gets it."""
        frame = dst + (mac(source) if src is None else src) + b"\x08\x00data"
        self.stations[source].send(frame)
        return [number for number, station in enumerate(self.stations) if station.receive() == frame]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_unknown_destinations_and_groups_go_everywhere(bench: Bench) -> None:
    assert bench.send(0, mac(1)) == [1, 2]
    assert bench.send(0, EVERYBODY) == [1, 2]
    assert bench.switch.flooded == 2


def test_it_learns_from_the_source(bench: Bench) -> None:
    bench.send(1, EVERYBODY)
    assert bench.send(0, mac(1)) == [1]
    assert bench.send(2, mac(0)) == [0]
    assert bench.switch.stations == {mac(n): bench.switch.ports[n] for n in (1, 0, 2)}


def test_a_station_that_moves_is_found_again(bench: Bench) -> None:
    bench.send(1, EVERYBODY)
    bench.send(2, EVERYBODY, src=mac(1))
    assert bench.send(0, mac(1)) == [2]


def test_a_frame_for_its_own_segment_goes_nowhere(bench: Bench) -> None:
    bench.send(1, EVERYBODY, src=mac(7))
    assert bench.send(1, mac(7)) == []


def test_who_is_silent_for_five_minutes_is_forgotten(bench: Bench) -> None:
    bench.send(1, EVERYBODY)
    bench.clock.wait(AGING)
    assert bench.send(0, mac(1)) == [1]
    bench.clock.wait(AGING + SECOND)
    assert mac(1) not in bench.switch.stations
    assert bench.send(0, mac(1)) == [1, 2]


def test_who_was_behind_a_pulled_cable_is_forgotten(bench: Bench) -> None:
    bench.send(1, EVERYBODY)
    bench.cables[1].pull()
    assert bench.switch.stations == {}
    assert bench.send(0, mac(1)) == [2]
    bench.cables[1].plug()
    assert bench.send(0, mac(1)) == [1, 2]


def test_group_sources_and_stubs_are_not_learned(bench: Bench) -> None:
    bench.send(1, EVERYBODY, src=EVERYBODY)
    bench.stations[0].send(b"short")
    assert bench.switch.stations == {}
    assert bench.switch.ports[0].dropped == 1


def test_the_table_has_an_end(bench: Bench) -> None:
    for number in range(MAX_STATIONS + 1):
        bench.send(0, EVERYBODY, src=mac(100 + number))
    assert len(bench.switch.stations) == MAX_STATIONS
    bench.clock.wait(AGING + SECOND)
    bench.send(1, EVERYBODY)
    assert bench.send(0, mac(1)) == [1]
