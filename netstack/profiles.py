"""Named profiles: devices by name, each the differences of its ``lwipopts.h`` from the defaults.

A new device is one entry of ``PROFILES``.
Sources: lwIP 2.2.1 opt.h; MicroPython extmod/lwip-include/lwipopts_common.h; ESP-IDF components/lwip/Kconfig.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from netstack.options import ProfileError, suggest
from netstack.profile import Profile


class Named(NamedTuple):
    """One line about the device, the options its port sets, and its quirks (None: all of its version)."""

    summary: str
    options: dict[str, int | str]
    quirks: tuple[str, ...] | None = None


PROFILES: dict[str, Named] = {
    "lwip-default": Named("lwIP 2.2.1 with the defaults of opt.h", {}),
    "micropython": Named(
        "MicroPython on rp2, stm32, mimxrt: MSS 800, 8000 bytes of heap, modlwip sockets",
        {
            "mem_size": 8000,
            "memp_num_tcp_seg": 32,
            "lwip_raw": 1,
            "lwip_dhcp_does_acd_check": 0,
            "lwip_dhcp_check_link_up": 1,
            "lwip_netif_hostname": 1,
            "lwip_dns_support_mdns_queries": 1,
            "tcp_mss": 800,
            "tcp_wnd": 6400,
            "tcp_snd_buf": 6400,
            "tcp_listen_backlog": 1,
            "so_reuse": 1,
            "api": "modlwip",
        },
    ),
    "esp-like": Named(
        "lwIP with the numbers of ESP-IDF: MSS 1440, 16 connections, no reassembly",
        {
            "mem_size": 65536,
            "memp_num_udp_pcb": 16,
            "memp_num_tcp_pcb": 16,
            "memp_num_tcp_pcb_listen": 16,
            "memp_num_tcp_seg": 64,
            "arp_queueing": 1,
            "ip_reassembly": 0,
            "lwip_raw": 1,
            "lwip_dhcp_does_acd_check": 0,
            "lwip_netif_hostname": 1,
            "tcp_mss": 1440,
            "tcp_wnd": 5760,
            "tcp_snd_buf": 5760,
            "tcp_ooseq_max_pbufs": 4,
            "tcp_listen_backlog": 1,
            "lwip_tcp_keepalive": 1,
            "so_reuse": 1,
            "lwip_tcp_rto_time": 1500,
            "tcp_synmaxrtx": 12,
            "pbuf_pool_size": 64,
        },
    ),
    "full": Named(
        "lwIP with everything: window scale, timestamps, SACK, 1 MB of heap",
        {
            "mem_size": 1048576,
            "memp_num_udp_pcb": 16,
            "memp_num_tcp_pcb": 16,
            "memp_num_tcp_pcb_listen": 16,
            "memp_num_tcp_seg": 256,
            "memp_num_frag_pbuf": 64,
            "arp_queueing": 1,
            "ip_reass_max_pbufs": 40,
            "lwip_raw": 1,
            "lwip_netif_hostname": 1,
            "tcp_mss": 1460,
            "tcp_wnd": 116800,
            "tcp_snd_buf": 58400,
            "lwip_wnd_scale": 1,
            "tcp_rcv_scale": 1,
            "lwip_tcp_sack_out": 1,
            "lwip_tcp_timestamps": 1,
            "tcp_listen_backlog": 1,
            "lwip_tcp_keepalive": 1,
            "so_reuse": 1,
            "pbuf_pool_size": 256,
        },
    ),
    "lwip-2.1.3": Named("lwIP 2.1.3 with the defaults of its opt.h", {"lwip_version": "2.1.3"}),
    "strict": Named(
        "no real device: what the RFCs ask for, every quirk of lwIP off, room for 16 connections",
        {
            "mem_size": 64000,
            "memp_num_udp_pcb": 16,
            "memp_num_tcp_pcb": 16,
            "memp_num_tcp_pcb_listen": 16,
            "memp_num_tcp_seg": 128,
            "memp_num_pbuf": 64,
            "arp_queueing": 1,
            "lwip_raw": 1,
            "lwip_netif_hostname": 1,
            "tcp_mss": 1460,
            "tcp_wnd": 11680,
            "tcp_snd_buf": 11680,
            "tcp_listen_backlog": 1,
            "lwip_tcp_keepalive": 1,
            "so_reuse": 1,
            "pbuf_pool_size": 64,
        },
        quirks=(),
    ),
}


@cache
def named(name: str) -> Profile:
    """The profile of that name, the same object each time. Raises ProfileError with the nearest name."""
    entry = PROFILES.get(name)
    if entry is None:
        hint = suggest(name, PROFILES) or f" (there are {', '.join(PROFILES)})"
        raise ProfileError(f"unknown profile {name}{hint}")
    return Profile.from_options(entry.options, name, quirks=entry.quirks)


def names() -> tuple[str, ...]:
    """The names of all profiles."""
    return tuple(PROFILES)
