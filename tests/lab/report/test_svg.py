"""Pictures as SVG files: by the command line and by the page, from one drawing code."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab.report import svg
from tests.lab import commands
from tests.lab.report import runs

NAMES = "ladder sequence windows rtt timers pools rulers states overview".split()
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    pytest.importorskip("py_mini_racer", reason="mini-racer is not installed (extra svg)")
    return svg.pictures(runs.transfer())


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_every_picture_is_a_well_formed_file(drawn: dict[str, str]) -> None:
    assert list(drawn) == NAMES
    for name, picture in drawn.items():
        root = ElementTree.fromstring(picture)
        assert root.tag == f"{SVG}svg"
        assert len(list(root.iter())) > 20, name
        assert not re.search("NaN|undefined|Infinity", picture), name


def test_ladder_shows_every_frame_in_full(drawn: dict[str, str]) -> None:
    shown = texts(drawn["ladder"])
    frames = [event["info"] for event in runs.transfer().events if event["kind"] == "frame"]
    assert sum(1 for text in shown if any(str(info) in text for info in frames)) >= len(frames)
    assert "drop kind=syn-ack n=1" in shown
    assert "SYN_SENT" in shown
    assert "rexmit fires" in shown
    assert any(text.startswith("R rto") for text in shown)


def test_graph_has_its_marks(drawn: dict[str, str]) -> None:
    assert {"R", "S", "F"} <= set(texts(drawn["sequence"]))
    assert {"TCP_SEG", "HEAP", "PBUF_POOL"} <= set(texts(drawn["pools"]))
    assert "rexmit" in texts(drawn["timers"])
    assert "ESTABLISHED" in texts(drawn["states"])


def test_it_draws_the_same_each_time(drawn: dict[str, str]) -> None:
    assert svg.pictures(runs.transfer()) == drawn


def test_themes_differ(drawn: dict[str, str]) -> None:
    dark = svg.pictures(runs.transfer(), "dark")
    assert "#161a20" in dark["ladder"]
    assert "#161a20" not in drawn["ladder"]


def test_command_writes_them(drawn: dict[str, str], tmp_path: Path) -> None:
    done = commands.netstack("report", "examples/scenarios/lost-syn-ack.toml", "--svg", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == sorted(NAMES)


def test_without_an_engine_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)
    with pytest.raises(svg.NoEngine, match=r"netstack-emulator\[svg\]"):
        svg.pictures(runs.transfer())
