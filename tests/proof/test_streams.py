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
from tests.proof.wires import SHARES, Pair

KIB, MIB = 1 << 10, 1 << 20

LARGE = 2560 * KIB  # each way, between two devices with everything lwIP can do
OWN, NEXT = 256 * KIB, 552 * KIB  # each way, between two of a kind; with the next profile as the server

# (client, server, bytes each way, seed)
CASES = [
    *(("full", "full", LARGE, seed) for seed in range(8)),
    *((name, name, OWN, 0) for name in names() if name != "full"),
    *((one, other, NEXT, 0) for one, other in zip(names(), names()[1:] + names()[:1], strict=True)),
]
TOTAL = sum(2 * size for *_, size, _ in CASES)


def made(seed: int, name: str, size: int) -> bytes:
    """The stream that a device sends."""
    return hashlib.shake_128(f"{seed} {name}".encode()).digest(size)


def test_they_are_64_mib_over_all_profiles() -> None:
    """With the next test: 8 times 5 MiB between two ``full``, and all others twice as client and as server."""
    assert TOTAL >= 64 * MIB
    assert {one for one, *_ in CASES} == {other for _, other, *_ in CASES} == set(names())
    assert len(set(CASES)) == len(CASES)
    sys.stdout.write(f"{len(CASES)} runs, {TOTAL:,} bytes = {TOTAL / MIB:.1f} MiB\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other", "size", "seed"), CASES, ids=[f"{one}-{other}-{seed}" for one, other, _, seed in CASES]
)
def test_what_arrives_is_what_was_sent(one: str, other: str, size: int, seed: int) -> None:
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
            for action, share in tally.shares.items():
                assert share == pytest.approx(SHARES[action], rel=0.25), action
    ended = near.ended | {f"server: {why}": count for why, count in far.ended.items()}
    sys.stdout.write(
        f"{one} with {other}: 2 x {size:,} bytes in {sum(t.frames for t in pair.tallies):,} frames, "
        f"{took // SECOND} s of virtual time, {near.connections} connections {ended}\n"
    )
