"""Runs of small scripts on the real stack: order of events, the numbers scripts fix, commands, probes, both
socket layers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.pkt.commands import Unsupported
from lab.pkt.events import Call, Outbound
from lab.pkt.format import format_script
from lab.pkt.language import parse_text
from lab.pkt.runner import Runner
from lab.pkt.script_options import resolve
from tests.lab.docs import example

LISTEN = """\
0.000 socket(..., SOCK_STREAM, IPPROTO_TCP)
0.000 bind(3, ..., ...)
0.000 listen(3, 5)
"""
OPENED = (
    LISTEN
    + """\
0.100 < S 0:0(0) win 8000 <mss 536>
0.100 < . 1:1(0) ack 1 win 8000
0.100 accept(3, ..., ...)
"""
)


def run(text: str, *hidden: str) -> str:
    """The transcript of a script, without the probes whose kinds are ``hidden``."""
    script = parse_text(text, "nowhere/x.pkt")
    options, profile = resolve(script)
    lines = format_script(Runner(script, options, profile).run()).splitlines()
    probes = tuple(f"%{{{kind} " for kind in hidden)
    return "\n".join(line for line in lines if not line.partition(" ")[2].startswith(probes)) + "\n"


def test_the_worked_example_of_the_documentation() -> None:
    assert run(example("hello.pkt")) == example("out/hello.pkt")


def test_the_same_script_gives_the_same_transcript() -> None:
    recording = Path(__file__).parents[1] / "golden" / "micropython" / "random" / "r015.pkt"
    script = parse_text(recording.read_text(), str(recording))
    assert len({format_script(Runner(script, *resolve(script)).run()) for _ in range(3)}) == 1


def test_timers_run_before_the_events_of_their_millisecond() -> None:
    # The tick of the TCP timer falls on 0.350, where a segment arrives, too: the delayed ACK leaves first.
    text = OPENED + "0.340 < P. 1:11(10) ack 1 win 8000\n0.350 < P. 11:21(10) ack 1 win 8000\n0.400 `end`\n"
    assert run(text, "ev", "tcb", "stats", "end").splitlines()[-4:] == [
        "0.340 < P. 1:11(10) ack 1 win 8000",
        "0.350 > 80 > 40000 . 1:1(0) ack 11 win 2134",
        "0.350 < P. 11:21(10) ack 1 win 8000",
        "0.400 `end`",
    ]


def test_what_a_call_causes_follows_it_and_control_blocks_come_last() -> None:
    text = OPENED + "0.200 write(4, ..., 10)\n0.210 < . 1:1(0) ack 11 win 8000\n0.220 close(4)\n"
    assert run(text).splitlines()[-7:] == [
        "0.200 write(4, ..., 10) = 10",
        "0.200 > 80 > 40000 P. 1:11(10) ack 1 win 2144",
        "0.210 < . 1:1(0) ack 11 win 8000",
        "0.210 %{ev fd=4 conn=80>40000 type=sent len=10}%",
        "0.220 close(4) = 0",
        "0.220 > 80 > 40000 F. 11:11(0) ack 1 win 2144",
        "0.220 %{tcb 80>40000 state=FIN_WAIT_1}%",
    ]


def test_nothing_runs_after_end() -> None:
    text = LISTEN + "0.100 < S 0:0(0) win 8000\n1.000 `end`\n"
    lines = run(text).splitlines()
    assert lines[-3] == "1.000 `end`"
    assert [line.split()[1] for line in lines[-2:]] == ["%{stats", "%{end"]
    assert lines[-1] == "1.000 %{end active=1 time_wait=0 listen=1}%"


def test_comments_and_options_keep_their_places() -> None:
    socket = "0.000 socket(..., SOCK_DGRAM, IPPROTO_UDP)"
    text = f"// head\n--view=eth\n--arp=none\n\n{socket}\n// middle\n1.000 `end`\n"
    lines = run(text, "stats", "end").splitlines()
    assert lines[:4] == ["// head", "--view=eth", "--arp=none", ""]
    assert lines[-2:] == ["// middle", "1.000 `end`"]


def test_an_announcement_at_boot_stands_behind_the_options() -> None:
    lines = run("--LWIP_ACD=0\n--view=eth\n0.000 `end`\n", "stats", "end").splitlines()
    assert lines[0] == "--LWIP_ACD=0"
    assert lines[2].startswith("0.000 > eth ffffffffffff020000000001080600010800060400010200000000010a000001")
    assert lines[3] == "0.000 `end`"


def test_arp_is_shown_unless_it_is_static_in_the_tcp_view() -> None:
    send = (
        "0.000 socket(..., SOCK_DGRAM, IPPROTO_UDP)\n0.000 bind(3, ..., ...)\n0.000 sendto(3, ..., 3, 0, "
        '{sa_family = AF_INET, sin_port = htons(9), sin_addr = inet_addr("10.0.0.2")}, 16)\n'
    )
    assert run("--arp=none\n" + send).count("eth ffffffffffff") == 1
    assert run(send).splitlines()[-1] == "0.000 > udp 80 > 9 (3)"
    assert run("--view=eth\n" + send).splitlines()[-1].startswith("0.000 > eth 020000000002020000000001")


# Numbers


def test_initial_sequence_numbers_ports_and_the_clock_are_the_scripts() -> None:
    text = (
        "--iss=4294967000\n--iss_step=1000\n--ephemeral_first=60000\n--clock_start=4294967290\n"
        "--LWIP_TCP_TIMESTAMPS=1\n--view=eth\n"
        "0.000 socket(..., SOCK_STREAM, IPPROTO_TCP)\n0.000 connect(3, ..., ...)\n"
        "0.010 socket(..., SOCK_STREAM, IPPROTO_TCP)\n0.010 connect(4, ..., ...)\n"
    )
    from scapy.layers.inet import TCP
    from scapy.layers.l2 import Ether

    frames = [bytes.fromhex(found) for found in re.findall(r"> eth (\w+)", run(text))]
    segments = [Ether(frame)[TCP] for frame in frames]
    # lwIP: the SYN of connect carries the number before the one that was drawn
    assert [(s.sport, s.seq) for s in segments] == [(60000, 4294966999), (60001, 703)]
    assert [dict(s.options)["Timestamp"][0] for s in segments] == [4294967290, 4]


def test_random_numbers_are_told_and_count_on() -> None:
    lines = run(
        "--rand=5\n--rand_step=3\n0.0 `igmp join 224.0.0.9`\n0.0 `igmp join 224.0.0.10`\n"
    ).splitlines()
    assert [line for line in lines if "rand value" in line] == [
        "0.000 %{rand value=0x00000005}%",
        "0.000 %{rand value=0x00000008}%",
    ]
    assert lines.count("0.000 %{igmp err=ERR_OK}%") == 2


def test_a_second_connection_of_the_same_ports_counts_from_its_own_syn() -> None:
    text = OPENED + (
        "0.200 abort(4)\n0.300 < S 251:251(0) win 8000\n0.300 < . 252:252(0) ack 1 win 8000\n"
        "0.300 accept(3, ..., ...)\n0.300 < P. 252:352(100) ack 1 win 8000\n0.300 read(5, ..., 200)\n"
        "0.300 write(5, ..., 5)\n"
    )
    lines = run(text, "ev", "tcb").splitlines()
    assert "0.300 > 80 > 40000 S. 0:0(0) ack 252 win 2144 <mss 536>" in lines
    assert lines[-3:] == [
        "0.300 read(5, ..., 200) = 100",
        "0.300 write(5, ..., 5) = 5",
        "0.300 > 80 > 40000 P. 1:6(5) ack 352 win 2044",
    ]


def test_data_that_is_not_the_stream_is_a_fault() -> None:
    # The SYN's number is no multiple of 251, so the segment's bytes are not those a reader expects.
    text = LISTEN + (
        "0.100 < S 1:1(0) win 8000\n0.100 < . 2:2(0) ack 1 win 8000\n0.100 accept(3, ..., ...)\n"
        "0.100 < P. 2:12(10) ack 1 win 8000\n0.100 read(4, ..., 100)\n"
    )
    script = parse_text(text, "nowhere/x.pkt")
    read = Runner(script, *resolve(script)).run().events
    calls = [event for event in read if isinstance(event, Call) and event.name == "read"]
    assert calls[0].result == "10"
    assert calls[0].fault == "the data read is not what the peer sent"
    assert all(event.fault is None for event in read if isinstance(event, Outbound))


# Descriptors and socket layers


@pytest.mark.parametrize("api", ["netconn", "modlwip"])
def test_descriptors_count_up_and_closed_ones_stay_closed(api: str) -> None:
    text = f"--api={api}\n" + (
        "0.0 socket(..., SOCK_STREAM, IPPROTO_TCP)\n0.0 socket(..., SOCK_DGRAM, IPPROTO_UDP)\n0.0 close(3)\n"
        "0.0 read(3, ..., 1)\n0.0 close(9)\n0.0 socket(..., SOCK_STREAM, IPPROTO_TCP)\n"
    )
    results = [line.partition(" = ")[2] for line in run(text).splitlines()[1:]]
    assert results == ["3", "4", "0", "-1 EBADF (-)", "-1 EBADF (-)", "5"]


def test_each_layer_words_its_results_its_own_way() -> None:
    text = OPENED + "0.2 read(4, ..., 1)\n0.2 accept(3, ..., ...)\n"
    text += "0.2 setsockopt(4, IPPROTO_TCP, TCP_KEEPCNT, [1], 4)\n"
    wanted = {
        "netconn": ["-1 EAGAIN (ERR_WOULDBLOCK)", "-1 EAGAIN (-)", "-1 ENOPROTOOPT (-)"],
        "modlwip": ["-1 EAGAIN (-)", "-1 EAGAIN (-)", "-1 ENOPROTOOPT (-)"],
    }
    for api, results in wanted.items():
        lines = run(f"--api={api}\n{text}").splitlines()
        assert [line.partition(" = ")[2] for line in lines[-3:]] == results


def test_a_connection_with_another_peer_is_named_with_its_address() -> None:
    peer = "0.1 < [src 10.0.0.9] 7 > 80"
    text = LISTEN + f"0.0 `arp static 10.0.0.9 020000000009`\n{peer} S 0:0(0) win 1\n"
    text += f"{peer} . 1:1(0) ack 1 win 1\n"
    assert "0.100 %{ev fd=- conn=80>10.0.0.9:7 type=pending listener=3}%" in run(text)


def test_calls_that_a_datagram_socket_has_not() -> None:
    text = "0.0 socket(..., SOCK_DGRAM, IPPROTO_UDP)\n"
    text += "0.0 listen(3, 1)\n0.0 accept(3, ..., ...)\n0.0 shutdown(3, SHUT_RD)\n"
    assert [line.partition(" = ")[2] for line in run(text).splitlines()[1:]] == ["-1 EINVAL (ERR_VAL)"] * 3


def test_info_tells_everything_about_a_connection_a_listener_and_nothing() -> None:
    lines = run(
        "--TCP_LISTEN_BACKLOG=1\n" + OPENED + "0.2 %{info 3}%\n0.2 %{info 4}%\n0.2 %{info 5}%\n"
    ).splitlines()
    assert lines[-3] == "0.200 %{info 3 state=LISTEN backlog=5 accepts_pending=0 queued=0}%"
    assert lines[-2].startswith(
        "0.200 %{info 4 state=ESTABLISHED flags=- snd_una=1 snd_nxt=1 snd_lbb=1 snd_wnd=8000 "
    )
    assert lines[-1] == "0.200 %{info 5 state=CLOSED}%"


# Commands


def test_hogged_heap_and_pools_are_missing_until_they_are_free() -> None:
    write = "write(4, ..., 100)"
    text = OPENED + (
        f"0.2 `mem hog 1000`\n0.2 `mem hog 1000`\n0.2 `mem hog 500`\n0.2 {write}\n0.2 `mem free`\n"
        f"0.2 `pool hog TCP_SEG 100`\n0.2 {write}\n0.2 `pool free TCP_SEG`\n0.2 {write}\n"
    )
    lines = run(text, "tcb").splitlines()
    assert [line for line in lines if "mem hog=" in line or "pool" in line or write in line] == [
        "0.200 %{mem hog=ok}%",
        "0.200 %{mem hog=fail}%",
        "0.200 %{mem hog=ok}%",
        "0.200 write(4, ..., 100) = -1 EAGAIN (ERR_MEM)",
        "0.200 `pool hog TCP_SEG 100`",
        "0.200 %{pool TCP_SEG hogged=16}%",
        "0.200 write(4, ..., 100) = -1 EAGAIN (ERR_MEM)",
        "0.200 `pool free TCP_SEG`",
        "0.200 write(4, ..., 100) = 100",
    ]


def test_the_driver_refuses_as_many_frames_as_it_is_told() -> None:
    text = (
        LISTEN + "0.1 `txfail 2 ERR_IF`\n0.1 < S 0:0(0) win 9\n0.2 < 1 > 81 S 0:0(0)\n0.2 < 1 > 81 S 0:0(0)\n"
    )
    lines = run(text, "tcb").splitlines()
    assert lines.count("0.100 %{txfail err=ERR_IF}%") == 1
    assert lines.count("0.200 %{txfail err=ERR_IF}%") == 1
    assert [line for line in lines if " > " in line and "R." in line] == [
        "0.200 > 81 > 1 R. 0:0(0) ack 1 win 24584",
    ]


def test_changes_of_the_interface_are_told_in_lwips_order() -> None:
    text = (
        "--LWIP_ACD=0\n--view=eth\n--arp=none\n0.1 `netif down`\n0.2 `netif up`\n0.2 `netif up`\n"
        "0.3 `netif addr 10.0.0.7 255.255.0.0 10.0.0.254`\n"
    )
    kinds = [re.sub(r"eth .*", "eth", line) for line in run(text).splitlines()[4:]]
    assert kinds == [
        "0.100 `netif down`",
        "0.100 %{netif up=0 ip=10.0.0.1 mask=255.255.255.0 gw=10.0.0.254}%",
        "0.200 `netif up`",
        "0.200 %{netif up=1 ip=10.0.0.1 mask=255.255.255.0 gw=10.0.0.254}%",
        "0.200 > eth",
        "0.200 `netif up`",
        "0.300 `netif addr 10.0.0.7 255.255.0.0 10.0.0.254`",
        "0.300 > eth",
        "0.300 %{netif up=1 ip=10.0.0.7 mask=255.255.0.0 gw=10.0.0.254}%",
    ]


def test_arp_commands() -> None:
    text = (
        "--view=eth\n--arp=none\n0.0 `arp static 10.0.0.3 020000000033`\n0.0 `arp dump`\n"
        "0.0 `arp unstatic 10.0.0.3`\n0.0 `arp dump`\n0.0 `arp query 10.0.0.4`\n"
        "0.0 `arp request 10.0.0.5`\n0.0 `arp gratuitous`\n"
    )
    lines = run(text).splitlines()
    assert [line for line in lines if "slot" in line] == ["0.000 %{arp slot=0 ip=10.0.0.3 mac=020000000033}%"]
    assert re.findall(r'"tpa":"([\d.]+)"', "\n".join(lines)) == ["10.0.0.4", "10.0.0.5", "10.0.0.1"]


def test_frames_lost_for_want_of_receive_buffers_are_told() -> None:
    text = "--PBUF_POOL_SIZE=1\n" + OPENED + "0.2 < P. 1:2(1) ack 1 win 9\n0.2 < P. 2:3(1) ack 1 win 9\n"
    assert run(text, "tcb", "ev").splitlines()[-1] == "0.200 %{rxdrop reason=pbuf_pool len=55}%"


def test_what_the_stack_does_not_have_is_named_by_line() -> None:
    with pytest.raises(Unsupported, match=r"nowhere/x\.pkt:2: pool HAMSTER: there is no such pool"):
        run("0.0 `mem free`\n0.0 `pool hog HAMSTER 1`\n")
