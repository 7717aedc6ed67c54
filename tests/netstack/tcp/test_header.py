"""The TCP header, against scapy."""

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP

from netstack.checksum import residue
from netstack.tcp.header import HEADER, emit

words = st.integers(0, 0xFFFF)
longs = st.integers(0, 0xFFFFFFFF)
payloads = st.binary(max_size=1460)


@given(longs, longs, words, words, longs, longs, st.integers(0, 0x3F), words, payloads, st.integers(0, 10))
def test_scapy_reads_what_emit_writes(
    src: int,
    dst: int,
    sport: int,
    dport: int,
    seq: int,
    ack: int,
    flags: int,
    win: int,
    data: bytes,
    nops: int,
) -> None:
    segment = emit(src, dst, sport, dport, seq, ack, flags, win, b"\x01" * (4 * nops), data)
    tcp = TCP(segment)
    assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack) == (sport, dport, seq, ack)
    assert (int(tcp.flags), tcp.window) == (flags, win)
    assert bytes(tcp.payload) == data
    assert tcp.dataofs == 5 + nops
    assert (residue(segment) + src + dst + 6 + len(segment)) % 0xFFFF == 0
    again = emit(src, dst, sport, dport, seq, ack, flags, win, b"\x01" * (4 * nops), data, residue(data))
    assert again == segment
    assert HEADER.unpack_from(segment)[4] >> 12 == 5 + nops


def test_checksum_is_scapys() -> None:
    ours = emit(0x0A000001, 0x0A000002, 80, 40000, 1, 2, 0x18, 2144, b"", b"odd")
    header = TCP(sport=80, dport=40000, seq=1, ack=2, flags=0x18, window=2144)
    theirs = IP(src="10.0.0.1", dst="10.0.0.2") / header / b"odd"
    assert ours == bytes(theirs)[20:]
