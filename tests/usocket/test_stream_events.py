"""Who watches a device is told each part of a stream that a call says was sent, or gives to the program."""

from __future__ import annotations

from typing import Any

import pytest

from tap.clock import MS, VirtualClock
from tap.wire import wire
from usocket import Device


@pytest.mark.parametrize("profile", ["micropython", "micropython-esp32"])
def test_both_sides_are_told_the_same_bytes(profile: str) -> None:
    told: dict[str, list[tuple[str, bytes]]] = {"server": [], "client": []}

    def watch(name: str) -> Any:
        def on_event(kind: str, sock: Any, conn: Any, **fields: Any) -> None:
            if kind in ("send", "receive"):
                assert conn[0] == (80 if name == "server" else 49153)
                told[name].append((kind, fields["data"]))

        return on_event

    clock = VirtualClock()
    ends = wire(clock, delay=MS)
    names = ("server", "client")
    server, client = (
        Device(
            profile, address=f"10.0.0.{n}/24", link=ends[n - 1], clock=clock, name=name, on_event=watch(name)
        )
        for n, name in enumerate(names, 1)
    )
    data = bytes(range(250)) * 12
    with server, client:
        listener = server.socket()
        listener.bind(("", 80))
        listener.listen(1)
        sock = client.socket()
        sock.connect(("10.0.0.1", 80))
        connection, _ = listener.accept()
        sock.sendall(data)
        sock.write(b"end")
        sock.close()
        assert connection.recv(5, 1) == data[:5]  # MSG_PEEK: nothing is received
        assert connection.read() == data + b"end"
        udp = client.socket(2, 2)
        udp.sendto(b"no stream", ("10.0.0.1", 9))
    for name, kind in (("client", "send"), ("server", "receive")):
        assert {one for one, _ in told[name]} == {kind}
        assert b"".join(part for _, part in told[name]) == data + b"end"
