"""Answers as texts: what no device on a quiet TAP shows."""

from __future__ import annotations

from lab.control import facts, show
from netstack.api.common import set_pcb_option
from tests.netstack.tcp.conversation import ACK, PSH, Conversation, established


def timers(talk: Conversation) -> dict[str, int]:
    return {timer["name"]: timer["in"] for timer in facts.timers(talk.stack.tcp, talk.pcb)}


def test_a_connection_with_data_in_flight() -> None:
    talk = established("micropython")
    tcp, pcb = talk.stack.tcp, talk.pcb
    assert facts.connection(tcp, pcb)["send_q"] == 0
    set_pcb_option(pcb, "SO_KEEPALIVE", 1, talk.stack.profile)
    set_pcb_option(pcb, "TCP_NODELAY", 1, talk.stack.profile)
    talk.write(b"x" * 100)
    talk.segment(ACK | PSH, seq=1, ack=1, data=b"hello")
    fields = facts.connection(tcp, pcb)
    assert (fields["state"], fields["send_q"], fields["unacked"]) == ("ESTABLISHED", 100, 1)
    running = timers(talk)
    assert list(running) == ["rexmit", "keepalive", "delayed-ack"]
    assert 2500 < running["rexmit"] <= 3500 == fields["rto"] + 500
    assert 7_199_000 < running["keepalive"] <= 7_200_500
    assert 0 < running["delayed-ack"] <= 250
    line = show.inside(fields)
    assert "mss:800 snd_wnd:65535 rcv_wnd:6400 unacked:1 retrans:0 rcv_ann_wnd:6395 timer:(rexmit," in line
    assert line.endswith(" nodelay keepalive")
    before = talk.stack.now // 1_000_000
    talk.advance(ms=running["rexmit"] - 1)
    assert facts.connection(tcp, pcb)["retrans"] == 0
    talk.advance(ms=1)
    assert talk.stack.now // 1_000_000 == before + running["rexmit"]
    assert facts.connection(tcp, pcb)["retrans"] == 1


def test_a_closed_window_and_a_half_closed_connection() -> None:
    talk = established("micropython")
    talk.segment(ACK | PSH, seq=1, ack=1, data=b"a")
    talk.segment(ACK | PSH, seq=2, ack=1, data=b"b", win=0)
    talk.write(b"x")
    assert "persist" in timers(talk)
    assert "rexmit" not in timers(talk)
    assert 0 < timers(talk)["persist"] <= 2000
    talk.segment(ACK, seq=3, ack=1, win=1000)
    talk.replies()
    talk.stack.tcp.close(talk.pcb)
    talk.segment(ACK, seq=3, ack=3)
    assert facts.connection(talk.stack.tcp, talk.pcb)["state"] == "FIN_WAIT_2"
    assert list(timers(talk)) == ["fin-wait-2"]
    assert 19_000 < timers(talk)["fin-wait-2"] <= 20_500


def test_rows_and_what_ss_calls_the_states() -> None:
    peer = established("micropython")
    header, listener, row, _ = [*show.sockets(facts.sockets(peer.stack)), ""][:4]
    assert header.split()[:4] == ["Netid", "State", "Recv-Q", "Send-Q"]
    rows = [listener, row]
    assert any(text.split()[:2] == ["tcp", "ESTAB"] for text in rows)
    assert show.STATES["CLOSED"] == "UNCONN"


def test_neighbours_in_every_state() -> None:
    entries = [
        {"ip": "10.0.0.2", "mac": None, "state": "PENDING", "age": 1999, "packets": 2},
        {"ip": "10.0.0.3", "mac": "02:00:00:00:00:03", "state": "STATIC", "age": 5, "packets": 0},
    ]
    assert list(show.neighbours({"entries": entries}, "tap0")) == [
        "10.0.0.2 dev tap0 age 1s queued 2 INCOMPLETE",
        "10.0.0.3 dev tap0 lladdr 02:00:00:00:00:03 PERMANENT",
    ]


def test_an_injection() -> None:
    one = {"number": 2, "text": "loss rate=1%", "done": {"device>linux": {"drop": 3}, "linux>device": {}}}
    shown = show.injection(one)
    assert shown.split("  ")[1].strip() == "2"
    assert shown.endswith("device>linux: 3 drop; linux>device: nothing yet")
