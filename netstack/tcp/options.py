"""TCP options: what a received segment asks for, and what a sent one says (RFC 9293 3.2, RFC 7323, RFC 2018).

    MSS              02 04 hh ll            SYN only when sent, believed on any segment when received
    window scale     01 03 03 ss            SYN only
    SACK permitted   01 01 04 02            SYN only
    timestamps       01 01 08 0a val ecr    once agreed on every segment
    SACK             01 01 05 len blocks    in ACKs without data

Source: lwIP ``tcp_in.c`` (tcp_parseopt), ``tcp_out.c`` (tcp_build_*_option).
"""

from __future__ import annotations

from struct import Struct

from netstack.tcp.header import SYN
from netstack.tcp.segment import OPT_MSS, OPT_SACK_PERM, OPT_TS, OPT_WND_SCALE, Segment
from netstack.tcp.seq import SIGN, lt
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_SACK, TF_TIMESTAMP, TF_WND_SCALE, Tcb

EOL, NOP, MSS, WS, SACK_PERM, TS = 0, 1, 2, 3, 4, 8

_MSS = Struct("!BBH")
_TS = Struct("!HBBII")
_BLOCK = Struct("!II")

TS_LEN = 12  # as sent, with two NOPs in front
ONLY_TS = _TS.pack(0x0101, TS, 10, 0, 0)[:4]  # how the options of a segment begin that has but this one
_MAX_SHIFT = 14  # RFC 7323 2.3
_MAX_OPTIONS = 40
_MINIMUM_MSS = 48  # where a profile does not obey absurd ones (quirk ``no_minimum_mss``)


def parse_options(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """Obey the options of ``seg`` (``tcp_parseopt``). A malformed option ends the parsing, those before it
    count.
    """
    options = seg.options
    profile = tcp.profile
    size = len(options)
    syn = seg.flags & SYN
    index = 0
    while index < size:
        kind = options[index]
        if kind == EOL:
            return
        if kind == NOP:
            index += 1
            continue
        if index + 1 >= size:
            return
        length = options[index + 1]
        body = index + 2
        if kind == MSS:
            if length != 4 or index + 4 > size:
                return
            if syn or "mss_option_on_any_segment" in tcp.quirks:
                _obey_mss(tcp, pcb, int.from_bytes(options[body : body + 2], "big"))
            index += 4
        elif kind == WS and profile.lwip_wnd_scale:
            if length != 3 or index + 3 > size:
                return
            if syn and not pcb.flags & TF_WND_SCALE:
                pcb.snd_scale = min(options[body], _MAX_SHIFT)
                pcb.rcv_scale = profile.tcp_rcv_scale
                pcb.flags |= TF_WND_SCALE
                pcb.rcv_wnd = pcb.rcv_ann_wnd = profile.tcp_wnd
            index += 3
        elif kind == TS and profile.lwip_tcp_timestamps:
            if length != 10 or index + 10 > size:
                return
            value = int.from_bytes(options[body : body + 4], "big")
            if syn:
                pcb.ts_recent = value
                pcb.flags |= TF_TIMESTAMP
            else:
                obey_timestamp(tcp, pcb, seg.seq, seg.tcplen, value)
            index += 10
        elif kind == SACK_PERM and profile.lwip_tcp_sack_out:
            if length != 2:
                return
            if syn:
                pcb.flags |= TF_SACK
            index += 2
        else:
            if length < 2:
                return
            index += length


def _obey_mss(tcp: TcpShared, pcb: Tcb, mss: int) -> None:
    """Segments to this peer carry at most ``mss`` bytes; 0 and too much mean TCP_MSS. lwIP has no lower
    bound.
    """
    if mss < _MINIMUM_MSS and "no_minimum_mss" not in tcp.quirks:
        mss = min(_MINIMUM_MSS, tcp.profile.tcp_mss)
    elif not mss or mss > tcp.profile.tcp_mss:
        mss = tcp.profile.tcp_mss
    pcb.mss = mss


def obey_timestamp(tcp: TcpShared, pcb: Tcb, seq: int, tcplen: int, value: int) -> None:
    """Remember the value to echo, that of a segment with what we acknowledged last. lwIP: no check against
    wrapped sequence numbers (RFC 7323 5).
    """
    acked = pcb.ts_lastacksent
    if not (acked - seq) & SIGN and not (seq + tcplen - acked) & SIGN:  # in [seq, seq + tcplen]
        if "no_paws" in tcp.quirks or not lt(value, pcb.ts_recent):
            pcb.ts_recent = value


def options_len(options: int) -> int:
    """Bytes that a segment's options take (LWIP_TCP_OPT_LENGTH)."""
    return (
        (4 if options & OPT_MSS else 0)
        + (TS_LEN if options & OPT_TS else 0)
        + (4 if options & OPT_WND_SCALE else 0)
        + (4 if options & OPT_SACK_PERM else 0)
    )


def build_options(tcp: TcpShared, pcb: Tcb, options: int) -> bytes:
    """The options of a queued segment, in lwIP's order."""
    if options == OPT_TS:  # those of nearly every segment that has any
        return build_timestamp(tcp, pcb)
    parts = []
    if options & OPT_MSS:
        parts.append(_MSS.pack(MSS, 4, tcp.eff_send_mss(tcp.profile.tcp_mss)))
    if options & OPT_TS:
        parts.append(build_timestamp(tcp, pcb))
    if options & OPT_WND_SCALE:
        parts.append(bytes((NOP, WS, 3, tcp.profile.tcp_rcv_scale)))
    if options & OPT_SACK_PERM:
        parts.append(bytes((NOP, NOP, SACK_PERM, 2)))
    return b"".join(parts)


def build_timestamp(tcp: TcpShared, pcb: Tcb) -> bytes:
    """The timestamps option: our millisecond clock, and the peer's value we echo."""
    return _TS.pack(0x0101, TS, 10, tcp.core.sys_now(), pcb.ts_recent)


def sack_count(tcp: TcpShared, pcb: Tcb, optlen: int) -> int:
    """How many SACK blocks fit behind ``optlen`` bytes of other options (``tcp_get_num_sacks``)."""
    if not pcb.flags & TF_SACK:
        return 0
    return max(
        min(len(pcb.rcv_sacks), (_MAX_OPTIONS - 4 - optlen) // 8, tcp.profile.lwip_tcp_max_sack_num), 0
    )


def build_sack(pcb: Tcb, count: int) -> bytes:
    """The SACK option with the ``count`` newest blocks."""
    blocks = b"".join(_BLOCK.pack(left, right) for left, right in pcb.rcv_sacks[:count])
    return bytes((NOP, NOP, 5, 2 + 8 * count)) + blocks
