"""The museum: each exhibit shows its pain, and each of its cures cures it.

``OUTCOMES`` says, by hand, how each scene ends: from the measurements of real boards' code, not from the
exhibits.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lab.museum import BOARD, Exhibit, Scene, error_of, exhibits, on_board, staged
from netstack.options import ProfileError
from netstack.profiles import named
from usocket import SOCK_DGRAM

OUTCOMES = {
    "sixth_socket": {
        "pain": "5 of 8 requests, then [Errno 12] ENOMEM",
        "cure_by_closing": "8 of 8 requests",
        "cure_by_collecting": "8 of 8 requests",
        "cure_by_option": "8 of 8 requests",
    },
    "close_lingers": {
        "pain": "a socket is to be had 10 s later",
        "cure_by_code": "a socket is to be had 0 s later",
        "cure_by_option": "a socket is to be had 0 s later",
    },
    "address_in_use": {
        "pain": "the server is back 120 s after the reset",
        "cure": "the server is back 0 s after the reset",
    },
    "full_backlog": {
        "pain": "1 of 4 clients are served, 3 reset",
        "cure": "4 of 4 clients are served, 0 reset",
    },
    "half_open_handshakes": {
        "pain": "a new client is connected after 21 s",
        "cure_with_more_pcbs": "a new client is connected after 0 s",
        "cure_with_less_patience": "a new client is connected after 6 s",
    },
    "peer_rebooted": {
        "pain": "after an hour the subscriber knows nothing",
        "cure": "after 60 s recv() raises ECONNRESET",
    },
    "dead_peer": {
        "pain": "ECONNABORTED after 39 minutes",
        "cure_by_code": "ETIMEDOUT after 10 s",
        "cure_by_option": "ECONNABORTED after 1 minutes",
    },
    "time_wait_port": {
        "pain": "connected after 121 s",
        "cure_by_closing_last": "connected after 0 s",
        "cure_by_another_port": "connected after 0 s",
    },
    "udp_burst": {
        "pain": "4 of 10 datagrams arrive",
        "cure_by_pausing": "10 of 10 datagrams arrive",
        "cure_by_option": "10 of 10 datagrams arrive",
    },
    "recv_gives_less": {
        "pain": "800 of 3000 bytes",
        "cure_by_looping": "3000 of 3000 bytes",
        "cure_by_read": "3000 of 3000 bytes",
    },
    "lost_end_of_file": {
        "pain": "recv() has waited 3600 s",
        "cure": "recv() has waited 5 s",
    },
    "late_first_byte": {
        "pain": "the request is read 241 ms after it was sent",
        "cure_by_accepting": "the request is read 1 ms after it was sent",
        "cure_by_option": "the request is read 41 ms after it was sent",
    },
    "answer_lost_by_reset": {
        "pain": "2400 bytes, ECONNRESET",
        "cure": "3000 bytes, and the end",
    },
    "deaf_board": {
        "pain": "the board does not answer ping",
        "cure_by_reading": "the board answers ping",
        "cure_by_option": "the board answers ping",
    },
    "short_send": {
        "pain": "6400 of 10000 bytes arrive",
        "cure_by_sendall": "10000 of 10000 bytes arrive",
        "cure_by_write": "10000 of 10000 bytes arrive",
        "cure_by_option": "10000 of 10000 bytes arrive",
    },
    "lost_while_arp_asks": {
        "pain": "received: second",
        "cure_by_pausing": "received: first, second",
        "cure_by_option": "received: first, second",
    },
    "one_write_too_many": {
        "pain": "340 bytes sent, 320 arrive",
        "cure_by_nagle": "340 bytes sent, 340 arrive",
        "cure_by_option": "340 bytes sent, 340 arrive",
    },
    "one_slow_peer": {
        "pain": "the quick client's answer is queued after 2.75 s",
        "cure_by_code": "the quick client's answer is queued after 0.00 s",
        "cure_by_option": "the quick client's answer is queued after 0.00 s",
    },
    "multicast_not_joined": {
        "pain": "nothing came: [Errno 110] ETIMEDOUT",
        "cure": "received: hello, group",
    },
    "timeout_loses_data": {
        "pain": "a record of bytes 60 to 59",
        "cure": "a record of bytes 0 to 99",
    },
    "attempt_goes_on": {
        "pain": "EBADF",
        "cure": "connected",
    },
    "idle_client_first": {
        "pain": "the request is read after 600 s",
        "cure": "the request is read after 2 s",
    },
    "heap_in_pieces": {
        "pain": "ENOMEM",
        "cure_by_code": "sent",
        "cure_by_option": "sent",
    },
    "lock_step": {
        "pain": "5360 bytes are queued after 2.25 s",
        "cure": "5360 bytes are queued after 0.00 s",
    },
    "small_writes": {
        "pain": "the server has the request after 250 ms",
        "cure_by_one_write": "the server has the request after 1 ms",
        "cure_by_nodelay": "the server has the request after 1 ms",
    },
    "name_without_socket": {
        "pain": "getaddrinfo(): OSError -1",
        "cure_by_closing": "getaddrinfo(): ('10.0.0.1', 80)",
        "cure_by_option": "getaddrinfo(): ('10.0.0.1', 80)",
    },
    "first_port_after_reset": {
        "pain": "connected 121 s after the reset",
        "cure_by_port": "connected 0 s after the reset",
        "cure_by_closing": "connected 0 s after the reset",
    },
}

EXHIBITS = exhibits()
SCENES = [
    pytest.param(exhibit, scene, id=f"{exhibit.path.stem}-{scene.name}")
    for exhibit in EXHIBITS
    for scene in exhibit.scenes
]
LONGEST = 1.0  # s of CPU that a scene may take


@pytest.mark.parametrize(("exhibit", "scene"), SCENES)
def test_scene(exhibit: Exhibit, scene: Scene) -> None:
    start = time.process_time()
    assert scene.play(lambda _: None) == OUTCOMES[exhibit.name][scene.name]
    assert time.process_time() - start < LONGEST


def test_every_outcome_belongs_to_a_scene() -> None:
    assert {name: list(ends) for name, ends in OUTCOMES.items()} == {
        exhibit.name: [scene.name for scene in exhibit.scenes] for exhibit in EXHIBITS
    }
    assert len(EXHIBITS) >= 15


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=[exhibit.name for exhibit in EXHIBITS])
def test_exhibit_says_all_it_should(exhibit: Exhibit) -> None:
    assert list(exhibit.text) == ["Seen", "Why", "Cure", "Reported"]
    assert exhibit.number == EXHIBITS.index(exhibit) + 1
    assert exhibit.title
    assert "``" not in "".join(exhibit.text.values())
    kinds = [scene.is_cure for scene in exhibit.scenes]
    assert kinds[0] is False
    assert len(kinds) >= 2
    assert all(kinds[1:])
    assert all(scene.caption and "\n" not in scene.caption for scene in exhibit.scenes)


def test_twice_is_the_same_to_the_frame() -> None:
    scene = next(one for one in EXHIBITS if one.name == "one_write_too_many").scenes[0]
    runs = []
    for _ in range(2):
        events: list[Any] = []
        lines: list[str] = []
        outcome = scene.play(lines.append, events.append)
        runs.append((outcome, lines, [repr(event) for event in events]))
    assert runs[0] == runs[1]
    assert len(runs[0][2]) > 50


def test_what_the_visitor_changes() -> None:
    burst = next(one for one in EXHIBITS if one.name == "udp_burst")
    pain, _, cure = burst.scenes
    assert pain.play(lambda _: None, settings={"udp_rxq": 7}) == "7 of 10 datagrams arrive"
    assert cure.play(lambda _: None, settings={"udp_rxq": 7}) == "10 of 10 datagrams arrive"
    with pytest.raises(ProfileError):
        pain.play(lambda _: None, settings={"memp_num_tcp_pcb": 0})


def test_a_scene_of_another_board() -> None:
    @on_board("pico-sdk", TCP_MSS=1000)
    def cure(stage: Any) -> str:
        """A caption."""
        return f"{stage.board.profile.name} {stage.board.profile.tcp_mss}"

    scene = Scene("cure", "A caption", *cure.__dict__["board"], cure)
    assert scene.play(lambda _: None) == "pico-sdk 1000"


class TestStage:
    def test_the_cable(self) -> None:
        with staged(named("micropython"), lambda _: None) as stage:
            assert stage.ping()
            stage.cable.to_peer = False
            assert not stage.ping()
            stage.cable.put_in()
            stage.cable.to_board = False
            assert not stage.ping()
            stage.after(0.5, stage.cable.put_in)
            stage.sleep(1)
            assert stage.ping()
            stage.cable.pull_out()
            assert not stage.ping()
            assert stage.peer.stack.mem.raw_pcb.used == 0

    def test_another_peer_knows_nothing(self) -> None:
        with staged(named("micropython"), lambda _: None) as stage:
            board, _client = stage.connection()
            stage.sleep(1)
            stage.cable.pull_out()
            stage.another_peer()
            board.send(b"hello")
            stage.sleep(1)
            assert stage.board.stack.mem.tcp_pcb.used == 1  # nobody resets it: 10.0.0.1 is gone
            assert stage.ping()
            assert error_of(stage.client) == "ECONNRESET"  # nobody listens any more
            assert stage.peer.ip == 0x0A000003

    def test_say_tells_the_time(self) -> None:
        lines: list[str] = []
        with staged(named("micropython"), lines.append) as stage:
            stage.sleep(1.25)
            stage.say("now")
            assert stage.took(stage.sleep, 2) == 2
        assert lines == ["   1.2500   now"]

    def test_sockets_that_are_dropped_stay(self) -> None:
        with staged(named("micropython"), lambda _: None) as stage:
            stage.board.socket()
            assert stage.board.stack.mem.tcp_pcb.used == 1
            stage.board.collect()
            assert stage.board.stack.mem.tcp_pcb.used == 0

    def test_error_of(self) -> None:
        with staged(named("micropython"), lambda _: None) as stage:
            sock = stage.board.socket(2, SOCK_DGRAM)
            assert error_of(sock.bind, ("", 5000)) is None
            sock.setblocking(False)
            assert error_of(sock.recv, 1) == "EAGAIN"
            with pytest.raises(TypeError):
                error_of(sock.recv, "many")


def test_the_exhibits_are_found_beside_the_package() -> None:
    folder = Path(__file__).parents[2] / "examples" / "museum"
    assert [exhibit.path for exhibit in EXHIBITS] == sorted(folder.glob("*.py"))
    assert BOARD == "10.0.0.2"
