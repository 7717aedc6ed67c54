"""How many pictures a second the page draws of a long run, for each way of moving in it.

    python -m tests.lab.report.frame_rate [FRAMES]

On a machine that does nothing else: in a headless Chromium everything is drawn by the processor.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lab.report.page import page
from tests.lab.report import runs
from tests.lab.report.browser import Browser, chromium

FRAMES = 10_000
MOVES = 90  # pictures of each kind of movement

MEASURE = """
const [name, moved, done] = arguments;
const { app } = netstack;
const whole = app.span();
const width = whole.t1 - whole.t0;
const show = (from, to) => app.show(whole.t0 + width * from, whole.t0 + width * to);
const moves = {
  zoom: (k) => show(0.4 * (1 - Math.exp(-k / 25)), 1 - 0.4 * (1 - Math.exp(-k / 25))),
  pan: (k) => show(0.1 + 0.004 * k, 0.3 + 0.004 * k),
  close: (k) => show(0.4 + 0.0004 * k, 0.41 + 0.0004 * k),
  cursor: (k) => app.setTime(whole.t0 + width * (0.1 + 0.007 * k), null),
  ladder: (k) => app.scrollLadder(app.views[0].panels.ladder, 2000 + k * 37),
};
let k = 0;
let begun = 0;
const step = (now) => {
  if (k === 0) begun = now;
  if (k === moved) return done((moved * 1000) / (now - begun));
  moves[name](k++);
  return requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""


def measure(browser: Browser, moves: int = MOVES) -> dict[str, float]:
    """Pictures a second for each movement over the page that is open."""
    return {
        move: browser.driver.execute_async_script(MEASURE, move, moves)
        for move in ("zoom", "pan", "close", "cursor", "ladder")
    }


def main(frames: int) -> None:
    """Make the page, measure and print."""
    run = runs.long_run(frames)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "long.html"
        path.write_text(page([run]), encoding="utf-8")
        browser.open(path)
        told = ", ".join(f"{move} {rate:.0f}" for move, rate in measure(browser).items())
        many = browser.run("return netstack.app.views[0].run.arrows.length")
    sys.stdout.write(f"{many} frames, {len(run.events)} events, pictures a second: {told}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES)
