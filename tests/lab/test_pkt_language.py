"""The trace language: what was parsed prints as it was written, and a mistake is named by line, column and
mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.pkt.calls_syntax import SIGNATURES
from lab.pkt.events import (
    Call,
    Default,
    Icmp,
    Inbound,
    IntList,
    Modifier,
    Option,
    Outbound,
    Probe,
    Tcp,
    stimuli,
)
from lab.pkt.format import format_item, format_script
from lab.pkt.language import parse_action, parse_file, parse_text
from lab.pkt.scanner import Scanner, ScriptError

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDINGS = sorted(GOLDEN.rglob("*.pkt"))


@pytest.mark.parametrize("profile", ["lwip-default", "micropython", "esp-like", "full"])
def test_every_line_of_the_recordings_prints_as_it_was_written(profile: str) -> None:
    files = [path for path in RECORDINGS if profile in path.parts]
    assert len(files) > 200
    for path in files:
        written = path.read_text()
        assert format_script(parse_file(path)) == written, path


# Lines that the recordings may not hold: everything the grammar allows.
LINES = [
    "// a comment, and an empty line below",
    "",
    "0.000 < 1 > 2 - 0:0(0)",
    "0.000 < [ttl 1, tos 0x10, src 10.0.0.9, dst 255.255.255.255] S 0:0(0) win 1 <mss 1>",
    "0.000 < [dmac ffffffffffff, df] S 0:0(0) win 1 <mss 1>",
    "0.000 < [ipopt 94040000, badipsum, badsum, doff 15, resv 3, trunc 5, iplen 40] . 1:1(0) ack 1",
    "0.000 < [nosum, ulen 7] udp 5 > 6 (0)",
    "0.000 < udp (10)",
    "0.000 > [src 10.0.0.9,dst 10.0.0.3,ttl 5,tos 0x10,df] udp 7 > 5000 (10)",
    "0.000 < FSRPUEW. 4294967295:4(5) ack 4294967295 win 65535 urg 9",
    "0.000 < . 1:1(0) ack 1 <nop,eol,wscale 255,sackOK,sack 1:2 3:4,TS val 1 ecr 4294967295>",
    "0.000 < . 1:1(0) ack 1 <kind 30 -,kind 9 0102,raw 0203>",
    "0.000 < icmp unreachable frag_needed mtu 576 [80 > 40000 1:11(10)]",
    "0.000 < icmp unreachable port_unreachable [80 > 40000 1:1(0)]",
    "0.000 < eth 0102",
    '0.000 > eth 0102 {"eth":{"dst":"01"}}',
    "1.005 socket(..., SOCK_STREAM, IPPROTO_TCP)",
    '1.005 bind(3, {sa_family = AF_INET, sin_port = htons(7), sin_addr = inet_addr("0.0.0.0")}, ...) = 0',
    "1.005 setsockopt(3, IPPROTO_TCP, TCP_NODELAY, [-1], 4) = -1 ENOPROTOOPT (-)",
    "1.005 send(3, ..., 9, MSG_MORE) = -1 EAGAIN (ERR_MEM)",
    "1.005 shutdown(3, SHUT_RDWR) = 0",
    "1.005 `netif addr 10.0.0.1 255.255.255.0 10.0.0.254`",
    "1.005 `dns server 1 10.0.0.3`",
    "1.005 `dns example.org`",
    "1.005 `arp static 10.0.0.3 020000000033`",
    "1.005 `pool hog TCP_SEG 3`",
    "1.005 `txfail 3 ERR_IF`",
    "1.005 %{info 3}%",
    "1.005 %{ev fd=- conn=80>10.0.0.9:1 type=pending listener=3}%",
    "100000.000 `end`",
]


def test_the_whole_grammar_prints_as_it_was_written() -> None:
    text = "\n".join(LINES) + "\n"
    assert format_script(parse_text(text)) == text


def test_what_lines_mean() -> None:
    script = parse_text(
        "--TCP_WND=0x10\n"
        "0.1 < [ttl 1,tos 7] 1 > 2 SE. 5:7(2) ack 3 win 9 <mss 4,sack 1:2>\n"
        "+0.2 < icmp unreachable net_unreachable [80 > 9 1:3(2)]\n"
        "2 setsockopt(3, SOL_SOCKET, SO_KEEPALIVE, [1], 4)\n"
    )
    assert [(line.name, line.value, line.column) for line in script.options] == [("TCP_WND", "0x10", 11)]
    segment, icmp, call = script.events
    options = [Option("mss", (4,)), Option("sack", (1, 2))]
    modifiers = [Modifier("ttl", 1), Modifier("tos", 7)]
    assert isinstance(segment, Inbound)
    assert segment.time == 100
    assert segment.packet == Tcp("SE.", 5, 7, 2, (1, 2), 3, 9, None, options, modifiers)
    assert icmp == Inbound(3, 300, Icmp("net_unreachable", (80, 9), 1, 3, 2))
    assert call == Call(4, 2000, "setsockopt", [3, "SOL_SOCKET", "SO_KEEPALIVE", IntList(1), 4])


# text, line, column, words of the reason
MISTAKES = [
    ("0.000 < S 0:0(0) win 70000", 1, 22, "a window 70000 is larger than 65535"),
    ("0.000 < S 0:1(0)", 1, 13, "ends at 0, not at 1"),
    ("0.000 < SA 0:0(0)", 1, 10, "' ' after the TCP flags"),
    ("0.000 < SS 0:0(0)", 1, 9, "expected TCP flags"),
    ("0.000 < . 0:0(0)", 1, 17, "needs ' ack N'"),
    ("0.000 < S 0:0(0) ack 1", 1, 18, "needs the ACK flag"),
    ("0.000 < [colour 3] S 0:0(0)", 1, 10, "unknown modifier 'colour'"),
    ("0.000 < [ttl 1, ttl 2] S 0:0(0)", 1, 17, "occurs twice"),
    ("0.000 < [dmac 0102] S 0:0(0)", 1, 15, "six bytes"),
    ("0.000 < [src 10.0.0.256] S 0:0(0)", 1, 14, "256 is no part"),
    ("0.000 < S 0:0(0) <mass 3>", 1, 19, "unknown TCP option 'mass'"),
    ("0.000 < S 0:0(0) <raw 012>", 1, 23, "odd number of hex digits"),
    ("0.000 < udp 1 (3)", 1, 14, "' > '"),
    ("0.000 < eth xx", 1, 13, "hex is missing"),
    ("0.000 < icmp unreachable moon [1 > 2 0:0(0)]", 1, 26, "unknown ICMP code 'moon'"),
    ("0.000 < S 0:0(0) win 1 and more", 1, 23, "unexpected ' and more'"),
    ("0.000 sokcet(...)", 1, 7, "unknown call 'sokcet'"),
    ("0.000 close(3, 4)", 1, 14, "')' (close takes 1 argument)"),
    ("0.000 close(...)", 1, 13, "argument 1 of close must be a descriptor"),
    ("0.000 shutdown(3, RD)", 1, 19, "one of SHUT_RD SHUT_WR SHUT_RDWR"),
    ("0.000 setsockopt(3, IPPROTO_IP, TCP_NODELAY, [1], 4)", 1, 33, "known: IP_TTL IP_TOS"),
    ("0.000 close(3) = minus one", 1, 18, "expected a result"),
    ("0.000 `link sideways`", 1, 13, "link up, or link down"),
    ("0.000 `netif addr 10.0.0.1 255.255.255.0 x`", 1, 42, "'x' is not an IPv4 address"),
    ("0.000 `reboot`", 1, 8, "unknown command 'reboot'"),
    ("0.000 `end", 1, 11, "a command ends with"),
    ("0.000 %{info}%", 1, 13, "info needs a descriptor"),
    ("0.000 %{info 3", 1, 15, "a probe ends with"),
    ("0.000  close(3)", 1, 7, "expected an action"),
    ("x", 1, 1, "expected a time in seconds"),
    ("0.0001 close(3)", 1, 1, "at most three digits"),
    ("1.000 close(3)\n0.999 close(3)", 2, 1, "before the event above (1.000)"),
    ("0.000 `end`\n0.000 close(3)", 2, 1, "nothing may follow `end`"),
    ("0.000 close(3)\n--view=eth", 2, 1, "before the first event"),
    ("--view=eth\n--view=tcp", 2, 3, "option view occurs twice"),
    ("--view", 1, 7, "'=' and the option's value"),
    ("0.000 close(3)\r", 1, 15, "carriage return"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "reason"), MISTAKES)
def test_a_mistake_is_named_by_place_and_reason(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse_text(text, "my.pkt")
    assert str(caught.value).startswith(f"my.pkt:{line}:{column}: "), caught.value
    assert reason in caught.value.reason


def test_a_file_that_is_no_ascii_is_named_by_the_place_of_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "x.pkt"
    path.write_bytes(b"// fine\n// not \xc3\xa4 fine\n")
    with pytest.raises(ScriptError, match=r"x\.pkt:2:8: the file must be plain ASCII"):
        parse_file(path)


def test_stimuli_are_what_is_left_without_what_the_stack_did() -> None:
    script = parse_text(
        "// comment\n"
        "--view=tcp\n"
        "0.000 close(3) = -1 EBADF (-)\n"
        "0.000 > 1 > 2 R 0:0(0) win 1\n"
        "0.000 %{ev fd=3 conn=1>2 type=fin}%\n"
        "0.000 %{info 3 state=CLOSED}%\n"
        "0.000 < S 0:0(0)\n"
    )
    assert format_script(stimuli(script)) == (
        "// comment\n--view=tcp\n0.000 close(3)\n0.000 %{info 3}%\n0.000 < S 0:0(0)\n"
    )


def test_every_call_of_the_grammar_is_known() -> None:
    asked = (
        "socket bind listen accept connect read write send sendto recvfrom setsockopt shutdown close abort"
    )
    assert set(SIGNATURES) == set(asked.split())


# Properties

u32 = st.integers(0, 0xFFFFFFFF)
u16 = st.integers(0, 0xFFFF)
ports = st.one_of(st.none(), st.tuples(u16, u16))
tcp_options = st.one_of(
    st.sampled_from(["nop", "eol", "sackOK"]).map(Option),
    u16.map(lambda n: Option("mss", (n,))),
    st.integers(0, 255).map(lambda n: Option("wscale", (n,))),
    st.tuples(u32, u32).map(lambda pair: Option("TS", pair)),
    st.lists(st.tuples(u32, u32), min_size=1, max_size=4).map(lambda p: Option("sack", tuple(sum(p, ())))),
    st.tuples(st.integers(0, 255), st.binary(max_size=8)).map(lambda p: Option("kind", (p[0],), p[1])),
)


@st.composite
def segments(draw: st.DrawFn) -> Tcp:
    flags = "".join(letter for letter in "FSRPUEW" if draw(st.booleans()))
    ack = draw(st.one_of(st.none(), u32))
    flags = flags + "." if ack is not None else flags or "-"
    seq, length = draw(u32), draw(u16)
    options = draw(st.one_of(st.none(), st.lists(tcp_options, min_size=1, max_size=4)))
    end = (seq + length) & 0xFFFFFFFF
    return Tcp(flags, seq, end, length, draw(ports), ack, draw(st.one_of(st.none(), u16)), options=options)


@given(segments(), st.integers(0, 10**9))
def test_a_segment_that_was_printed_parses_to_itself(segment: Tcp, time: int) -> None:
    for kind in (Inbound, Outbound):
        event = kind(1, time, segment)
        assert parse_text(format_item(event)).events == [event]


def mistake_in(line: str) -> ScriptError | None:
    try:
        parse_text(line)
    except ScriptError as mistake:
        return mistake
    return None


@given(st.text(st.characters(max_codepoint=126, exclude_characters="\n"), max_size=80))
@example("0.0 < S 0:0(0) <")
@example("0.0 %{ }%")
@example("0.0 ``")
def test_any_line_is_parsed_or_named(line: str) -> None:
    mistake = mistake_in(line)
    if mistake is not None:
        assert mistake.line == 1
        assert 1 <= mistake.column <= len(line) + 1


@given(st.sampled_from(LINES[2:]), st.data())
def test_a_damaged_line_is_parsed_or_named(line: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(line)))
    cut = data.draw(st.integers(0, 5))
    damaged = (
        line[:at]
        + data.draw(st.sampled_from(["", "x", " ", ",", "9", "-", "(", ">", "%"]))
        + line[at + cut :]
    )
    mistake = mistake_in(damaged)
    assert mistake is None or mistake.reason


def test_words_of_a_probe() -> None:
    probe = parse_action(Scanner("x", 1, "%{tcb 80>1 state=CLOSED}%"), 0)
    assert probe == Probe(1, 0, ["tcb", "80>1", "state=CLOSED"])
    assert Default() == Default()
