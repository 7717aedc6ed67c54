"""docs/profiles.md is generated from the profiles; here it is compared with them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lab.profile_page import main, page, slow_tick
from netstack.options import OPTIONS
from netstack.profiles import PROFILES, named

PAGE = Path(__file__).parents[2] / "docs" / "profiles.md"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(), "docs/profiles.md is behind the code: python -m lab.profile_page docs/profiles.md"


def test_it_has_every_profile_and_every_option() -> None:
    text = page()
    assert re.findall(r"(?m)^## ([\w.-]+)$", text) == list(PROFILES)
    for row in OPTIONS.values():
        assert f"| `{row.label}` |" in text


def test_links_lead_to_headings() -> None:
    text = page()
    anchors = {name.replace(".", "") for name in re.findall(r"(?m)^## (.*)$", text)}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors


def row(name: str) -> list[str]:
    """The line of the second table about a profile."""
    return [
        cell.strip() for cell in re.findall(rf"(?m)^\| {re.escape(name)} \|(.*)\|$", page())[0].split("|")
    ]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("lwip-default", "536 2144 24584 3 500 3000 1072"),
        ("micropython", "1600 3200 25 2 500 3000 6400"),
        ("micropython-rp2", "1600 3200 25 2 512 3072 6400"),
        ("micropython-renesas-ra", "2920 4380 41005 1 512 3072 11680"),
        ("micropython-stm32-n6", "5840 4380 16475 1 512 3072 23360"),
        ("pico-sdk", "2920 4380 41005 1 500 3000 2920"),
        ("esp32-idf", "1440 4380 32790 1 500 1500 5760"),
    ],
)
def test_what_follows_from_the_options(name: str, numbers: str) -> None:
    """Update threshold, initial cwnd, window in RST, buffers a frame, slow tick, SYN gap, bytes queued: as
    computed by hand from lwIP's sources.
    """
    assert [cell.removesuffix(" ms") for cell in row(name)] == numbers.split()


def test_polling_rounds_the_tick_up() -> None:
    profile = named("micropython")
    assert [slow_tick(profile.replace(poll_interval_ms=ms)) for ms in (1, 64, 100, 128, 250, 251)] == [
        500, 512, 600, 512, 500, 502,
    ]  # fmt: skip


def test_it_is_written_where_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["profile_page", str(tmp_path / "page.md")])
    main()
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()
