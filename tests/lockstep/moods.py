"""The moods of a conversation: how often each action of the generator is drawn, and how odd things get."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.lockstep.wire import NO_LIMIT

Weights = tuple[float, ...]

# Weights of the words of script.POLICY_WORDS, column by column (the fifth is a number).
CALM_POLICIES: tuple[Weights, ...] = (
    (3, 6, 0.3, 2, 0.05, 0.1, 1),
    (3, 4, 1, 0.1),
    (8, 0.1, 0.1, 2),
    (6, 1, 0.3),
    (5, 1, 1, 0.2, 0.1, 0.5),
    (),
    (4, 2, 0.1),
)
ODD_POLICIES: tuple[Weights, ...] = (
    (3, 3, 3, 2, 1, 1, 2),
    (2, 2, 2, 1),
    (4, 1, 1, 2),
    (3, 2, 1),
    (3, 1, 2, 1, 1, 2),
    (),
    (3, 2, 1),
)
STALLED_POLICIES: tuple[Weights, ...] = ((8, 0, 1, 0, 0, 0, 2), *CALM_POLICIES[1:])

CALM: dict[str, float] = {
    "syn": 2, "handshake": 6, "data": 14, "ack": 14, "dupack": 2, "window": 1, "hole": 3, "fill": 4,
    "overlap": 2, "replay": 2, "fin": 1.5, "rst": 0.3, "stray": 0.5, "probe": 1, "again": 0.3,
    "connect": 1, "listen": 0.1, "write": 12, "output": 1, "recved": 5, "close": 0.8, "shutdown": 0.3,
    "abort": 0.1, "policy": 0.5, "option": 0.6, "txfail": 0.2,
}  # fmt: skip


@dataclass(frozen=True)
class Mood:
    """``weights``: action -> weight. The other numbers are probabilities, except where a comment says
    otherwise.
    """

    name: str
    weights: dict[str, float]
    policies: tuple[Weights, ...] = CALM_POLICIES
    pauses: Weights = (10, 4, 2, 0.3, 0.05)  # weights of: short, tick, second, long, idle
    together: float = 0.3  # the next event comes at the same millisecond
    mutation: float = 0.05  # a segment is mutated
    odd_handshake: float = 0.1
    odd_mss: float = 0.3
    big: float = 0.03  # a data segment is far longer than the MSS (the window closes soon)
    scaling: float = 0.3
    windows: float = 0.1  # an ACK changes the window
    mtus: tuple[int, ...] = (1500, 1500, 1500, 576, 296)  # the interface's MTU to draw from
    polls: tuple[int, ...] = (1, 1, 1, 64, 128)  # how often timers are looked at, ms
    peers: float = 0.1  # another peer than the first
    ports: int = 4  # how many ports a peer uses
    answers: float = 0.9  # an ARP request is answered
    pools: tuple[int, ...] = (NO_LIMIT,)  # sizes of the pcb pool to draw from
    segments: tuple[int, ...] = (NO_LIMIT,)  # sizes of the pool of TCP segments to draw from


def _with(**changes: float) -> dict[str, float]:
    return CALM | changes


_CALM = Mood("calm", CALM)

_BELOW = {"ping": 8.0, "datagram": 6.0, "protocol": 3.0, "arp": 6.0, "odd_frame": 1.0}

MOODS: tuple[Mood, ...] = (
    _CALM,
    replace(
        _CALM, name="hostile", weights=_with(stray=8, rst=3, syn=5, fin=3), mutation=0.5, odd_handshake=0.5
    ),
    replace(
        _CALM,
        name="sender",
        weights=_with(write=25, ack=25, dupack=8, data=3, hole=1, fill=1),
        windows=0.2,
        mutation=0.02,
    ),
    replace(
        _CALM,
        name="receiver",
        weights=_with(data=20, hole=12, fill=12, overlap=8, recved=12, fin=2),
        mutation=0.1,
    ),
    replace(
        _CALM,
        name="windows",
        weights=_with(window=12, write=15, ack=14, finish=3),
        windows=0.6,
        pauses=(6, 6, 5, 2, 0.1),
    ),
    replace(
        _CALM,
        name="closing",
        weights=_with(again=4, fin=8, close=6, shutdown=4, abort=1, syn=6, connect=4, rst=1),
        policies=ODD_POLICIES,
    ),
    replace(_CALM, name="opening", weights=_with(connect=10, refuse=8, syn=6), odd_handshake=0.4),
    replace(
        _CALM,
        name="crowd",
        weights=_with(syn=15, connect=6, handshake=15, close=3),
        peers=0.6,
        ports=12,
        pools=(NO_LIMIT, 2, 3, 5),
    ),
    replace(
        _CALM, name="timers", weights=_with(ack=5, data=5, replay=4), pauses=(4, 6, 8, 5, 2), together=0.1
    ),
    replace(
        _CALM,
        name="starved",
        weights=_with(txfail=3, heapfail=5, netif=0.7, mtu=0.5, address=0.3),
        pools=(NO_LIMIT, 3),
        segments=(NO_LIMIT, 4, 16),
        answers=0.6,
    ),
    replace(_CALM, name="refusing", weights=_with(policy=6, fin=4), policies=ODD_POLICIES),
    replace(
        _CALM,
        name="stalled",
        weights=_with(data=20, recved=3, window=3, write=5),
        policies=STALLED_POLICIES,
        big=0.4,
    ),
    replace(
        _CALM,
        name="keepalive",
        weights=_with(keepalive=15, probe=4, syn=4, write=1.5),
        pauses=(6, 4, 6, 4, 0.5),
    ),
    replace(_CALM, name="below", weights=_with(**_BELOW), pauses=(10, 2, 4, 2, 0.3)),
    replace(
        _CALM,
        name="below starved",
        weights=_with(**_BELOW, txfail=4, heapfail=4, netif=0.5, mtu=1, address=0.3),
        pauses=(10, 2, 4, 2, 0.3),
        answers=0.7,
    ),
)
