"""ICMP errors about segments: they end what has not begun, and nothing else (``unreachable``)."""

from __future__ import annotations

import pytest

from netstack.profiles import named
from tests.robustness.bench import Bench, StackSide
from tests.robustness.frames import CLIENT_PORT, SERVER_PORT, U_ACTIVE, U, icmp_error, quote
from tests.robustness.rows import CONNECTED, ESTABLISHED, SYN_RCVD, SYN_SENT, Steps, take, write

UNREACHABLE, SOURCE_QUENCH, TIME_EXCEEDED, PARAMETER = 3, 4, 11, 12
PROTOCOL, PORT = 2, 3


def bench_in(state: Steps) -> Bench:
    bench = Bench(StackSide(named("strict")))
    take(bench, state)
    bench.forget()
    return bench


def our_syn(seq: int = U_ACTIVE - 1, sport: int = CLIENT_PORT, dport: int = SERVER_PORT) -> bytes:
    return quote(seq, sport, dport)


@pytest.mark.parametrize("code", [PROTOCOL, PORT])
def test_connect_is_refused(code: int) -> None:
    bench = bench_in(SYN_SENT)
    bench.frame(icmp_error(UNREACHABLE, code, our_syn()))
    assert bench.outcome() == "none · app:RST;"
    assert bench.memory()["TCP_PCB"] == 0


def test_a_half_open_connection_is_forgotten() -> None:
    bench = bench_in(SYN_RCVD)
    bench.frame(icmp_error(UNREACHABLE, PORT, quote(U - 1)))
    assert bench.outcome() == "none"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(icmp_error(UNREACHABLE, 0, our_syn()), id="network unreachable"),
        pytest.param(icmp_error(UNREACHABLE, 1, our_syn()), id="host unreachable"),
        pytest.param(icmp_error(UNREACHABLE, 4, our_syn()), id="fragmentation needed"),
        pytest.param(icmp_error(SOURCE_QUENCH, 0, our_syn()), id="source quench"),
        pytest.param(icmp_error(TIME_EXCEEDED, 0, our_syn()), id="time exceeded"),
        pytest.param(icmp_error(PARAMETER, 0, our_syn()), id="parameter problem"),
        pytest.param(icmp_error(UNREACHABLE, PORT, our_syn(U_ACTIVE)), id="a number not sent yet"),
        pytest.param(icmp_error(UNREACHABLE, PORT, our_syn(U_ACTIVE - 2)), id="a number never sent"),
        pytest.param(icmp_error(UNREACHABLE, PORT, our_syn(sport=1)), id="another port of ours"),
        pytest.param(icmp_error(UNREACHABLE, PORT, our_syn(dport=1)), id="another port of the peer"),
        pytest.param(icmp_error(UNREACHABLE, PORT, our_syn()[:27]), id="7 bytes of the segment"),
    ],
)
def test_nothing_else_ends_the_attempt(error: bytes) -> None:
    bench = bench_in(SYN_SENT)
    bench.frame(error)
    assert bench.outcome() == "none · SYN_SENT"


@pytest.mark.parametrize("code", range(5))
def test_a_connection_survives(code: int) -> None:
    bench = bench_in((ESTABLISHED, write(100)))
    bench.frame(icmp_error(UNREACHABLE, code, quote(U)))
    assert bench.outcome() == "none · ESTAB(flight 100)"
    bench = bench_in(CONNECTED)
    bench.frame(icmp_error(UNREACHABLE, code, our_syn()))
    assert bench.outcome() == "none · ESTAB"


def test_lwip_hears_of_none() -> None:
    bench = Bench(StackSide(named("lwip-default")))
    take(bench, SYN_SENT)
    bench.forget()
    bench.frame(icmp_error(UNREACHABLE, PORT, our_syn()))
    assert bench.outcome() == "none · SYN_SENT"
