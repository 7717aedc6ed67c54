"""Options that do not fit together, refused with the words of lwIP's own compile-time checks.

lwIP refuses to compile such sets (``init.c``, an ``#error`` each). The checks that concern our options are
here, with lwIP's messages; the second table is what LWIP_DISABLE_TCP_SANITY_CHECKS=1 allows. A few rules are
ours: sets that lwIP compiles but that then cannot work as written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from netstack.options import OPTIONS, PBUF_TRANSPORT_HLEN, Options, ProfileError


class Rule(NamedTuple):
    """``broken`` is true for a set that breaks the rule; ``names`` are shown with their values."""

    broken: Callable[[Options], int]
    message: str
    names: str
    source: str = "lwIP init.c"


_OURS = "emulator"


def _needs(what: str, definition: str) -> str:
    """How most of lwIP's messages go."""
    return f"If you want to use {what}, you have to define {definition} in your lwipopts.h"


def _too_big(what: str, mend: str = "") -> str:
    reduce = "so, you have to reduce it in your lwipopts.h"
    return f"If you want to use TCP, {what} must fit in an u16_t, {reduce}{mend}"


RULES: tuple[Rule, ...] = (
    Rule(
        lambda o: o.mem_alignment & o.mem_alignment - 1,
        "MEM_ALIGNMENT must be a power of two",
        "mem_alignment",
        _OURS,
    ),
    Rule(
        lambda o: o.ip_sof_broadcast_recv and not o.ip_sof_broadcast,
        _needs("broadcast filter per pcb on recv operations", "IP_SOF_BROADCAST=1"),
        "ip_sof_broadcast_recv ip_sof_broadcast",
    ),
    Rule(lambda o: o.lwip_dhcp and not o.lwip_udp, _needs("DHCP", "LWIP_UDP=1"), "lwip_dhcp lwip_udp"),
    Rule(lambda o: o.lwip_dns and not o.lwip_udp, _needs("DNS", "LWIP_UDP=1"), "lwip_dns lwip_udp"),
    Rule(
        lambda o: o.arp_queueing and not o.memp_num_arp_queue,
        _needs("ARP Queueing", "MEMP_NUM_ARP_QUEUE>=1"),
        "arp_queueing memp_num_arp_queue",
    ),
    Rule(
        lambda o: o.lwip_raw and not o.memp_num_raw_pcb,
        _needs("RAW", "MEMP_NUM_RAW_PCB>=1"),
        "lwip_raw memp_num_raw_pcb",
    ),
    Rule(
        lambda o: o.lwip_udp and not o.memp_num_udp_pcb,
        _needs("UDP", "MEMP_NUM_UDP_PCB>=1"),
        "lwip_udp memp_num_udp_pcb",
    ),
    Rule(lambda o: not o.memp_num_tcp_pcb, _needs("TCP", "MEMP_NUM_TCP_PCB>=1"), "memp_num_tcp_pcb"),
    Rule(
        lambda o: o.lwip_igmp and o.memp_num_igmp_group <= 1,
        _needs("IGMP", "MEMP_NUM_IGMP_GROUP>1"),
        "lwip_igmp memp_num_igmp_group",
    ),
    Rule(
        lambda o: o.lwip_igmp and not (o.lwip_udp or o.lwip_raw),
        _needs("IGMP", "LWIP_MULTICAST_TX_OPTIONS==1"),
        "lwip_igmp lwip_udp lwip_raw",
    ),
    Rule(
        lambda o: o.ip_reassembly and o.memp_num_reassdata > o.ip_reass_max_pbufs,
        "MEMP_NUM_REASSDATA > IP_REASS_MAX_PBUFS doesn't make sense since each struct ip_reassdata must hold"
        " 2 pbufs at least!",
        "memp_num_reassdata ip_reass_max_pbufs",
    ),
    Rule(
        lambda o: o.lwip_wnd_scale and o.tcp_rcv_scale > 14,
        "The maximum valid window scale value is 14!",
        "tcp_rcv_scale",
    ),
    Rule(
        lambda o: o.lwip_wnd_scale and o.tcp_wnd > 0xFFFF << o.tcp_rcv_scale,
        "TCP_WND is bigger than the configured LWIP_WND_SCALE allows!",
        "tcp_wnd tcp_rcv_scale",
    ),
    Rule(
        lambda o: o.lwip_wnd_scale and not o.tcp_wnd >> o.tcp_rcv_scale,
        "TCP_WND is too small for the configured LWIP_WND_SCALE (results in zero window)!",
        "tcp_wnd tcp_rcv_scale",
    ),
    Rule(
        lambda o: not o.lwip_wnd_scale and o.tcp_wnd > 0xFFFF,
        _too_big("TCP_WND", " (or enable window scaling)"),
        "tcp_wnd lwip_wnd_scale",
    ),
    Rule(
        lambda o: not o.lwip_wnd_scale and o.tcp_snd_buf > 0xFFFF,
        "TCP_SND_BUF must fit in an u16_t (or enable window scaling): lwIP counts it in a tcpwnd_size_t",
        "tcp_snd_buf lwip_wnd_scale",
        _OURS,
    ),
    Rule(lambda o: o.tcp_snd_queuelen > 0xFFFF, _too_big("TCP_SND_QUEUELEN"), "tcp_snd_queuelen"),
    Rule(
        lambda o: o.tcp_snd_queuelen < 2,
        "TCP_SND_QUEUELEN must be at least 2 for no-copy TCP writes to work",
        "tcp_snd_queuelen",
    ),
    Rule(
        lambda o: o.tcp_maxrtx > 12 or o.tcp_synmaxrtx > 12,
        "If you want to use TCP, TCP_MAXRTX and TCP_SYNMAXRTX must less or equal to 12 (due to tcp_backoff"
        " table), so, you have to reduce them in your lwipopts.h",
        "tcp_maxrtx tcp_synmaxrtx",
    ),
    Rule(
        lambda o: o.lwip_tcp_sack_out and not o.tcp_queue_ooseq,
        "To use LWIP_TCP_SACK_OUT, TCP_QUEUE_OOSEQ needs to be enabled",
        "lwip_tcp_sack_out tcp_queue_ooseq",
    ),
    Rule(
        lambda o: o.lwip_tcp_sack_out and o.lwip_tcp_max_sack_num < 1,
        "LWIP_TCP_MAX_SACK_NUM must be greater than 0",
        "lwip_tcp_max_sack_num",
    ),
    Rule(
        lambda o: o.pbuf_pool_bufsize <= o.mem_alignment,
        "PBUF_POOL_BUFSIZE must be greater than MEM_ALIGNMENT or the offset may take the full first pbuf",
        "pbuf_pool_bufsize mem_alignment",
    ),
    Rule(
        lambda o: o.lwip_netif_tx_single_pbuf and not o.tcp_oversize,
        "LWIP_NETIF_TX_SINGLE_PBUF needs TCP_OVERSIZE enabled to create single-pbuf TCP packets",
        "lwip_netif_tx_single_pbuf tcp_oversize",
    ),
    Rule(
        lambda o: o.lwip_dhcp_does_acd_check and not (o.lwip_dhcp and o.lwip_acd),
        "LWIP_DHCP_DOES_ACD_CHECK needs LWIP_DHCP=1 and LWIP_ACD=1",
        "lwip_dhcp_does_acd_check lwip_dhcp lwip_acd",
        _OURS,
    ),
    Rule(lambda o: o.lwip_autoip and not o.lwip_acd, _needs("AUTOIP", "LWIP_ACD=1"), "lwip_autoip lwip_acd"),
    Rule(
        lambda o: o.lwip_dhcp_autoip_coop and not (o.lwip_dhcp and o.lwip_autoip),
        _needs("DHCP/AUTOIP cooperation mode", "LWIP_DHCP=1 and LWIP_AUTOIP=1"),
        "lwip_dhcp_autoip_coop lwip_dhcp lwip_autoip",
    ),
    Rule(
        lambda o: o.lwip_version == "2.1.3" and o.lwip_tcp_rto_time != 3000,
        "lwIP 2.1.3 has no LWIP_TCP_RTO_TIME: its first time-out is always 3000 ms",
        "lwip_tcp_rto_time lwip_version",
        _OURS,
    ),
)


def _headers(o: Options) -> int:
    return o.pbuf_link_hlen + o.pbuf_ip_hlen + PBUF_TRANSPORT_HLEN


TCP_RULES: tuple[Rule, ...] = (
    Rule(
        lambda o: o.memp_num_tcp_seg < o.tcp_snd_queuelen,
        "MEMP_NUM_TCP_SEG should be at least as big as TCP_SND_QUEUELEN",
        "memp_num_tcp_seg tcp_snd_queuelen",
    ),
    Rule(
        lambda o: o.tcp_snd_buf < 2 * o.tcp_mss,
        "TCP_SND_BUF must be at least as much as (2 * TCP_MSS) for things to work smoothly",
        "tcp_snd_buf tcp_mss",
    ),
    Rule(
        lambda o: o.tcp_snd_queuelen < 2 * (o.tcp_snd_buf // o.tcp_mss),
        "TCP_SND_QUEUELEN must be at least as much as (2 * TCP_SND_BUF/TCP_MSS) for things to work",
        "tcp_snd_queuelen tcp_snd_buf tcp_mss",
    ),
    Rule(
        lambda o: o.tcp_sndlowat >= o.tcp_snd_buf,
        "TCP_SNDLOWAT must be less than TCP_SND_BUF",
        "tcp_sndlowat tcp_snd_buf",
    ),
    Rule(
        lambda o: o.tcp_sndlowat >= 0xFFFF - 4 * o.tcp_mss,
        "TCP_SNDLOWAT must at least be 4*MSS below u16_t overflow!",
        "tcp_sndlowat tcp_mss",
    ),
    Rule(
        lambda o: o.tcp_sndqueuelowat >= o.tcp_snd_queuelen,
        "TCP_SNDQUEUELOWAT must be less than TCP_SND_QUEUELEN",
        "tcp_sndqueuelowat tcp_snd_queuelen",
    ),
    Rule(
        lambda o: o.pbuf_pool_size and o.pbuf_pool_bufsize <= _headers(o),
        "PBUF_POOL_BUFSIZE does not provide enough space for protocol headers",
        "pbuf_pool_bufsize",
    ),
    Rule(
        lambda o: o.pbuf_pool_size and o.tcp_wnd > o.pbuf_pool_size * (o.pbuf_pool_bufsize - _headers(o)),
        "TCP_WND is larger than space provided by PBUF_POOL_SIZE * (PBUF_POOL_BUFSIZE - protocol headers)",
        "tcp_wnd pbuf_pool_size pbuf_pool_bufsize",
    ),
    Rule(lambda o: o.tcp_wnd < o.tcp_mss, "TCP_WND is smaller than MSS", "tcp_wnd tcp_mss"),
)


def check(options: Options) -> None:
    """Raises ProfileError for the first rule that is broken: lwIP's message, and the values that break it."""
    for rule in RULES:
        if rule.broken(options):
            raise ProfileError(_explain(rule, options))
    if not options.lwip_disable_tcp_sanity_checks:
        for rule in TCP_RULES:
            if rule.broken(options):
                raise ProfileError(f"{_explain(rule, options)}; LWIP_DISABLE_TCP_SANITY_CHECKS=1 allows it")


def _explain(rule: Rule, options: Options) -> str:
    values = ", ".join(f"{OPTIONS[name].label}={getattr(options, name)}" for name in rule.names.split())
    return f"{rule.message} ({values}; {rule.source})"
