"""Named profiles: devices by name, each the differences of its ``lwipopts.h`` from the defaults.

A new board is one entry of ``device_profiles.BOARDS``; lwIP itself, in several builds, is described here.
"""

from __future__ import annotations

from functools import cache

from netstack.device_profiles import BOARDS, Device, Part
from netstack.options import ProfileError, suggest
from netstack.profile import Profile

__all__ = ["PROFILES", "Device", "Part", "named", "names"]

_LWIP: dict[str, Device] = {
    "lwip-default": Device(
        "lwIP 2.2.1 with the defaults of opt.h",
        (),
        "MEM_ALIGNMENT is 4, and what opt.h leaves out but costs nothing until used is there (DHCP, DNS,"
        " IGMP, static ARP entries), as in the recordings.",
    ),
    "lwip-2.1.3": Device(
        "lwIP 2.1.3, Debian's, with the defaults of its opt.h",
        (Part("lwIP 2.1.3", {"lwip_version": "2.1.3"}),),
        "Differs from 2.2.1 by its quirks only: `netstack profiles diff lwip-default lwip-2.1.3` lists them.",
    ),
    "contrib-unix": Device(
        "lwIP's own port for Unix as a library: 4 connections, 8 receive buffers, reassembly of one datagram",
        (
            Part(
                "lwip contrib/ports/unix/lib/lwipopts.h",
                {
                    "mem_alignment": 1,
                    "mem_size": 1600,
                    "memp_num_pbuf": 16,
                    "memp_num_raw_pcb": 4,
                    "memp_num_udp_pcb": 4,
                    "memp_num_tcp_pcb": 4,
                    "memp_num_tcp_pcb_listen": 4,
                    "memp_num_tcp_seg": 16,
                    "memp_num_reassdata": 1,
                    "memp_num_arp_queue": 2,
                    "ip_reass_maxage": 3,
                    "ip_reass_max_pbufs": 4,
                    "lwip_raw": 1,
                    "lwip_dhcp": 0,
                    "lwip_igmp": 0,
                    "lwip_dns": 0,
                    "so_reuse": 1,
                    "pbuf_link_hlen": 16,
                    "pbuf_pool_size": 8,
                },
            ),
            Part("the same file: MEMP_NUM_NETBUF, there for all sockets together", {"udp_rxq": 2}),
            Part("a 64-bit CPU", {"sizeof_pbuf": 24, "sizeof_heap_header": 6}),
        ),
        "MEM_ALIGNMENT is 1, so blocks of the heap are not rounded.",
    ),
}

_BUILDS: dict[str, Device] = {
    "esp-like": Device(
        "plain lwIP 2.2.1 with the numbers of ESP-IDF: MSS 1440, 16 connections, no reassembly",
        (
            Part(
                "tests/golden/esp-like.options, after esp-idf components/lwip/Kconfig",
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
        ),
        "As recorded from real lwIP; for the device itself take esp32-idf.",
    ),
    "full": Device(
        "lwIP 2.2.1 with everything: window scale, timestamps, SACK, 1 MB of heap",
        (
            Part(
                "tests/golden/full.options",
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
        ),
        "No board has all of it; it shows what lwIP can do.",
    ),
    "strict": Device(
        "no real device: every quirk of lwIP off, room for 16 connections",
        (
            Part(
                "chosen for the emulator: Ethernet's MSS, windows of 8 segments, pools that hold them",
                {
                    "mem_size": 64000,
                    "memp_num_pbuf": 64,
                    "memp_num_udp_pcb": 16,
                    "memp_num_tcp_pcb": 16,
                    "memp_num_tcp_pcb_listen": 16,
                    "memp_num_tcp_seg": 128,
                    "arp_queueing": 1,
                    "ip_reass_max_pbufs": 48,
                    "lwip_raw": 1,
                    "lwip_netif_hostname": 1,
                    "tcp_mss": 1460,
                    "tcp_wnd": 8 * 1460,
                    "tcp_snd_buf": 8 * 1460,
                    "tcp_listen_backlog": 1,
                    "lwip_tcp_keepalive": 1,
                    "so_reuse": 1,
                    "pbuf_pool_size": 64,
                },
            ),
        ),
        "Where lwIP departs from the RFCs, this follows the RFCs: a peer that cannot talk to it is at fault."
        " What no RFC forbids stays lwIP's (Reno, time-outs in ticks of 500 ms).",
        frozenset(),
    ),
}

PROFILES: dict[str, Device] = _LWIP | BOARDS | _BUILDS


@cache
def named(name: str) -> Profile:
    """The profile of that name, the same object each time. Raises ProfileError with the nearest name."""
    device = PROFILES.get(name)
    if device is None:
        hint = suggest(name, PROFILES) or " (netstack.profiles.names() lists them)"
        raise ProfileError(f"unknown profile {name}{hint}")
    return Profile.from_options(device.options, name, quirks=device.quirks)


def names() -> tuple[str, ...]:
    """The names of all profiles."""
    return tuple(PROFILES)
