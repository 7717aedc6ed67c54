"""The options of Debian's liblwip 2.1.3, on which the outcomes of the catalogue were measured.

Its pools and its heap are ``malloc``. What differs from the library: packets to our own address go out on the
wire (it has LWIP_NETIF_LOOPBACK), and a frame is received into one buffer.
"""

from __future__ import annotations

UNLIMITED = 0xFFFF

# As the headers of the package say; test_living_lwip.py compares.
OPTIONS: dict[str, int] = {
    "arp_queueing": 1,
    "arp_queue_len": 10,
    "ip_forward": 1,
    "lwip_dhcp": 0,
    "lwip_dns": 0,
    "lwip_netif_tx_single_pbuf": 1,
    "lwip_raw": 1,
    "lwip_tcp_keepalive": 1,
    "lwip_wnd_scale": 1,
    "mem_alignment": 8,
    "so_reuse": 1,
    "tcp_mss": 1460,
    "tcp_rcv_scale": 1,
    "tcp_snd_buf": 65535,
    "tcp_wnd": 65535,
}

# What stands for malloc
DEBIAN: dict[str, int] = {
    **OPTIONS,
    "mem_size": 0x1000000,
    "memp_num_arp_queue": UNLIMITED,
    "memp_num_frag_pbuf": UNLIMITED,
    "memp_num_raw_pcb": UNLIMITED,
    "memp_num_tcp_pcb": UNLIMITED,
    "memp_num_tcp_pcb_listen": UNLIMITED,
    "memp_num_tcp_seg": UNLIMITED,
    "memp_num_udp_pcb": UNLIMITED,
    "pbuf_pool_size": UNLIMITED,
    "pbuf_pool_bufsize": UNLIMITED,
}
