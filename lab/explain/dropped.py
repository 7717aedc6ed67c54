"""Why a received packet went no further: where a drop reason is written, and which lwIP function decides."""

from __future__ import annotations

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.trace.writer import Record

# Drop reason (netstack.stats): RFC and section ("" where it is the device's own affair), lwIP's function
PLACES: dict[str, tuple[str, str]] = {
    "pbuf_pool": ("", "low_level_input, pbuf_alloc(PBUF_POOL)"),
    # Ethernet
    "eth_short": ("RFC 894", "ethernet_input"),
    "eth_type": ("RFC 894", "ethernet_input"),
    "eth_not_ours": ("RFC 1122 §2.4", "ethernet_input"),
    "eth_own_source": ("RFC 1122 §2.4", "ethernet_input"),
    "eth_long": ("RFC 894", "ethernet_input"),
    # ARP
    "arp_format": ("RFC 826 (packet reception)", "etharp_input"),
    "arp_short": ("RFC 826 (packet format)", "etharp_input"),
    "arp_sender": ("RFC 826, RFC 5227 §2.4", "etharp_input"),
    "arp_opcode": ("RFC 826 (packet reception)", "etharp_input"),
    # IPv4
    "ip_version": ("RFC 791 §3.1, RFC 1122 §3.2.1.1", "ip4_input"),
    "ip_length": ("RFC 791 §3.1", "ip4_input"),
    "ip_checksum": ("RFC 791 §3.1, RFC 1122 §3.2.1.2", "ip4_input"),
    "ip_source": ("RFC 1122 §3.2.1.3", "ip4_input"),
    "ip_martian": ("RFC 1122 §3.2.1.3", "ip4_input"),
    "ip_link_group": ("RFC 1122 §3.3.6", "ip4_input"),
    "ip_source_route": ("RFC 1122 §3.2.1.8, RFC 7126 §4.3", "ip4_input"),
    "ip_not_ours": ("RFC 1122 §3.2.1.3", "ip4_input"),
    "ip_not_forwarded": ("RFC 1812 §5.3", "ip4_forward"),
    "ip_fragment": ("RFC 791 §3.2", "ip4_input"),
    "ip_options": ("RFC 1122 §3.2.1.8", "ip4_input"),
    "ip_protocol": ("RFC 1122 §3.2.2.1", "ip4_input, icmp_dest_unreach"),
    # Fragments
    "frag_options": ("RFC 791 §3.2", "ip4_reass"),
    "frag_empty": ("RFC 791 §3.2", "ip4_reass"),
    "frag_no_buffers": ("RFC 1122 §3.3.2", "ip4_reass"),
    "frag_no_datagram": ("RFC 1122 §3.3.2", "ip4_reass_enqueue_new_datagram"),
    "frag_too_long": ("RFC 791 §3.2", "ip4_reass"),
    "frag_overlap": ("RFC 791 §3.2, RFC 5722", "ip4_reass_chain_frag_into_datagram_and_validate"),
    "frag_given_up": ("RFC 1122 §3.3.2", "ip4_reass_tmr, ip4_reass_free_complete_datagram"),
    # ICMP
    "icmp_short": ("RFC 792", "icmp_input"),
    "icmp_checksum": ("RFC 792", "icmp_input"),
    "icmp_group_ping": ("RFC 1122 §3.2.2.6", "icmp_input"),
    "icmp_quote": ("RFC 1122 §3.2.2", "icmp_input"),
    "icmp_no_memory": ("", "icmp_input"),
    "icmp_type": ("RFC 1122 §3.2.2", "icmp_input"),
    # IGMP
    "igmp_short": ("RFC 2236 §2", "igmp_input"),
    "igmp_checksum": ("RFC 2236 §2.3", "igmp_input"),
    "igmp_not_member": ("RFC 2236 §3", "igmp_input"),
    "igmp_type": ("RFC 2236 §2.1", "igmp_input"),
    # UDP
    "udp_short": ("RFC 768", "udp_input"),
    "udp_length": ("RFC 768", "udp_input"),
    "udp_checksum": ("RFC 768, RFC 1122 §4.1.3.4", "udp_input"),
    "udp_no_port": ("RFC 1122 §4.1.3.1", "udp_input, icmp_port_unreach"),
    "udp_no_port_group": ("RFC 1122 §3.2.2", "udp_input"),
    "udp_no_receiver": ("", "udp_input"),
    # DHCP
    "dhcp_short": ("RFC 2131 §2", "dhcp_recv"),
    "dhcp_options": ("RFC 2132 §2", "dhcp_parse_reply"),
    "dhcp_not_ours": ("RFC 2131 §4.1", "dhcp_recv"),
    "dhcp_implausible": ("RFC 2131 §4.4", "dhcp_recv"),
    "dhcp_unexpected": ("RFC 2131 §4.4", "dhcp_recv"),
    # DNS
    "dns_short": ("RFC 1035 §4.1", "dns_recv"),
    "dns_ident": ("RFC 1035 §7.3, RFC 5452 §9.1", "dns_recv"),
    "dns_flags": ("RFC 1035 §4.1.1", "dns_recv"),
    "dns_source": ("RFC 5452 §9.1", "dns_recv"),
    "dns_question": ("RFC 5452 §9.1", "dns_recv"),
    "dns_malformed": ("RFC 1035 §4.1.3", "dns_recv"),
    # TCP
    "tcp_short": ("RFC 9293 §3.1", "tcp_input"),
    "tcp_broadcast": ("RFC 9293 §3.9.2.3, RFC 1122 §4.2.3.10", "tcp_input"),
    "tcp_checksum": ("RFC 9293 §3.1", "tcp_input"),
    "tcp_offset": ("RFC 9293 §3.1", "tcp_input"),
    "tcp_no_pcb": ("RFC 9293 §3.10.7.1", "tcp_input"),
    "tcp_rst_no_pcb": ("RFC 9293 §3.10.7.1", "tcp_input"),
    "tcp_refused": ("", "tcp_input, tcp_process_refused_data"),
    "tcp_backlog": ("RFC 9293 §3.10.7.2", "tcp_listen_input"),
    "tcp_pcb": ("RFC 9293 §3.10.7.2", "tcp_listen_input, tcp_alloc"),
    "tcp_syn_ack": ("", "tcp_listen_input, tcp_enqueue_flags"),
    "tcp_listen_other": ("RFC 9293 §3.10.7.2", "tcp_listen_input"),
    "tcp_rst_limit": ("RFC 5961 §7", "tcp_input, tcp_listen_input"),
    "tcp_ooseq_no_element": ("RFC 9293 §3.10.7.4", "tcp_receive, tcp_seg_copy"),
    "tcp_ooseq_covered": ("RFC 9293 §3.10.7.4", "tcp_receive, tcp_oos_insert_segment"),
    "tcp_ooseq_limit": ("RFC 9293 §3.10.7.4", "tcp_receive"),
    "tcp_ooseq_expired": ("RFC 9293 §3.10.7.4", "tcp_slowtmr, tcp_free_ooseq"),
    "tcp_ooseq_pool": ("RFC 9293 §3.10.7.4", "pbuf_free_ooseq, tcp_free_ooseq"),
    "tcp_ooseq_closed": ("RFC 9293 §3.10.7.4", "tcp_pcb_purge, tcp_free_ooseq"),
    "tcp_rst_time_wait": ("RFC 1337 §3", "tcp_timewait_input"),
}

# What else one should know
NOTES: dict[str, str] = {
    "pbuf_pool": "PBUF_POOL_SIZE; the sender cannot tell this from loss",
    "tcp_backlog": "in silence: the peer sends its SYN again, and there may be room by then",
    "tcp_pcb": "in silence: MEMP_NUM_TCP_PCB",
    "tcp_refused": "its ACK field, too; the peer sends it again",
    "tcp_checksum": "in silence: the peer sends it again",
    "tcp_no_pcb": "a RST answers",
    "udp_no_port": "an ICMP port unreachable answers",
    "ip_protocol": "an ICMP protocol unreachable answers",
    "frag_no_buffers": "IP_REASS_MAX_PBUFS; all fragments of a packet must be there at the same time",
    "frag_no_datagram": "MEMP_NUM_REASSDATA",
    "tcp_rst_limit": "in silence: lwIP has no limit; this profile has its quirk no_rate_limits off",
    "tcp_ooseq_no_element": "the peer sends it again; its ACK field counts",
    "tcp_ooseq_covered": "nothing is lost by it",
    "tcp_ooseq_limit": "the peer sends it again",
    "tcp_ooseq_expired": "the peer sends it again",
    "tcp_ooseq_pool": "the peer sends it again; only the first connection that has some loses it",
    "icmp_type": "lwIP takes no notice of ICMP errors, so TCP runs into its time-out",
}


def explain(run: Run, event: Record) -> Explanation:
    """The explanation of a ``drop``."""
    reason = event["reason"]
    rfc, lwip = PLACES[reason]
    frame = run.frames.get(event.get("frame", -1))
    what = "a packet" if frame is None else f"the packet [{frame['info']}]"
    notes = [NOTES[reason]] if reason in NOTES else []
    notes += _numbers(run, event)
    if reason == "frag_given_up":
        aged = run.within(event, "timer") is not None
        notes.append("too old: IP_REASS_MAXAGE" if aged else "room: MEMP_NUM_REASSDATA, IP_REASS_MAX_PBUFS")
    counters = [f"{event['protocol']}.{counter}" for counter in event["counters"]]
    if counters:
        notes.append(f"counted in {' and '.join(counters)}")
    return Explanation(f"dropped {what}: {event['meaning']}", rfc, lwip, tuple(notes))


def _numbers(run: Run, event: Record) -> list[str]:
    """The numbers of a reason that has some."""
    pool = {
        "pbuf_pool": "PBUF_POOL",
        "tcp_pcb": "TCP_PCB",
        "frag_no_datagram": "REASSDATA",
        "tcp_ooseq_no_element": "TCP_SEG",
    }.get(event["reason"])
    if pool is None:
        return []
    failed = [
        other for other in run.beside(event, "pool") if other["pool"] == pool and other["action"] == "fail"
    ]
    return [f"{failed[-1]['used']} of {failed[-1]['size']} in use"] if failed else []
