"""A run recorded: causal order, times, what became of frames; written, read, checked (``lab.trace``)."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from time import time_ns
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

import usocket
from lab.trace import FileSink, MemorySink, Recorder, Trace, TraceError, load_run, read
from lab.trace.schema import KINDS, wrong_event, wrong_header
from tap.clock import RealClock
from tap.wire import wire
from tests.lab.explain import fetch
from tests.lab.trace.recorded import Recording
from tests.netstack.tcp.conversation import ACK, PSH, established
from usocket.emulation import Network

MS = 1_000_000
DOCS = Path(__file__).parent.parent.parent.parent / "docs" / "trace.md"
GOLDEN = Path(__file__).parent.parent.parent / "golden"


def of(trace: Trace, kind: str, **fields: Any) -> list[dict[str, Any]]:
    """The events of a kind with these fields."""
    return [
        event
        for event in trace.events
        if event["kind"] == kind and all(event.get(name) == value for name, value in fields.items())
    ]


@pytest.fixture(scope="module")
def fetched() -> Trace:
    return fetch.run()


# A network


def test_header_and_events_fit_the_schema(fetched: Trace) -> None:
    assert wrong_header(fetched.header) is None
    assert [wrong_event(event, i) for i, event in enumerate(fetched.events)] == [None] * len(fetched.events)
    assert [device["name"] for device in fetched.header["devices"]] == ["server", "client"]
    assert fetched.header["cables"] == [{"name": "server-client", "ends": ["server", "client"]}]
    assert fetched.header["devices"][0]["tick"] == {"fast_ns": 250 * MS, "slow_ns": 500 * MS}
    assert fetched.header["devices"][0]["limits"]["TCP_PCB"] == 5


def test_time_does_not_decrease_and_causes_come_first(fetched: Trace) -> None:
    times = [event["t"] for event in fetched.events]
    assert times == sorted(times)
    for event in fetched.events:
        if "by" in event:
            cause = fetched.events[event["by"]]
            assert event["by"] < event["i"]
            assert (cause["on"], cause["t"]) == (event["on"], event["t"])
            assert cause["kind"] in ("frame-in", "segment-in", "timer", "api")


def test_every_frame_is_told_once_and_has_a_fate(fetched: Trace) -> None:
    frames = [event["frame"] for event in of(fetched, "frame")]
    assert frames == list(range(len(frames)))
    sent = [event["frame"] for event in of(fetched, "frame-out")]
    ends = [event["frame"] for event in [*of(fetched, "wire"), *of(fetched, "died")]]
    assert sorted(sent) == sorted(ends) == frames
    arrived = [event["frame"] for event in of(fetched, "wire") if event["arrived"] is not None]
    assert {event["frame"] for event in of(fetched, "frame-in")} <= set(arrived)
    for event in of(fetched, "wire"):
        if event["arrived"] is not None:
            assert event["arrived"] - event["sent"] == 20 * MS


def test_frames_that_died(fetched: Trace) -> None:
    dead = of(fetched, "died")
    infos = [of(fetched, "frame", frame=event["frame"])[0]["info"] for event in dead]
    assert infos == ["SYN ACK 0 ack 1 win 6400 mss 800", "ACK 1601:2401 ack 6 win 6395"]
    assert {(event["on"], event["rule"]) for event in dead} == {("server>client", "script")}


def test_each_segment_has_its_frame(fetched: Trace) -> None:
    segments = {event["i"] for event in of(fetched, "segment-out")}
    framed = [event["segment"] for event in of(fetched, "frame-out") if "segment" in event]
    assert sorted(framed) == sorted(segments)
    for event in of(fetched, "frame-out"):
        if "segment" in event:
            segment = fetched.events[event["segment"]]
            tcp = of(fetched, "frame", frame=event["frame"])[0]["tcp"]
            assert (tcp["seq"], tcp["ack"], tcp["len"]) == (segment["seq"], segment["ack"], segment["len"])


def test_numbers_count_from_the_syn_on_both_sides(fetched: Trace) -> None:
    assert {event["conn"] for event in of(fetched, "segment-out")} == {1}
    last = of(fetched, "tcb", on="client")[-1]
    assert (last["una"], last["nxt"], last["rcv_nxt"]) == (6, 7, 20_002)
    assert of(fetched, "segment-out", on="server", cause="fin")[0]["seq"] == 20_001
    assert sum(event["accepted"] for event in of(fetched, "segment-in", on="client")) == 20_000 - 2_400
    assert sum(event["delivered"] for event in of(fetched, "segment-in", on="client")) == 20_000


def test_the_time_of_the_first_transmission(fetched: Trace) -> None:
    (again,) = of(fetched, "segment-out", cause="fast")
    (first,) = of(fetched, "segment-out", on="server", seq=1601, xmit=1)
    assert (again["xmit"], again["first"]) == (2, first["t"])


def test_an_armed_timer_tells_when_it_fires(fetched: Trace) -> None:
    for fired in of(fetched, "timer-fired", timer="rexmit"):
        before = [event for event in fetched.events[: fired["i"]] if event["on"] == fired["on"]]
        armed = [event for event in before if event["kind"] == "timer-armed" and event["timer"] == "rexmit"]
        assert armed[-1]["due"] == fired["t"]


def test_recording_changes_nothing_and_is_the_same_each_time(fetched: Trace) -> None:
    again = fetch.run()
    assert json.dumps(again.events) == json.dumps(fetched.events)


def test_a_seed_is_no_matter_of_what_is_looked_at() -> None:
    """A run with impairments that draw has the same frames with a recorder and without."""
    digests = []
    for recorded in (False, True):
        with Network(seed=3, digest=True) as net:
            net.device("server", address="10.0.0.1/24")
            net.device("client", address="10.0.0.2/24")
            net.cable("server", "client", delay=5 * MS)
            net.impair("server>client", "loss rate=20%")
            net.impair("client>server", "duplicate rate=20%")
            net.impair("server>client", "corrupt rate=20%")
            recorder = Recorder(MemorySink(), source="virtual", title="drawn")
            if recorded:
                recorder.attach(net)
            net.program(fetch.serve, on="server")
            net.program(fetch.fetch, on="client")
            net.run()
            digests.append(net.digest())
    assert digests[0] == digests[1]


def test_copies_changes_and_losses() -> None:
    sink = MemorySink()
    with Network(seed=3) as net:
        net.device("server", address="10.0.0.1/24")
        net.device("client", address="10.0.0.2/24")
        net.cable("server", "client", delay=5 * MS)
        net.impair("client>server", "duplicate rate=30%")
        net.impair("server>client", "corrupt rate=20%")
        recorder = Recorder(sink, source="virtual", title="impaired")
        recorder.attach(net)
        net.program(fetch.serve, on="server")
        net.program(fetch.fetch, on="client")
        net.run()
        recorder.close()
    trace = Trace(sink.header, sink.events)
    actions = {event["action"] for event in of(trace, "verdict")}
    assert actions == {"duplicate", "corrupt"}
    arrivals = [event["frame"] for event in of(trace, "wire", on="client>server")]
    assert len(arrivals) > len(set(arrivals))
    changed = [event for event in of(trace, "wire", on="server>client") if "as" in event]
    assert changed
    known = {event["frame"]: event["hex"] for event in of(trace, "frame")}
    assert all(known[event["frame"]] != known[event["as"]] for event in changed)
    assert of(trace, "drop", reason="tcp_checksum")


def test_a_power_cycle() -> None:
    sink = MemorySink()
    with Network(seed=1) as net:
        server = net.device("server", address="10.0.0.1/24")
        client = net.device("client", address="10.0.0.2/24")
        net.cable(server, client, delay=MS)
        recorder = Recorder(sink, source="virtual", title="power cut")
        recorder.attach(net)
        net.program(fetch.serve, on=server, daemon=True)

        def cut() -> None:
            usocket.socket().connect(("10.0.0.1", 80))
            net.scheduler.clock.call_at(2_000 * MS, server.power_cycle)
            client.sleep(3)

        net.program(cut, on=client)
        net.run()
        recorder.close()
    trace = Trace(sink.header, sink.events)
    assert [(event["t"], event["again"]) for event in of(trace, "boot", on="server")] == [
        (0, False),
        (2_000 * MS, True),
    ]
    times = [event["t"] for event in trace.events]
    assert times == sorted(times)


# A stack by itself


def test_a_hook_that_comes_in_the_middle() -> None:
    talk = established("micropython", mss=800)
    talk.write(bytes(100))
    recording = Recording(talk.stack)
    talk.segment(PSH | ACK, 1, 101, b"answer")
    trace = recording.trace()
    first = trace.events[0]
    assert (first["kind"], first["una"], first["nxt"], first["unacked"]) == ("tcb", 1, 101, [[1, 101]])
    assert of(trace, "segment-in")[0]["acked"] == 100


def test_a_window_and_its_pools() -> None:
    talk = established("micropython", mss=800)
    recording = Recording(talk.stack)
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(800))
    trace = recording.trace()
    assert [(event["which"], event["value"]) for event in of(trace, "window")] == [
        ("rcv_wnd", 5600),
        ("rcv_ann_wnd", 5600),
    ]
    assert of(trace, "tcb")[-1]["unread"] == 800
    assert [(event["action"], event["used"]) for event in of(trace, "pool", pool="PBUF_POOL")] == [
        ("take", 1)
    ]


# Files


def test_a_file_is_read_as_it_was_written(tmp_path: Path, fetched: Trace) -> None:
    path = tmp_path / "run.jsonl"
    sink = FileSink(path)
    sink.write(fetched.header)
    for event in fetched.events:
        sink.write(event)
    growing = path.read_text(encoding="utf-8")
    assert growing.endswith("\n")
    sink.close()
    assert read(path) == fetched
    path.write_text(growing[:-10], encoding="utf-8")  # the last line is still being written
    assert read(path).events == fetched.events[:-1]


BROKEN = {
    "empty": ("", "empty: a trace begins with its header"),
    "no JSON": ("{\n", ":1: not JSON"),
    "another file": ('{"a":1}\n', ":1: the first line is not"),
    "another version": ('{"schema":"netstack-trace","version":9}\n', "version 9 of the schema"),
    "no devices": ('{"schema":"netstack-trace","version":1}\n', ":1: the header lacks source"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceError) as found:
        load_run(path)
    assert message in str(found.value)
    assert "\n" not in str(found.value)
    assert str(path) in str(found.value)


def test_events_that_lack_something(tmp_path: Path, fetched: Trace) -> None:
    path = tmp_path / "run.jsonl"
    for change, message in (
        ({"kind": "held"}, ":2: held without why"),
        ({"i": 7}, ":2: event 7 where 0 should be"),
        ({"t": None}, ":2: an event needs t, a whole number"),
    ):
        event = {"i": 0, "t": 0, "on": "server", "kind": "boot", "again": False, **change}
        path.write_text(f"{json.dumps(fetched.header)}\n{json.dumps(event)}\n", encoding="utf-8")
        with pytest.raises(TraceError, match=message):
            read(path)


def test_garbage_is_no_traceback(tmp_path: Path) -> None:
    chance = Random(1)
    path = tmp_path / "run.jsonl"
    for _ in range(200):
        path.write_bytes(chance.randbytes(chance.randrange(300)) + b"\n")
        with pytest.raises(TraceError):
            load_run(path)
    with pytest.raises(TraceError, match="folder"):
        load_run(tmp_path)
    with pytest.raises(TraceError, match="No such file"):
        load_run(tmp_path / "missing.jsonl")


# Other sources


def test_a_script() -> None:
    trace = load_run(GOLDEN / "micropython" / "rto" / "give_up_1seg.pkt")
    assert trace.header["source"] == "pkt"
    sent = [event["t"] // MS for event in of(trace, "segment-out", cause="rto")]
    assert sent[:4] == [2_850, 8_850, 20_850, 44_850]


def test_a_script_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.pkt"
    path.write_text("0.000 nonsense\n", encoding="ascii")
    with pytest.raises(TraceError, match=r"broken\.pkt:1"):
        load_run(path)


# The document


def test_every_kind_and_field_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for kind, fields in KINDS.items():
        assert f"`{kind}`" in text, kind
        for field in fields:
            assert f"{field}" in text, f"{kind}.{field}"


def test_every_word_is_documented() -> None:
    from netstack import trace

    text = DOCS.read_text(encoding="utf-8")
    words = (
        *trace.SEGMENT_CAUSES, *trace.HELD_REASONS, *trace.VERDICTS, *trace.CONNECTION_TIMERS,
        *trace.STOP_REASONS, *trace.TIMER_ACTIONS, *trace.CONGESTION_CAUSES, *trace.RTT_ACTIONS,
        *trace.REASSEMBLY_ACTIONS, *trace.ARP_ACTIONS, *trace.ACK_KINDS,
    )  # fmt: skip
    assert [word for word in words if word not in text] == []


def test_a_live_device() -> None:
    """In real time: the clock's times, and a device that is recorded before it is opened."""
    sink = MemorySink()
    clock = RealClock()
    near, far = wire(clock)
    device = usocket.Device(address="10.0.0.1/24", link=near, clock=clock, name="live")
    recorder = Recorder(sink, source="live", title="live", epoch=time_ns())
    recorder.attach_device(device)
    with device:
        ping = IP(src="10.0.0.2", dst="10.0.0.1") / ICMP()
        far.send(bytes(Ether(dst="02:00:0a:00:00:01") / ping))
        device.sleep(0.05)
    recorder.close()
    trace = Trace(sink.header, sink.events)
    assert (trace.header["clock"], trace.header["source"]) == ("real", "live")
    assert trace.events[0]["kind"] == "boot"
    assert any(event["info"].startswith("ICMP echo request") for event in of(trace, "frame"))
    times = [event["t"] for event in trace.events]
    assert times == sorted(times)


def test_the_first_transmission_is_that_of_data_not_of_an_ack() -> None:
    """An ACK without data has the number that the next data will have."""
    trace = load_run("examples/lessons/05-rto.toml")
    again = of(trace, "segment-out", xmit=2)
    assert again
    for event in again:
        sent = of(trace, "segment-out", on=event["on"], conn=event["conn"], seq=event["seq"], xmit=1)
        assert event["first"] == next(other["t"] for other in sent if other["len"] == event["len"])


def test_a_sample_makes_a_running_timer_shorter(fetched: Trace) -> None:
    """The second sample of the server: 5 ticks become 4, and the timer that runs is due a tick earlier."""
    at = 2_990_000_000
    [sample] = [event for event in of(fetched, "rtt", on="server", what="sample") if event["t"] == at]
    assert (sample["old_rto"], sample["rto"]) == (5, 4)
    armed = [event for event in of(fetched, "timer-armed", on="server", timer="rexmit") if event["t"] == at]
    assert [(event["ticks"], event["due"] // MS) for event in armed] == [(5, 5410), (4, 4910)]
