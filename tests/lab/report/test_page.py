"""The page in a real browser: it draws, its panels are linked, mouse and keys work, all of it can be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.report.compare import first_difference
from lab.report.data import RunData
from lab.report.page import page
from tests.lab.report import frame_rate, runs
from tests.lab.report.browser import Browser, chromium

pytestmark = [pytest.mark.needs("chromium", "chromedriver"), pytest.mark.timeout(300)]

PANELS = "ladder overview sequence windows rtt timers pools rulers states".split()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as window:
        yield window


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


def write(folder: Path, name: str, shown: list[RunData]) -> Path:
    path = folder / f"{name}.html"
    path.write_text(page(shown, first_difference(*shown) if len(shown) == 2 else None), encoding="utf-8")
    return path


@pytest.fixture
def lost(browser: Browser, folder: Path) -> Iterator[Browser]:
    """The page of the run with two losses, fresh. What it writes to the console fails the test."""
    path = folder / "lost.html"
    if not path.exists():
        write(folder, "lost", [runs.transfer()])
    browser.open(path)
    yield browser
    assert browser.complaints() == []


def state(browser: Browser) -> Any:
    """What the page shows, from inside."""
    return browser.run("""
        const { app } = netstack;
        const [view] = app.views;
        const ladder = view.panels.ladder.picture;
        const chosen = app.chosen && {
          info: app.chosen.arrow?.frame.info ?? null, kind: app.chosen.event?.kind ?? null,
        };
        return {
          time: app.time, t0: app.view.t0, t1: app.view.t1, side: view.sideIndex, chosen,
          scroll: ladder.scroll, zoom: ladder.zoom, trueScale: ladder.trueScale,
          large: app.large?.name ?? null, help: app.help.element.open, found: app.search.found.length,
          theme: document.documentElement.dataset.theme,
        };
    """)


def text(browser: Browser, selector: str) -> str:
    return str(browser.driver.find_element("css selector", selector).text)


def colours(browser: Browser, panel: str, layer: str = "canvas:not(.overlay)") -> int:
    """How many colours a panel's canvas has; an empty overlay has one."""
    return int(browser.run(
        "const c = document.querySelector(`[data-panel=${arguments[0]}] ${arguments[1]}`);"
        "const d = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);"
        "return new Set(d).size", panel, layer,
    ))  # fmt: skip


# It draws


def test_every_picture_is_drawn(lost: Browser) -> None:
    shown = lost.run("return [...document.querySelectorAll('[data-panel]')].map((one) => one.dataset.panel)")
    assert shown == PANELS
    for panel in PANELS:
        assert colours(lost, panel) > 4, f"{panel} is empty"


def test_it_says_what_it_shows(lost: Browser) -> None:
    assert text(lost, "h1") == "fetch 20 kB: SYN-ACK and third data segment lost"
    assert "seed 1 · micropython · 58 frames" in text(lost, ".facts")
    assert "server → client" in text(lost, ".sides [aria-pressed=true]")
    table = text(lost, ".connections tbody")
    assert "client:49153" in table
    assert "server:80" in table
    assert "20\u202f000" in table


def test_it_begins_with_the_first_loss_and_its_reason(lost: Browser) -> None:
    why = text(lost, ".inspector")
    assert "SYN ACK 0 ack 1" in why
    assert "drop kind=syn-ack n=1" in why
    assert "RFC 9293" in why


def test_frames_that_died_have_their_lane(lost: Browser) -> None:
    assert lost.run("return netstack.app.views[0].run.arrows.filter((one) => one.died).length") == 2
    assert lost.run("return netstack.app.views[0].panels.ladder.picture.laneAt") > 0


def test_arrows_are_slanted_by_the_delay_and_in_order(lost: Browser) -> None:
    rows = lost.run(
        "const { layout } = netstack.app.views[0].panels.ladder.picture;"
        "return layout.rows.map(({ arrow, y0, y1 }) => [arrow.sent, arrow.until, y0, y1])"
    )
    assert len(rows) == 58
    assert all(y1 > y0 for sent, until, y0, y1 in rows if until > sent)
    starts = [(sent, y0) for sent, _, y0, _ in rows]
    assert all(one[1] < other[1] for one, other in itertools.pairwise(starts) if one[0] < other[0])


def test_true_scale_is_true(lost: Browser) -> None:
    lost.press("l")
    rows = lost.run(
        "const { layout } = netstack.app.views[0].panels.ladder.picture;"
        "return layout.rows.filter(({ arrow }) => !arrow.died && arrow.until > arrow.sent)"
        ".map(({ arrow, y0, y1 }) => (y1 - y0) / (arrow.until - arrow.sent))"
    )
    assert max(rows) == pytest.approx(min(rows))


def test_time_sequence_graph_knows_what_was_sent_again(lost: Browser) -> None:
    again = lost.run(
        "const { sent } = netstack.app.scene(netstack.app.views[0]).sender.end;"
        "return sent.filter((one) => one.xmit > 1).map((one) => [one.seq, one.cause])"
    )
    assert [0, "rto"] in again
    assert any(seq == 1601 for seq, _ in again)


def test_timers_are_armed_and_fired_on_slow_ticks(lost: Browser) -> None:
    fired = lost.run("""
        const { sender, run } = netstack.app.scene(netstack.app.views[0]);
        const fired = sender.end.timers.get("rexmit").filter((one) => one.fate === "fired");
        return fired.map((one) => [one.until, one.due, run.slow(sender.name)]);
    """)
    assert len(fired) == 2
    assert {(time - fired[0][0]) % slow for *times, slow in fired for time in times} == {0}


# Linked


def test_one_cursor_goes_through_all_pictures(lost: Browser) -> None:
    lost.run("netstack.app.choose(netstack.app.views[0], null, null)")
    lost.point("sequence", 300, 90)
    time = state(lost)["time"]
    assert 0 < time < 6e9
    for panel in ("ladder", "overview", "sequence", "windows", "rtt", "timers", "pools"):
        assert colours(lost, panel, ".overlay") > 1, f"no cursor in {panel}"
    lost.settle()
    lost.point("windows", 560, 40)
    later = state(lost)["time"]
    assert later > time
    lost.point("ladder", 200, 300)
    assert state(lost)["time"] != later


def test_values_at_the_cursor_stand_in_the_legend(lost: Browser) -> None:
    lost.run("netstack.app.setTime(5.0e9, null)")
    before = text(lost, "[data-panel=windows] .legend")
    lost.run("netstack.app.setTime(5.15e9, null)")
    assert before != text(lost, "[data-panel=windows] .legend")
    assert "cwnd" in before


def test_cursor_in_a_graph_brings_its_moment_into_the_ladder(lost: Browser) -> None:
    before = state(lost)["scroll"]
    place = lost.run("return netstack.app.views[0].panels.sequence.picture.x.px(5.17e9)")
    lost.point("sequence", place, 90)
    assert state(lost)["scroll"] > before


def test_ruler_shows_what_is_in_flight_and_out_of_order(lost: Browser) -> None:
    lost.run("netstack.app.setTime(4.0e9, null)")
    boxes = lost.run("return netstack.app.views[0].panels.rulers.picture.hits.map((one) => one.text)")
    assert any(one.startswith("in flight: 800 bytes") for one in boxes), boxes
    assert any(one.startswith("out of order: 800 bytes") for one in boxes)
    assert any(one.startswith("queued") for one in boxes)


def test_states_walk_with_the_cursor(lost: Browser) -> None:
    lost.run("netstack.app.setTime(0.17e9, null)")
    early = lost.run("return netstack.app.views[0].panels.states.picture.steps.length")
    lost.run("netstack.app.setTime(netstack.app.views[0].run.end, null)")
    assert early == 2 < lost.run("return netstack.app.views[0].panels.states.picture.steps.length")


# Mouse


def test_hover_says_what_and_why(lost: Browser) -> None:
    y = lost.run(
        "const p = netstack.app.views[0].panels.ladder.picture;"
        "const row = p.layout.rows.find((one) => one.arrow.frame.info.startsWith('SYN 0'));"
        "return p.py((row.y0 + row.y1) / 2)"
    )
    middle = lost.run(
        "const p = netstack.app.views[0].panels.ladder.picture;"
        "return (p.lifeline('server') + p.lifeline('client')) / 2"
    )
    lost.point("ladder", middle, y)
    tip = text(lost, ".tip")
    assert tip.startswith("client → server: SYN 0")
    assert "20" in tip
    assert "connect" in tip.lower()


def test_click_shows_state_before_and_after_and_headers(lost: Browser) -> None:
    place = lost.run(
        "const p = netstack.app.views[0].panels.ladder.picture; const { run } = netstack.app.views[0];"
        "const row = p.layout.rows.find(({ arrow }) => arrow.frame.info.includes('1:801'));"
        "return [(p.lifeline('server') + p.lifeline('client')) / 2, p.py((row.y0 + row.y1) / 2)]"
    )
    lost.point("ladder", *place, click=True)
    assert "1:801" in state(lost)["chosen"]["info"]
    why = text(lost, ".inspector")
    assert "server: sending it" in why
    assert "client: receiving it" in why
    assert "SND.NXT" in why
    assert "10.0.0.2" in why
    assert "02:00:0a:00:00:01" in why
    assert "win" in why
    assert lost.run("return document.querySelectorAll('.state .changed').length") > 2


def test_wheel_zooms_and_drag_moves(lost: Browser) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    area = lost.driver.find_element("css selector", "[data-panel=sequence] .plot")
    before = state(lost)
    ActionChains(lost.driver).scroll_from_origin(ScrollOrigin.from_element(area), 0, -600).perform()
    lost.settle()
    closer = state(lost)
    assert closer["t1"] - closer["t0"] < 0.5 * (before["t1"] - before["t0"])
    ActionChains(lost.driver, duration=20).drag_and_drop_by_offset(area, 120, 0).perform()
    lost.settle()
    moved = state(lost)
    assert moved["t0"] < closer["t0"]
    assert moved["t1"] - moved["t0"] == pytest.approx(closer["t1"] - closer["t0"])


# Keyboard


def test_keys_move_and_zoom(lost: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    before = state(lost)
    lost.press("+")
    closer = state(lost)
    assert closer["t1"] - closer["t0"] == pytest.approx((before["t1"] - before["t0"]) / 1.5)
    lost.press(Keys.ARROW_RIGHT)
    assert state(lost)["t0"] > closer["t0"]
    lost.press("f")
    assert state(lost)["t1"] == before["t1"]


def test_keys_walk_from_frame_to_frame(lost: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    lost.press(Keys.HOME)
    assert state(lost)["chosen"]["info"].startswith("ARP")
    lost.press(Keys.ARROW_DOWN * 4)
    assert state(lost)["chosen"]["info"].startswith("SYN 0")
    lost.press(Keys.ARROW_UP)
    assert "is at" in state(lost)["chosen"]["info"]
    lost.press(Keys.END)
    assert state(lost)["scroll"] > 100


def test_keys_switch(lost: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    before = state(lost)
    lost.press("s")
    assert state(lost)["side"] == 1 - before["side"]
    lost.press("t")
    assert state(lost)["theme"] != before["theme"]
    lost.press("t")
    lost.press("2")
    assert state(lost)["large"] == "sequence"
    assert not lost.driver.find_element("css selector", "[data-panel=ladder]").is_displayed()
    lost.press(Keys.ESCAPE)
    assert state(lost)["large"] is None
    lost.press("?")
    assert state(lost)["help"]
    assert "first difference" in text(lost, ".help")
    lost.press("?")
    assert not state(lost)["help"]
    lost.press(Keys.ESCAPE)
    assert state(lost)["chosen"] is None


def test_search_finds_in_explanations(lost: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    lost.press("/")
    lost.press("slowtmr rto" + Keys.ENTER)
    found = state(lost)["found"]
    assert found > 0
    assert text(lost, ".search output") == f"1 of {found}"
    first = state(lost)["time"]
    lost.press(Keys.ENTER)
    assert text(lost, ".search output") == f"2 of {found}"
    assert state(lost)["time"] >= first
    lost.press(Keys.ESCAPE)
    assert state(lost)["found"] == 0


# To be read by everybody


def channel(value: float) -> float:
    value /= 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours #rrggbb."""
    lights = sorted(
        0.2126 * channel(int(text[1:3], 16))
        + 0.7152 * channel(int(text[3:5], 16))
        + 0.0722 * channel(int(text[5:7], 16))
        for text in (one, other)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast_is_enough(browser: Browser, folder: Path, dark: bool) -> None:
    browser.open(write(folder, "contrast", [runs.transfer()]), dark=dark)
    assert state(browser)["theme"] == ("dark" if dark else "light")
    palette = browser.run("return netstack.app.colours")
    inks = "ink soft faint blue red green orange purple teal grey".split()
    grounds = "panel sunk page".split()
    pairs = [(ink, ground) for ink in inks for ground in grounds]
    # Text on the washes that lie behind it: what is chosen, found, and the blocks of the rulers.
    pairs += [(ink, "wash") for ink in "ink soft blue purple red".split()]
    pairs += [
        ("ink", "select"),
        ("red", "washRed"),
        ("orange", "washOrange"),
        ("green", "washGreen"),
        ("teal", "washTeal"),
    ]
    pairs += [(ink, "select") for ink in "blue red green purple orange grey teal".split()]
    pairs += [("panel", "blue"), ("panel", "orange")]  # the states where the ends are
    ratios = {pair: contrast(palette[pair[0]], palette[pair[1]]) for pair in pairs}
    weak = {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5}
    assert not weak


# What stands on no colour of its own has that of what is behind it; only elements with text of their own
# count.
READ = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const found = [];
for (const element of document.querySelectorAll("body *")) {
  if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
  if (!element.checkVisibility() || element.closest("script, style, noscript, dialog:not([open])")) continue;
  let behind = element;
  const clear = (one) => (rgb(getComputedStyle(one).backgroundColor)[3] ?? 1) === 0;
  while (behind && clear(behind)) behind = behind.parentElement;
  const two = (number) => number.toString(16).padStart(2, "0");
  const hex = (text) => "#" + rgb(text).slice(0, 3).map(two).join("");
  found.push([
    element.className || element.tagName, element.textContent.trim().slice(0, 30),
    hex(getComputedStyle(element).color), hex(getComputedStyle(behind ?? document.body).backgroundColor),
  ]);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_of_the_page_can_be_read(browser: Browser, folder: Path, dark: bool) -> None:
    browser.open(write(folder, "texts", [runs.transfer()]), dark=dark)
    browser.run("netstack.app.help.toggle()")
    texts = browser.run(READ)
    assert len(texts) > 100
    assert [
        (*one, round(contrast(one[2], one[3]), 2)) for one in texts if contrast(one[2], one[3]) < 4.5
    ] == []


def test_theme_follows_the_system_until_somebody_chooses(browser: Browser, folder: Path) -> None:
    path = write(folder, "theme", [runs.transfer()])
    browser.open(path, dark=True)
    assert state(browser)["theme"] == "dark"
    browser.run("document.getElementById('theme').click()")
    assert state(browser)["theme"] == "light"
    browser.open(path, dark=True, keep=True)
    assert state(browser)["theme"] == "light"


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768), (1024, 768), (820, 1100)])
def test_it_fits_the_window(browser: Browser, folder: Path, width: int, height: int) -> None:
    browser.open(write(folder, "sizes", [runs.transfer()]), width, height)
    size = browser.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [width, height]
    assert browser.run("return Math.min(...netstack.app.panels.map((one) => one.height ?? 0))") >= 25
    assert browser.complaints() == []


# Two runs, no run, many frames


def test_two_runs_lie_side_by_side(browser: Browser, folder: Path) -> None:
    browser.open(write(folder, "two", runs.two_options()))
    assert "ack 6401" in text(browser, ".difference")
    assert "ack 2401" in text(browser, ".difference")
    for panel in ("ladder", "sequence", "windows"):
        assert (
            browser.run("return document.querySelectorAll(`[data-panel=${arguments[0]}]`).length", panel) == 2
        )
    both = browser.run(
        "return netstack.app.views.map(({ panels: { sequence, windows } }) =>"
        " [sequence.picture.x.from, windows.picture.y.to])"
    )
    assert both[0] == both[1]  # one scale
    assert "6401" in state(browser)["chosen"]["info"]
    assert browser.complaints() == []


FEED = "for (const line of arguments[0]) netstack.feed(line);"


def test_it_can_be_fed_while_it_is_open(browser: Browser, folder: Path) -> None:
    run = runs.transfer()
    lines = [dict(run.header), *({**event, "text": f"text {event['i']}"} for event in run.events)]
    browser.open(write(folder, "live", []))
    browser.run(FEED, lines[:300])
    half = browser.run("return netstack.app.views[0].run.arrows.length")
    browser.run(FEED, lines[300:])
    assert 0 < half < browser.run("return netstack.app.views[0].run.arrows.length") == 58
    assert text(browser, "h1") == run.header["title"]
    for panel in PANELS:
        assert colours(browser, panel) > 4, f"{panel} is empty"
    whole = browser.run("const { app } = netstack; return app.view.t1 >= app.views[0].run.end")
    assert whole, "the graphs do not follow"
    # Fed or read, the model is the same.
    sums = """
        const { run } = netstack.app.views[0];
        const end = run.connections.get(1).ends.get("server");
        const lists = [end.sent, end.got, end.snapshots, end.samples, run.arrows, run.marks, run.events];
        return [run.frames.size, [...end.timers.keys()], ...lists.map((list) => list.length)];
    """
    fed = browser.run(sums)
    browser.open(write(folder, "read", [run]))
    assert browser.run(sums) == fed
    assert browser.complaints() == []


def test_ten_thousand_frames_are_drawn_while_they_move(browser: Browser, folder: Path) -> None:
    """How quickly is measured by ``python -m tests.lab.report.frame_rate``, on a machine that is idle."""
    run = runs.long_run(10_000)
    browser.open(write(folder, "long", [run]))
    assert browser.run("return netstack.app.views[0].run.arrows.length") >= 10_000
    for name, rate in frame_rate.measure(browser, 6).items():
        assert rate > 0, name
    for panel in PANELS:
        assert colours(browser, panel) > 2, f"{panel} is empty"
    assert browser.complaints() == []
