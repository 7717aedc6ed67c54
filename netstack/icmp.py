"""ICMP: answers to ping, and errors about packets we could not use (RFC 792, RFC 1122 3.2.2).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |     Type      |     Code      |          Checksum             |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   echo: identifier and sequence number; errors: unused        |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |   echo: data; errors: the packet's first 28 bytes ...
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

An echo reply is the request sent back in the buffers it came in, so it costs no memory and keeps what the
request's IP header had. Received errors change nothing (quirk icmp_errors_ignored), and those we send are not
limited in rate (quirk no_rate_limits).
Source: lwIP ``icmp.c``.
"""

from __future__ import annotations

from struct import Struct

from netstack import ip_header
from netstack.address import is_multicast
from netstack.arp import Holdable
from netstack.checksum import finish, is_valid, residue
from netstack.core import Core
from netstack.ip_header import HEADER_LEN, PROTO_ICMP, Ipv4Header
from netstack.ipv4 import Ipv4
from netstack.pbuf import LINK_HLEN, Pbuf
from netstack.rate import TokenBucket
from netstack.stats import Drop

ECHO_REPLY = 0
UNREACHABLE = 3
SOURCE_QUENCH = 4
ECHO = 8
TIME_EXCEEDED = 11
PARAMETER_PROBLEM = 12
ERRORS = (UNREACHABLE, SOURCE_QUENCH, TIME_EXCEEDED, PARAMETER_PROBLEM)

CODE_PROTOCOL = 2  # of UNREACHABLE
CODE_PORT = 3
CODE_REASSEMBLY = 1  # of TIME_EXCEEDED

MIN_LEN = 4
MESSAGE_HEADER_LEN = 8
QUOTE_LEN = HEADER_LEN + 8

ICMP_SHORT = Drop("icmp_short", "icmp", ("lenerr",), "an ICMP message that ends before its header does")
ICMP_CHECKSUM = Drop("icmp_checksum", "icmp", ("chkerr",), "an echo request whose checksum is wrong")
ICMP_GROUP_PING = Drop(
    "icmp_group_ping", "icmp", ("err",), "ping to a broadcast or multicast address, which we do not answer"
)
ICMP_QUOTE = Drop("icmp_quote", "icmp", ("lenerr", "drop"), "an ICMP error that quotes no packet of ours")
ICMP_NO_MEMORY = Drop("icmp_no_memory", "icmp", ("err",), "no heap to copy an echo request to")
ICMP_TYPE = Drop(
    "icmp_type",
    "icmp",
    ("proterr", "drop"),
    "an ICMP message that is no ping: errors and the rest are ignored",
)

_HEADER = Struct("!BBHI")


class IcmpMessage:
    """An ICMP message: ``rest`` is the second word, ``data`` what follows it."""

    __slots__ = ("code", "data", "rest", "type")

    def __init__(self, type: int, code: int, rest: int, data: bytes) -> None:
        self.type = type
        self.code = code
        self.rest = rest
        self.data = data


def parse(data: bytes) -> IcmpMessage | None:
    """The message; None when it is shorter than its header. The checksum is not judged."""
    if len(data) < MESSAGE_HEADER_LEN:
        return None
    kind, code, _, rest = _HEADER.unpack_from(data)
    return IcmpMessage(kind, code, rest, data[MESSAGE_HEADER_LEN:])


def emit(message: IcmpMessage) -> bytes:
    """The message as bytes, with a right checksum."""
    total = (message.type << 8) + message.code + message.rest + residue(message.data)
    checksum = finish(total) if total else 0xFFFF
    return _HEADER.pack(message.type, message.code, checksum, message.rest) + message.data


class _ReceiveHold:
    """The receive buffers of a packet that is sent back: they stay taken while it waits for ARP."""

    __slots__ = ("_p", "_refs")

    def __init__(self, p: Pbuf) -> None:
        self._p = p
        self._refs = 1

    def ref(self) -> _ReceiveHold:
        """Hold them once more."""
        self._refs += 1
        return self

    def free(self) -> None:
        """Let go."""
        self._refs -= 1
        if not self._refs:
            self._p.free()


class Icmp:
    """ICMP of one stack; with LWIP_ICMP 0 it answers nothing and sends nothing."""

    __slots__ = (
        "_core",
        "_errors_heard",
        "_errors_limit",
        "_ipv4",
        "_netif",
        "_profile",
        "_stats",
    )

    def __init__(self, core: Core, ipv4: Ipv4) -> None:
        self._core = core
        self._ipv4 = ipv4
        self._netif = ipv4.netif
        self._profile = core.profile
        self._stats = core.stats.icmp
        self._errors_heard = "icmp_errors_ignored" not in core.profile.quirks
        self._errors_limit = None if "no_rate_limits" in core.profile.quirks else TokenBucket()
        if core.profile.lwip_icmp:
            ipv4.handlers[PROTO_ICMP] = self.input
            ipv4.on_unreachable = self._protocol_unreachable
            if ipv4.reassembly is not None:
                ipv4.reassembly.on_expired = self._reassembly_expired

    def input(self, p: Pbuf, header: Ipv4Header) -> None:
        """A received message: ping is answered, all else ignored (``icmp_input``)."""
        self._stats.recv += 1
        if p.first_len < MIN_LEN:
            self._drop(p, ICMP_SHORT)
        elif p.data[0] == ECHO:
            self._echo(p, header)
        elif p.data[0] == ECHO_REPLY:
            p.free()  # a raw pcb may have seen it
        elif self._errors_heard and p.data[0] in ERRORS:
            self._error(p)
        else:
            self._drop(p, ICMP_TYPE)

    def _echo(self, p: Pbuf, header: Ipv4Header) -> None:
        src = header.dst
        if is_multicast(src):
            if not self._profile.lwip_multicast_ping:
                self._drop(p, ICMP_GROUP_PING)
                return
            src = self._netif.ip
        elif self._netif.is_broadcast(src):
            if not self._profile.lwip_broadcast_ping:
                self._drop(p, ICMP_GROUP_PING)
                return
            src = self._netif.ip
        data = p.data
        if len(data) < MESSAGE_HEADER_LEN:
            self._drop(p, ICMP_SHORT)
        elif not is_valid(residue(data)):
            self._drop(p, ICMP_CHECKSUM)
        else:
            self._reply(p, header, src)

    def _reply(self, p: Pbuf, header: Ipv4Header, src: int) -> None:
        """Send a request back; the source of the ping need not be where the frame came from."""
        profile = self._profile
        header.dst, header.src = header.src, src
        header.ttl = profile.icmp_ttl
        if "echo_reply_keeps_header" not in profile.quirks:
            self._fresh_reply(p, header)
            return
        hold: Holdable
        parts = p.parts
        if profile.pbuf_link_hlen > LINK_HLEN:  # lwIP: no room in front for the link header it thinks of
            copy = self._core.mem.tx.link(header.header_len + len(p.data))
            if copy is None:
                self._drop(p, ICMP_NO_MEMORY)
                return
            p.free()
            hold, parts = copy, None
        else:
            hold = _ReceiveHold(p)
        data = p.data
        checksum = int.from_bytes(data[2:4], "big") + (ECHO << 8)
        if checksum > 0xFFFF:
            checksum -= 0xFFFF
        packet = (
            ip_header.emit(header) + bytes((ECHO_REPLY, data[1])) + checksum.to_bytes(2, "big") + data[4:]
        )
        self._stats.xmit += 1
        if parts is not None:
            parts = [header.header_len + parts[0], *parts[1:]]
        self._ipv4.output_packet(packet, hold, parts)
        hold.free()

    def _fresh_reply(self, p: Pbuf, header: Ipv4Header) -> None:
        """Answer with a packet of our own (RFC 1122 3.2.2.6 only asks that the data comes back)."""
        buf = self._core.mem.tx.ip(len(p.data))
        if buf is not None:
            self._stats.xmit += 1
            message = IcmpMessage(ECHO_REPLY, 0, int.from_bytes(p.data[4:8], "big"), p.data[8:])
            options = ip_header.recorded_options(header.options)
            self._ipv4.output_if(
                emit(message), header.src, header.dst, header.ttl, 0, PROTO_ICMP, buf, options
            )
            buf.free()
        p.free()

    # Errors

    def _error(self, p: Pbuf) -> None:
        """Tell the protocol of the quoted packet (RFC 1122 3.2.2.1)."""
        message = parse(p.data)
        quoted = ip_header.parse(message.data) if message is not None else None
        if message is None or quoted is None or quoted.src != self._netif.ip:
            self._drop(p, ICMP_QUOTE)
            return
        p.free()
        handler = self._ipv4.error_handlers.get(quoted.proto)
        if handler is not None:
            handler(message.type, message.code, quoted, message.data[quoted.header_len :])

    def send_error(self, kind: int, code: int, packet: bytes) -> None:
        """Tell the source of ``packet`` (IP header included) what was wrong with it (``icmp_send_response``).

        Quoted are 28 bytes, with IP options, too (quirk icmp_quotes_28_bytes). Without memory or route
        nothing is sent. lwIP: the receiver may be 0.0.0.0, and packets that are ICMP errors themselves get
        one (RFC 1122 3.2.2: must not).
        """
        if self._errors_limit is not None and not self._errors_limit.take(self._core.ms):
            return
        quote = packet[:QUOTE_LEN]
        if "icmp_quotes_28_bytes" not in self._profile.quirks:
            quote = packet[: (packet[0] & 15) * 4 + MESSAGE_HEADER_LEN]
        buf = self._core.mem.tx.ip(MESSAGE_HEADER_LEN + len(quote))
        if buf is None:
            return
        to = int.from_bytes(packet[12:16], "big")
        if self._ipv4.route(to):
            self._stats.xmit += 1
            message = emit(IcmpMessage(kind, code, 0, quote))
            self._ipv4.output_if(message, self._netif.ip, to, self._profile.icmp_ttl, 0, PROTO_ICMP, buf)
        buf.free()

    def port_unreachable(self, packet: bytes) -> None:
        """Nobody listens on the port of a datagram."""
        if self._profile.lwip_icmp:
            self.send_error(UNREACHABLE, CODE_PORT, packet)

    def _protocol_unreachable(self, packet: bytes) -> None:
        self.send_error(UNREACHABLE, CODE_PROTOCOL, packet)

    def _reassembly_expired(self, packet: bytes) -> None:
        self.send_error(TIME_EXCEEDED, CODE_REASSEMBLY, packet)

    def _drop(self, p: Pbuf, reason: Drop) -> None:
        self._core.drop(reason)
        p.free()
