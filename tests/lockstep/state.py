"""The inside of a connection, as both stacks can show it: for finding a divergence before it reaches the
wire, and for knowing which situations a campaign reached. Field names are those of lwIP's ``struct
tcp_pcb``.
"""

from __future__ import annotations

import struct
from typing import Any

STATES = (
    "CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT",
    "CLOSING", "LAST_ACK", "TIME_WAIT",
)  # fmt: skip

# In the order of oracle/dump.c. The last four are sizes: queues in segments, refused data in bytes.
FIELDS = (
    "local_port", "remote_ip", "remote_port", "state", "flags", "mss", "snd_nxt", "lastack", "snd_lbb",
    "snd_wl1", "snd_wl2", "snd_wnd", "snd_wnd_max", "snd_buf", "snd_queuelen", "rcv_nxt", "rcv_wnd",
    "rcv_ann_wnd", "rcv_ann_right_edge", "cwnd", "ssthresh", "bytes_acked", "dupacks", "rtime", "rto", "sa",
    "sv", "nrtx", "rttest", "tmr", "polltmr", "persist_cnt", "persist_backoff", "persist_probe",
    "keep_cnt_sent", "unsent", "unacked", "ooseq", "refused",
)  # fmt: skip

_PCB = struct.Struct(f"<{len(FIELDS)}I")

FLAGS = {
    "ACK_DELAY": 0x01, "ACK_NOW": 0x02, "INFR": 0x04, "CLOSEPEND": 0x08, "RXCLOSED": 0x10, "FIN": 0x20,
    "NODELAY": 0x40, "NAGLEMEMERR": 0x80, "WND_SCALE": 0x100, "RTO": 0x800,
}  # fmt: skip


def decode_state(body: bytes) -> tuple[int, list[dict[str, int]]]:
    """``tcp_ticks`` and the connections: active list, then TIME_WAIT list, each in the stack's order."""
    ticks = int.from_bytes(body[:4], "little")
    return ticks, [dict(zip(FIELDS, values, strict=True)) for values in _PCB.iter_unpack(body[4:])]


def dump_state(tcp: Any) -> bytes:
    """The same of our stack (``oracle/dump.c: dump_state``)."""
    pcbs = [_values(pcb) for pcb in (*tcp.active_pcbs, *tcp.tw_pcbs)]
    return struct.pack("<I", tcp.ticks) + b"".join(_PCB.pack(*values) for values in pcbs)


def _values(pcb: Any) -> list[int]:
    values = [getattr(pcb, name) & 0xFFFFFFFF for name in FIELDS[:-4]]
    queues = [len(pcb.unsent), len(pcb.unacked), len(pcb.ooseq)]
    return [*values, *queues, 0 if pcb.refused_data is None else len(pcb.refused_data)]
