"""print_pcbs, callback and reset."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import MS
from tests.usocket.support import SERVER, listening, two_devices


def test_print_pcbs(capsys: pytest.CaptureFixture[str]) -> None:
    with two_devices() as pair, pair.server.use():
        _, accepted, client = pair.connected()
        usocket.print_pcbs()
        assert accepted is not client
    assert capsys.readouterr().out.splitlines() == [
        "10.0.0.1:80 10.0.0.2:49153 ESTABLISHED",
        "0.0.0.0:80 - LISTEN",
    ]


def test_callback_looks_at_the_link_once() -> None:
    with two_devices(delay=0) as pair, pair.server.use():
        listener = listening(pair.server)
        sock = pair.client.socket()
        with pair.client.host.lock:
            sock._layer.connect(pair.server.ip, 80)
        before = pair.server.stack.stats.etharp.recv
        usocket.callback()
        assert pair.server.stack.stats.etharp.recv > before
        assert pair.clock.now() < MS
        assert listener is not None
        assert SERVER


def test_reset_is_there() -> None:
    usocket.reset()
