"""What the names in a firmware's option file mean to the emulator, where they are not options of it.

Four kinds: names that become an option of ours (``translate``), names for what the emulator cannot do
(``not_emulated``), names that change nothing on the wire (``without_effect``), and the rest, which nobody
knows.
Source of the names: lwIP 2.2.1 opt.h; those of ports are marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

# Values of opt.h for names that are no options of ours but that option files compute with.
OPT_H = {
    "DHCP_DOES_ARP_CHECK": 1,
    "ETH_PAD_SIZE": 0,
    "LWIP_ALTCP": 0,
    "LWIP_ALTCP_TLS": 0,
    "LWIP_ARP": 1,
    "LWIP_AUTOIP": 0,
    "LWIP_ETHERNET": 1,
    "LWIP_HAVE_LOOPIF": 0,
    "LWIP_IPV4": 1,
    "LWIP_IPV6": 0,
    "LWIP_MDNS_RESPONDER": 0,
    "LWIP_NETCONN": 1,
    "LWIP_NETIF_LOOPBACK": 0,
    "LWIP_SNMP": 0,
    "LWIP_SOCKET": 1,
    "LWIP_STATS": 1,
    "LWIP_TCP": 1,
    "LWIP_UDPLITE": 0,
    "MEMP_MEM_MALLOC": 0,
    "MEMP_NUM_NETBUF": 2,
    "MEMP_NUM_NETCONN": 4,
    "MEM_LIBC_MALLOC": 0,
    "NO_SYS": 0,
    "PBUF_LINK_ENCAPSULATION_HLEN": 0,
    "PBUF_TRANSPORT_HLEN": 20,
    "PPP_SUPPORT": 0,
}

# Where opt.h differs from our table: there these wait to be compiled in, here they cost nothing until used.
OPT_H_OFF: dict[str, int | str] = {
    "mem_alignment": 1,
    "etharp_support_static_entries": 0,
    "lwip_igmp": 0,
    "lwip_dhcp": 0,
    "lwip_dns": 0,
}

# What stands for the C library's heap: it has no limit of lwIP's, but every board has one.
MALLOC_HEAP = 131072
_MALLOC_POOLS = "tcp_pcb tcp_pcb_listen udp_pcb raw_pcb tcp_seg pbuf frag_pbuf arp_queue".split()
_UNLIMITED = 0xFFFF
_MALLOC_BUFFERS = 256  # likewise, for receive buffers

# Names that ``translate`` looks at.
TRANSLATED = (
    "DEFAULT_ACCEPTMBOX_SIZE",
    "DEFAULT_UDP_RECVMBOX_SIZE",
    "DHCP_DOES_ARP_CHECK",
    "ETH_PAD_SIZE",
    "LWIP_IPV6",
    "MEMP_MEM_MALLOC",
    "MEMP_NUM_NETBUF",
    "MEM_LIBC_MALLOC",
    "PBUF_LINK_ENCAPSULATION_HLEN",
)


class Translation(NamedTuple):
    """An option that follows from a name that is none, and why."""

    option: str
    value: int
    cause: str
    reason: str


def translate(
    values: Mapping[str, int], explicit: Mapping[str, int | str], version: str
) -> list[Translation]:
    """The options that follow from ``values`` (of the names above, as far as they are given) in that version
    of lwIP. ``explicit`` are the options that the file itself gives, by lower-case name; they stay.
    """
    found: list[Translation] = []

    def add(option: str, value: int, cause: str, reason: str) -> None:
        if option not in explicit and all(other.option != option for other in found):
            found.append(Translation(option, value, cause, reason))

    if values.get("LWIP_IPV6"):
        add("pbuf_ip_hlen", 40, "LWIP_IPV6", "room for the longer header")
    padding = values.get("ETH_PAD_SIZE", 0) + values.get("PBUF_LINK_ENCAPSULATION_HLEN", 0)
    if padding:
        cause = "ETH_PAD_SIZE" if values.get("ETH_PAD_SIZE") else "PBUF_LINK_ENCAPSULATION_HLEN"
        add("pbuf_link_hlen", 14 + padding, cause, "room in front of the header")
    if "DHCP_DOES_ARP_CHECK" in values and version == "2.1.3":
        check = int(bool(values["DHCP_DOES_ARP_CHECK"]))
        add("lwip_dhcp_does_acd_check", check, "DHCP_DOES_ARP_CHECK", "its name in lwIP 2.1")
    limits = [name for name in ("DEFAULT_UDP_RECVMBOX_SIZE", "MEMP_NUM_NETBUF") if values.get(name)]
    if limits:
        cause = min(limits, key=lambda name: values[name])
        add("udp_rxq", values[cause], cause, "datagrams that wait for the program")
    if values.get("DEFAULT_ACCEPTMBOX_SIZE"):
        queue = min(values["DEFAULT_ACCEPTMBOX_SIZE"], 255)
        add("api_listen_queue", queue, "DEFAULT_ACCEPTMBOX_SIZE", "connections that wait for accept")
    if values.get("MEM_LIBC_MALLOC"):
        found.append(
            Translation(
                "mem_size", MALLOC_HEAP, "MEM_LIBC_MALLOC", "stands for what the C library's heap has"
            )
        )
    if values.get("MEMP_MEM_MALLOC"):
        found += [
            Translation(f"memp_num_{pool}", _UNLIMITED, "MEMP_MEM_MALLOC", "pools have no limit")
            for pool in _MALLOC_POOLS
        ]
        reason = "stands for what the C library's heap holds"
        found.append(Translation("pbuf_pool_size", _MALLOC_BUFFERS, "MEMP_MEM_MALLOC", reason))
    return found


_ALWAYS = "the emulator always has it"
_NOT_THERE = "the emulator does not have it"

# Name: the value that the emulator has, and what to say of any other.
_NOT_EMULATED: dict[str, tuple[int, str]] = {
    "CHECKSUM_CHECK_ICMP": (1, "the emulator drops ICMP with a wrong checksum"),
    "CHECKSUM_CHECK_IP": (1, "the emulator drops packets with a wrong checksum"),
    "CHECKSUM_CHECK_TCP": (1, "the emulator drops segments with a wrong checksum"),
    "CHECKSUM_CHECK_UDP": (1, "the emulator drops datagrams with a wrong checksum"),
    "DHCP_DOES_ARP_CHECK": (
        1,
        "lwIP 2.2 goes by LWIP_DHCP_DOES_ACD_CHECK; for 2.1: --set lwip_version=2.1.3",
    ),
    "DNS_LOCAL_HOSTLIST": (0, _NOT_THERE),
    "ESP_GRATUITOUS_ARP": (0, "gratuitous ARP is not repeated"),  # esp-idf
    "ETHARP_SUPPORT_VLAN": (0, "frames with a VLAN tag are dropped"),
    "ETHARP_TRUST_IP_MAC": (0, "neighbours are learnt from ARP only"),
    "IP_NAPT": (0, _NOT_THERE),  # esp-idf
    "LWIP_ARP": (1, _ALWAYS),
    "LWIP_AUTOIP": (0, _NOT_THERE),
    "LWIP_DHCP_AUTOIP_COOP": (0, _NOT_THERE),
    "LWIP_DHCP_GET_NTP_SRV": (0, "DHCP does not ask for time servers"),
    "LWIP_ETHERNET": (1, _ALWAYS),
    "LWIP_HAVE_LOOPIF": (0, "127.0.0.1 is unreachable"),
    "LWIP_IPV4": (1, _ALWAYS),
    "LWIP_IPV6": (0, "IPv6 itself is not emulated, only the room it takes"),
    "LWIP_MDNS_RESPONDER": (0, "names are not announced; the responder takes one UDP pcb on the board"),
    "LWIP_NETIF_LOOPBACK": (0, "packets to the own address go out"),
    "LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS": (0, "ports begin at 49153"),
    "LWIP_TCP": (1, _ALWAYS),
    "LWIP_UDPLITE": (0, _NOT_THERE),
    "MEM_USE_POOLS": (0, "the heap is one piece"),
    "PPP_SUPPORT": (0, _NOT_THERE),
}

# What the other names are about.
_WITHOUT_EFFECT = (
    (
        r"\w*_DEBUG\w*|LWIP_DBG_\w+|LWIP_NOASSERT|LWIP_\w*ASSERT\w*|LWIP_PLATFORM_\w+|U8_F|[USX]\d+_F|SZT_F",
        "debugging",
    ),
    (r"\w*_STATS|LWIP_STATS\w*|\w*_STATS_\w+|LWIP_PERF", "statistics"),
    (
        r"NO_SYS\w*|SYS_\w+|TCPIP_\w+|LWIP_TCPIP_\w+|\w*THREAD\w*|\w*_LOCK\w*|LOCK_\w+|\w*RECVMBOX\w*"
        r"|\w*ACCEPTMBOX\w*|MEMP_NUM_(SYS_TIMEOUT|NETCONN|NETBUF|TCPIP_\w+|SELECT_CB|API_MSG|\w+_MSG)"
        r"|LWIP_(MPU_COMPATIBLE|FREERTOS_\w+|TIMERS\w*)|sys_\w+|WITH_RTOS",
        "threads and mailboxes",
    ),
    (
        r"LWIP_(SOCKET\w*|NETCONN\w*|COMPAT_\w+|POSIX_\w+|SO_\w+|NETIF_API|NETBUF_\w+|DNS_API_\w+|EVENT_API"
        r"|CALLBACK_API|RAW_API|TIMEVAL_\w+|ERRNO_\w+|PROVIDE_ERRNO|FIONREAD_\w+|SELECT\w*)|RECV_BUFSIZE_\w+"
        r"|SO_REUSE_RXTOALL|LWIP_MAX_SOCKETS|LWIP_POLL|LWIP_TCP_CLOSE_TIMEOUT_MS_DEFAULT",
        "the socket interface",
    ),
    (r"LWIP_CHECKSUM_\w+|LWIP_CHKSUM\w*|CHECKSUM_(GEN|BY)\w+", "where checksums are computed"),
    (r"LWIP_(IPV6|IP6|ND6|ICMP6|DHCP6|MLD)\w*|IPV6_\w+|MEMP_NUM_(ND6|MLD6|IP6)\w*|\w*_MLDV?6\w*", "IPv6"),
    (r"(PPP|PAP|CHAP|MSCHAP|EAP|MPPE|CCP|VJ|MD5|LCP|CBCP|ECP|SLIP|PPPO[ESL]|NUM_PPP)\w*", "PPP and SLIP"),
    (
        r"(LWIP_)?(SNMP|MIB2|SNTP|HTTPD|MQTT|TFTP|SMTP|MDNS|NETBIOS|LWIPERF|ALTCP|TELNET)\w*|\w*MBEDTLS\w*"
        r"|LWIP_DHCPS?_(MAX_NTP|BOOTP|GET_NTP)\w*|LWIP_MDNS\w*|\w*_DHCPS\w*",
        "applications on top of the stack",
    ),
    (
        r"LWIP_NETIF_\w*(CALLBACK|HWADDRHINT|REMOVE)\w*|LWIP_NUM_NETIF_CLIENT_DATA|LWIP_SINGLE_NETIF"
        r"|LWIP_(LOOPIF|LOOPBACK)\w*|LWIP_TCP_PCB_NUM_EXT_ARGS|LWIP_DISABLE_\w+|ETHARP_TABLE_MATCH_NETIF"
        r"|LWIP_SUPPORT_CUSTOM_PBUF|LWIP_PBUF_\w+|LWIP_MULTICAST_TX_OPTIONS|BRIDGEIF\w*|LWIP_VLAN\w*",
        "callbacks and bookkeeping",
    ),
    (
        r"S?MEMCPY|MEM(P)?_(SANITY|OVERFLOW|USE_CUSTOM|STATS)\w*|LWIP_ALLOW_\w+|LWIP_RAND|LWIP_NO_\w+|LWIP_HAVE_\w+"
        r"|LWIP_DECLARE_\w+|LWIP_RAM_HEAP\w*|LWIP_(MEM_)?ALIGN\w*|BYTE_ORDER|LWIP_PREFIX_\w+|LWIP_TIMERS_ONDEMAND"
        r"|LWIP_UNUSED_ARG|PACK_STRUCT\w*|LWIP_(EXTRA_)?IRAM\w*|atoi|rand|LWIP_IP_\w*ACCUMULATE\w*",
        "the C library and the compiler",
    ),
    (r"(LWIP_)?(ESP|GARP)_\w+", "what Espressif added to lwIP"),
    (r"LWIP|LWIP_ENABLE", "that lwIP is there"),
)
_PATTERNS = tuple((re.compile(pattern), topic) for pattern, topic in _WITHOUT_EFFECT)


def not_emulated(name: str, value: int | None) -> str | None:
    """What to say of a name for something that the emulator cannot do; None when it does as the file says.
    ``value`` None: it has none that is a number.
    """
    if name.startswith("LWIP_HOOK_"):
        return "a hook is the firmware's own code"
    if name not in _NOT_EMULATED:
        return None
    like, remark = _NOT_EMULATED[name]
    return None if value is not None and bool(value) == bool(like) else remark


def is_about_emulation(name: str) -> bool:
    """Whether ``translate`` or ``not_emulated`` has something to say of it."""
    return name in TRANSLATED or name in _NOT_EMULATED or name.startswith("LWIP_HOOK_")


def is_known(name: str) -> bool:
    """Whether any of these functions has something to say of it."""
    return is_about_emulation(name) or without_effect(name) is not None


def without_effect(name: str) -> str | None:
    """What a name is about that changes nothing on the wire; None for one that nobody knows."""
    return next((topic for pattern, topic in _PATTERNS if pattern.fullmatch(name)), None)
