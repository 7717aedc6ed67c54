"""Named profiles: four have exactly the option values of a recording of real lwIP made with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstack.options import ProfileError, is_option, lookup
from netstack.profiles import PROFILES, named
from netstack.quirks import quirks_of

RECORDED = "lwip-default micropython esp-like full".split()
GOLDEN = Path(__file__).resolve().parent.parent / "golden"

# What a recording also fixes: the scene, not the device.
SCENE = set(
    """
    arp clock_start ephemeral_first gateway hostname iss iss_step local_ip local_mac local_port netif_up
    netmask peer_ip peer_iss peer_mac peer_port rand rand_step stack view
    """.split()
)


def recorded(name: str) -> dict[str, str]:
    lines = (GOLDEN / f"{name}.options").read_text(encoding="ascii").split()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("name", RECORDED)
def test_values_are_those_of_the_recording(name: str) -> None:
    profile = named(name)
    settings = recorded(name)
    wrong = [
        f"{label}: {getattr(profile, label.lower())}, recorded {value}"
        for label, value in settings.items()
        if is_option(label) and lookup(label).parse(value) != getattr(profile, label.lower())
    ]
    assert not wrong
    assert {label for label in settings if not is_option(label)} <= SCENE
    assert sum(map(is_option, settings)) > 70


@pytest.mark.parametrize(
    ("name", "mss", "window", "send_buffer", "pcbs"),
    [
        ("lwip-default", 536, 2144, 1072, 5),
        ("micropython", 800, 6400, 6400, 5),
        ("esp-like", 1440, 5760, 5760, 16),
        ("full", 1460, 116800, 58400, 16),
    ],
)
def test_the_sizes_people_know_them_by(name: str, mss: int, window: int, send_buffer: int, pcbs: int) -> None:
    profile = named(name)
    found = (profile.tcp_mss, profile.tcp_wnd, profile.tcp_snd_buf, profile.memp_num_tcp_pcb)
    assert found == (mss, window, send_buffer, pcbs)


def test_the_same_object_each_time() -> None:
    assert named("micropython") is named("micropython")


def test_a_name_nobody_knows() -> None:
    with pytest.raises(ProfileError, match=r"^unknown profile micropyton \(did you mean micropython\?\)$"):
        named("micropyton")
    with pytest.raises(
        ProfileError, match=r"^unknown profile zzz \(netstack\.profiles\.names\(\) lists them\)$"
    ):
        named("zzz")


def test_each_has_a_line_about_it_and_more_to_say() -> None:
    for device in PROFILES.values():
        assert device.summary
        assert device.text.endswith(".")
        assert "\n" not in device.summary + device.text


def test_no_quirk_is_left_in_strict() -> None:
    assert not named("strict").quirks
    assert not named("strict").replace(tcp_wnd=5840).quirks


def test_2_1_3_differs_by_its_quirks_only() -> None:
    old, new = named("lwip-2.1.3"), named("lwip-default")
    assert old.options() | {"lwip_version": "2.2.1"} == new.options()
    assert old.quirks == quirks_of("2.1.3") != new.quirks
