"""64 MiB of streams, both directions at once, over 30 % loss, 10 % duplication, reordering and corruption:
what arrives is what was sent, by its SHA-256, and afterwards no memory is missing on either side.

Every profile is a client of itself and of the next one, with its options as they are. A connection that dies
on such a wire (lwIP gives up after 12 retransmissions) is followed by another, as a user's program would.
"""

from __future__ import annotations

import hashlib
import sys

import pytest

import usocket
from netstack.profiles import named, names
from tap.clock import SECOND
from tests.proof.transfer import End, client, server
from tests.proof.wires import Pair

KIB, MIB = 1 << 10, 1 << 20

LARGE = 2560 * KIB  # each way, between two devices with everything lwIP can do
OWN, NEXT = 256 * KIB, 600 * KIB  # each way, between two of a kind; with the next profile as the server

# (client, server, bytes each way); the seed of each is its place in the list
CASES = [
    *[("full", "full", LARGE)] * 8,
    *((name, name, OWN) for name in names() if name != "full"),
    *((one, other, NEXT) for one, other in zip(names(), names()[1:] + names()[:1], strict=True)),
]
TOTAL = sum(2 * size for *_, size in CASES)


def made(seed: int, name: str, size: int) -> bytes:
    """The stream that a device sends."""
    return hashlib.shake_128(f"{seed} {name}".encode()).digest(size)


def test_they_are_64_mib_over_all_profiles() -> None:
    """All that the next test sends: 8 times 5 MiB between two ``full``, the rest between all others."""
    assert TOTAL >= 64 * MIB
    clients, servers, _ = zip(*CASES, strict=True)
    for name in names():
        assert clients.count(name) >= 2
        assert servers.count(name) >= 2
    sys.stdout.write(f"{len(CASES)} runs, {TOTAL:,} bytes = {TOTAL / MIB:.1f} MiB\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "one", "other", "size"),
    [(seed, *case) for seed, case in enumerate(CASES)],
    ids=[f"{seed}-{one}-{other}" for seed, (one, other, _) in enumerate(CASES)],
)
def test_what_arrives_is_what_was_sent(seed: int, one: str, other: str, size: int) -> None:
    up, down = made(seed, "client", size), made(seed, "server", size)
    near, far = End(up, len(down)), End(down, len(up))
    with usocket.Network(seed) as net:
        pair = Pair(net, one, other)
        net.program(server, far, on=pair.server, daemon=True)
        net.program(client, near, "10.0.0.1", on=pair.client)
        assert net.run()
        took = net.clock.now()
        assert near.arrived.digest() == hashlib.sha256(down).digest()
        assert far.arrived.digest() == hashlib.sha256(up).digest()
        assert near.received + far.received == 2 * size
        pair.clear_up()
        assert pair.usage() == pair.base
        for device in pair.devices:
            assert device.stack.tcp.active_pcbs == device.stack.tcp.tw_pcbs == []
            assert dict(device.oddities) == {}
        for tally in pair.tallies:
            assert tally.frames > size // named(one).tcp_mss
            assert tally.unlikely() == []
    frames = sum(tally.frames for tally in pair.tallies)
    ended = near.ended | {f"server: {why}": count for why, count in far.ended.items()}
    sys.stdout.write(
        f"seed {seed}: {one} with {other}, 2 x {size:,} bytes in {frames:,} frames, "
        f"{took // SECOND} s of virtual time, {near.connections} connections {ended}\n"
    )
