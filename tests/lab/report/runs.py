"""Runs for the tests and pictures of the report: real networks in virtual time, recorded as traces."""

from __future__ import annotations

from functools import cache

import usocket
from lab.report.data import RunData
from lab.report.load import explained
from lab.trace.reader import Trace
from lab.trace.recorder import Recorder
from lab.trace.writer import MemorySink
from netstack.profiles import named
from tap.clock import MS
from usocket import time

SERVER, CLIENT = "10.0.0.1", "10.0.0.2"


@cache
def transfer(
    title: str = "fetch 20 kB: SYN-ACK and third data segment lost",
    size: int = 20_000,
    rules: tuple[str, ...] = ("drop kind=syn-ack n=1", "drop kind=data n=3"),
    loss: str = "",
    profile: str = "micropython",
    options: tuple[tuple[str, int], ...] = (),
    delay: int = 20 * MS,
    rate: int | None = 2_000_000,
    pause_ms: int = 0,
    seed: int = 1,
    label: str = "",
) -> RunData:
    """A client fetches ``size`` bytes from a server. ``rules`` and ``loss`` (per cent) are for what the
    server sends; the client waits ``pause_ms`` before it reads.
    """
    sink = MemorySink()

    def serve() -> None:
        listener = usocket.socket()
        listener.bind(("", 80))
        listener.listen(2)
        while True:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.sendall(b"x" * size)
            connection.close()

    def fetch() -> None:
        time.sleep_ms(100)
        sock = usocket.socket()
        sock.connect((SERVER, 80))
        sock.send(b"GET /")
        time.sleep_ms(pause_ms)
        while sock.recv(2000):
            pass
        sock.close()

    with usocket.Network(seed=seed) as net:
        built = named(profile).replace(**dict(options))
        server = net.device("server", built, address=f"{SERVER}/24")
        client = net.device("client", built, address=f"{CLIENT}/24")
        cable = net.cable(server, client, rate=rate, delay=delay)
        for rule in rules:
            cable.forth.rules.add(rule)
        if loss:
            net.impair("server>client", f"loss rate={loss}%")
        recorder = Recorder(sink, source="virtual", title=title, seed=seed)
        recorder.attach(net)
        net.program(serve, on=server, daemon=True)
        net.program(fetch, on=client)
        net.run()
        recorder.close()
    return explained(Trace(sink.header, sink.events), label)


def long_run(frames: int = 10_000) -> RunData:
    """A run of at least ``frames`` frames, with losses."""
    size = frames * 800 * 2 // 3
    run = transfer(f"{size // 1000} kB with losses", size, (), loss="0.5")
    assert sum(1 for event in run.events if event["kind"] == "frame") >= frames
    return run


def slow_reader() -> RunData:
    """The client reads late: its window closes, and the server probes."""
    return transfer("The reader sleeps: zero window and probes", 20_000, (), pause_ms=9_000)


def congested() -> RunData:
    """Enough data and loss for slow start, avoidance, fast retransmit and time-outs."""
    return transfer(
        "150 kB over a line that loses 2 %", 150_000, (), loss="2", seed=1, profile="micropython-esp32"
    )


def two_options() -> list[RunData]:
    """The same transfer by two builds: one keeps what comes out of order, the other does not."""
    title = "fetch 30 kB, third data segment lost"
    rules = ("drop kind=data n=3",)
    return [
        transfer(title, 30_000, rules, options=(("tcp_queue_ooseq", value),), label=f"ooseq {name}")
        for value, name in ((1, "on"), (0, "off"))
    ]
