"""Rules in real runs of the emulated devices: what lwIP makes of each fault."""

from __future__ import annotations

import errno
import hashlib
import warnings
from functools import partial

import pytest

import usocket
from netstack.profile import Profile
from netstack.profiles import named
from tap.cable import NetemWarning
from tap.clock import MS, SECOND
from tap.passage import Passage, Visit
from tap.rules.verdicts import Inject
from tap.rules.view import FrameView

DATA = hashlib.shake_128(b"rules").digest(20_000)
LWIP = named("micropython-esp32")


class Log:
    """A recorder: when what entered, and what rules did."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str]] = []
        self.notes: list[tuple[str, str]] = []

    def entered(self, passage: Passage) -> None:
        self.entries.append((passage.at, str(passage.coordinate)))

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        self.notes.append((str(visit.passage.coordinate), action))

    def handled(self, visit: Visit) -> None:
        pass

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        pass

    def arrived(self, passage: Passage, frame: bytes) -> None:
        pass

    def times(self, part: str) -> list[int]:
        """When frames whose coordinate has ``part`` in it entered, in ms."""
        return [at // MS for at, text in self.entries if part in text]


class Transfer:
    """20 kB from the client to the server over a cable with 10 ms each way."""

    def __init__(self, profile: Profile = LWIP, seed: int = 1) -> None:
        self.net = usocket.Network(seed)
        self.server = self.net.device("server", profile, address="10.0.0.1/24")
        self.client = self.net.device("client", profile, address="10.0.0.2/24")
        self.cable = self.net.cable(self.client, self.server, delay=10 * MS)
        self.forth, self.back = self.cable.directions
        self.log = Log()
        self.cable.record(self.log)
        self.error: int | None = None

    def run(self) -> bytes:
        """What arrives."""
        with self.net:
            received = self.net.program(self._receive, on=self.server)
            self.net.program(self._send, on=self.client)
            self.net.run()
            result = received.result
            assert isinstance(result, bytes)
            return result

    def _receive(self) -> bytes:
        listener = usocket.socket()
        listener.bind(("", 80))
        listener.listen(1)
        connection, _ = listener.accept()
        got = b""
        try:
            while data := connection.recv(1000):
                got += data
        except OSError:
            return got
        connection.close()
        return got

    def _send(self) -> None:
        sock = usocket.socket()
        try:
            sock.connect(("10.0.0.1", 80))
            sock.sendall(DATA)
            sock.close()
        except OSError as error:
            self.error = error.errno


def test_the_third_segment_is_lost_twice() -> None:
    run = Transfer()
    with run.forth.drop(kind="data", n=3, xmit=1), run.forth.drop(kind="data", xmit=2):
        assert run.run() == DATA
    third = next(text for _, text in run.log.entries if "kind=data n=3" in text).split()[3]
    assert run.log.notes[0] == (f"client>server kind=data n=3 {third} xmit=1 conn=1", "drop")
    times = run.log.times(f"{third} xmit=")
    assert len(times) == 3
    assert times[2] - times[1] >= 1000  # the second one needs lwIP's timer
    plain = Transfer()
    assert plain.run() == DATA
    assert plain.log.notes == []
    assert not [text for _, text in plain.log.entries if "xmit=2" in text]


def test_a_sequence_number_is_lost_three_times() -> None:
    run = Transfer()
    rule = run.forth.rules.add("drop seq=2920 xmit=1..3")
    assert run.run() == DATA
    assert rule.hits == 3
    assert [text.rpartition("xmit=")[2][0] for text, _ in run.log.notes] == ["1", "2", "3"]


def test_the_syn_ack_is_lost() -> None:
    run = Transfer()
    rule = run.back.rules.add("drop kind=syn-ack n=1")
    assert run.run() == DATA
    assert rule.hits == 1
    again = [text.split()[4] for _, text in run.log.entries if "kind=syn-ack" in text]
    assert again == ["xmit=1", "xmit=2", "xmit=3"]  # both sides' timers ask for it
    assert len(run.log.times("kind=syn ")) == 2
    assert run.log.times("kind=data n=1 ")[0] >= 1000


def test_a_wrong_checksum_is_counted_and_mended() -> None:
    run = Transfer()
    run.forth.rules.add("corrupt field=tcp.checksum kind=data n=2,5")
    run.forth.rules.add("corrupt field=ip.ttl kind=data n=7")
    assert run.run() == DATA
    assert run.server.stack.stats.tcp.chkerr == 2
    assert run.server.stack.stats.ip.chkerr == 1


def test_a_repaired_checksum_is_not_noticed() -> None:
    run = Transfer()
    run.forth.rules.add("corrupt byte=payload+0 repaired kind=data n=2")
    got = run.run()
    assert run.server.stack.stats.tcp.chkerr == 0
    assert [at for at in range(len(DATA)) if got[at] != DATA[at]] == [1440]


def test_a_window_is_closed_and_the_sender_probes() -> None:
    run = Transfer()
    run.back.rules.add("rewrite tcp.window=0 kind=ack n=4..6 count=3")
    run.back.rules.add("drop kind=win-update from=1ms until=3s")
    assert run.run() == DATA


def test_a_state_of_a_device() -> None:
    run = Transfer()
    rule = run.forth.rules.add("delay 40ms state=server:SYN_RCVD")
    listening = run.forth.rules.add("duplicate state=server:LISTEN")
    assert run.run() == DATA
    assert [text.split()[1] for text, action in run.log.notes if action == "duplicate"] == ["kind=syn"]
    assert {text.split()[1] for text, action in run.log.notes if action == "delay"} <= {
        "kind=ack",
        "kind=data",
    }
    assert rule.hits >= 1
    assert listening.hits == 1


def test_a_reset_ends_the_connection() -> None:
    run = Transfer()
    run.forth.rules.add("inject rst to=sender after kind=data n=4")
    got = run.run()
    assert run.error == errno.ECONNRESET
    assert len(got) < len(DATA)
    assert DATA.startswith(got)


def test_reordering_makes_duplicate_acks() -> None:
    run = Transfer()
    run.forth.rules.add("reorder behind=2 kind=data n=5")
    assert run.run() == DATA
    assert run.log.times("kind=dup-ack")


def test_a_callback_meets_the_frames() -> None:
    run = Transfer()
    seen: list[int] = []

    @run.forth.on(kind="data", n="1..3")
    def watch(frame: FrameView) -> Inject | None:
        seen.append(len(frame.payload))
        return Inject("copy", before=True) if frame.n == 2 else None

    assert run.run() == DATA
    assert seen == [1440] * 3
    assert watch.hits == 3
    assert len(run.log.times("kind=injected")) == 1


def test_chance_repeats_and_other_rules_shift_nothing() -> None:
    results = []
    for extra in (False, True, False):
        run = Transfer(seed=5)
        if extra:
            run.back.rules.add("duplicate p=50% kind=rst")
            run.forth.rules.add("drop kind=rst p=1% chain")
        rule = run.forth.rules.add("drop p=10% kind=data")
        assert run.run() == DATA
        assert rule.hits > 0
        results.append((run.log.entries, run.net.clock.now()))
    assert results[0] == results[1] == results[2]


def test_netem_warns_where_its_words_are_a_trap() -> None:
    run = Transfer()
    with pytest.warns(NetemWarning, match="client>server: netem delay: jitter reorders") as caught:
        stages = run.forth.netem("delay 80ms 20ms loss gemodel 1% 10%")
    assert caught[0].filename == __file__
    assert run.forth.stages[-len(stages) :] == tuple(stages)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.back.netem("delay 30ms")
        run.back.netem("loss 5%")
    assert run.run() == DATA
    assert run.net.clock.now() > SECOND


def _drops(lost: list[int], number: int, action: str, detail: str) -> None:
    if action == "drop":
        lost.append(number)


def test_two_netems_of_a_direction_are_not_alike() -> None:
    run = Transfer()
    first, second = (run.forth.netem("loss 30%")[0] for _ in range(2))
    lost: list[list[int]] = []
    for stage in (first, second):
        noted: list[int] = []
        for number in range(200):
            stage.handle(bytes(60), 0, lambda frame, at: None, partial(_drops, noted, number))
        lost.append(noted)
    assert lost[0] != lost[1]
