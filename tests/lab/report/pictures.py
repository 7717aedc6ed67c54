"""Makes the pictures of docs/pictures: the report's page in a headless Chromium, as people see it.

    python -m tests.lab.report.pictures docs/pictures

Fonts: Inter where it is installed (Debian's fonts-inter), else what the machine has.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.report.compare import first_difference
from lab.report.data import RunData
from lab.report.page import page
from lab.report.svg import write as write_svg
from tests.lab.report import runs
from tests.lab.report.browser import Browser, chromium
from tests.lab.report.png import small

MOST_BYTES = 300_000


def shoot(
    browser: Browser,
    shown: Sequence[RunData],
    target: Path,
    script: str = "",
    dark: bool = False,
    size: tuple[int, int] = (1600, 900),
) -> None:
    """Open the page of some runs, do what ``script`` says, and keep what is seen."""
    difference = first_difference(*shown) if len(shown) == 2 else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page(shown, difference), encoding="utf-8")
        browser.open(path, *size, dark=dark)
        if script:
            browser.run(script)
        assert not (said := browser.complaints()), said
        browser.picture(target)
    target.write_bytes(small(target.read_bytes()))
    assert target.stat().st_size < MOST_BYTES, f"{target}: {target.stat().st_size} bytes"


def make(folder: Path) -> None:
    """All pictures, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    lost = runs.transfer()
    recovery = """
        const { app } = netstack;
        const [view] = app.views;
        const again = (event) => event?.kind === "segment-out" && event.cause === "rto" && event.seq > 0;
        app.show(4.85e9, 5.2e9);
        app.choose(view, { event: view.run.events.find(again) }, null);
        app.setTime(5.02e9, null);
    """
    with chromium() as browser:
        shoot(browser, [lost], folder / "report.png")
        shoot(browser, [lost], folder / "report-dark.png", recovery, dark=True)
        shoot(
            browser,
            [lost],
            folder / "ladder.png",
            "netstack.app.maximise(netstack.app.views[0].panels.ladder)",
            size=(900, 900),
        )
        shoot(
            browser, [runs.slow_reader()], folder / "zero-window.png",
            "netstack.app.setTime(netstack.app.views[0].run.end * 0.5, null)",
        )  # fmt: skip
        shoot(
            browser, [runs.congested()], folder / "time-sequence.png",
            "const { app } = netstack; app.maximise(app.views[0].panels.sequence)", size=(1200, 700),
        )  # fmt: skip
        shoot(browser, runs.two_options(), folder / "compare.png")
        shoot(browser, [lost], folder / "help.png", "netstack.app.help.toggle()", size=(1280, 720))
    for _path in write_svg(lost, folder / "svg"):
        pass


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
