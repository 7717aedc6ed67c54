"""Which situations a campaign reached, seen from inside the oracle (records of kind S) and from its
callbacks and frames.

A differential test of conversations that never get anywhere would agree on nothing; test_lockstep.py asks
for all of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tests.lockstep.slots import CALLBACK
from tests.lockstep.state import FLAGS, STATES, decode_state
from tests.lockstep.wire import Callback, Record

_Pcb = dict[str, int]

SITUATIONS: dict[str, Callable[[_Pcb], object]] = {
    **{
        state: lambda p, number=number: p["state"] == number
        for number, state in enumerate(STATES)
        if number > 1
    },
    **{f"flag {name}": lambda p, bit=bit: p["flags"] & bit for name, bit in FLAGS.items()},
    "retransmission": lambda p: p["nrtx"],
    "half of all retransmissions": lambda p: p["nrtx"] >= 6,
    "backed-off RTO": lambda p: p["rto"] >= 24,
    "RTT sample": lambda p: p["sa"],
    "three duplicate ACKs": lambda p: p["dupacks"] >= 3,
    "slow start": lambda p: 1 < p["cwnd"] < p["ssthresh"],
    "congestion avoidance": lambda p: p["bytes_acked"],
    "persist timer": lambda p: p["persist_backoff"],
    "unanswered window probes": lambda p: p["persist_probe"] > 1,
    "keep-alive probe": lambda p: p["keep_cnt_sent"],
    "closed send window": lambda p: p["snd_wnd"] == 0 and p["unsent"],
    "closed receive window": lambda p: p["rcv_wnd"] == 0,
    "window not announced": lambda p: p["rcv_ann_wnd"] < p["rcv_wnd"],
    "out-of-order segment": lambda p: p["ooseq"],
    "four out-of-order segments": lambda p: p["ooseq"] >= 4,
    "refused data": lambda p: p["refused"],
    "full send queue": lambda p: p["snd_queuelen"] >= 100,
    "full send buffer": lambda p: p["snd_buf"] == 0,
    "small MSS": lambda p: p["mss"] < 100,
    "ten segments in flight": lambda p: p["unacked"] >= 10,
    "sequence number past its wrap": lambda p: p["unacked"] and p["snd_nxt"] < p["lastack"],
}

CALLBACKS: dict[str, Callable[[int, int], bool]] = {
    "accept": lambda kind, argument: kind == Callback.ACCEPT and argument == 0,
    "no pcb for a SYN": lambda kind, argument: kind == Callback.ACCEPT and argument != 0,
    "data received": lambda kind, argument: kind == Callback.RECV,
    "end of stream": lambda kind, argument: kind == Callback.FIN,
    "data acknowledged": lambda kind, argument: kind == Callback.SENT,
    "poll": lambda kind, argument: kind == Callback.POLL,
    "connected": lambda kind, argument: kind == Callback.CONNECTED,
    "error ABRT": lambda kind, argument: kind == Callback.ERR and argument == -13,
    "error RST": lambda kind, argument: kind == Callback.ERR and argument == -14,
    "error CLSD": lambda kind, argument: kind == Callback.ERR and argument == -15,
    "listener": lambda kind, argument: kind == Callback.SLOT and argument == 1,
}


FRAMES: dict[str, Callable[[bytes], bool]] = {
    "frame": lambda frame: True,
    "ARP request": lambda frame: frame[12:14] == b"\x08\x06" and frame[21] == 1,
    "ARP reply": lambda frame: frame[12:14] == b"\x08\x06" and frame[21] == 2,
    "RST": lambda frame: _protocol(frame) == 6 and bool(frame[47] & 4),
    "fragment": lambda frame: frame[12:14] == b"\x08\x00" and frame[20:22] > b"\x00\x00",
    "echo reply": lambda frame: _protocol(frame) == 1 and frame[34] == 0,
    "port unreachable": lambda frame: _protocol(frame) == 1 and frame[34:36] == b"\x03\x03",
    "protocol unreachable": lambda frame: _protocol(frame) == 1 and frame[34:36] == b"\x03\x02",
    "reassembly time exceeded": lambda frame: _protocol(frame) == 1 and frame[34:36] == b"\x0b\x01",
}


def _protocol(frame: bytes) -> int:
    """The protocol of an unfragmented IPv4 packet without options, or -1."""
    return (
        frame[23]
        if frame[12:15] == b"\x08\x00\x45" and not int.from_bytes(frame[20:22], "big") & 0x3FFF
        else -1
    )


def measure(records: Iterable[Record]) -> Counter[str]:
    """How many records show each situation; those never seen count 0."""
    seen = Counter(dict.fromkeys([*SITUATIONS, *CALLBACKS, *FRAMES, "several connections"], 0))
    for kind, _, body in records:
        if kind == "S":
            _, pcbs = decode_state(body)
            seen["several connections"] += len(pcbs) > 1
            for name, holds in SITUATIONS.items():
                seen[name] += any(map(holds, pcbs))
        elif kind == "E":
            event, _, argument, _ = CALLBACK.unpack(body)
            for name, matches in CALLBACKS.items():
                seen[name] += matches(event, argument)
        elif kind == "F":
            for name, shows in FRAMES.items():
                seen[name] += shows(body)
    return seen
