"""Drivers that refuse, and drivers that stutter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import usocket
from netstack.errors import ERR_OK
from tap.clock import SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.transmit import TxRefuse
from tap.impair.units import ImpairmentError
from tests.tap.devicefault.rig import PORT, SERVER, added, pattern, rig, sends
from usocket import time
from usocket.errno import ENOBUFS, ENOMEM


def insists(size: int, failures: list[int]) -> Callable[[], None]:
    """A program that knows that what it sent is queued although ``send`` failed."""

    def send() -> None:
        sock = usocket.socket()
        sock.connect((SERVER, PORT))
        for start in range(0, size, 400):
            try:
                sock.send(pattern(size)[start : start + 400])
            except OSError as error:
                failures.append(error.errno)
        time.sleep(300)  # a retransmission that is refused waits for the next time-out
        sock.close()

    return send


@pytest.mark.parametrize(
    ("text", "number"),
    [("p=40%", ENOMEM), ("every=3 err=buf", ENOBUFS), ("nth=5 persistent=true times=4", ENOMEM)],
)
def test_a_stream_survives_refusals(text: str, number: int) -> None:
    with rig() as made:
        made.serve()
        fault = added(made.client, f"tx-refuse {text}")
        failures: list[int] = []
        made.run(insists(6000, failures))
        assert made.received == pattern(6000)
        assert fault.counts["refuse"]
        assert set(failures) == {number}
        assert made.client.oddities == {}


def test_a_server_that_cannot_answer_is_only_slow() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.server, "tx-refuse p=30%")
        assert made.run(sends(8000)) == 8000
        made.advance(120 * SECOND)
        assert made.received == pattern(8000)
        assert fault.counts["refuse"] > 3


def test_for_a_time_again_and_again() -> None:
    with rig() as made:
        made.serve()
        added(made.client, "tx-refuse lasting=2s period=5s")
        made.run(sends(8000, lambda sock: time.sleep(11)))
        made.advance(60 * SECOND)
        assert made.received == pattern(8000)
        assert made.story
        assert all(time % (5 * SECOND) < 2 * SECOND for time, _, _ in made.story)


def test_what_is_sent_twice_arrives_twice_or_not_at_all_noticed() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.client, "tx-double every=2")
        made.run(sends(8000))
        made.advance(60 * SECOND)
        assert made.received == pattern(8000)
        assert fault.counts["duplicate"] > 5
        got: list[bytes] = []

        def hear() -> None:
            sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
            sock.bind(("", 7))
            while True:
                got.append(bytes(sock.recvfrom(9)[0]))

        def say() -> None:
            sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
            for _ in range(4):
                sock.sendto(b"once", (SERVER, 7))
                time.sleep_ms(10)
            sock.close()

        made.start(hear, made.server, daemon=True)
        made.run(say)
        made.advance(SECOND)
        assert got == [b"once"] * 6


def test_mistakes() -> None:
    with rig() as made:
        with pytest.raises(DeviceFaultError, match="no driver says 0"):
            TxRefuse(made.client, err=ERR_OK)
        with pytest.raises(ImpairmentError, match="never ends"):
            TxRefuse(made.client, lasting=5, period=5)
