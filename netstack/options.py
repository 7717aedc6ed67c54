"""The option table: every lwIP option the stack honours, with default, unit, range and what it changes.

An option keeps lwIP's name in lower case, so a ``lwipopts.h`` maps line by line. Its default is that of
``opt.h`` in lwIP 2.2.1, derived from other options by the same formulas; a derived default only looks at
options declared above it. Where a feature is compiled in here although ``opt.h`` leaves it out, the text says
so. The emulator's own options stand last.

The table is the class body of ``Options``: one typed attribute per option, so the packet path reads plain
slots. Sources: lwIP ``opt.h``, ``pbuf.h``, ``tcp_priv.h``, ``dns.h``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

U8, U16, U31, U32 = 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF

PBUF_TRANSPORT_HLEN = 20  # lwIP pbuf.h: room for a TCP header; not an option there either


class ProfileError(ValueError):
    """A profile, option or quirk that does not exist or does not fit; the message is one line for users."""


class Option(NamedTuple):
    """One row of the table.

    ``words`` are names of special values, ``choices`` the values of a text option; ``own``: not lwIP's, but
    ours.
    """

    name: str
    default: int | str | Callable[[Options], int | str]
    unit: str
    minimum: int
    maximum: int
    doc: str
    words: dict[str, int]
    choices: tuple[str, ...]
    own: bool

    @property
    def label(self) -> str:
        """How users write it: ``TCP_WND`` as in lwipopts.h, ``udp_rxq`` for an option of the emulator."""
        return self.name if self.own else self.name.upper()

    def parse(self, value: int | str) -> int | str:
        """The checked value; text is read as a decimal or 0x number. Raises ProfileError."""
        if self.choices:
            if value not in self.choices:
                raise ProfileError(f"{self.label}={value}: must be {' or '.join(self.choices)}")
            return value
        if isinstance(value, str):
            try:
                value = self.words[value] if value in self.words else int(value, 0)
            except ValueError:
                raise ProfileError(f"{self.label}={value}: not a number; {self._range()}") from None
        if not self.minimum <= value <= self.maximum:
            raise ProfileError(f"{self.label}={value}: {self._range()}")
        return int(value)

    def format(self, value: int | str) -> str:
        """The value as text that ``parse`` reads back."""
        return next((word for word, number in self.words.items() if number == value), str(value))

    def _range(self) -> str:
        if self.unit == "bool":
            return "must be 0 or 1"
        words = "".join(f" or {word}" for word in self.words)
        return f"must be {self.minimum}..{self.maximum}{words} ({self.unit})"


def option(
    default: int | str | Callable[[Options], int | str],
    unit: str,
    minimum: int,
    maximum: int,
    doc: str,
    *,
    words: dict[str, int] | None = None,
    choices: tuple[str, ...] = (),
    own: bool = False,
) -> Any:
    """A row of the table, to be assigned to the attribute in the body of ``Options``."""
    row = Option("", default, unit, minimum, maximum, doc, words or {}, choices, own)  # OPTIONS adds the name
    return field(metadata={"row": row})


def _switch(default: int | Callable[[Options], int], doc: str) -> Any:
    return option(default, "bool", 0, 1, doc)


def _own(default: int | Callable[[Options], int], unit: str, minimum: int, maximum: int, doc: str) -> Any:
    return option(default, unit, minimum, maximum, doc, own=True)


def _text(default: str, choices: tuple[str, ...], doc: str) -> Any:
    return option(default, "name", 0, 0, doc, choices=choices, own=True)


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False, kw_only=True)
class Options:
    """The values of all options; made by ``Profile.make``, compared and hashed by identity."""

    def align(self, size: int) -> int:
        """``size`` bytes rounded up to MEM_ALIGNMENT (lwIP LWIP_MEM_ALIGN_SIZE)."""
        return (size + self.mem_alignment - 1) & -self.mem_alignment

    # Heap and pools: what runs out, and how much of it there is
    mem_alignment: int = option(4, "byte", 1, 64,
        "rounding of every heap block and pool buffer (opt.h: 1, but every port sets its CPU's)")
    mem_size: int = option(1600, "byte", 12, U31,
        "heap for all outgoing frames; when full, writes fail with ERR_MEM and ACKs, RSTs, echo replies "
        "stay unsent")
    memp_num_pbuf: int = option(16, "count", 0, U16,
        "headers for referenced (zero-copy) data being sent; none left: the write fails with ERR_MEM")
    memp_num_raw_pcb: int = option(4, "count", 0, U16, "raw sockets that can exist")
    memp_num_udp_pcb: int = option(4, "count", 0, U16,
        "UDP sockets that can exist; DHCP takes one, each DNS query under way one")
    memp_num_tcp_pcb: int = option(5, "count", 0, U16,
        "TCP connections incl. half-open and TIME_WAIT; one more SYN kills an old pcb or is silently dropped")
    memp_num_tcp_pcb_listen: int = option(8, "count", 0, U16,
        "listeners that can exist; one more: listen fails")
    memp_num_tcp_seg: int = option(16, "count", 0, U16,
        "TCP segments queued by all connections (unsent, unacked, out of order); none left: ERR_MEM")
    memp_num_reassdata: int = option(5, "count", 0, U16,
        "datagrams in reassembly at a time; one more evicts the oldest (ICMP time exceeded)")
    memp_num_frag_pbuf: int = option(15, "count", 0, U16, "outgoing fragments held at a time")
    memp_num_arp_queue: int = option(30, "count", 0, U16,
        "packets waiting for ARP replies in all queues (with ARP_QUEUEING); one more is dropped")
    memp_num_igmp_group: int = option(8, "count", 0, U16,
        "multicast memberships, incl. 224.0.0.1 of the interface")

    # ARP
    arp_table_size: int = option(10, "entries", 1, 0x7FFF,
        "ARP cache; a new neighbour evicts the oldest entry")
    arp_maxage: int = option(300, "s", 1, U16,
        "life of an entry; asked again by unicast 30 s, by broadcast 15 s before its end, if used")
    arp_queueing: int = _switch(0, "1: ARP_QUEUE_LEN packets wait for a reply; 0: one, the newest survives")
    arp_queue_len: int = option(3, "packets", 1, U16,
        "packets waiting for one reply with ARP_QUEUEING, oldest dropped")
    etharp_support_static_entries: int = _switch(1, "ARP entries that never age can be set (opt.h: 0)")

    # IPv4, ICMP, IGMP, raw
    ip_forward: int = _switch(0, "packets for others are forwarded; 0: dropped silently")
    ip_reassembly: int = _switch(1, "fragments are reassembled; 0: every fragment is dropped")
    ip_frag: int = _switch(1, "packets over the MTU are sent in fragments; 0: not at all")
    ip_options_allowed: int = _switch(1,
        "packets with IP options are taken, options skipped; 0: dropped (not IGMP)")
    ip_reass_maxage: int = option(15, "s", 1, U8,
        "an incomplete datagram is given up on the tick after so many")
    ip_reass_max_pbufs: int = option(10, "pbufs", 0, U16,
        "receive buffers all reassemblies may hold; limits the largest datagram (and ping) taken")
    ip_default_ttl: int = option(255, "hops", 1, U8,
        "TTL of every packet, unless one of the next says otherwise")
    icmp_ttl: int = option(lambda o: o.ip_default_ttl, "hops", 1, U8, "TTL of ICMP errors and echo replies")
    raw_ttl: int = option(lambda o: o.ip_default_ttl, "hops", 1, U8, "TTL of raw sockets")
    udp_ttl: int = option(lambda o: o.ip_default_ttl, "hops", 1, U8, "TTL of UDP, multicast included")
    tcp_ttl: int = option(lambda o: o.ip_default_ttl, "hops", 1, U8, "TTL of TCP")
    ip_sof_broadcast: int = _switch(0, "sending broadcasts needs SO_BROADCAST")
    ip_sof_broadcast_recv: int = _switch(0, "receiving broadcasts needs SO_BROADCAST")
    lwip_icmp: int = _switch(1, "ping is answered, ICMP errors are sent")
    lwip_broadcast_ping: int = _switch(0, "ping to a broadcast address is answered")
    lwip_multicast_ping: int = _switch(0, "ping to a multicast address is answered")
    lwip_raw: int = _switch(0, "raw sockets exist")
    lwip_igmp: int = _switch(1, "multicast by membership, IGMPv2; 0: every multicast is taken (opt.h: 0)")

    # UDP, DHCP, ACD, DNS
    lwip_udp: int = _switch(1, "UDP exists; 0: protocol unreachable")
    lwip_dhcp: int = _switch(1, "DHCP client; a source of 0.0.0.0 is accepted in packets (opt.h: 0)")
    lwip_dhcp_does_acd_check: int = _switch(lambda o: o.lwip_dhcp,
        "a DHCP address is probed before use (6 to 9 s); in 2.1.3 (DHCP_DOES_ARP_CHECK) by two ARP queries")
    lwip_dhcp_check_link_up: int = _switch(0,
        "set by many ports, no effect: since lwIP 2.1 DHCP always waits for the link")
    lwip_dhcp_discover_add_hostname: int = _switch(1,
        "DISCOVER names the host, too (with LWIP_NETIF_HOSTNAME)")
    lwip_netif_hostname: int = _switch(0, "the interface can have a host name, sent to the DHCP server")
    lwip_autoip: int = _switch(0, "link-local addresses (RFC 3927); while one is used all ARP is broadcast")
    lwip_dhcp_autoip_coop: int = _switch(0, "DHCP has AutoIP choose an address when no server answers")
    lwip_dhcp_autoip_coop_tries: int = option(9, "tries", 0, U8, "DISCOVERs before that")
    lwip_acd: int = _switch(lambda o: int(bool(o.lwip_autoip or o.lwip_dhcp_does_acd_check)),
        "address conflict detection (RFC 5227); compiled in, it also ends gratuitous ARP")
    lwip_dns: int = _switch(1, "DNS client (opt.h: 0)")
    dns_table_size: int = option(4, "entries", 1, U8,
        "names cached or being asked; one more question: ERR_MEM")
    dns_max_name_length: int = option(256, "byte", 2, U16, "a name this long or longer is refused: ERR_ARG")
    dns_max_servers: int = option(2, "count", 1, U8, "servers kept, asked one after the other")
    dns_max_retries: int = option(4, "queries", 1, U8, "queries to each server")
    dns_tmr_interval: int = option(1000, "ms", 1, U31, "tick of DNS repetitions and of its cache's ages")
    lwip_dns_secure: int = option(7, "flags", 0, 7,
        "1 random query id, 2 equal names share a query, 4 random source port")
    lwip_dns_support_mdns_queries: int = _switch(0, "names ending in .local are asked by multicast DNS")
    lwip_dhcp_max_dns_servers: int = option(lambda o: o.dns_max_servers, "count", 0, U8,
        "DNS servers taken from DHCP")

    # TCP sizes
    tcp_mss: int = option(536, "byte", 1, 65495,
        "largest segment: announced in our SYN (at most MTU - 40), and the most we send")
    tcp_wnd: int = option(lambda o: 4 * o.tcp_mss, "byte", 1, U32,
        "receive window announced; byte-swapped in RSTs (quirk rst_window_byteswap)")
    tcp_wnd_update_threshold: int = option(lambda o: min(o.tcp_wnd // 4, 4 * o.tcp_mss), "byte", 0, U32,
        "a window update is sent when reading has opened the window by this much")
    tcp_snd_buf: int = option(lambda o: 2 * o.tcp_mss, "byte", 1, U32,
        "bytes a connection takes from the application before acknowledgement; also the initial ssthresh")
    tcp_snd_queuelen: int = option(
        lambda o: (4 * o.tcp_snd_buf + o.tcp_mss - 1) // o.tcp_mss, "pbufs", 0, U32,
        "buffers a connection may queue; many small writes reach it before TCP_SND_BUF: ERR_MEM")
    tcp_sndlowat: int = option(
        lambda o: min(max(o.tcp_snd_buf // 2, 2 * o.tcp_mss + 1), o.tcp_snd_buf - 1), "byte", 0, U32,
        "poll calls a socket writable when more than this is free (and the next holds)")
    tcp_sndqueuelowat: int = option(lambda o: max(o.tcp_snd_queuelen // 2, 5), "pbufs", 0, U32,
        "poll calls a socket writable when fewer buffers than this are queued")
    tcp_oversize: int = option(lambda o: o.tcp_mss, "byte", 0, U16,
        "room added to a copied segment, so that later small writes join it instead of taking new buffers")
    tcp_calculate_eff_send_mss: int = _switch(1, "the MSS is limited by the interface's MTU")
    lwip_wnd_scale: int = _switch(0, "window scale option, windows over 65535")
    tcp_rcv_scale: int = option(0, "bits", 0, U8, "shift of our announced window, with LWIP_WND_SCALE")

    # TCP features
    tcp_queue_ooseq: int = _switch(1, "out-of-order segments are kept; 0: the peer repeats all")
    tcp_ooseq_max_bytes: int = option(0, "byte", 0, U32,
        "out-of-order bytes kept per connection; 0: no limit")
    tcp_ooseq_max_pbufs: int = option(0, "pbufs", 0, U16,
        "out-of-order buffers kept per connection; 0: no limit")
    lwip_tcp_sack_out: int = _switch(0, "SACK blocks are sent (they are never used when received)")
    lwip_tcp_max_sack_num: int = option(4, "blocks", 0, U8,
        "SACK blocks in an ACK (one less with timestamps)")
    lwip_tcp_timestamps: int = _switch(0, "timestamps option, in milliseconds; costs 12 bytes a segment")
    tcp_listen_backlog: int = _switch(0,
        "listen(backlog) limits connections, more SYNs are dropped; 0: no limit")
    tcp_default_listen_backlog: int = option(0xFF, "count", 0, U8, "backlog of a listen without the argument")
    lwip_tcp_keepalive: int = _switch(0, "TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT can be set per socket")
    so_reuse: int = _switch(0, "SO_REUSEADDR exists; 0: a port in TIME_WAIT cannot be bound again")

    # TCP times; what lwIP counts in ticks is rounded to TCP_SLOW_INTERVAL
    tcp_tmr_interval: int = option(250, "ms", 1, U31,
        "TCP's one timer: delayed ACKs leave on it, every second is slow")
    tcp_fast_interval: int = option(lambda o: o.tcp_tmr_interval, "ms", 1, U31, "nominal fast tick")
    tcp_slow_interval: int = option(lambda o: 2 * o.tcp_tmr_interval, "ms", 1, U31,
        "nominal slow tick, the unit of every retransmission, persist, keep-alive and TIME_WAIT time")
    lwip_tcp_rto_time: int = option(3000, "ms", 1, U31,
        "first retransmission time-out, and the gap between SYNs")
    tcp_maxrtx: int = option(12, "times", 0, U8,
        "retransmissions (or unanswered window probes) before giving up")
    tcp_synmaxrtx: int = option(6, "times", 0, U8, "SYN retransmissions before connect fails")
    tcp_fin_wait_timeout: int = option(20000, "ms", 0, U31, "limit of FIN_WAIT_2 after close")
    tcp_syn_rcvd_timeout: int = option(20000, "ms", 0, U31, "limit of a half-open connection")
    tcp_ooseq_timeout: int = option(6, "x rto", 0, U16,
        "out-of-order data is thrown away after so many time-outs")
    tcp_msl: int = option(60000, "ms", 0, U31, "TIME_WAIT and LAST_ACK last twice this")
    tcp_keepidle_default: int = option(7200000, "ms", 0, U32, "idle time before the first keep-alive probe")
    tcp_keepintvl_default: int = option(75000, "ms", 0, U32, "time between keep-alive probes")
    tcp_keepcnt_default: int = option(9, "probes", 0, U32, "unanswered probes before the connection is reset")
    lwip_disable_tcp_sanity_checks: int = _switch(0,
        "allows sets lwIP warns about (window over the pool, ...)")

    # Packet buffers
    pbuf_link_hlen: int = option(14, "byte", 14, U8,
        "room for the link header in front of every outgoing packet")
    pbuf_ip_hlen: int = option(20, "byte", 20, U8,
        "room for the IP header; 40 in builds with IPv6 (MicroPython rp2)")
    pbuf_pool_size: int = option(16, "count", 0, U16,
        "receive buffers; data the application has not read holds them; with none left every frame is lost")
    pbuf_pool_bufsize: int = option(
        lambda o: o.align(o.tcp_mss + o.pbuf_ip_hlen + PBUF_TRANSPORT_HLEN + o.pbuf_link_hlen), "byte",
        1, U16,
        "bytes of a receive buffer; longer frames take several")
    lwip_netif_tx_single_pbuf: int = _switch(0, "a frame is one buffer: segments are allocated at full size")
    lwip_so_sndtimeo: int = _switch(0, "SO_SNDTIMEO exists")

    # The emulator's own
    sizeof_heap_header: int = _own(8, "byte", 0, U8,
        "lwIP's struct mem in a heap of at most 64000 bytes (see Profile.heap_block_header)")
    sizeof_pbuf: int = _own(16, "byte", 0, U8,
        "lwIP's struct pbuf, in front of the data (16 on a 32-bit CPU)")
    heap_min_block: int = _own(12, "byte", 0, U8, "smallest payload of a heap block (lwIP MIN_SIZE)")
    lwip_version: str = _text("2.2.1", ("2.2.1", "2.1.3"),
        "lwIP release imitated; chooses the default quirks")
    api: str = _text("netconn", ("netconn", "modlwip"),
        "socket layer: lwIP's sockets, or MicroPython's extmod/modlwip.c")
    api_listen_queue: int = option(lambda o: 0 if o.api == "modlwip" else 255, "connections", 0, U8,
        "finished connections waiting for accept; one more is reset; backlog (0): as many as listen said",
        words={"backlog": 0}, own=True)
    api_close_timeout_ms: int = _own(lambda o: 10000 if o.api == "modlwip" else 0, "ms", 0, U31,
        "a closed connection that makes no progress is reset after this, 0: never (modlwip: 20 slow ticks)")
    udp_rxq: int = _own(lambda o: 4 if o.api == "modlwip" else 6, "datagrams", 1, U16,
        "datagrams waiting in a UDP or raw socket, further ones are dropped")
    poll_interval_ms: int = _own(1, "ms", 1, U31,
        "how often the port looks at lwIP's timers; 1: exact, 64: MicroPython rp2, 128: stm32 and mimxrt")


OPTIONS: dict[str, Option] = {f.name: f.metadata["row"]._replace(name=f.name) for f in fields(Options)}


def suggest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean tcp_wnd?)`` when one of ``known`` is near, else nothing. For error messages."""
    from difflib import get_close_matches  # only when something is wrong: keeps the import quick

    near = get_close_matches(word, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def is_option(name: str) -> bool:
    """True if ``name``, in upper or lower case, is an option of the table."""
    return name.lower() in OPTIONS


def lookup(name: str) -> Option:
    """The row of an option, named in upper or lower case. Raises ProfileError with the nearest name."""
    row = OPTIONS.get(name.lower())
    if row is None:
        labels = {known: known.upper() if name.isupper() else known for known in OPTIONS}
        hint = suggest(name.upper() if name.isupper() else name.lower(), labels.values())
        raise ProfileError(f"unknown option {name}{hint}")
    return row


def parse_setting(text: str) -> tuple[str, int | str]:
    """``TCP_WND=8192`` to ``("tcp_wnd", 8192)``, as --set takes it. Raises ProfileError with one line."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not name:
        raise ProfileError(f"not a setting: {text!r} (write NAME=VALUE, like TCP_WND=8192)")
    row = lookup(name)
    if not value:
        missing = "has no value" if equals else "needs a value"
        raise ProfileError(f"{row.label} {missing} (write {row.label}=VALUE; {row._range()})")
    return row.name, row.parse(value)
