"""Quirks: sets of names, per version of lwIP."""

from __future__ import annotations

import pytest

from netstack.options import ProfileError
from netstack.quirks import QUIRKS, checked, quirks_of


def test_each_belongs_to_a_version_and_says_what_is_seen() -> None:
    assert quirks_of("2.2.1") | quirks_of("2.1.3") == set(QUIRKS)
    for quirk in QUIRKS.values():
        assert quirk.effect
        assert quirk.source
        assert set(quirk.versions) <= {"2.2.1", "2.1.3"}


def test_the_versions_differ() -> None:
    assert "dupack_count_not_reset" in quirks_of("2.2.1") - quirks_of("2.1.3")
    assert "dhcp_arp_check" in quirks_of("2.1.3") - quirks_of("2.2.1")
    assert "rst_window_byteswap" in quirks_of("2.2.1") & quirks_of("2.1.3")


def test_a_name_nobody_knows() -> None:
    assert checked(["no_paws", "rst_routed"]) == {"no_paws", "rst_routed"}
    with pytest.raises(ProfileError, match=r"^unknown quirk no_pawz \(did you mean no_paws\?\)$"):
        checked(["no_paws", "no_pawz"])
