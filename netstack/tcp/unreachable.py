"""ICMP errors about segments of ours (RFC 9293 3.9.2.2, with the care of RFC 5927).

Only an error that quotes a sequence number under way is believed. Where nothing is agreed yet, in SYN_SENT
and SYN_RCVD, a port or protocol unreachable ends the attempt as a reset would; a connection that exists
survives every error, since errors are easily forged. lwIP hears of none (quirk icmp_errors_ignored).
"""

from __future__ import annotations

from struct import Struct

from netstack.errors import ERR_RST
from netstack.ip_header import Ipv4Header
from netstack.tcp.lists import free_pcb, remove_pcb
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import SYN_RCVD, SYN_SENT

UNREACHABLE = 3
HARD_CODES = (2, 3)  # protocol, port (RFC 1122 4.2.3.9)

_QUOTE = Struct("!HHI")  # ports and sequence number: the 8 bytes that every error quotes


def icmp_error(tcp: TcpShared, kind: int, code: int, packet: Ipv4Header, quote: bytes) -> None:
    """An ICMP error about our ``packet``, whose payload begins with ``quote``."""
    if kind != UNREACHABLE or code not in HARD_CODES or len(quote) < _QUOTE.size:
        return
    local_port, remote_port, seq = _QUOTE.unpack_from(quote)
    flow = (packet.src, local_port, packet.dst, remote_port)
    for pcb in tcp.active_pcbs:
        if pcb.flow != flow:
            continue
        sent = pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF
        if pcb.state in {SYN_SENT, SYN_RCVD} and seq - pcb.lastack & 0xFFFFFFFF < sent:
            if pcb.errf is not None:
                pcb.errf(ERR_RST)
            remove_pcb(tcp, pcb)
            free_pcb(tcp, pcb)
        return
