"""Comparison of a recording with a run: what counts at which level, and what is shown at the first
difference."""

from __future__ import annotations

import pytest

from lab.pkt.compare import Difference, compare, has_expectations
from lab.pkt.events import Call, Outbound
from lab.pkt.language import parse_text

RECORDING = """\
0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.100 < . 1:1(0) ack 1
0.100 > 80 > 40000 P. 1:11(10) ack 1 win 100 <nop,nop,TS val 1 ecr 2>
0.100 %{ev fd=3 conn=80>40000 type=sent len=10}%
0.100 %{tcb 80>40000 cwnd=10}%
0.200 `igmp join 224.0.0.5`
0.200 %{igmp err=ERR_OK}%
0.200 %{rand value=0x00000001}%
0.200 > eth 010203040506070809101112aaaa01 {"eth":{"dst":"01"}}
0.300 %{info 3 state=ESTABLISHED}%
0.400 `end`
0.400 %{stats tcp_xmit=1}%
0.400 %{end active=1}%
"""

# A change of one line, and the levels that then still match.
CHANGES = [
    ("", "", "ABC"),
    ("win 100", "win 101", ""),
    ("0.200 > eth", "0.250 > eth", ""),
    ("TS val 1", "TS val 2", ""),
    ("aaaa01", "aaaa02", ""),
    ('{"eth":{"dst":"01"}}', "{}", "ABC"),
    ("IPPROTO_TCP) = 3", "IPPROTO_TCP) = -1 ENOMEM (ERR_MEM)", "A"),
    ("type=sent len=10", "type=sent len=11", "A"),
    ("0.100 %{ev fd=3 conn=80>40000 type=sent len=10}%\n", "", "A"),
    ("err=ERR_OK", "err=ERR_MEM", "A"),
    ("cwnd=10", "cwnd=11", "AB"),
    ("value=0x00000001", "value=0x00000002", "AB"),
    ("state=ESTABLISHED", "state=CLOSED", "AB"),
    ("active=1", "active=2", "AB"),
    ("tcp_xmit=1", "tcp_xmit=2", "ABC"),
    ("0.400 %{stats tcp_xmit=1}%\n", "0.400 %{note something}%\n", "ABC"),
]


@pytest.mark.parametrize(("old", "new", "levels"), CHANGES)
def test_what_counts_at_which_level(old: str, new: str, levels: str) -> None:
    assert old in RECORDING
    recording, run = parse_text(RECORDING), parse_text(RECORDING.replace(old, new) if old else RECORDING)
    assert "".join(level for level in "ABC" if compare(recording, run, level) is None) == levels
    assert "".join(level for level in "ABC" if compare(run, recording, level) is None) == levels


def test_a_call_without_result_expects_nothing() -> None:
    recording = parse_text("0.000 close(3)\n0.000 close(3) = 0\n")
    run = parse_text("0.000 close(3) = -1 EBADF (-)\n0.000 close(3) = 0\n")
    assert compare(recording, run, "C") is None
    assert compare(recording, parse_text("0.000 close(3) = 0\n0.000 close(3) = 1\n"), "B") is not None


def test_a_bare_info_expects_nothing() -> None:
    run = parse_text("0.000 %{info 3 state=CLOSED}%\n")
    assert compare(parse_text("0.000 %{info 3}%\n"), run, "C") is None
    assert compare(parse_text("0.000 %{info 4}%\n"), run, "C") is not None


def test_a_fault_of_the_payload_counts_at_level_a_and_of_data_read_at_level_b() -> None:
    recording, run = parse_text(RECORDING), parse_text(RECORDING)
    sent = next(event for event in run.events if isinstance(event, Outbound))
    sent.fault = "wrong checksum"
    difference = compare(recording, run, "A")
    assert difference is not None
    assert difference.got[0].endswith("<- wrong checksum")
    run = parse_text(RECORDING)
    call = run.events[0]
    assert isinstance(call, Call)
    call.fault = "the data read is not what the peer sent"
    assert compare(recording, run, "A") is None
    assert compare(recording, run, "B") is not None


def test_the_first_difference_comes_with_its_story() -> None:
    recording = parse_text(RECORDING)
    run = parse_text(RECORDING.replace("010203", "010204").replace("len=10}", "len=11}"))
    assert compare(recording, run, "A", story=3) == Difference(
        line=9,
        story=["0.200 `igmp join 224.0.0.5`", "0.200 %{igmp err=ERR_OK}%", "0.200 %{rand value=0x00000001}%"],
        expected=["0.200 > eth eth[dst=010203040506 src=070809101112 type=43690]", "0.400 `end`"],
        got=["0.200 > eth eth[dst=010204040506 src=070809101112 type=43690]", "0.400 `end`"],
    )
    at_b = compare(recording, run, "B", after=1)
    assert at_b is not None
    assert (at_b.line, at_b.expected, at_b.got) == (
        4,
        ["0.100 %{ev fd=3 conn=80>40000 type=sent len=10}%"],
        ["0.100 %{ev fd=3 conn=80>40000 type=sent len=11}%"],
    )


def test_frames_that_differ_in_no_field_are_shown_as_bytes() -> None:
    difference = compare(parse_text(RECORDING), parse_text(RECORDING.replace("aaaa01", "aaaa02")), "A")
    assert difference is not None
    assert difference.expected[0] == '0.200 > eth 010203040506070809101112aaaa01 {"eth":{"dst":"01"}}'
    assert difference.got[0] == '0.200 > eth 010203040506070809101112aaaa02 {"eth":{"dst":"01"}}'


def test_a_run_that_ends_early_or_goes_on_differs_at_its_end() -> None:
    whole = parse_text("0.000 close(3) = 0\n0.000 > 1 > 2 R 0:0(0) win 1\n0.100 > 1 > 2 R 0:0(0) win 1\n")
    short = parse_text("0.000 close(3) = 0\n0.000 > 1 > 2 R 0:0(0) win 1\n")
    missing = compare(whole, short, "A")
    assert missing is not None
    assert (missing.line, missing.expected, missing.got) == (3, ["0.100 > 1 > 2 R 0:0(0) win 1"], [])
    extra = compare(short, whole, "A")
    assert extra is not None
    assert (extra.line, extra.expected, extra.got) == (2, [], ["0.100 > 1 > 2 R 0:0(0) win 1"])


def test_which_files_expect_something() -> None:
    assert not has_expectations(parse_text("0.0 close(3)\n0.0 %{info 3}%\n0.0 < S 0:0(0)\n0.0 `end`\n"))
    for line in ("close(3) = 0", "> 1 > 2 R 0:0(0) win 1", "%{info 3 state=CLOSED}%", "%{ev fd=3 type=fin}%"):
        assert has_expectations(parse_text(f"0.0 {line}\n"))
