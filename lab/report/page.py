"""Makes the page of a report: one HTML file that needs nothing else, neither a server nor a network.

Its JavaScript is written in small files (``web/``, in the order of ``SCRIPTS``) that share one scope;
making a page joins them. The files up to ``pictures.js`` draw, on a canvas or as SVG, and need no browser.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from lab.report.data import RunData, script_element

# What draws: pictures and the model behind them.
DRAWING = """
    theme.js format.js surface.js scale.js model.js connection.js fold.js ladder.js timepicture.js sequence.js
    windows.js rtt.js timers.js pools.js rulers.js states.js overview.js decode.js pictures.js
""".split()

# What makes a page of them.
PAGE = """
    dom.js theme-switch.js inspector.js connections.js search.js keys.js panel.js app.js main.js
""".split()

SCRIPTS = DRAWING + PAGE


@cache
def part(name: str) -> str:
    """A file of ``web/``."""
    return (files("lab.report") / "web" / name).read_text(encoding="utf-8")


def script(names: Sequence[str]) -> str:
    """Files joined to one script, in a scope of its own."""
    joined = "\n".join(f"// --- {name}\n{part(name)}" for name in names)
    return f'(() => {{\n"use strict";\n{joined}\n}})();'


def page(runs: Sequence[RunData], difference: object = None) -> str:
    """The page of one run, of two beside each other, or (no run) of one that is fed later by
    ``netstack.feed``.

    ``difference`` is where two runs begin to differ, as ``lab.report.compare`` tells it.
    """
    titles = dict.fromkeys(str(run.header.get("title") or "run") for run in runs)
    filled = {
        "title": html.escape(" | ".join(titles) or "netstack, live"),
        "style": part("style.css"),
        "data": script_element(runs, difference),
        "script": script(SCRIPTS),
    }
    text = part("page.html")
    for name, value in filled.items():
        before, _, after = text.partition(f"{{{name}}}")
        filled[name] = before + value
        text = after
    return "".join(filled.values()) + text
