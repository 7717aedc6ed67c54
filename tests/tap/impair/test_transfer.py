"""TCP between two devices over every impairment: what was sent arrives, the same in every run."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable

import pytest

import usocket
from tap.cable import Direction, Stage
from tap.clock import MS, SECOND
from tap.impair.blackhole import Blackhole
from tap.impair.codel import CoDel
from tap.impair.corrupt import Corrupt
from tap.impair.delay import Delay
from tap.impair.drophead import DropHead
from tap.impair.duplicate import Duplicate
from tap.impair.flap import LinkFlap
from tap.impair.loss import GilbertElliott, Loss
from tap.impair.mahimahi import Mahimahi
from tap.impair.netem import parse
from tap.impair.rate import Rate
from tap.impair.reorder import Reorder
from tap.impair.slots import Slots
from tap.impair.truncate import Truncate
from tap.network import Network
from tests.tap.networks import PORT, pair

DATA = hashlib.shake_128(b"transfer").digest(60_000)

Chain = Callable[[Network, str], list[Stage]]


def everything(net: Network, way: str) -> list[Stage]:
    """The chain that the stream has to survive: a third of the frames is harmed."""
    return [
        Loss(0.1, stream=net.stream(f"{way}.loss")),
        Duplicate(0.1, stream=net.stream(f"{way}.duplicate")),
        Reorder(0.1, 3, stream=net.stream(f"{way}.reorder"), clock=net.clock, patience=50 * MS),
        Corrupt(0.05, stream=net.stream(f"{way}.corrupt"), count=3, start=14),
        Truncate(0.02, stream=net.stream(f"{way}.truncate")),
        Delay(5 * MS, 3 * MS, "paretonormal", stream=net.stream(f"{way}.delay"), correlation=0.5),
    ]


CHAINS: dict[str, Chain] = {
    "everything": everything,
    "bursts": lambda net, way: [GilbertElliott(0.1, 3, stream=net.stream(way))],
    "rate": lambda net, way: [Rate(200_000, 3), Delay(20 * MS)],
    "drophead": lambda net, way: [DropHead(200_000, 3, clock=net.clock)],
    "codel": lambda net, way: [CoDel(200_000, clock=net.clock, target=50 * MS)],
    "slots": lambda net, way: [Slots(20 * MS, 60 * MS, 3, stream=net.stream(way))],
    "mahimahi": lambda net, way: [Mahimahi([5, 9, 30, 31, 90], 2)],
    "flap": lambda net, way: [LinkFlap(200 * MS, 2 * SECOND, clock=net.clock), Delay(30 * MS)],
    "blackhole": lambda net, way: [Blackhole(100 * MS, 100 * MS, 350 * MS), Delay(10 * MS)],
    "netem": lambda net, way: parse(
        "delay 20ms 5ms distribution normal loss gemodel 3% 30% duplicate 2% corrupt 1% rate 1mbit"
    ).stages(lambda purpose: net.stream(f"{way}.{purpose}")),
}


# What is noted in each; the others drop.
DOES = {
    "everything": {"drop", "duplicate", "reorder", "corrupt", "truncate", "delay"},
    "rate": {"drop", "delay"},
    "slots": {"delay"},
    "flap": {"drop", "delay"},
    "blackhole": {"drop", "delay"},
    "netem": {"drop", "duplicate", "corrupt", "delay"},
}


def run(chain: Chain, seed: int) -> tuple[int, str, Counter[str]]:
    """Send DATA both ways; when it was over, a digest of all that the stages noted, and how often what."""
    got: list[bytes] = []
    notes, actions = hashlib.sha256(), Counter[str]()

    def note(way: Direction, stage: Stage, frame: bytes, action: str, detail: str) -> None:
        actions[action] += 1
        notes.update(f"{net.clock.now()} {way.name} {stage.name} {action} {detail} {frame.hex()}\n".encode())

    def sink() -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(1)
        connection, _ = listener.accept()
        got.append(connection.read())
        connection.close()

    def source(address: str) -> None:
        sock = usocket.socket()
        sock.connect((address, PORT))
        sock.sendall(DATA)
        sock.close()

    with Network(seed) as net:
        server, client = pair(net)
        for direction in net.cables["server-client"].directions:
            for stage in chain(net, direction.name):
                direction.add(stage)
            direction.observer = note
        for one, other, address in ((server, client, "10.0.0.2"), (client, server, "10.0.0.1")):
            net.program(sink, on=other)
            net.program(source, address, on=one)
        net.run()
        assert got == [DATA, DATA]
        return net.clock.now(), notes.hexdigest(), actions


@pytest.mark.parametrize("name", CHAINS)
def test_what_was_sent_arrives(name: str) -> None:
    first = run(CHAINS[name], seed=1)
    assert first == run(CHAINS[name], seed=1)
    assert set(first[2]) == DOES.get(name, {"drop"})


def test_seeds_differ() -> None:
    assert len({run(everything, seed)[1] for seed in range(3)}) == 3
