"""The pictures of a run as SVG files, drawn by the very code that draws the page.

The drawing code is JavaScript that needs no browser (``lab.report.page.DRAWING``): its surface is either a
canvas or text in SVG. Here it runs in V8, which the package mini-racer brings along as one wheel (extra
``svg``). A second drawing code in Python would have to be kept alike for ever, and a headless browser is a
large thing to ask for, with a profile folder and a sandbox of its own. Whoever has no mini-racer saves each
picture from the page itself.
"""

from __future__ import annotations

import json
from pathlib import Path

from lab.report.data import RunData, compact, encode
from lab.report.page import DRAWING, script

THEMES = ("light", "dark")

# Handed over as a text and parsed there: the engine's own conversion of large objects is slow.
_CALL = "globalThis.draw = (text, theme) => JSON.stringify(exportSvgs(JSON.parse(text), theme));"


class NoEngine(RuntimeError):
    """There is nothing to run JavaScript with; the message says what to do."""


def pictures(run: RunData, theme: str = "light") -> dict[str, str]:
    """Every picture of a run by its name (ladder, sequence, ...), as the text of an SVG file. Raises
    NoEngine.
    """
    try:
        from py_mini_racer import MiniRacer
    except ImportError:
        raise NoEngine(
            "SVG files need the package mini-racer: pip install 'netstack-emulator[svg]'; "
            "or press the arrow beside a picture's name in the page"
        ) from None
    engine = MiniRacer()
    engine.eval(script(DRAWING).removesuffix("})();") + _CALL + "\n})();")
    drawn = engine.call("draw", compact({"runs": [encode(run)]}), theme)
    found = json.loads(str(drawn))
    assert isinstance(found, dict)
    return found


def write(run: RunData, folder: Path, theme: str = "light") -> list[Path]:
    """Write ``ladder.svg`` and the others into ``folder``, which is made. Returns them. Raises NoEngine,
    OSError.
    """
    drawn = pictures(run, theme)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in drawn.items():
        path = folder / f"{name}.svg"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
