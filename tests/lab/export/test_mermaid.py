"""Sequence diagrams: against the part of the language that they use, and Mermaid itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from lab.export import mermaid
from lab.export.sequence import lifelines, steps
from tests.lab.export import mermaid_js, runs
from tests.lab.report.browser import Browser, chromium

TEXT = r"[^#;\n<>]*(?:(?:#(?:\d+|lt|gt);|<br/>)[^#;\n<>]*)*"
LINES = (
    re.compile(rf"    participant (?P<key>p\d+) as (?P<name>{TEXT})"),
    re.compile(
        r"    (?P<source>p\d+)(?P<arrow>->>|-x|-\))(?P<target>p\d+): "
        rf"(?P<time>\d+\.\d{{4}}) (?P<text>{TEXT})"
    ),
    re.compile(rf"    Note over (?P<over>p\d+(?:,p\d+)?): (?P<note>{TEXT})"),
)  # fmt: skip
SCENARIOS = sorted(path.stem for path in runs.SCENARIOS.glob("*.toml"))

Line = dict[str, str]


def parse(text: str) -> list[Line]:
    """The lines of a diagram, each as the groups of its expression; asserts that all are in the language."""
    first, title, *rest = text.splitlines()
    assert first == "sequenceDiagram"
    assert re.fullmatch(rf"    title {TEXT}", title), title
    found: list[Line] = []
    for line in rest:
        match = next((match for one in LINES if (match := one.fullmatch(line))), None)
        assert match is not None, line
        found.append(match.groupdict())
    keys = {one["key"] for one in found if "key" in one}
    for one in found:
        named = [one[name] for name in ("source", "target") if name in one] + one.get("over", "").split(",")
        assert {name for name in named if name} <= keys
    assert len(text) < 50_000
    return found


def arrows(text: str) -> list[Line]:
    return [line for line in parse(text) if "arrow" in line]


def notes(text: str) -> list[str]:
    return [read(line["note"]) for line in parse(text) if "note" in line]


def read(text: str) -> str:
    """What somebody sees of a text."""
    decoded = re.sub(r"#(\w+);", lambda m: chr(int(m[1])) if m[1].isdigit() else f"&{m[1]};", text)
    return html.unescape(decoded.replace("<br/>", " "))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_in_the_language(name: str) -> None:
    trace = runs.scenario(name)
    text = mermaid.diagram(trace)
    assert 3 < len(arrows(text)) <= mermaid.MOST
    frames = sum(event["kind"] in ("wire", "died") for event in trace.events)
    everything = mermaid.diagram(trace, 10_000)
    assert len(arrows(everything)) == frames or len(everything) > 0.9 * mermaid.MOST_CHARACTERS


def test_a_lost_frame_has_a_cross_and_a_reason() -> None:
    text = mermaid.diagram(runs.scenario("lost-syn-ack"))
    crosses = [line for line in arrows(text) if line["arrow"] == "-x"]
    assert [(line["source"], line["target"], line["time"]) for line in crosses] == [("p1", "p0", "0.0400")]
    assert crosses[0]["text"] == "SYN ACK 0 ack 1 win 5760 mss 1440"
    said = notes(text)
    assert "never arrived: lost" in said
    (why,) = [note for note in said if note.startswith("retransmitted SYN-ACK")]
    assert why.endswith("the slow tick at 1.290 s found rtime 3 ≥ rto 3 (RFC 6298 §5.4; tcp_slowtmr)")


def test_arrows_are_in_the_order_of_their_times() -> None:
    times = [float(line["time"]) for line in arrows(mermaid.diagram(runs.scenario("zero-window"), 10_000))]
    assert times == sorted(times)
    assert len(times) > 30


def test_what_is_left_out_is_said() -> None:
    trace = runs.scenario("zero-window")
    whole = arrows(mermaid.diagram(trace, 10_000))
    text = mermaid.diagram(trace, 5)
    assert arrows(text) == whole[:5]
    found = re.fullmatch(
        r"(\d+) more frames and (\d+) more notes left out, the last at (\d+\.\d{4}) s", notes(text)[-1]
    )
    assert found is not None
    assert int(found[1]) == len(whole) - 5
    assert found[3] == whole[-1]["time"]
    later = mermaid.diagram(trace, 10_000, begin=1_000_000_000)
    before = sum(float(line["time"]) < 1 for line in whole)
    assert notes(later)[0] == f"{before} frames before 1.0000 s left out"
    assert arrows(later) == whole[before:]


def test_a_long_run_stays_below_mermaids_limit() -> None:
    text = mermaid.diagram(runs.scenario("bufferbloat"), 100_000)
    assert len(text) < mermaid.MOST_CHARACTERS + 200
    assert "more frames" in notes(text)[-1]


def test_hostile_texts_are_texts() -> None:
    text = mermaid.diagram(runs.impaired(), 10_000)
    parse(text)
    assert text.splitlines()[1] == "    title 50% lost#59; #lt;b#gt;#35;1#lt;/b#gt; end"
    assert {line["arrow"] for line in arrows(text)} == {"->>", "-x", "-)"}
    assert any("(arrived as " in line["text"] for line in arrows(text))


def test_a_switch_is_one_lifeline() -> None:
    trace = runs.scenario("duplicate-ip")
    assert lifelines(trace, steps(trace)) == ["client", "home", "server"]


def test_a_script_has_a_peer() -> None:
    text = mermaid.diagram(runs.script())
    assert [line["name"] for line in parse(text) if "name" in line] == ["device", "peer"]
    assert [line["source"] for line in arrows(text)][:4] == ["p1", "p0", "p1", "p0"]
    assert sum(note.startswith("retransmitted 1:101") for note in notes(text)) == 12
    assert notes(text)[-1].startswith("gave up")


def test_the_diagram_in_the_documentation_is_what_comes_out() -> None:
    page = (runs.ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{mermaid.diagram(runs.scenario('lost-syn-ack'), 9)}```" in page


# Mermaid itself


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    pytest.importorskip("selenium", reason="selenium is not installed (extra dev)")
    with chromium() as window:
        mermaid_js.load(window, tmp_path_factory.mktemp("mermaid"))
        yield window


@pytest.mark.needs("chromium", "chromedriver")
def test_mermaid_refuses_what_is_wrong(browser: Browser) -> None:
    assert "error" in mermaid_js.draw(browser, "sequenceDiagram\n    a->>b no text\n")


@pytest.mark.needs("chromium", "chromedriver")
@pytest.mark.parametrize("name", [*SCENARIOS, "impaired", "script"])
def test_mermaid_draws_it(browser: Browser, name: str) -> None:
    trace = {"impaired": runs.impaired, "script": runs.script}.get(name, lambda: runs.scenario(name))()
    text = mermaid.diagram(trace)
    drawn = mermaid_js.draw(browser, text)
    assert "error" not in drawn, drawn
    shown = arrows(text)
    assert drawn["messages"] == [f"{line['time']} {read(line['text'])}" for line in shown]
    assert " ".join(drawn["notes"]).split() == " ".join(notes(text)).split()
    assert drawn["crosses"] == sum(line["arrow"] == "-x" for line in shown)
    assert drawn["title"] == read(text.splitlines()[1].removeprefix("    title "))
    names = [read(line["name"]) for line in parse(text) if "name" in line]
    assert sorted(drawn["actors"]) == sorted(names * 2)  # above and below
