"""Profile: derived values, changed copies, text and back."""

from __future__ import annotations

import pytest

from netstack.options import ProfileError, parse_setting
from netstack.profile import Profile
from netstack.profiles import named, names
from netstack.quirks import quirks_of


def test_defaults_follow_the_options_they_are_made_of() -> None:
    profile = Profile.make(tcp_mss=1000, mem_size=10000)
    assert profile.tcp_wnd == 4000
    assert profile.tcp_snd_buf == 2000
    assert profile.tcp_snd_queuelen == 8
    assert profile.tcp_wnd_update_threshold == 1000
    assert profile.pbuf_pool_bufsize == 1056  # 14 + 20 + 20 + 1000, rounded up to 4


def test_replace_derives_anew_what_was_never_given() -> None:
    base = Profile.make(tcp_mss=1000, tcp_wnd=5000)
    other = base.replace(tcp_mss=500)
    assert other.tcp_wnd == 5000
    assert other.tcp_snd_buf == 1000
    assert base.tcp_mss == 1000
    assert other.explicit == {"tcp_mss", "tcp_wnd"}


def test_replace_keeps_or_changes_the_name() -> None:
    assert named("full").replace(tcp_msl=1000).name == "full"
    assert named("full").replace(tcp_msl=1000, name="mine").name == "mine"


@pytest.mark.parametrize("name", names())
def test_settings_read_back_make_the_same_profile(name: str) -> None:
    profile = named(name)
    again = Profile.make(**dict(map(parse_setting, profile.settings())))
    assert again.options() == profile.options()


def test_from_options_takes_either_case_but_each_once() -> None:
    assert Profile.from_options({"TCP_MSS": "800", "tcp_wnd": 6400}).tcp_mss == 800
    with pytest.raises(ProfileError, match=r"^option TCP_WND is given twice$"):
        Profile.from_options({"TCP_WND": "6400", "tcp_wnd": 6400})
    with pytest.raises(ProfileError, match="unknown option TCP_MMS"):
        Profile.from_options({"TCP_MMS": "800"})


def test_quirks_go_with_the_version() -> None:
    profile = Profile.make()
    assert profile.quirks == quirks_of("2.2.1")
    older = profile.replace(lwip_version="2.1.3")
    assert older.quirks == quirks_of("2.1.3")
    chosen = profile.replace(quirks=["no_paws"])
    assert chosen.quirks == {"no_paws"}
    assert chosen.replace(tcp_msl=1).quirks == {"no_paws"}


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        named("full").tcp_wnd = 1  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"^use Profile\.make"):
        Profile()


def test_the_headers_of_heap_blocks() -> None:
    """Over 64000 bytes lwIP's offsets are 32 bits wide; recordings of esp-like show 4 bytes more a block."""
    assert named("micropython").heap_block_header == 8
    assert named("esp-like").heap_block_header == 12
    assert Profile.make(mem_size=64000).heap_block_header == 8
    assert Profile.make(mem_size=64001).heap_block_header == 12


def test_repr_shows_what_was_given() -> None:
    assert repr(Profile.make("mine", tcp_msl=5)) == "Profile('mine', tcp_msl=5)"
