"""Quirks: lwIP's deviations from the RFCs that an observer sees, each a named switch.

All quirks of a version are on in lwIP profiles; the stack asks ``name in profile.quirks`` at the one place
where the behaviour lives, so that a profile can turn one off. A new quirk is one row here and one ``if``
there. Sources name lwIP's file and function; RFC numbers say what the quirk departs from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from netstack.options import ProfileError, suggest


class Quirk(NamedTuple):
    """What an observer sees, where lwIP does it, and in which of the versions we imitate."""

    effect: str
    source: str
    versions: tuple[str, ...] = ("2.2.1", "2.1.3")


_NEW, _OLD = ("2.2.1",), ("2.1.3",)

QUIRKS: dict[str, Quirk] = {
    # Resets and the end of connections
    "rst_window_byteswap": Quirk(
        "the window of every RST is TCP_WND with its two bytes swapped: 6400 goes out as 25",
        "tcp_out.c:tcp_rst_common",
    ),
    "rst_ack_flag_always": Quirk(
        "every RST has the ACK flag, also in answer to a segment with ACK (RFC 9293 3.10.7.1: a bare RST)",
        "tcp_out.c:tcp_rst",
    ),
    "no_rst_on_give_up": Quirk(
        "a connection that gives up retransmitting or probing vanishes without RST (keep-alive sends one)",
        "tcp.c:tcp_slowtmr",
    ),
    "abort_sends_ack_first": Quirk(
        "abort with a delayed ACK pending sends that ACK, then the RST",
        "tcp.c:tcp_pcb_remove",
    ),
    "frozen_timer_after_close": Quirk(
        "FIN_WAIT_2, LAST_ACK and TIME_WAIT are measured from the last segment received before close",
        "tcp_in.c:tcp_process",
    ),
    "rst_seq_from_ack_field": Quirk(
        "a RST to a segment without ACK takes its number from the ACK field (RFC 9293 3.10.7.1: 0)",
        "tcp_in.c:tcp_input",
    ),
    "time_wait_never_reused": Quirk(
        "a SYN in TIME_WAIT gets RST in the window, an ACK outside, and never opens (RFC 9293 3.10.7.4: may)",
        "tcp_in.c:tcp_timewait_input",
    ),
    # Opening
    "no_simultaneous_open": Quirk(
        "a SYN without ACK in SYN_SENT is ignored (RFC 9293 3.5)",
        "tcp_in.c:tcp_process",
    ),
    "syn_sent_resets_any_ack": Quirk(
        "in SYN_SENT any ACK without SYN gets RST, and then the SYN is sent again (RFC 9293 3.10.7.3)",
        "tcp_in.c:tcp_process",
    ),
    "other_syn_ignored": Quirk(
        "in SYN_RCVD a SYN with another number is ignored (RFC 9293 3.10.7.4: challenge ACK)",
        "tcp_in.c:tcp_process",
    ),
    "connect_to_broadcast": Quirk(
        "a connection to a broadcast or multicast address is tried (RFC 9293 MUST-46: refused)",
        "tcp.c:tcp_connect",
    ),
    "ephemeral_ports_in_order": Quirk(
        "ephemeral ports of TCP and UDP are given out one after the other (RFC 6056: random)",
        "tcp.c:tcp_new_port, udp.c:udp_new_port",
    ),
    "syn_retry_without_backoff": Quirk(
        "SYNs are repeated at a constant interval (RFC 6298 5.5: doubled)",
        "tcp.c:tcp_slowtmr",
    ),
    "syn_rtt_sample_late": Quirk(
        "the opener's SYN is timed to the first segment after the handshake: an idle start inflates the RTO",
        "tcp_in.c:tcp_process",
    ),
    "rst_in_syn_sent_without_ack": Quirk(
        "a RST in SYN_SENT needs the right acknowledgement number, but not the ACK flag (RFC 9293 3.10.7.3)",
        "tcp_in.c:tcp_process",
    ),
    "iss_from_ticks": Quirk(
        "initial sequence numbers start at 6510, and each adds the tick count to the one before (RFC 6528)",
        "tcp.c:tcp_next_iss",
    ),
    "mss_option_on_any_segment": Quirk(
        "an MSS option is obeyed on every segment, not only on a SYN (RFC 9293 3.7.1)",
        "tcp_in.c:tcp_parseopt",
    ),
    "no_minimum_mss": Quirk(
        "an MSS of 1 is obeyed, and one of 0 means our own",
        "tcp_in.c:tcp_parseopt",
    ),
    # Timers (how coarse they are is an option: TCP_TMR_INTERVAL)
    "retransmission_timed": Quirk(
        "a segment that is sent again is timed, and its ACK ends the back-off (RFC 6298 3, Karn: no sample,"
        " and the doubled time-out stays until there is one)",
        "tcp_out.c:tcp_output_segment, tcp_in.c:tcp_receive",
    ),
    "fast_retransmit_counts_as_retry": Quirk(
        "fast retransmissions and repeated SYN-ACKs count as retries and lengthen the next time-out",
        "tcp_out.c:tcp_rexmit",
    ),
    # Acknowledgements and data received
    "ack_starvation_behind_nagle": Quirk(
        "while Nagle holds back a short segment, ACKs and window updates are withheld, too",
        "tcp_out.c:tcp_output",
    ),
    "ack_lost_without_memory": Quirk(
        "a delayed ACK that finds no heap at its tick is forgotten until the next segment",
        "tcp.c:tcp_fasttmr",
    ),
    "hole_fill_ack_delayed": Quirk(
        "a segment that fills a hole is acknowledged like any other, delayed (RFC 5681 4.2: at once)",
        "tcp_in.c:tcp_receive",
    ),
    "data_without_ack_accepted": Quirk(
        "data in a segment without ACK flag is accepted (RFC 9293 3.10.7.4: dropped)",
        "tcp_in.c:tcp_receive",
    ),
    "data_with_future_ack_accepted": Quirk(
        "data in a segment that acknowledges unsent data is accepted (RFC 9293 3.10.7.4: dropped)",
        "tcp_in.c:tcp_receive",
    ),
    "data_with_old_ack_accepted": Quirk(
        "data is accepted however old the acknowledgement it comes with (RFC 5961 5.2: challenge ACK)",
        "tcp_in.c:tcp_receive",
    ),
    "ack_from_any_segment": Quirk(
        "acknowledgements count even on segments outside the receive window (RFC 9293 3.10.7.4, first step)",
        "tcp_in.c:tcp_process",
    ),
    "window_shrink_ignored": Quirk(
        "a smaller window is believed only with new data or a new ACK (RFC 9293 3.10.7.4: also without)",
        "tcp_in.c:tcp_receive",
    ),
    "text_after_fin_unanswered": Quirk(
        "data behind the peer's FIN is ignored without an ACK",
        "tcp_in.c:tcp_receive",
    ),
    "split_header_dropped": Quirk(
        "a segment whose header lies in several receive buffers, as after reassembly, is dropped",
        "tcp_in.c:tcp_input",
    ),
    "window_update_from_any_segment": Quirk(
        "the window field is believed even of segments outside the receive window",
        "tcp_in.c:tcp_receive",
    ),
    "no_paws": Quirk(
        "old timestamps are accepted and echoed (RFC 7323 5)",
        "tcp_in.c:tcp_parseopt",
    ),
    "lone_fin_before_accept_lost": Quirk(
        "modlwip: a FIN without data before accept is acknowledged, but the socket never sees end of file",
        "micropython extmod/modlwip.c:_lwip_tcp_recv_unaccepted",
    ),
    # Data sent
    "dupack_count_not_reset": Quirk(
        "segments with data between duplicate ACKs do not reset their count (RFC 5681 3.2)",
        "tcp_in.c:tcp_receive",
        _NEW,
    ),
    "recovery_outlives_timeout": Quirk(
        "a time-out does not end fast recovery: the next new ACK sets cwnd to ssthresh, without slow start"
        " (RFC 5681 3.1)",
        "tcp.c:tcp_slowtmr",
    ),
    "no_restart_after_idle": Quirk(
        "after a silence all that cwnd allows leaves at once (RFC 5681 4.1: the initial window)",
        "tcp_out.c:tcp_output",
    ),
    "resent_segment_extended": Quirk(
        "data and FIN are added to the last unsent segment even if it waits to be sent again before others:"
        " the peer reads them in the wrong place",
        "tcp_out.c:tcp_write, tcp_send_fin",
    ),
    "segment_cap_half_window": Quirk(
        "segments are at most half the largest window the peer ever offered",
        "tcp_out.c:tcp_write",
    ),
    "psh_kept_on_split": Quirk(
        "the first part of a segment split at a small window keeps its PSH",
        "tcp_out.c:tcp_split_unsent_seg",
    ),
    "zero_window_split_keeps_fin": Quirk(
        "the first part of a segment split at a small window keeps its FIN",
        "tcp_out.c:tcp_split_unsent_seg",
    ),
    "probe_byte_sent_again": Quirk(
        "the byte of a zero-window probe is sent again after it was acknowledged",
        "tcp_out.c:tcp_zero_window_probe",
    ),
    "probe_without_timestamp": Quirk(
        "keep-alive and window probes carry no timestamp although agreed (RFC 7323 3.2)",
        "tcp_out.c:tcp_output_alloc_header",
    ),
    # Below TCP
    "icmp_errors_ignored": Quirk(
        "received ICMP errors change nothing in TCP and UDP (RFC 1122 4.2.3.9, 4.1.3.3)",
        "icmp.c:icmp_input",
    ),
    "no_rate_limits": Quirk(
        "ICMP errors, challenge ACKs and resets without a connection are sent at any rate (RFC 1812 4.3.2.8,"
        " RFC 5961 7)",
        "icmp.c:icmp_send_response, tcp_in.c:tcp_input",
    ),
    "echo_reply_keeps_header": Quirk(
        "an echo reply has the IP id, TOS, DF flag, IP options and ICMP code of the request",
        "icmp.c:icmp_input",
    ),
    "icmp_quotes_28_bytes": Quirk(
        "an ICMP error quotes 28 bytes, even if IP options fill them (RFC 1122 3.2.2: header and 8 bytes)",
        "icmp.c:icmp_send_response",
    ),
    "martian_source_accepted": Quirk(
        "packets from our own address, 0/8, 127/8 or class E are accepted (RFC 1122 3.2.1.3)",
        "ip4.c:ip4_input",
    ),
    "source_route_ignored": Quirk(
        "source routes are not looked at: a packet with hops left, or two routes, is ours (RFC 791 3.1)",
        "ip4.c:ip4_input",
    ),
    "ip_id_global_counter": Quirk(
        "one IP id counter from 0 for all destinations and protocols",
        "ip4.c:ip4_output_if_opt_src",
    ),
    "reassembly_ignores_protocol": Quirk(
        "fragments belong together by addresses and id, whatever their protocol (RFC 791 3.2)",
        "ip4_frag.c:ip4_reass",
    ),
    "fragment_options_refused": Quirk(
        "fragments with IP options are dropped (RFC 791 3.2)",
        "ip4_frag.c:ip4_reass",
    ),
    "empty_fragment_kept": Quirk(
        "a fragment without data takes its place, so that the real one looks like a repetition",
        "ip4_frag.c:ip4_reass_chain_frag_into_datagram_and_validate",
    ),
    "fragment_mf_cleared_early": Quirk(
        "where the MTU leaves no multiple of 8 for data, MF may be clear on the last fragment but one",
        "ip4_frag.c:ip4_frag",
    ),
    "igmp_v1_routers_ignored": Quirk(
        "version 1 queries get version 2 reports, and version 1 reports are not heard (RFC 2236 4)",
        "igmp.c:igmp_input",
    ),
    "udp_length_ignored": Quirk(
        "the length field of UDP is ignored: the payload is what the IP packet holds",
        "udp.c:udp_input",
    ),
    "destination_mac_ignored": Quirk(
        "a frame to another station's MAC is taken",
        "ethernet.c:ethernet_input",
    ),
    "link_broadcast_accepted": Quirk(
        "a packet to our address in a broadcast or multicast frame is taken (RFC 1122 3.3.6)",
        "ip4.c:ip4_input",
    ),
    "own_source_mac_accepted": Quirk(
        "a frame that comes from our own MAC is taken",
        "ethernet.c:ethernet_input",
    ),
    "oversized_frame_accepted": Quirk(
        "a frame longer than the MTU allows is taken (RFC 894)",
        "ethernet.c:ethernet_input",
    ),
    "arp_sender_unchecked": Quirk(
        "an ARP sender may have a group MAC, a broadcast address or our own one (RFC 1812 3.3.2, RFC 5227)",
        "etharp.c:etharp_input",
    ),
    "arp_unasked_reply_learned": Quirk(
        "an ARP reply to us makes an entry although nobody asked",
        "etharp.c:etharp_input",
    ),
    "arp_length_ignored": Quirk(
        "an ARP packet that is cut off is completed from what the receive buffer held before",
        "etharp.c:etharp_input",
    ),
    "dns_answer_name_ignored": Quirk(
        "the first address in a DNS reply is taken, whoever it belongs to, and the names of answers are not"
        " read; a question that is the beginning of ours passes for ours (RFC 1034 5.3.3)",
        "dns.c:dns_recv, dns_compare_name",
    ),
    "dns_source_port_ignored": Quirk(
        "a DNS reply is taken from any port of the server (RFC 5452 9.1)",
        "dns.c:dns_recv",
    ),
    "dns_truncation_ignored": Quirk(
        "a truncated DNS reply is taken for a whole one (RFC 2181 9)",
        "dns.c:dns_recv",
    ),
    # DHCP
    "dhcp_reply_unchecked": Quirk(
        "cookie, server, addresses, mask and times of a DHCP reply are believed (RFC 2131 4.4.1)",
        "dhcp.c:dhcp_recv",
    ),
    "dhcp_decline_without_server": Quirk(
        "a DECLINE names no server, so dnsmasq ignores it (RFC 2131 4.4.1)",
        "dhcp.c:dhcp_decline",
    ),
    # Only in the older version
    "syn_rcvd_ack_before_syn": Quirk(
        "in SYN_RCVD the ACK is looked at before the SYN: a segment with SYN and a right ACK establishes",
        "tcp_in.c:tcp_process",
        _OLD,
    ),
    "rst_routed": Quirk(
        "a RST for an unknown connection takes the route to the peer, not the interface it came from",
        "tcp_out.c:tcp_rst",
        _OLD,
    ),
    "ooseq_last_replaced": Quirk(
        "a longer segment with the sequence number of the last one kept replaces it",
        "tcp_in.c:tcp_receive",
        _OLD,
    ),
    "arp_reply_to_own_ip_sender": Quirk(
        "an ARP request for our address whose sender claims it, too, is answered",
        "etharp.c:etharp_input",
        _OLD,
    ),
    "gratuitous_arp_despite_acd": Quirk(
        "gratuitous ARP is sent whether or not conflict detection is compiled in",
        "netif.c:netif_issue_reports",
        _OLD,
    ),
    "dhcp_arp_check": Quirk(
        "DHCP looks for conflicts by two ARP queries 500 ms apart, not by RFC 5227 probes",
        "dhcp.c:dhcp_check",
        _OLD,
    ),
}


def quirks_of(version: str) -> frozenset[str]:
    """All quirks of an lwIP version (``2.2.1`` or ``2.1.3``)."""
    return frozenset(name for name, quirk in QUIRKS.items() if version in quirk.versions)


def checked(names: Iterable[str]) -> frozenset[str]:
    """The names as a set. Raises ProfileError for one that does not exist, with the nearest."""
    chosen = frozenset(names)
    for name in sorted(chosen - QUIRKS.keys()):
        raise ProfileError(f"unknown quirk {name}{suggest(name, QUIRKS)}")
    return chosen
