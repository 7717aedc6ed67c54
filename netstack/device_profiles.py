"""The boards behind the named profiles: which option each port sets, and where that is written.

A device is a list of ``Part``s, each with the file its values come from; a later part overrides an earlier
one. What a device never sets has the default of lwIP's ``opt.h``. Versions read: MicroPython 1c3c201,
pico-examples 4c3a3dc, ESP-IDF 102122904.
"""

from __future__ import annotations

from typing import NamedTuple

from netstack.quirks import quirks_of


class Part(NamedTuple):
    """Options, by their lower-case names, and the file that says so."""

    source: str
    options: dict[str, int | str]


class Device(NamedTuple):
    """One line about the device, what its port sets, what else one should know, and its quirks (None: all of
    its lwIP version).
    """

    summary: str
    parts: tuple[Part, ...]
    text: str
    quirks: frozenset[str] | None = None

    @property
    def options(self) -> dict[str, int | str]:
        """What the port sets, all parts together."""
        return {name: value for part in self.parts for name, value in part.options.items()}


# MicroPython ------------------------------------------------------------------------------------------------

_MICROPYTHON = Part(
    "micropython extmod/lwip-include/lwipopts_common.h",
    {
        "mem_alignment": 4,
        "lwip_raw": 1,
        "lwip_dhcp": 1,
        "lwip_dhcp_check_link_up": 1,
        "lwip_dhcp_does_acd_check": 0,  # its comment: to speed DHCP up
        "lwip_netif_hostname": 1,
        "lwip_dns": 1,
        "lwip_dns_support_mdns_queries": 1,
        "lwip_igmp": 1,
        "tcp_listen_backlog": 1,
        "so_reuse": 1,
    },
)
_MICROPYTHON_800 = Part(
    "micropython extmod/lwip-include/lwipopts_common.h, TCP memory settings",
    {"mem_size": 8000, "tcp_mss": 800, "tcp_wnd": 8 * 800, "tcp_snd_buf": 8 * 800, "memp_num_tcp_seg": 32},
)
_MDNS_PCB = Part(
    "micropython lwipopts_common.h: (4 + LWIP_MDNS_RESPONDER), less the one that the responder takes",
    {"memp_num_udp_pcb": 4},
)
_MODLWIP = Part("micropython extmod/modlwip.c is the socket layer", {"api": "modlwip"})


def _polled(port: str, ms: int) -> Part:
    return Part(f"micropython ports/{port}/mpnetworkport.c", {"poll_interval_ms": ms})


_POLLED = (
    "The port looks at lwIP's timers every {ms} ms only, so TCP's 250 ms tick takes 256 ms, its slow tick"
    " 512 ms, and SYNs are repeated after 3.072 s."
)
_NO_MDNS = (
    "The board's mDNS responder is not emulated; the UDP pcb that it takes is already taken off"
    " MEMP_NUM_UDP_PCB."
)

# ESP-IDF ----------------------------------------------------------------------------------------------------

_ESP_LWIPOPTS = Part(
    "esp-idf components/lwip/port/include/lwipopts.h",
    {
        "mem_alignment": 4,
        "arp_queueing": 1,
        "ip_reass_maxage": 3,
        "lwip_raw": 1,
        "lwip_igmp": 1,
        "lwip_dns": 1,
        "dns_max_servers": 3,
        "lwip_dhcp": 1,
        "lwip_netif_hostname": 1,
        "tcp_listen_backlog": 1,
        "lwip_tcp_keepalive": 1,
        "lwip_so_sndtimeo": 1,
        "lwip_netif_tx_single_pbuf": 1,
    },
)
_ESP_KCONFIG = Part(
    "esp-idf components/lwip/Kconfig, its defaults",
    {
        "memp_num_tcp_pcb": 16,  # LWIP_MAX_ACTIVE_TCP
        "memp_num_tcp_pcb_listen": 16,  # LWIP_MAX_LISTENING_TCP
        "memp_num_udp_pcb": 16,  # LWIP_MAX_UDP_PCBS
        "memp_num_raw_pcb": 16,  # LWIP_MAX_RAW_PCBS
        "etharp_support_static_entries": 1,  # LWIP_DHCPS_STATIC_ENTRIES
        "ip_reassembly": 0,  # LWIP_IP4_REASSEMBLY
        "ip_default_ttl": 64,  # LWIP_IP_DEFAULT_TTL
        "lwip_dhcp_does_acd_check": 1,  # LWIP_DHCP_DOES_ARP_CHECK
        "lwip_dns_support_mdns_queries": 1,
        "tcp_mss": 1440,
        "tcp_wnd": 4 * 1440,  # LWIP_TCP_WND_DEFAULT
        "tcp_snd_buf": 4 * 1440,  # LWIP_TCP_SND_BUF_DEFAULT
        "tcp_ooseq_max_pbufs": 4,
        "tcp_synmaxrtx": 12,  # with LWIP_TCP_HIGH_SPEED_RETRANSMISSION
        "lwip_tcp_rto_time": 1500,  # with LWIP_TCP_HIGH_SPEED_RETRANSMISSION
        "so_reuse": 1,
        "api_listen_queue": 6,  # LWIP_TCP_ACCEPTMBOX_SIZE
        "udp_rxq": 6,  # LWIP_UDP_RECVMBOX_SIZE
    },
)
_ESP_IPV6 = Part("esp-idf components/lwip/Kconfig: LWIP_IPV6=y", {"pbuf_ip_hlen": 40})
_ESP_WIFI = Part(
    "esp-idf components/esp_wifi/Kconfig: ESP_WIFI_DYNAMIC_RX_BUFFER_NUM",
    {"pbuf_pool_size": 32, "pbuf_pool_bufsize": 1600},
)
_ESP_MALLOC = Part(
    "chosen for the emulator: the real one takes everything from the C library's heap (MEM_LIBC_MALLOC,"
    " MEMP_MEM_MALLOC)",
    {"mem_size": 131072, "memp_num_tcp_seg": 256, "memp_num_pbuf": 256},
)
_ESP_QUIRKS = quirks_of("2.1.3") - {"iss_from_ticks"}  # IDF's LWIP_TCP_ISN_HOOK is RFC 6528's
_ESP_TEXT = (
    "Espressif's fork of lwIP 2.1.2: the quirks of 2.1.3, but initial sequence numbers by RFC 6528 and the"
    " options of 2.2 that the fork has taken over (LWIP_TCP_RTO_TIME)."
    " Not reproduced: connections and listeners share one limit, at which FIN_WAIT connections are"
    " sacrificed, too; a full ARP queue refuses the new packet, not the oldest; gratuitous ARP every 60 s;"
    " DHCP's back-off of 0.5, 1, 2, 4 s, its 1 s clock and its client identifier; SYN-ACKs repeated at a"
    " constant 1.5 s; the checksums of IP and UDP are not checked; received frames stay in the Wi-Fi"
    " driver's buffers, for which PBUF_POOL_SIZE stands here."
)

# The list ---------------------------------------------------------------------------------------------------

BOARDS: dict[str, Device] = {
    "micropython": Device(
        "MicroPython's common settings: MSS 800, 8000 bytes of heap, modlwip sockets",
        (_MICROPYTHON, _MICROPYTHON_800, _MDNS_PCB, _MODLWIP),
        "What rp2, stm32 and mimxrt have in common, with timers that are looked at every millisecond and no"
        " IPv6: the set that was recorded from real lwIP (tests/golden). The boards themselves poll, which"
        " shows in every time on the wire: micropython-rp2, micropython-stm32, micropython-mimxrt. "
        + _NO_MDNS,
    ),
    "micropython-rp2": Device(
        "MicroPython on a Raspberry Pi Pico W: as micropython, polled every 64 ms, IPv6 compiled in",
        (
            _MICROPYTHON,
            _MICROPYTHON_800,
            _MDNS_PCB,
            _MODLWIP,
            Part(
                "micropython lwipopts_common.h with LWIP_IPV6=1 (MICROPY_CONFIG_ROM_LEVEL_AT_LEAST_EXTRA)",
                {"pbuf_ip_hlen": 40, "lwip_multicast_ping": 1},
            ),
            _polled("rp2", 64),
        ),
        _POLLED.format(ms=64)
        + " IPv6 itself is not emulated, but the room it takes is: 20 bytes more in front of every outgoing"
        " packet, so that 8 full segments fit the heap instead of 9. " + _NO_MDNS,
    ),
    "micropython-stm32": Device(
        "MicroPython on stm32: as micropython, polled every 128 ms",
        (_MICROPYTHON, _MICROPYTHON_800, _MDNS_PCB, _MODLWIP, _polled("stm32", 128)),
        _POLLED.format(ms=128) + " " + _NO_MDNS,
    ),
    "micropython-mimxrt": Device(
        "MicroPython on NXP i.MX RT (Teensy 4.1): as micropython, polled every 128 ms",
        (_MICROPYTHON, _MICROPYTHON_800, _MDNS_PCB, _MODLWIP, _polled("mimxrt", 128)),
        _POLLED.format(ms=128) + " " + _NO_MDNS,
    ),
    "micropython-renesas-ra": Device(
        "MicroPython on Renesas RA: MSS 1460, 16 KiB of heap, polled every 128 ms",
        (
            _MICROPYTHON,
            _MDNS_PCB,
            _MODLWIP,
            Part(
                "micropython ports/renesas-ra/lwip_inc/lwipopts.h",
                {
                    "mem_size": 16 * 1024,
                    "tcp_mss": 1460,
                    "tcp_oversize": 1460,
                    "tcp_wnd": 8 * 1460,
                    "tcp_snd_buf": 8 * 1460,
                    "tcp_snd_queuelen": 2 * 8,
                    "tcp_queue_ooseq": 1,
                    "memp_num_tcp_seg": 2 * 2 * 8,
                },
            ),
            _polled("renesas-ra", 128),
        ),
        _POLLED.format(ms=128)
        + " Only 16 buffers may be queued: 16 small writes fill a connection. "
        + _NO_MDNS,
    ),
    "micropython-stm32-n6": Device(
        "MicroPython on STM32N6: MSS 1460, 64 KiB of heap, 32 receive buffers, polled every 128 ms",
        (
            _MICROPYTHON,
            _MDNS_PCB,
            _MODLWIP,
            Part(
                "micropython ports/stm32/lwip_inc/lwipopts.h, STM32N6",
                {
                    "mem_size": 64 * 1024,
                    "pbuf_pool_size": 32,
                    "tcp_mss": 1460,
                    "tcp_wnd": 16 * 1460,
                    "tcp_snd_buf": 16 * 1460,
                    "memp_num_tcp_seg": 64,
                },
            ),
            _polled("stm32", 128),
        ),
        _POLLED.format(ms=128) + " " + _NO_MDNS,
    ),
    "pico-sdk": Device(
        "C programs on a Raspberry Pi Pico W with the options of pico-examples: MSS 1460, 4000 bytes of heap",
        (
            Part(
                "pico-examples pico_w/wifi/lwipopts_examples_common.h",
                {
                    "mem_alignment": 4,
                    "mem_size": 4000,
                    "memp_num_tcp_seg": 32,
                    "memp_num_arp_queue": 10,
                    "lwip_raw": 1,
                    "lwip_dhcp": 1,
                    "lwip_dhcp_does_acd_check": 0,
                    "lwip_netif_hostname": 1,
                    "lwip_dns": 1,
                    "tcp_mss": 1460,
                    "tcp_wnd": 8 * 1460,
                    "tcp_snd_buf": 8 * 1460,
                    "tcp_snd_queuelen": (4 * (8 * 1460) + (1460 - 1)) // 1460,
                    "lwip_tcp_keepalive": 1,
                    "pbuf_pool_size": 24,
                    "lwip_netif_tx_single_pbuf": 1,
                },
            ),
            Part("lwIP opt.h, which it leaves as it is", {"lwip_igmp": 0}),
        ),
        "The background and FreeRTOS modes of pico_cyw43_arch, whose timers run when they are due."
        " TCP_SND_BUF promises 11680 bytes, but every segment is allocated at full size and the heap holds"
        " two: a third fails with ERR_MEM. In poll mode (MEM_LIBC_MALLOC) the heap is the C library's: --set"
        " MEM_SIZE=100000. SO_REUSE and the listen backlog are off.",
    ),
    "esp32-idf": Device(
        "ESP-IDF on an ESP32: MSS 1440, 16 connections, time-outs from 1.5 s, no reassembly",
        (_ESP_LWIPOPTS, _ESP_KCONFIG, _ESP_IPV6, _ESP_WIFI, _ESP_MALLOC),
        _ESP_TEXT,
        _ESP_QUIRKS,
    ),
    "micropython-esp32": Device(
        "MicroPython on an ESP32: as esp32-idf with 12 connections",
        (
            _ESP_LWIPOPTS,
            _ESP_KCONFIG,
            _ESP_IPV6,
            _ESP_WIFI,
            _ESP_MALLOC,
            Part("micropython ports/esp32/boards/sdkconfig.base", {"memp_num_tcp_pcb": 12}),
            Part("micropython ports/esp32/modsocket.c uses lwIP's sockets", {"api": "netconn"}),
        ),
        _ESP_TEXT,
        _ESP_QUIRKS,
    ),
}
