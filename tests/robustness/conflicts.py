"""Rows K: address conflicts, seen with AutoIP, whose first address is 169.254.2.0 with our MAC."""

from __future__ import annotations

from netstack.address import format_ip
from tests.robustness.bench import Bench
from tests.robustness.frames import PEER_PORT, arp
from tests.robustness.rows import Row, Steps, rows

FIRST, NEXT = "169.254.2.0", "169.254.2.1"
_OTHER = "02:00:00:00:00:55"
_ALONE = "the library's AutoIP is not compiled in"


def _start(bench: Bench) -> None:
    """The interface gives its address up and looks for a link-local one."""
    bench.stack.netif.set_addr(0, 0, 0)
    assert bench.stack.autoip.start() == 0


def _claim(bench: Bench) -> None:
    """Somebody says that the address being tried is his."""
    address = format_ip(bench.stack.autoip.address)
    bench.frame(arp(2, _OTHER, address, address))


def _probe(bench: Bench) -> None:
    """Somebody else asks for the address that is being tried, without having one."""
    bench.frame(arp(1, _OTHER, "0.0.0.0", format_ip(bench.stack.autoip.address)))


def _ten_conflicts(bench: Bench) -> None:
    """The first ten addresses are all taken; each is claimed after its first probe."""
    for _ in range(10):
        before = len(bench.sent)
        while len(bench.sent) == before:
            bench.wait(100)
        _claim(bench)
    bench.forget()


def _asked(bench: Bench) -> str:
    """The addresses that were probed (P), announced or defended (A), in turn, and the one in use."""
    steps: list[str] = []
    for sent in bench.frames():
        if sent[12:14] == b"\x08\x06":
            kind = "P" if sent[28:32] == bytes(4) else "A"
            text = f"{kind} {format_ip(int.from_bytes(sent[38:42], 'big'))}"
            if not steps or steps[-1] != text:
                steps.append(text)
    in_use = bench.stack.netif.ip
    return f"{', '.join(steps) or 'nothing'} · {format_ip(in_use) if in_use else 'no address'}"


def _pause(bench: Bench) -> str:
    """How long it takes until the next probe, in whole seconds."""
    while not bench.frames():
        bench.wait(100)
    return f"pause of {(bench.now - bench.start) // 1000} s"


def _connect_far(bench: Bench) -> None:
    """The application connects to a routable address."""
    bench.connect("192.0.2.1", PEER_PORT)


def _row(
    number: int, what: str, steps: Steps, outcome: str, start: Steps = (_start,), **fields: object
) -> Row:
    return Row(
        f"K{number}",
        what,
        steps,
        outcome,
        outcome,
        start=start,
        options={"lwip_acd": 1, "lwip_autoip": 1},
        alone=_ALONE,
        **{"show": _asked, **fields},  # type: ignore[arg-type]
    )


_BOUND: Steps = (_start, 15_000)

CONFLICTS = rows(
    "K",
    _row(
        1,
        "an ARP reply for the address being probed",
        [2000, _claim, 15_000],
        f"P {FIRST}, P {NEXT}, A {NEXT} · {NEXT}",
    ),
    _row(
        2,
        "another host probes the same address",
        [2000, _probe, 15_000],
        f"P {FIRST}, P {NEXT}, A {NEXT} · {NEXT}",
    ),
    _row(
        3,
        "two claims within 10 s of an address in use",
        [_claim, 5000, _claim, 15_000],
        f"A {FIRST}, P {NEXT}, A {NEXT} · {NEXT}",
        start=_BOUND,
    ),
    _row(4, "ten conflicts", [_ten_conflicts], "pause of 60 s", show=_pause),
    _row(5, "a connection to a routable address", [_connect_far], f"nothing · {FIRST}", start=_BOUND),
)
