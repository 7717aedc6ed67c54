"""docs/museum.md is generated from the exhibits; here it is compared with them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lab.museum import exhibits
from lab.museum_page import main, page

PAGE = Path(__file__).parents[2] / "docs" / "museum.md"


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def test_the_page_is_up_to_date(text: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == text, (
        "docs/museum.md is behind the code: python -m lab.museum_page docs/museum.md"
    )


def test_it_has_every_exhibit_with_every_scene(text: str) -> None:
    found = exhibits()
    assert re.findall(r"(?m)^## (.*)$", text) == [f"{one.number} {one.title}" for one in found]
    assert len(re.findall(r"(?m)^\| \*\*pain\*\*: ", text)) == len(found)
    assert len(re.findall(r"(?m)^\| cured: ", text)) == sum(len(one.scenes) - 1 for one in found)


def test_links_lead_to_headings(text: str) -> None:
    anchors = [
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"(?m)^## (.*)$", text)
    ]
    assert re.findall(r"\]\(#([^)]*)\)", text) == anchors


def test_it_is_written_where_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.museum_page.page", lambda: "the page")
    monkeypatch.setattr(sys, "argv", ["museum_page", str(tmp_path / "page.md")])
    main()
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == "the page"
