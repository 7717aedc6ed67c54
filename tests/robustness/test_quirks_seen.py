"""Each quirk that the catalogue is about decides a row: the strict profile with that quirk alone fails it."""

from __future__ import annotations

import pytest

from netstack.profiles import named
from tests.robustness.bench import Bench, StackSide
from tests.robustness.catalogue import ROWS
from tests.robustness.frames import arp
from tests.robustness.rows import Row

BY_ID = {row.id: row for row in ROWS}

DECIDES = {
    "ack_from_any_segment": "S17",
    "arp_sender_unchecked": "A15",
    "arp_unasked_reply_learned": "A11",
    "connect_to_broadcast": "S69",
    "data_with_future_ack_accepted": "S15",
    "data_with_old_ack_accepted": "S16",
    "data_without_ack_accepted": "S13",
    "destination_mac_ignored": "E6",
    "dhcp_reply_unchecked": "H2",
    "dns_answer_name_ignored": "D15",
    "dns_source_port_ignored": "D14",
    "dns_truncation_ignored": "D17",
    "echo_reply_keeps_header": "C4",
    "empty_fragment_kept": "F10",
    "ephemeral_ports_in_order": "S68",
    "fragment_options_refused": "F15",
    "icmp_errors_ignored": "C21",
    "icmp_quotes_28_bytes": "U14",
    "igmp_v1_routers_ignored": "G3",
    "ip_id_global_counter": "S67",
    "iss_from_ticks": "S66",
    "link_broadcast_accepted": "E9",
    "martian_source_accepted": "T25",
    "mss_option_on_any_segment": "S33",
    "no_minimum_mss": "T31",
    "no_rate_limits": "S36",
    "no_rst_on_give_up": "S28",
    "no_simultaneous_open": "S45",
    "other_syn_ignored": "S43",
    "oversized_frame_accepted": "E13",
    "own_source_mac_accepted": "E8",
    "reassembly_ignores_protocol": "F17",
    "rst_ack_flag_always": "T13",
    "rst_in_syn_sent_without_ack": "S47",
    "rst_seq_from_ack_field": "T12",
    "source_route_ignored": "I33",
    "split_header_dropped": "F11",
    "syn_retry_without_backoff": "S52",
    "syn_sent_resets_any_ack": "S50",
    "text_after_fin_unanswered": "S22",
    "time_wait_never_reused": "S56",
    "udp_length_ignored": "U3",
    "window_shrink_ignored": "S70",
}


def bench_for(row: Row, *quirks: str) -> Bench:
    profile = named("strict").replace(check=False, quirks=quirks, **row.options)
    return Bench(StackSide(profile, iss=row.iss))


@pytest.mark.parametrize(("quirk", "row"), DECIDES.items())
def test_the_row_is_decided_by_the_quirk(quirk: str, row: str) -> None:
    chosen = BY_ID[row]
    assert chosen.run(bench_for(chosen)) == chosen.strict
    assert chosen.run(bench_for(chosen, quirk)) != chosen.strict


def test_a_cut_request_is_completed_from_the_one_before_by_a_quirk() -> None:
    """A6 shows nothing of it, since a ping stood in the buffer."""
    cut = Row("A6", "after a whole request", [arp()[:34]], "ARP-rep(10.0.0.2)", "none")
    assert cut.run(bench_for(cut)) == cut.strict
    assert cut.run(bench_for(cut, "arp_length_ignored")) == cut.lwip


def test_every_row_that_differs_has_a_quirk_behind_it() -> None:
    """With all quirks of 2.1.3 on, the strict profile fails each row in which it differs from lwIP."""
    by_pools = {"S30", "S38"}  # numbers of buffers and of connections
    differing = [row for row in ROWS if row.lwip != row.strict and row.id not in by_pools]
    quirks = named("lwip-2.1.3").quirks
    assert len(differing) > 60
    left = [row.id for row in differing if row.run(bench_for(row, *quirks)) == row.strict]
    assert left == []
