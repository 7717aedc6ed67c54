"""lwIP's compile-time checks: each rule has a set of options that breaks it, and says so in lwIP's words."""

from __future__ import annotations

import pytest

from netstack.options import OPTIONS, Options, ProfileError
from netstack.profile import Profile
from netstack.profiles import named, names
from netstack.sanity import RULES, TCP_RULES, Rule

# For each rule, in the order of the tables, options that break it and no rule before it.
BREAKING: list[dict[str, int | str]] = [
    {"mem_alignment": 3},
    {"ip_sof_broadcast_recv": 1},
    {"lwip_udp": 0},
    {"lwip_udp": 0, "lwip_dhcp": 0},
    {"arp_queueing": 1, "memp_num_arp_queue": 0},
    {"lwip_raw": 1, "memp_num_raw_pcb": 0},
    {"memp_num_udp_pcb": 0},
    {"memp_num_tcp_pcb": 0},
    {"memp_num_igmp_group": 1},
    {"lwip_udp": 0, "lwip_dhcp": 0, "lwip_dns": 0},
    {"memp_num_reassdata": 11},
    {"lwip_wnd_scale": 1, "tcp_rcv_scale": 15},
    {"lwip_wnd_scale": 1, "tcp_wnd": 0x10000},
    {"lwip_wnd_scale": 1, "tcp_rcv_scale": 14},
    {"tcp_wnd": 0x10000},
    {"tcp_snd_buf": 0x10000},
    {"tcp_snd_queuelen": 0x10000},
    {"tcp_snd_queuelen": 1},
    {"tcp_maxrtx": 13},
    {"lwip_tcp_sack_out": 1, "tcp_queue_ooseq": 0},
    {"lwip_tcp_sack_out": 1, "lwip_tcp_max_sack_num": 0},
    {"pbuf_pool_bufsize": 4},
    {"lwip_netif_tx_single_pbuf": 1, "tcp_oversize": 0},
    {"lwip_acd": 0},
    {"lwip_autoip": 1, "lwip_dhcp": 0, "lwip_acd": 0},
    {"lwip_dhcp_autoip_coop": 1},
    {"lwip_version": "2.1.3", "lwip_tcp_rto_time": 1500},
]

BREAKING_TCP: list[dict[str, int | str]] = [
    {"memp_num_tcp_seg": 7},
    {"tcp_snd_buf": 1071},
    {"tcp_snd_queuelen": 3},
    {"tcp_sndlowat": 1072},
    {"tcp_snd_buf": 0xFFFF, "tcp_sndlowat": 0xFFFF - 4 * 536, "memp_num_tcp_seg": 500},
    {"tcp_sndqueuelowat": 8},
    {"pbuf_pool_bufsize": 54},
    {"tcp_wnd": 16 * 538 + 1},
    {"tcp_wnd": 535, "tcp_wnd_update_threshold": 1},
]


def first_broken(options: Options) -> Rule | None:
    return next((rule for rule in (*RULES, *TCP_RULES) if rule.broken(options)), None)


@pytest.mark.parametrize(("rule", "settings"), list(zip(RULES, BREAKING, strict=True)))
def test_what_lwip_refuses_to_compile(rule: Rule, settings: dict[str, int | str]) -> None:
    assert first_broken(Profile.make(check=False, **settings)) is rule
    with pytest.raises(ProfileError) as caught:
        Profile.make(**settings)
    message = str(caught.value)
    assert message.startswith(rule.message)
    for name in rule.names.split():
        assert OPTIONS[name].label + "=" in message
    assert "\n" not in message


@pytest.mark.parametrize(("rule", "settings"), list(zip(TCP_RULES, BREAKING_TCP, strict=True)))
def test_what_lwip_can_be_told_to_compile_all_the_same(rule: Rule, settings: dict[str, int | str]) -> None:
    assert first_broken(Profile.make(check=False, **settings)) is rule
    with pytest.raises(ProfileError, match=r"; LWIP_DISABLE_TCP_SANITY_CHECKS=1 allows it$"):
        Profile.make(**settings)
    Profile.make(lwip_disable_tcp_sanity_checks=1, **settings)


@pytest.mark.parametrize("name", names())
def test_the_named_profiles_are_sane(name: str) -> None:
    assert first_broken(named(name)) is None
    assert not named(name).lwip_disable_tcp_sanity_checks


def test_the_message_has_the_values() -> None:
    with pytest.raises(ProfileError) as caught:
        named("micropython").replace(tcp_wnd=700)
    assert str(caught.value) == (
        "TCP_WND is smaller than MSS (TCP_WND=700, TCP_MSS=800; lwIP init.c);"
        " LWIP_DISABLE_TCP_SANITY_CHECKS=1 allows it"
    )
