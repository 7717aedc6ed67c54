"""What must hold after every row: well-formed frames, memory given back, a stack that still works."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tests.robustness import frames as f
from tests.robustness.bench import Bench
from tests.robustness.describe import frames_text

SETTLED_MS = 2 * 60_000 + 25_000  # 2 MSL, and the longest of the other time limits


def check_frames(frames: Iterable[bytes]) -> None:
    """Lengths agree, checksums are right, and nothing lies behind a packet but zeros."""
    for frame in frames:
        kind = int.from_bytes(frame[12:14], "big")
        body = frame[14:]
        if kind == 0x0806:
            assert body[:8] in (b"\0\1\x08\0\6\4\0\1", b"\0\1\x08\0\6\4\0\2"), frame.hex()
            assert len(body) == 28 or not any(body[28:]), frame.hex()
        else:
            assert kind == 0x0800, frame.hex()
            _check_packet(body)


def _check_packet(packet: bytes) -> None:
    words, _, total, _, fragment, ttl, proto = struct.unpack_from("!BBHHHBB", packet)
    header = (words & 15) * 4
    assert words >> 4 == 4, packet.hex()
    assert header >= 20, packet.hex()
    assert total == len(packet), packet.hex()
    assert ttl, packet.hex()
    assert _sum(packet[:header]) == 0xFFFF, f"checksum of the IP header: {packet.hex()}"
    payload = packet[header:]
    if fragment & 0x3FFF:
        return
    if proto in {1, 2}:
        assert _sum(payload) == 0xFFFF, f"checksum of protocol {proto}: {packet.hex()}"
    elif proto in {6, 17}:
        if proto == 17:
            assert int.from_bytes(payload[4:6], "big") == len(payload), packet.hex()
        pseudo = packet[12:20] + struct.pack("!HH", proto, len(payload))
        assert _sum(pseudo + payload) == 0xFFFF, f"checksum of protocol {proto}: {packet.hex()}"


def _sum(data: bytes) -> int:
    """RFC 1071, the slow and plain way."""
    padded = data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total


def check_health(bench: Bench, before: dict[str, int]) -> None:
    """Once the application has let go of everything and the times of all states are over, memory is as
    before; and the stack serves as if nothing had been.
    """
    bench.let_go()
    bench.wait(SETTLED_MS)
    assert bench.memory() == before
    bench.forget()
    bench.frame(f.arp())
    bench.forget()
    bench.frame(f.echo(100))
    bench.frame(f.frame(f.ip(f.udp(10))))
    assert frames_text(bench.frames()) == "ICMP0/0; UDP(10)"
    _transfer(bench)


def _transfer(bench: Bench) -> None:
    """A stream each way, and an orderly end."""
    port = 41000
    bench.policy(recv="ECHO", fin="CLOSE")
    bench.listen(8080)
    bench.forget()
    bench.frame(f.segment("S", 1, dport=8080, sport=port))
    start = bench.frames()[-1]
    ours = int.from_bytes(start[38:42], "big") + 1
    bench.frame(f.segment("A", 2, ours, dport=8080, sport=port))
    bench.frame(f.segment("PA", 2, ours, 100, dport=8080, sport=port))
    bench.frame(f.segment("FA", 102, ours + 100, dport=8080, sport=port))
    bench.frame(f.segment("A", 103, ours + 101, dport=8080, sport=port))
    text = frames_text(bench.frames())
    assert "len=100" in text, text
    assert "FIN+ACK" in text, text
    assert bench.told == ["DATA100", "EOF"], bench.told
    assert not any(pcb.local_port == 8080 for pcb in bench.stack.tcp.active_pcbs)
