"""DNS messages: formats against scapy, names that end well or badly, and which address a reply holds."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS

from netstack.dns_message import (
    DnsHeader,
    Found,
    address_of,
    emit,
    emit_name,
    emit_query,
    first_address,
    match_question,
    parse,
    read_name,
    skip_name,
)

u16 = st.integers(0, 0xFFFF)
HEADER = bytes(12)
QUESTION = b"\0\1\0\1"


def record(owner: bytes, data: bytes, kind: int = 1, ttl: int = 60, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    return owner + kind.to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big") + size.to_bytes(2, "big") + data


@given(st.tuples(u16, u16, u16, u16, u16, u16))
def test_round_trip_of_the_header(fields: tuple[int, ...]) -> None:
    header = DnsHeader(*fields)
    raw = emit(header)
    again = parse(raw + b"more")
    assert again is not None
    assert emit(again) == raw
    assert (again.ident, again.flags, again.questions, again.answers) == fields[:4]
    assert parse(raw[:11]) is None


def test_scapy_reads_a_query() -> None:
    query = DNS(emit_query(0x1234, b"www.Example.org"))
    assert (query.id, query.qr, query.rd, query.qdcount, query.ancount) == (0x1234, 0, 1, 1, 0)
    question = query.qd[0]
    assert (question.qname, question.qtype, question.qclass) == (b"www.Example.org.", 1, 1)


def test_names_are_sent_as_they_are() -> None:
    assert emit_name(b"") == b"\0\0"
    assert emit_name(b"a..b") == b"\1a\0\1b\0"
    assert emit_name(b"x" * 70) == b"\x46" + b"x" * 70 + b"\0"
    assert emit_name(b"x" * 300)[0] == 300 & 0xFF


class TestQuestion:
    def test_equal_but_for_case(self) -> None:
        data = HEADER + emit_name(b"WWW.example") + QUESTION + b"answers"
        assert match_question(data, b"www.EXAMPLE", whole=True) == len(data) - len(b"answers")

    @pytest.mark.parametrize(
        "question",
        [
            emit_name(b"www.examplf") + QUESTION,
            emit_name(b"www.example.org") + QUESTION,
            emit_name(b"www.example") + b"\0\x1c\0\1",  # another type
            emit_name(b"www.example") + b"\0\1\0\3",  # another class
            emit_name(b"www.example") + b"\0\1\0",  # cut off
            b"\3www\7example",  # no end
            b"\3www\7exam",
            b"\3www\xc0\x0c" + QUESTION,  # compressed
            b"\xc0\x0c" + QUESTION,
            b"\0" + QUESTION,
        ],
    )
    def test_another_question(self, question: bytes) -> None:
        for whole in (True, False):
            assert match_question(HEADER + question, b"www.example", whole=whole) is None

    @pytest.mark.parametrize("name", [b"www", b"www.exampl", b"ww"])
    def test_the_beginning_of_the_name_is_enough_for_lwip(self, name: bytes) -> None:
        data = HEADER + emit_name(name) + QUESTION
        assert match_question(data, b"www.example", whole=False) == len(data)
        assert match_question(data, b"www.example", whole=True) is None


class TestNames:
    def test_pointers_to_earlier_names(self) -> None:
        data = b"....\3www\7Example\0" + b"\4mail\xc0\x08" + b"\xc0\x11" + b"rest"
        assert read_name(data, 4) == (b"www.example", 17)
        assert read_name(data, 17) == (b"mail.example", 24)
        assert read_name(data, 24) == (b"mail.example", 26)
        assert skip_name(data, 4) == 17
        assert skip_name(data, 17) == 24
        assert skip_name(data, 24) == 26

    @pytest.mark.parametrize(
        "name",
        [
            b"\xc0\x00",  # to itself
            b"\xc0\x02\xc0\x00",  # to one that points back
            b"\1a\xc0\x00",  # into the name itself
            b"\xc0\x20",  # past the end
            b"\xc0",  # cut off
            b"\x40" + b"x" * 64 + b"\0",  # reserved bits
            b"\x80" + b"x" * 128 + b"\0",
            b"\1a\1b\1",
            b"\1a" * 128 + b"\0",  # 257 bytes
            b"",
        ],
    )
    def test_malformed(self, name: bytes) -> None:
        assert read_name(name, 0) is None

    def test_the_longest(self) -> None:
        name = b"\x3f" + b"x" * 63
        assert read_name(name * 3 + b"\x3d" + b"y" * 61 + b"\0", 0) is not None
        assert read_name(name * 3 + b"\x3e" + b"y" * 62 + b"\0", 0) is None

    def test_every_short_name_ends(self) -> None:
        for raw in product((0, 1, 2, 3, 63, 64, 0xBF, 0xC0, 0xC1, 0xC2), repeat=4):
            data = bytes(raw)
            for offset in range(4):
                for end in (skip_name(data, offset), (read_name(data, offset) or (b"", None))[1]):
                    assert end is None or offset < end <= 5  # lwIP does not look at a pointer's second byte


class TestAnswers:
    OWN = emit_name(b"a.example")
    ALIAS = emit_name(b"b.example")
    IP = 0xC0000201
    A = IP.to_bytes(4, "big")

    def test_the_first_address(self) -> None:
        data = record(self.OWN, self.ALIAS, 5) + record(self.ALIAS, self.A, ttl=7)
        assert first_address(data, 0, 2) == Found(self.IP, 7)
        assert address_of(data, 0, 2, b"A.example") == Found(self.IP, 7)

    def test_as_many_as_there_are(self) -> None:
        data = record(self.OWN, self.ALIAS, 5) + record(self.ALIAS, self.A)
        for answers in (0, 1):
            assert first_address(data, 0, answers) == Found(None, 0)
            assert address_of(data, 0, answers, b"a.example") == Found(None, 0)
        assert first_address(data, 0, 0xFFFF) == Found(self.IP, 60)

    def test_whose_it_is(self) -> None:
        data = record(emit_name(b"evil"), self.A) + record(self.OWN, b"\x0a\0\0\x09")
        assert first_address(data, 0, 2) == Found(self.IP, 60)
        assert address_of(data, 0, 2, b"a.example") == Found(0x0A000009, 60)

    def test_a_record_of_the_wrong_size_is_skipped(self) -> None:
        data = record(self.OWN, b"123") + record(self.OWN, b"12345") + record(self.OWN, self.A)
        assert first_address(data, 0, 3) == Found(self.IP, 60)
        assert address_of(data, 0, 3, b"a.example") == Found(self.IP, 60)

    @pytest.mark.parametrize("cut", range(1, len(record(OWN, A))))
    def test_cut_off(self, cut: int) -> None:
        data = record(self.OWN, self.A)[:cut]
        assert first_address(data, 0, 1) is None
        assert address_of(data, 0, 1, b"a.example") is None

    def test_a_length_past_the_end(self) -> None:
        data = record(self.OWN, b"", 16, length=100)
        assert first_address(data, 0, 1) == Found(None, 0)
        assert address_of(data, 0, 1, b"a.example") is None
        assert first_address(record(self.OWN, b"", 16, length=0xFFFF), 0, 1) is None

    def test_a_malformed_alias(self) -> None:
        data = record(self.OWN, b"\xc0\xff", 5) + record(self.ALIAS, self.A)
        assert address_of(data, 0, 2, b"a.example") is None

    @given(st.binary(max_size=60), st.integers(0, 0xFFFF))
    def test_any_bytes(self, data: bytes, answers: int) -> None:
        for found in (first_address(data, 0, answers), address_of(data, 0, answers, b"a")):
            assert found is None or found.ip is None or 0 <= found.ip <= 0xFFFFFFFF
