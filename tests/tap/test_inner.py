"""The inner state of a sender."""

from __future__ import annotations

import re

import pytest

import usocket
from tap.clock import MS
from tap.inner import inner_state
from tests.tap.networks import PORT


class Watched:
    """What a client's stack says of each frame that it sends while it sends 4 kB to a server."""

    def __init__(self) -> None:
        self.states: list[tuple[bytes, str]] = []
        with usocket.Network(seed=1) as net:
            server = net.device("server", address="10.0.0.1/24")
            self.client = net.device("client", address="10.0.0.2/24")
            cable = net.cable(self.client, server, delay=5 * MS)
            send = cable.forth.send

            def watched(frame: bytes) -> None:
                if self.client.is_open:
                    self.states.append((frame, inner_state(self.client.stack, frame)))
                send(frame)

            cable.forth.send = watched  # type: ignore[method-assign]
            net.program(self.sink, on=server)
            net.program(self.source, on=self.client)
            net.run()
            self.order = [pcb.flow for pcb in self.client.stack.tcp.active_pcbs]

    @staticmethod
    def sink() -> None:
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(1)
        connection, _ = listener.accept()
        connection.read()
        connection.close()

    @staticmethod
    def source() -> None:
        sock = usocket.socket()
        sock.connect(("10.0.0.1", PORT))
        sock.sendall(bytes(4000))
        sock.close()


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


def test_segments_tell_of_their_connection(watched: Watched) -> None:
    segments = [state for frame, state in watched.states if frame[23] == 6 and len(frame) > 500]
    assert len(segments) >= 4
    una = [int(re.findall(r"una=(\d+)", state)[0]) for state in segments]
    assert una == sorted(una)
    assert una[-1] > una[0]
    for state in segments:
        assert re.fullmatch(
            r"una=\d+ nxt=\d+ flight=\d+ cwnd=\d+ ssthresh=\d+ snd_wnd=\d+ rto=\d+ms nrtx=\d+ dupacks=\d+\n"
            r"heap=\d+/8000( [A-Z_]+=\d+/\d+)+",
            state,
        ), state
        assert "TCP_PCB=1/5" in state
        assert "TCP_SEG=" in state
        assert "RAW_PCB" not in state  # nothing of it is used


def test_nxt_is_where_the_segment_starts(watched: Watched) -> None:
    frame, state = next((frame, state) for frame, state in watched.states if len(frame) > 500)
    assert f"nxt={int.from_bytes(frame[38:42], 'big')} " in state


def test_other_frames_tell_of_the_pools_only(watched: Watched) -> None:
    arp = [state for frame, state in watched.states if frame[12:14] == b"\x08\x06"]
    assert arp
    assert all(state.startswith("heap=") and "\n" not in state for state in arp)


def test_what_is_cut_or_of_no_connection_is_no_problem(watched: Watched) -> None:
    frame, _ = next((frame, state) for frame, state in watched.states if "cwnd" in state)
    others = [frame[:size] for size in range(54)]
    others += [
        frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :] for place in (23, 29, 33, 35, 37)
    ]
    others.append(frame[:21] + b"\1" + frame[22:])  # a later fragment
    for other in others:
        assert inner_state(watched.client.stack, other).startswith("heap=")
