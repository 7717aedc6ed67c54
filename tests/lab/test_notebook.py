"""A run in a notebook: a real kernel executes it, nbconvert makes the page, a headless Chromium shows it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import lab
from lab import notebook
from lab.trace import TraceError
from tests.lab.export import notebooks, runs
from tests.lab.report.browser import Browser, chromium

SCENARIO = runs.SCENARIOS / "lost-syn-ack.toml"
CELLS = (
    "import lab",
    f"run = lab.open_run({str(SCENARIO)!r})\nrun",
    "run.picture('ladder')",
    "run.picture('rubbish')",
)


def output(run: notebook.Run) -> str:
    return run._repr_html_()


# What GitHub leaves of an output: its sanitizer removes these with all that is in them.
REMOVED = {"script", "style", "iframe", "object", "svg"}


class Static(HTMLParser):
    """The text that a page shows where neither frames nor scripts are."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._within.pop() == tag

    def handle_data(self, data: str) -> None:
        if not REMOVED & set(self._within):
            self.text += data


def test_the_page_stands_whole_in_the_output() -> None:
    run = lab.open_run(SCENARIO)
    text = output(run)
    (page,) = re.findall(r'srcdoc="([^"]*)"', text)
    assert html.unescape(page) == run.page()
    outside = text.replace(page, "")
    assert not re.search(r"https?:|src=|href=", outside)
    assert "allow-same-origin" not in outside


def test_without_frames_and_scripts_the_frames_are_there_as_text() -> None:
    run = lab.open_run(SCENARIO)
    static = Static()
    static.feed(output(run))
    assert "A lost SYN-ACK" in static.text
    assert run.ladder() in static.text
    assert "retransmitted SYN-ACK because the slow tick" in static.text


def test_a_title_is_text() -> None:
    text = output(notebook.Run(runs.impaired()))
    assert "<strong>50% lost; &lt;b&gt;#1&lt;/b&gt;\nend</strong>" in text


def test_a_page_that_is_too_large_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "MOST_BYTES", 100_000)
    text = output(lab.open_run(SCENARIO))
    assert "<iframe" not in text
    assert "<details open>" in text
    assert "run.save(" in text
    assert len(text) < 20_000


def test_it_can_be_saved(tmp_path: Path) -> None:
    run = lab.open_run(SCENARIO)
    run.save(tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == run.page()


def test_a_trace_and_a_script_are_runs_too() -> None:
    assert ": device (micropython); 16 frames in " in repr(lab.open_run(runs.SCRIPT))
    with pytest.raises(TraceError, match="No such file"):
        lab.open_run("missing.jsonl")


def test_pictures_by_name() -> None:
    pytest.importorskip("py_mini_racer", reason="mini-racer is not installed (extra svg)")
    run = lab.open_run(SCENARIO)
    assert run.picture("windows")._repr_svg_().startswith("<svg")
    assert run.picture("windows", "dark").svg != run.picture("windows").svg
    with pytest.raises(KeyError, match="no picture rubbish: there are ladder, sequence"):
        run.picture("rubbish")


# A real notebook


@pytest.fixture(scope="module")
def executed() -> Any:
    """The notebook with its outputs."""
    pytest.importorskip("py_mini_racer", reason="mini-racer is not installed (extra svg)")
    return notebooks.execute(CELLS)


def test_a_kernel_gives_page_and_picture(executed: Any) -> None:
    _, run, picture, wrong = [cell.outputs[0] if cell.outputs else None for cell in executed.cells]
    assert run.data["text/html"] == output(lab.open_run(SCENARIO))
    assert run.data["text/plain"].startswith("<run A lost SYN-ACK: client (micropython), server (")
    assert picture.data["image/svg+xml"].startswith("<svg")
    assert (wrong.output_type, wrong.ename) == ("error", "KeyError")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    pytest.importorskip("selenium", reason="selenium is not installed (extra dev)")
    with chromium() as window:
        yield window


@pytest.mark.needs("chromium", "chromedriver")
def test_a_browser_shows_it(executed: Any, browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "notebook.html"
    page.write_text(notebooks.page(executed), encoding="utf-8")
    driver = browser.driver
    notebooks.show(browser, page, 1200, 900)
    size = driver.execute_script("return [innerWidth, innerHeight]")
    assert size[0] > 900
    assert size[1] == notebook.HEIGHT
    arrows = "return netstack.app.views[0].run.arrows.length"
    sent = [event for event in runs.scenario("lost-syn-ack").events if event["kind"] == "frame-out"]
    assert driver.execute_script(arrows) == len(sent)
    assert driver.execute_script("return document.querySelector('h1').textContent") == "A lost SYN-ACK"
    drawn = (
        "return [...document.querySelectorAll('canvas')].filter((one) => one.width * one.height > 0).length"
    )
    assert driver.execute_script(drawn) >= 8
    driver.switch_to.default_content()
    widths = "return [...document.querySelectorAll('img')].map((one) => one.naturalWidth)"
    assert [width > 300 for width in driver.execute_script(widths)] == [True]  # the picture
    assert browser.complaints() == []
