"""Rows S: segments on a connection, resources, and what can be predicted."""

from __future__ import annotations

import struct
from itertools import pairwise

from netstack.errors import err_name
from tests.robustness.bench import Bench
from tests.robustness.describe import frames_text
from tests.robustness.frames import (
    SUBNET_BROADCAST,
    U_ACTIVE,
    R,
    U,
    answer,
    echo,
    from_port,
    segment,
)
from tests.robustness.rows import (
    ESTABLISHED,
    LISTEN,
    SYN_RCVD,
    SYN_SENT,
    TIME_WAIT,
    Row,
    Step,
    Steps,
    connect,
    number_of_frames,
    policy,
    rows,
    times,
    write,
)

_ACK = "ACK seq=U ack=1001 · ESTAB"
_FAR = R + 70_000  # beyond any window here


def _segment(flags: str, seq: int = R, ack: int = U, data: bytes | int = b"", **fields: object) -> bytes:
    """A segment on the established connection."""
    return segment(flags, seq, ack, data, **fields)


def _est(
    number: int,
    what: str,
    steps: Steps,
    lwip: str = _ACK,
    strict: str | None = None,
    start: Steps = ESTABLISHED,
) -> Row:
    """In ESTABLISHED."""
    return Row(f"S{number}", what, steps, lwip, lwip if strict is None else strict, start=start)


_GOT_10 = (ESTABLISHED, _segment("A", data=10))
_IN_FLIGHT = (ESTABLISHED, write(100))


# A peer that reacts


def _divides_acks(bench: Bench) -> None:
    """The peer acknowledges the first segment in 67 steps of 8 bytes."""
    for number in range(8, 537, 8):
        bench.frame(_segment("A", ack=U + number))


def _keeps_window_closed(bench: Bench) -> None:
    """The peer answers every probe with a window of 0."""

    def react(sent: bytes) -> None:
        if sent[23] == 6 and len(sent) > 54:
            bench.frame(_segment("A", ack=U + 10, window=0))

    bench.on_frame = react


def _fill_window(bench: Bench) -> None:
    """The peer fills the receive window of an application that does not read."""
    seq = R
    left = bench.window
    while left:
        size = min(1400, left)
        bench.frame(_segment("A", seq, data=size))
        seq += size
        left -= size
    bench.frame(_segment("A", seq - 1))
    bench.forget()


def _reset_at_zero_window(bench: Bench) -> None:
    bench.frame(_segment("R", R + bench.window))


def _close_window(bench: Bench) -> None:
    """10 bytes are acknowledged, the window closes, 2000 bytes wait."""
    bench.write(10)
    bench.frame(_segment("A", ack=U + 10, window=0))
    bench.write(2000)
    bench.forget()


def _out_of_order(bench: Bench) -> None:
    for index in range(200):
        bench.frame(_segment("A", R + 2 + 2 * index, data=1))


def _syn_flood(bench: Bench) -> None:
    syn = segment("S", 100, sport=0)
    for port in range(10_000, 12_000):
        bench.frame(from_port(syn, port))


def _half_open(bench: Bench) -> str:
    """How many SYNs were answered, and how many connections are left after 25 s."""
    answered = len({frame[36:38] for frame in bench.frames()})
    bench.wait(25_000)
    return f"{answered} answered, {len(bench.stack.tcp.active_pcbs)} left"


def _recovers(bench: Bench) -> str:
    """As ``_half_open``, as limits: no more than the profile has pcbs for."""
    limit = bench.stack.profile.memp_num_tcp_pcb
    answered, left = (int(part.split()[0]) for part in _half_open(bench).split(", "))
    return "all answered, 0 left" if answered <= limit and not left else f"{answered} answered, {left} left"


def _ten_isns(bench: Bench) -> str:
    """Of ten connections opened in one tick."""
    for port in range(10):
        bench.frame(segment("S", 100, sport=20_000 + port))
    isns = [struct.unpack_from("!I", frame, 38)[0] for frame in bench.frames()]
    steps = {second - first for first, second in pairwise(isns)}
    return f"ISNs {isns[0]}" if steps == {0} else f"{len(isns)} ISNs, {len(steps)} different steps"


def _five_ports(bench: Bench) -> str:
    """Of five connects without a port of their own."""
    for _ in range(5):
        bench.connect(local=0)
    ports = [struct.unpack_from("!H", frame, 34)[0] for frame in bench.frames()]
    steps = {second - first for first, second in pairwise(ports)}
    return "consecutive" if steps == {1} else f"{len(set(ports))} ports, {len(steps)} different steps"


def _ten_ids(bench: Bench) -> str:
    """IP ids of ten replies to pings whose own id is 1."""
    ids = [struct.unpack_from("!H", frame, 18)[0] for frame in bench.frames()]
    steps = {second - first for first, second in pairwise(ids)}
    if steps == {0}:
        return f"ids {ids[0]}"
    how = "in turn" if steps == {1} else "at random"
    return f"{len(set(ids))} ids {how}, from {'a random one' if ids[0] > 100 else ids[0]}"


def _replies(bench: Bench) -> str:
    """How many replies, and how the connection stands: ``few`` for what RFC 5961 7 suggests, 10 in 5 s."""
    count = len(bench.sent)
    state = bench.outcome().rpartition(" · ")[2]
    return f"{count if count > 10 else 'few'} replies · {state}"


def _lasts(bench: Bench) -> str:
    """How long the connection still exists, in s."""
    while bench.connection() is not None and bench.now - bench.start < 200_000:
        bench.wait(1000)
    seconds = (bench.now - bench.start) // 1000
    parts = (frames_text(bench.frames()), bench.heard(), f"gone after {seconds} s")
    return " · ".join(part for part in parts if part)


def _last_frame(bench: Bench) -> str:
    """As ``times``, with the kind of the last frame."""
    return f"{times(bench)} · last {frames_text(bench.frames()[-1:]).split(' ')[0]}"


def _given_up(bench: Bench) -> str:
    """As ``times``, with the time at which the application was told."""
    return f"{times(bench)} · after {(bench.now - bench.start) / 1000:g} s"


def _until_told(limit_s: int) -> Step:
    """Wait until the application hears something."""

    def until(bench: Bench) -> None:
        while not bench.told and bench.now < limit_s * 1000:
            bench.wait(250)

    return until


_SYN_RETRIES = "2.75,5.75,8.75,11.75,14.75,17.75"
_SYN_BACKOFF = "2.75,8.75,20.75,44.75,92.75,188.75"
_PROBES = "1.25,4.25,10.25,22.25,46.25,94.25,154.25,214.25,274.25,334.25,394.25,454.25"
_RETRIES = "2.75,8.75,20.75,44.75,92.75,188.75,380.75,764.75,1148.75,1532.75,1916.75,2300.75"
_FIRST_LOST = (
    "ACK seq=U ack=1001 len=536; ACK seq=U+2144 ack=1001 len=536; PSH+ACK seq=U+2680 ack=1001 len=320"
)

_TWO_MORE = "ACK seq=U+2144 ack=1001 len=536; ACK seq=U+2680 ack=1001 len=536 · ESTAB(flight 2680)"

CONNECTION = rows(
    "S",
    _est(1, "RST at RCV.NXT", [_segment("R")], "none · app:RST;"),
    _est(2, "RST in the window", [_segment("R", R + 100)]),
    _est(3, "RST beyond the window", [_segment("R", _FAR)], "none · ESTAB"),
    _est(4, "RST one below RCV.NXT", [_segment("R", R - 1)], "none · ESTAB"),
    _est(
        5,
        "RST at RCV.NXT while our window is 0",
        [_reset_at_zero_window],
        "none · app:RST;",
        start=(policy(recv="HOLD"), ESTABLISHED, _fill_window),
    ),
    _est(6, "RST with 20 bytes", [_segment("R", data=20)], "none · app:RST;"),
    _est(7, "SYN in the window", [_segment("S", R + 10)]),
    _est(8, "SYN outside the window", [_segment("S", _FAR)]),
    _est(9, "SYN and ACK at RCV.NXT", [_segment("SA")]),
    _est(10, "old data", [_segment("A", data=10)], "ACK seq=U ack=1011 · ESTAB", start=_GOT_10),
    _est(
        11,
        "10 old and 10 new bytes",
        [_segment("A", data=20)],
        "ACK seq=U ack=1021 · app:DATA10; · ESTAB",
        start=_GOT_10,
    ),
    _est(12, "data beyond the window", [_segment("A", _FAR, data=10)]),
    _est(
        13,
        "data without ACK",
        [_segment("P", data=10)],
        "none · app:DATA10; · ESTAB",
        "none · ESTAB",
    ),
    _est(
        14,
        "an ACK of what was never sent",
        [_segment("A", ack=U + 5000)],
        "ACK seq=U+100 ack=1001 · ESTAB(flight 100)",
        start=_IN_FLIGHT,
    ),
    _est(
        15,
        "data with an ACK of what was never sent",
        [_segment("A", ack=U + 5000, data=10)],
        "ACK seq=U ack=1001 · app:DATA10; · ESTAB",
        _ACK,
    ),
    _est(
        16,
        "data with a very old ACK",
        [_segment("A", ack=U - 1_000_000, data=10)],
        "none · app:DATA10; · ESTAB",
        _ACK,
    ),
    _est(
        17,
        "an ACK on a segment outside the window",
        [_segment("A", _FAR, U + 100, 10)],
        "ACK seq=U+100 ack=1001 · ESTAB",
        "ACK seq=U+100 ack=1001 · ESTAB(flight 100)",
        start=_IN_FLIGHT,
    ),
    _est(
        18,
        "a window of 0 on a segment outside the window",
        [_segment("A", _FAR, data=10, window=0)],
        "ACK seq=U ack=1001 · ESTAB(wnd 0)",
        _ACK,
    ),
    _est(
        19,
        "FIN before the data in front of it",
        [_segment("FA", R + 10), _segment("A", data=10)],
        "ACK seq=U ack=1001; FIN+ACK seq=U ack=1012 · app:DATA10;EOF; · LAST_ACK",
        start=(policy(fin="CLOSE"), ESTABLISHED),
    ),
    _est(20, "FIN beyond the window", [_segment("FA", _FAR)]),
    _est(
        21,
        "FIN twice",
        [_segment("FA"), _segment("FA")],
        "ACK seq=U ack=1002 ×2 · app:EOF; · CLOSE_WAIT",
    ),
    _est(
        22,
        "data behind the FIN, in CLOSE_WAIT",
        [_segment("A", R + 1, data=10)],
        "none · CLOSE_WAIT",
        "ACK seq=U ack=1002 · CLOSE_WAIT",
        start=(ESTABLISHED, _segment("FA")),
    ),
    _est(23, "URG, pointer 0", [_segment("AU", data=5, urgptr=0)], "none · app:DATA5; · ESTAB"),
    _est(24, "URG, pointer 65535", [_segment("AU", data=5, urgptr=65535)], "none · app:DATA5; · ESTAB"),
    _est(25, "an urgent pointer without URG", [_segment("A", data=5, urgptr=3)], "none · app:DATA5; · ESTAB"),
    Row(
        "S26",
        "100 bytes over the wrap of sequence numbers",
        [segment("A", 0xFFFFFFF1, U, 100)],
        "none · app:DATA100; · ESTAB",
        "none · app:DATA100; · ESTAB",
        start=(LISTEN, segment("S", 0xFFFFFFF0), segment("A", 0xFFFFFFF1, U)),
    ),
    _est(
        27,
        "the window closes in front of 2000 bytes, for 60 s",
        [60_000],
        "ACK seq=U+10 ack=1001 len=1 ×5 · ESTAB(flight 1, wnd 0)",
        start=(ESTABLISHED, _close_window),
    ),
    Row(
        "S28",
        "the window stays closed, probes are not answered",
        [_until_told(1000)],
        f"at {_PROBES} · app:ABRT; · last ACK",
        f"at {_PROBES},454.75 · app:ABRT; · last RST+ACK",
        start=(ESTABLISHED, _close_window),
        show=_last_frame,
    ),
    Row(
        "S29",
        "100 duplicate ACKs",
        [[_segment("A")] * 100],
        f"{_FIRST_LOST} · ESTAB(flight 3000)",
        f"{_FIRST_LOST} · ESTAB(flight 3000)",
        start=(ESTABLISHED, write(3000)),
    ),
    Row(
        "S30",
        "200 segments of one byte, every other one missing",
        [_out_of_order],
        "200 frames · ESTAB",
        "64 frames · ESTAB",
        start=ESTABLISHED,
        show=number_of_frames,
        note="the strict profile has 64 receive buffers; with all of them in the queue, frames are lost",
    ),
    _est(31, "a keep-alive probe without data", [_segment("A", R - 1)]),
    _est(32, "a keep-alive probe with a byte", [_segment("A", R - 1, data=1)]),
    Row(
        "S33",
        "MSS 1 outside a SYN, then 50 bytes are written",
        [_segment("A", options=b"\2\4\0\1"), write(50)],
        "50 frames · ESTAB(mss 1, flight 50)",
        "1 frames · ESTAB(flight 50)",
        start=ESTABLISHED,
        show=number_of_frames,
    ),
    _est(34, "window scale outside a SYN", [_segment("A", options=b"\3\3\7")], "none · ESTAB"),
    _est(
        35,
        "SACK blocks inverted and above SND.NXT",
        [_segment("A", options=b"\1\1\5\x12" + struct.pack("!IIII", U + 90, U + 10, U + 9000, U + 9999))],
        "none · ESTAB(flight 100)",
        start=_IN_FLIGHT,
    ),
    Row(
        "S36",
        "1000 ACKs of what was never sent",
        [[_segment("A", ack=U + 5000)] * 1000],
        "1000 replies · ESTAB",
        "few replies · ESTAB",
        start=ESTABLISHED,
        show=_replies,
    ),
    Row(
        "S37",
        "1000 RSTs in the window",
        [[_segment("R", R + 100)] * 1000],
        "1000 replies · ESTAB",
        "few replies · ESTAB",
        start=ESTABLISHED,
        show=_replies,
    ),
    Row(
        "S38",
        "2000 SYNs from 2000 ports",
        [_syn_flood],
        "2000 answered, 0 left",
        "16 answered, 0 left",
        start=LISTEN,
        show=_half_open,
    ),
    Row(
        "S39",
        "SYN_RCVD: RST in the window",
        [segment("R", 150)],
        "ACK seq=U ack=101 · SYN_RCVD(mss 536)",
        "ACK seq=U ack=101 · SYN_RCVD(mss 536)",
        start=SYN_RCVD,
    ),
    Row("S40", "SYN_RCVD: RST at RCV.NXT", [segment("R", 101)], "none", "none", start=SYN_RCVD),
    Row(
        "S41",
        "SYN_RCVD: ACK of something else",
        [segment("A", 101, 12345)],
        "RST+ACK seq=12345 ack=101 · SYN_RCVD(mss 536)",
        "RST seq=12345 · SYN_RCVD(mss 536)",
        start=SYN_RCVD,
    ),
    Row(
        "S42",
        "SYN_RCVD: the SYN again",
        [segment("S", 100)],
        "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536)",
        "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536)",
        start=SYN_RCVD,
    ),
    Row(
        "S43",
        "SYN_RCVD: another SYN",
        [segment("S", 7777)],
        "none · SYN_RCVD(mss 536)",
        "ACK seq=U ack=101 · SYN_RCVD(mss 536)",
        start=SYN_RCVD,
    ),
    Row(
        "S44",
        "SYN_SENT: SYN-ACK with a wrong ACK",
        [answer("SA", 500, U_ACTIVE + 98)],
        "RST+ACK seq=U+98 ack=501; SYN seq=U-1 · SYN_SENT",
        "RST seq=U+98 · SYN_SENT",
        start=SYN_SENT,
    ),
    Row(
        "S45",
        "SYN_SENT: a SYN without ACK (simultaneous open)",
        [answer("S", 500)],
        "none · SYN_SENT",
        "SYN+ACK seq=U-1 ack=501 · SYN_RCVD(mss 536)",
        start=SYN_SENT,
    ),
    Row(
        "S46",
        "SYN_SENT: RST without ACK",
        [answer("R", 500)],
        "none · SYN_SENT",
        "none · SYN_SENT",
        start=SYN_SENT,
    ),
    Row(
        "S47",
        "SYN_SENT: RST without ACK, but the right number in its field",
        [answer("R", 500, U_ACTIVE)],
        "none · app:RST;",
        "none · SYN_SENT",
        start=SYN_SENT,
    ),
    Row(
        "S48",
        "SYN_SENT: RST and ACK, right number",
        [answer("RA", 500, U_ACTIVE)],
        "none · app:RST;",
        "none · app:RST;",
        start=SYN_SENT,
    ),
    Row(
        "S49",
        "SYN_SENT: RST and ACK, wrong number",
        [answer("RA", 500, U_ACTIVE + 5)],
        "none · SYN_SENT",
        "none · SYN_SENT",
        start=SYN_SENT,
    ),
    Row(
        "S50",
        "SYN_SENT: ACK without SYN, right number",
        [answer("A", 500, U_ACTIVE)],
        "RST+ACK seq=U ack=500; SYN seq=U-1 · SYN_SENT",
        "none · SYN_SENT",
        start=SYN_SENT,
    ),
    Row(
        "S51",
        "SYN_SENT: SYN-ACK with data",
        [answer("SA", 500, U_ACTIVE, 10)],
        "ACK seq=U ack=501 · app:CONN; · ESTAB",
        "ACK seq=U ack=501 · app:CONN; · ESTAB",
        start=SYN_SENT,
    ),
    Row(
        "S52",
        "SYN_SENT: nobody answers",
        [_until_told(500)],
        f"at {_SYN_RETRIES} · app:ABRT; · after 18.25 s",
        f"at {_SYN_BACKOFF} · app:ABRT; · after 189.25 s",
        start=SYN_SENT,
        show=_given_up,
    ),
    Row(
        "S53",
        "TIME_WAIT: RST",
        [segment("R", R + 1)],
        "none · TIME_WAIT",
        "none · TIME_WAIT",
        start=TIME_WAIT,
    ),
    Row(
        "S54",
        "TIME_WAIT: the FIN again",
        [segment("FA", R, U + 1)],
        "ACK seq=U+1 ack=1002 · TIME_WAIT",
        "ACK seq=U+1 ack=1002 · TIME_WAIT",
        start=TIME_WAIT,
    ),
    Row(
        "S55",
        "TIME_WAIT: a SYN beyond the window",
        [segment("S", _FAR)],
        "ACK seq=U+1 ack=1002 · TIME_WAIT",
        f"SYN+ACK seq=U+63999 ack={_FAR + 1} · SYN_RCVD(mss 536)",
        start=TIME_WAIT,
    ),
    Row(
        "S56",
        "TIME_WAIT: a SYN in the window",
        [segment("S", R + 6)],
        "RST+ACK seq=0 ack=1008 · TIME_WAIT",
        "SYN+ACK seq=U+63999 ack=1008 · SYN_RCVD(mss 536)",
        start=TIME_WAIT,
    ),
    Row(
        "S57",
        "TIME_WAIT: old data",
        [segment("A", R - 10, U + 1, 10)],
        "ACK seq=U+1 ack=1002 · TIME_WAIT",
        "ACK seq=U+1 ack=1002 · TIME_WAIT",
        start=TIME_WAIT,
    ),
    Row(
        "S58",
        "how long TIME_WAIT lasts",
        [],
        "none · gone after 121 s",
        "none · gone after 121 s",
        start=TIME_WAIT,
        show=_lasts,
    ),
    Row(
        "S59",
        "FIN_WAIT_2: the peer never closes",
        [],
        "none · app:ABRT; · gone after 21 s",
        "RST+ACK seq=U+1 ack=1001 · app:ABRT; · gone after 21 s",
        start=(ESTABLISHED, Bench.close, _segment("A", ack=U + 1)),
        show=_lasts,
    ),
    Row(
        "S60",
        "data after the application has closed",
        [_segment("A", ack=U + 1, data=4)],
        "RST+ACK seq=U+1 ack=1005 · app:ABRT;",
        "RST+ACK seq=U+1 ack=1005 · app:ABRT;",
        start=(ESTABLISHED, Bench.close),
    ),
    Row(
        "S61",
        "both close at once",
        [_segment("FA"), _segment("A", R + 1, U + 1)],
        "ACK seq=U+1 ack=1002 · app:EOF; · TIME_WAIT",
        "ACK seq=U+1 ack=1002 · app:EOF; · TIME_WAIT",
        start=(ESTABLISHED, Bench.close),
    ),
    Row(
        "S62",
        "nothing is ever acknowledged",
        [_until_told(3000)],
        f"at {_RETRIES} · app:ABRT; · last PSH+ACK",
        f"at {_RETRIES},2301.25 · app:ABRT; · last RST+ACK",
        start=_IN_FLIGHT,
        show=_last_frame,
    ),
    Row(
        "S63",
        "SYN_SENT: ACK, then SYN (split handshake)",
        [answer("A", 500, U_ACTIVE), answer("S", 500)],
        "RST+ACK seq=U ack=500; SYN seq=U-1 · SYN_SENT",
        "SYN+ACK seq=U-1 ack=501 · SYN_RCVD(mss 536)",
        start=SYN_SENT,
    ),
    _est(
        64,
        "one segment of 10 bytes, then 250 ms",
        [_segment("A", data=10), 250],
        "ACK seq=U ack=1011 · app:DATA10; · ESTAB",
    ),
    _est(
        65,
        "two full segments",
        [_segment("A", data=1460), _segment("A", R + 1460, data=1460)],
        "ACK seq=U ack=3921 · app:DATA1460;DATA1460; · ESTAB",
    ),
    Row(
        "S66",
        "initial sequence numbers of ten connections in one tick",
        [],
        "ISNs 6510",
        "10 ISNs, 9 different steps",
        start=LISTEN,
        show=_ten_isns,
        iss=False,
        alone="the oracle's sequence numbers are its own",
    ),
    Row(
        "S67",
        "IP ids of ten ping replies",
        [[echo()] * 10],
        "ids 1",
        "10 ids in turn, from a random one",
        show=_ten_ids,
        note="RFC 7739 5.2: a counter for each destination, from a random number",
    ),
    Row(
        "S68",
        "source ports of five connects",
        [],
        "consecutive",
        "5 ports, 4 different steps",
        show=_five_ports,
    ),
    Row(
        "S69",
        "connect to the broadcast address",
        [connect(SUBNET_BROADCAST)],
        "SYN seq=U-1 ->10.0.0.255 · SYN_SENT · ERR_OK",
        "none · ERR_VAL",
        show=lambda bench: f"{bench.outcome()} · {err_name(bench.result)}",
    ),
    _est(
        70,
        "a window of 0, nothing else new",
        [_segment("A", window=0)],
        "none · ESTAB",
        "none · ESTAB(wnd 0)",
    ),
    Row(
        "S71",
        "the window stays closed for 6000 s, every probe is answered",
        [_keeps_window_closed, 6_000_000],
        "104 frames · ESTAB(flight 1, wnd 0)",
        "104 frames · ESTAB(flight 1, wnd 0)",
        start=(ESTABLISHED, _close_window),
        show=number_of_frames,
        note="the catalogue counted 105; its run began otherwise. The living lwIP sends 104 here",
    ),
    Row(
        "S72",
        "67 ACKs for one segment (ACK division)",
        [_divides_acks],
        _TWO_MORE,
        _TWO_MORE,
        start=(ESTABLISHED, write(10_000)),
    ),
)
