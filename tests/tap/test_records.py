"""What is written down of a network's run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import usocket
from tap.capture import Capture
from tap.clock import MS, SECOND, VirtualClock
from tap.journal import read
from tap.link import TapError
from tap.netns import python_module
from tap.passage import Passage, Visit
from tap.records import Records, Several, Silent
from tests.tap import tshark
from tests.tap.networks import PORT, ask, serve
from tests.tap.test_driver import until

Heard = list[tuple[str, str]]


class Listener(Silent):
    def __init__(self) -> None:
        self.heard: Heard = []

    def entered(self, passage: Passage) -> None:
        self.heard.append(("entered", passage.direction.name))

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        self.heard.append(("noted", action))

    def handled(self, visit: Visit) -> None:
        self.heard.append(("handled", visit.stage.name))

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        self.heard.append(("passed", visit.stage.name))

    def arrived(self, passage: Passage, frame: bytes) -> None:
        self.heard.append(("arrived", passage.direction.name))


def network(path: Path | None = None, **options: object) -> usocket.Network:
    """A server and a client, and a line between them that holds frames back and loses some."""
    net = usocket.Network(seed=1, capture=path, **options)  # type: ignore[arg-type]
    server = net.device("server", address="10.0.0.1/24")
    client = net.device("client", address="10.0.0.2/24")
    net.cable(client, server, delay=MS)
    net.program(serve, on=server, daemon=True)
    net.program(ask, b"hello", on=client, at=SECOND)
    return net


def test_several_recorders_hear_the_same_on_cables_old_and_new() -> None:
    first, second = Listener(), Listener()
    with usocket.Network(seed=1, keep=True) as net:
        net.watch(first)
        server = net.device("server", address="10.0.0.1/24")
        client = net.device("client", address="10.0.0.2/24")
        net.cable(client, server)
        net.impair("client>server", "reorder rate=40% patience=10ms")
        net.impair("client>server", "drophead rate=100kbit")
        net.watch(second)
        net.program(serve, on=server, daemon=True)
        net.program(ask, b"hello", on=client)
        net.run()
    assert first.heard == second.heard
    assert {kind for kind, _ in first.heard} == {"entered", "noted", "handled", "passed", "arrived"}
    assert net.verdicts
    assert isinstance(net.records, Records)
    silent = Several((Silent(), Silent()))
    silent.entered(None)  # type: ignore[arg-type]
    silent.handled(None)  # type: ignore[arg-type]


def test_with_records_a_run_is_the_same(tmp_path: Path) -> None:
    digests = set()
    for options in (
        {"digest": True},
        {"journal": tmp_path / "a.jsonl"},
        {"digest": True, "path": tmp_path / "a.pcapng"},
        {"digest": True, "keep": True, "path": tmp_path / "b.pcapng", "journal": tmp_path / "b.jsonl"},
    ):
        with network(**options) as net:
            net.impair("client>server", "loss rate=30%")
            net.impair("server>client", "delay delay=9ms jitter=8ms")
            net.run()
            digests.add((net.digest(), net.clock.now()))
    assert len(digests) == 1


@pytest.mark.needs("tshark")
def test_frames_that_die_are_on_an_interface_of_their_own(tmp_path: Path) -> None:
    path, journal = tmp_path / "a.pcapng", tmp_path / "a.jsonl"
    with network(path, journal=journal) as net:
        net.impair("client>server", "loss rate=40%")
        net.cables["client-server"].back.rules.add("drop kind=syn-ack n=1")
        net.run()
    verdicts = read(journal).verdicts
    drops = [line for line in verdicts if line["action"] == "drop"]
    names = "frame.interface_name", "frame.comment", "frame.time_epoch"
    shown = tshark.frames(path, *names, which='frame.interface_name contains "dropped"')
    assert len(shown) == len(drops) > 2
    assert {name for name, *_ in shown} == {"client>server dropped", "server>client dropped"}
    comments = [comment for _, comment, _ in shown]
    for line, (name, comment, time) in zip(drops, shown, strict=True):
        assert name == f"{line['dir']} dropped"
        assert comment.endswith(line["frame"])
        assert round(float(time) * SECOND) == line["t"]
    assert any(comment.startswith(r"dropped by loss\n") for comment in comments)
    assert any(comment.startswith("dropped by rules: drop kind=syn-ack n=1") for comment in comments)


@pytest.mark.needs("tshark")
def test_each_frame_that_is_sent_says_how_its_sender_is(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with network(path) as net:
        net.run()
    shown = tshark.frames(path, "frame.comment", "frame.packet_flags_direction", which="tcp")
    sent = [comment for comment, direction in shown if int(direction, 0) == 2]
    assert len(sent) > 6
    assert len(shown) - len(sent) > 6  # each is there twice, unless it arrives after the end
    for comment in sent:
        for word in ("una=", "nxt=", "cwnd=", "ssthresh=", "rto=", "heap=", "TCP_PCB="):
            assert word in comment
    assert all(comment == "" for comment, direction in shown if int(direction, 0) == 1)
    assert tshark.bad_frames(path) == []


def test_the_journal_ends_with_the_digest_or_the_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with network(journal=path, header={"scenario": "x = 1"}) as net:
        net.run(until=lambda: net.clock.now() >= SECOND)
        observer = net.devices["client"].faults.observer  # type: ignore[attr-defined]
        observer("pool-fail pool=TCP_SEG nth=17", "fail", "nth=17")
        net.run()
        frames = net.records.digest.frames if net.records.digest else 0
    recorded = read(path)
    assert recorded.header == {"journal": 1, "seed": 1, "scenario": "x = 1"}
    fault = {
        "device": "client",
        "fault": "pool-fail pool=TCP_SEG nth=17",
        "action": "fail",
        "detail": "nth=17",
    }
    assert recorded.verdicts == [{"t": SECOND, **fault}]
    assert recorded.end is not None
    assert recorded.end["digest"] == net.digest()
    assert (recorded.end["frames"] >= frames > 10, "error" in recorded.end) == (True, False)

    def fail() -> None:
        raise OSError(5, "two\nlines")

    with network(journal=path) as net:
        net.program(fail, on="client", name="failing")
        with pytest.raises(OSError, match="two"):
            net.run()
    assert read(path).end == {**(read(path).end or {}), "error": "OSError: [Errno 5] two lines"}


def test_without_files_nothing_is_kept() -> None:
    with network() as net:
        net.impair("client>server", "loss rate=10%")
        net.run()
        assert net.verdicts == []
        assert net.cables["client-server"].forth.recorder is None
        with pytest.raises(ValueError, match="make the network with digest=True"):
            net.digest()
    assert net.verdicts == []


@pytest.mark.parametrize("which", ["capture", "journal"])
def test_a_file_that_cannot_be_made_is_told(tmp_path: Path, which: str) -> None:
    with pytest.raises(TapError, match=f"{which} .* cannot be written"):
        usocket.Network(**{which: tmp_path})  # type: ignore[arg-type]


def test_a_capture_of_a_clock_that_began_later(tmp_path: Path) -> None:
    clock = VirtualClock(5 * SECOND)
    records = Records(
        clock, capture=tmp_path / "a.pcapng", journal=None, header={}, verdicts=None, digest=False, keep=True
    )
    records.write({"t": clock.now()})
    assert records.verdicts == [{"t": 5 * SECOND}]
    assert isinstance(records.capture, Capture)
    records.close()


ENDLESS = """
import sys
import usocket
from tests.tap.networks import PORT, serve
def ask():
    while True:
        sock = usocket.socket()
        sock.connect(("10.0.0.1", PORT))
        sock.sendall(b"hello")
        sock.recv(9)
        sock.close()
with usocket.Network(seed=1, capture=sys.argv[1], journal=sys.argv[2]) as net:
    server = net.device("server", address="10.0.0.1/24")
    client = net.device("client", address="10.0.0.2/24")
    net.cable(client, server)
    net.impair("client>server", "loss rate=3%")
    net.impair("server>client", "delay delay=9ms jitter=8ms")
    net.program(serve, on=server, daemon=True)
    net.program(ask, on=client)
    net.run()
"""


@pytest.mark.needs("tshark")
def test_after_kill_9_journal_and_capture_can_be_read(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    capture, journal = tmp_path / "a.pcapng", tmp_path / "a.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(capture), str(journal)],
        env={**python_module("tap.capture")[1], "PYTHONPATH": str(root)},
    ) as victim:
        until(lambda: journal.exists() and journal.stat().st_size > 100_000, "nothing is written")
        victim.kill()
    recorded = read(journal)
    assert recorded.end is None
    assert len(recorded.verdicts) > 400
    shown = tshark.frames(capture, "frame.interface_name", "frame.comment")
    assert {name for name, _ in shown} == {"server", "client", "client>server dropped"}
    drops = [line for line in recorded.verdicts if line["action"] == "drop"]
    died = [comment for name, comment in shown if "dropped" in name]
    assert abs(len(drops) - len(died)) <= 1
    assert all(comment.endswith(line["frame"]) for line, comment in zip(drops, died, strict=False))
    assert PORT == 7
