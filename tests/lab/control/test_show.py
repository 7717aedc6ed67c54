"""Answers as texts: what no device on a quiet TAP shows."""

from __future__ import annotations

from lab.control import facts, show
from netstack.tcp.states import FIN_WAIT_2
from netstack.tcp.tcb import SOF_KEEPALIVE, TF_NODELAY, TF_RXCLOSED
from tests.netstack.tcp.conversation import ACK, PSH, established


def test_a_connection_with_all_its_timers() -> None:
    peer = established("micropython")
    pcb = peer.stack.tcp.active_pcbs[0]
    tcp = peer.stack.tcp
    peer.segment(ACK | PSH, seq=1, ack=1, data=b"hello")
    fields = facts.connection(tcp, pcb)
    assert (fields["state"], fields["send_q"]) == ("ESTABLISHED", 0)
    tcp.write(pcb, b"x" * 100)
    tcp.output(pcb)
    pcb.so_options |= SOF_KEEPALIVE
    pcb.flags |= TF_NODELAY
    pcb.persist_backoff = 1
    fields = facts.connection(tcp, pcb)
    assert (fields["send_q"], fields["unacked"]) == (100, 1)
    timers = {timer["name"]: timer["in"] for timer in fields["timers"]}
    assert set(timers) - {"delayed-ack"} == {"rexmit", "persist", "keepalive"}
    assert fields["rto"] - 500 < timers["rexmit"] <= fields["rto"] + 500
    assert 7_199_000 < timers["keepalive"] <= 7_200_500
    line = show.inside(fields)
    assert f"rto:{fields['rto']} rtt:" in line
    assert f"unacked:1 retrans:0 timer:(rexmit,{timers['rexmit']}ms) timer:(persist," in line
    assert line.endswith(" nodelay keepalive")
    pcb.state = FIN_WAIT_2
    pcb.flags |= TF_RXCLOSED
    pcb.rtime, pcb.persist_backoff = -1, 0
    (timer,) = [one for one in facts.timers(tcp, pcb) if one["name"] != "delayed-ack"]
    assert timer["name"] == "fin-wait-2"
    assert 19_000 < timer["in"] <= 20_500


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
