"""DHCP's wire format: against scapy, and every way in which options can be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP

from netstack.dhcp_message import (
    ACK,
    BOOTREPLY,
    BOOTREQUEST,
    DISCOVER,
    DNS_SERVER,
    HEADER_LEN,
    LEASE_TIME,
    MESSAGE_LEN,
    MESSAGE_TYPE,
    OPTIONS_LEN,
    REQUESTED_IP,
    ROUTER,
    SUBNET_MASK,
    DhcpMessage,
    emit,
    parse,
    room_left,
)

MAC = bytes.fromhex("020000000001")
END = b"\xff"
addresses = st.integers(0, 0xFFFFFFFF)
# Codes whose length we do not look at
other_options = st.dictionaries(
    st.sampled_from([12, 15, 28, 43, 50, 55, 60, 61]), st.binary(min_size=1, max_size=20)
)


def message(options: bytes, *, file: bytes = b"", sname: bytes = b"") -> bytes:
    """A reply with these option bytes."""
    return (
        bytes(BOOTP(op=2, xid=7, chaddr=MAC, file=file, sname=sname, options=b"\x63\x82\x53\x63")) + options
    )


def option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


@given(
    st.sampled_from([BOOTREQUEST, BOOTREPLY]),
    addresses,
    st.binary(min_size=6, max_size=6),
    addresses,
    addresses,
    st.integers(1, 8),
    other_options,
)
def test_round_trip(
    op: int, xid: int, chaddr: bytes, ciaddr: int, yiaddr: int, kind: int, more: dict[int, bytes]
) -> None:
    options = {MESSAGE_TYPE: bytes((kind,))} | more
    raw = emit(DhcpMessage(op, xid, chaddr, options, ciaddr=ciaddr, yiaddr=yiaddr))
    assert len(raw) >= MESSAGE_LEN
    assert len(raw) % 4 == 0
    back = parse(raw)
    assert back is not None
    assert (back.op, back.xid, back.chaddr, back.ciaddr, back.yiaddr) == (op, xid, chaddr, ciaddr, yiaddr)
    assert list(back.options.items()) == list(options.items())
    assert back.type == kind


def test_scapy_reads_what_we_write() -> None:
    options = {MESSAGE_TYPE: bytes((DISCOVER,)), REQUESTED_IP: bytes((10, 0, 0, 9)), 55: bytes((1, 3))}
    raw = emit(DhcpMessage(BOOTREQUEST, 0x12345678, MAC, options, ciaddr=0x0A000001))
    oracle = BOOTP(raw)
    assert (oracle.op, oracle.htype, oracle.hlen, oracle.hops) == (1, 1, 6, 0)
    assert (oracle.xid, oracle.secs, int(oracle.flags)) == (0x12345678, 0, 0)
    assert (oracle.ciaddr, oracle.yiaddr, oracle.siaddr, oracle.giaddr) == ("10.0.0.1", *["0.0.0.0"] * 3)
    assert (oracle.chaddr, oracle.sname, oracle.file) == (MAC + bytes(10), bytes(64), bytes(128))
    listed = [option for option in oracle[DHCP].options if option != "pad"]
    assert listed == [("message-type", 1), ("requested_addr", "10.0.0.9"), ("param_req_list", [1, 3]), "end"]
    assert len(raw) == 308


def test_we_read_what_scapy_writes() -> None:
    options = [("message-type", "ack"), ("subnet_mask", "255.255.0.0"), ("lease_time", 60), "pad", "end"]
    raw = bytes(BOOTP(op=2, xid=9, yiaddr="10.0.0.7", chaddr=MAC) / DHCP(options=options))
    said = parse(raw)
    assert said is not None
    assert (said.op, said.xid, said.yiaddr, said.chaddr) == (BOOTREPLY, 9, 0x0A000007, MAC)
    assert said.type == ACK
    assert (said.number(SUBNET_MASK), said.number(LEASE_TIME), said.number(ROUTER)) == (0xFFFF0000, 60, None)


def test_room_for_one_more_option() -> None:
    others = {55: bytes(10)}
    for extra, fits in ((0, True), (1, False)):
        hostname = bytes(room_left(others) - 2 + extra)
        raw = emit(DhcpMessage(1, 0, MAC, {MESSAGE_TYPE: b"\x01"} | others | {12: hostname}))
        assert (len(raw) == HEADER_LEN + OPTIONS_LEN) is fits


def test_of_an_option_that_comes_twice_the_first_counts() -> None:
    said = parse(message(option(53, b"\x05") + option(3, bytes(4)) + option(3, b"\x0a\0\0\1") + END))
    assert said is not None
    assert said.number(ROUTER) == 0


def test_an_empty_list_of_name_servers_does_not_count() -> None:
    said = parse(message(option(6, b"") + option(6, b"\x0a\0\0\1") + END))
    assert said is not None
    assert said.options == {DNS_SERVER: b"\x0a\0\0\1"}


@pytest.mark.parametrize(
    "options",
    [
        b"",
        option(53, b"\x05"),
        option(53, b"\x05") + bytes(8),
        b"\x35",
        b"\x35\x01",
        option(53, b"\x05") + b"\x33",
        option(53, b"\x05") + b"\x33\x04\0\0\0",
        option(53, b"\x05") + b"\x0c\xff",
        option(53, b"\x05\x05") + END,
        option(53, b"") + END,
        option(1, bytes(3)) + END,
        option(1, b"") + END,
        option(3, bytes(3)) + END,
        option(3, b"") + END,
        option(6, bytes(5)) + END,
        option(51, bytes(2)) + END,
        option(54, bytes(8)) + END,
        option(58, bytes(1)) + END,
        option(59, bytes(5)) + END,
        option(52, b"") + END,
        option(52, bytes(2)) + END,
    ],
    ids=lambda options: options.hex() or "none",
)
def test_malformed_options(options: bytes) -> None:
    assert parse(message(options)) is None


def test_too_short_for_an_option() -> None:
    for length in range(HEADER_LEN + 1):
        assert parse(message(END)[:length]) is None
    assert parse(message(END)) is not None


class TestOverload:
    """RFC 2132 9.3: options in the fields file and sname."""

    TYPE = option(53, b"\x05")
    MASK = option(1, b"\xff\0\0\0") + END
    LEASE = option(51, b"\0\0\0\x63") + END

    @pytest.mark.parametrize(
        ("overload", "mask", "lease"),
        [
            (0, None, None),
            (1, 0xFF000000, None),
            (2, None, 99),
            (3, 0xFF000000, 99),
            (4, None, None),
            (255, None, None),
        ],
    )
    def test_fields(self, overload: int, mask: int | None, lease: int | None) -> None:
        options = self.TYPE + option(52, bytes((overload,))) + END
        said = parse(message(options, file=self.MASK, sname=self.LEASE))
        assert said is not None
        assert (said.number(SUBNET_MASK), said.number(LEASE_TIME)) == (mask, lease)

    def test_what_stands_first_counts(self) -> None:
        options = option(52, b"\x03") + option(1, b"\xff\xff\0\0") + END
        other = option(1, b"\xff\xff\xff\0") + option(51, b"\0\0\0\x01") + END
        said = parse(message(options, file=self.LEASE, sname=other))
        assert said is not None
        assert (said.number(SUBNET_MASK), said.number(LEASE_TIME)) == (0xFFFF0000, 99)

    @pytest.mark.parametrize("value", [1, 2, 3])
    def test_overload_within_overload(self, value: int) -> None:
        options = option(52, b"\x01") + END
        assert parse(message(options, file=option(52, bytes((value,))) + END)) is None

    def test_a_field_may_end_without_end(self) -> None:
        options = self.TYPE + option(52, b"\x01") + END
        said = parse(message(options, file=option(51, b"\0\0\0\x63") + bytes(122)))
        assert said is not None
        assert said.number(LEASE_TIME) == 99

    def test_an_option_in_a_field_runs_past_the_message(self) -> None:
        options = self.TYPE + option(52, b"\x01") + END
        assert parse(message(options, file=bytes(126) + b"\x0c\xff")) is None


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    parse(raw)
    parse(message(raw))
    parse(message(option(52, b"\x03") + END, file=raw[:128], sname=raw[128:192]))
