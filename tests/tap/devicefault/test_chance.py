"""Faults with chance are played from a journal without a draw."""

from __future__ import annotations

from pathlib import Path

import pytest

import usocket
from tap.clock import MS
from tap.devicefault.chance import DREW, Noted, Played
from tap.journal import read
from tap.streams import Stream, stream
from usocket import Network

FAULTS = [
    "pool-fail pool=PBUF_POOL p=5%",
    "heap-fail p=5%",
    "tx-refuse p=10%",
    "tx-double p=10%",
    "app-stall pause=3ms p=20%",
    "cpu-stall length=2ms longest=20ms every=70ms",
    "clock tick=10ms jitter=9ms",
]


def session(faults: list[str], **options: object) -> tuple[str, list[dict[str, object]]]:
    """A transfer with the client's faults: its digest, and the lines of the journal."""
    with Network(seed=5, digest=True, keep=True, **options) as net:
        server = net.device("server", "full", address="10.0.0.1/24")
        client = net.device("client", "micropython-esp32", address="10.0.0.2/24")
        net.cable(server, client, delay=4 * MS)
        net.switch_on()
        for fault in faults:
            client.faults.add(fault)

        def serve() -> None:
            listener = usocket.socket()
            listener.bind(("", 80))
            listener.listen(1)
            while True:
                connection, _ = listener.accept()
                while connection.recv(500):
                    pass
                connection.close()

        def send() -> None:
            for _ in range(4):
                try:
                    sock = usocket.socket()
                    sock.connect(("10.0.0.1", 80))
                    sock.sendall(bytes(5000))
                    sock.close()
                except OSError:
                    client.sleep(0.5)

        net.program(serve, on=server, daemon=True)
        net.program(send, on=client)
        net.run(until=60_000 * MS)
        return net.digest(), [line for line in net.verdicts if "device" in line]


@pytest.mark.parametrize("faults", [[fault] for fault in FAULTS] + [FAULTS, ["tx-double p=10%"] * 2])
def test_played_without_a_draw(faults: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = session(faults, journal=tmp_path / "journal.jsonl")
    assert recorded[1], "the fault did something"
    lines = read(tmp_path / "journal.jsonl").verdicts

    def refuse(self: Stream, *args: object) -> int:
        raise AssertionError("a number is drawn")

    monkeypatch.setattr(Noted, "u32", refuse)
    monkeypatch.setattr(Noted, "u64", refuse)
    played = session(faults, verdicts=lines)
    assert played[0] == recorded[0]
    assert [line for line in played[1] if line["action"] != DREW] == [
        line for line in recorded[1] if line["action"] != DREW
    ]


def test_a_hit_left_out_does_not_happen() -> None:
    _, lines = session(["tx-double p=10%"])
    _, played = session(["tx-double p=10%"], verdicts=lines[1:])
    hits = [[str(line["detail"]).rpartition(" ")[2] for line in journal] for journal in (lines, played)]
    assert hits[1]
    assert hits[1] == hits[0][1 : 1 + len(hits[1])]


def test_what_is_noted() -> None:
    notes: list[tuple[str, str]] = []
    noted, plain = Noted(stream(1, "x"), lambda *note: notes.append(note)), stream(1, "x")
    assert [noted.u32(), noted.u64(), noted.u32()] == [plain.u32(), plain.u64(), plain.u32()]
    assert [action for action, _ in notes] == [DREW]
    again = Played([{"action": action, "detail": detail} for action, detail in notes])
    assert str(again.u64()) == notes[0][1]
    assert again.hits == set()
    assert Played([{"action": "fail", "detail": "HEAP: 9 bytes wanted, allocation 12"}]).hits == {12}
