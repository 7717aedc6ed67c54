"""Runs in a notebook (Jupyter, and whatever shows IPython's rich output):

    import lab

    run = lab.open_run("lost-syn-ack.toml")
    run                       # the report's page, in a frame
    run.picture("ladder")     # one picture of it, as SVG

The page stands whole in the output (``srcdoc``): no file beside the notebook, no server, no address. Its
frame is a sandbox, so it cannot touch the notebook. Where frames and scripts are not shown, as on GitHub,
what is left is the ladder in plain text; a ``picture`` is shown there, too.
"""

from __future__ import annotations

import html
from os import PathLike
from pathlib import Path

from lab.export.ladder import ladder
from lab.report.data import RunData
from lab.report.load import explained
from lab.report.page import page
from lab.report.svg import pictures
from lab.trace import Trace, load_run

HEIGHT = 800  # CSS pixels of the frame
MOST_BYTES = 8_000_000  # of a page in a notebook, which every save writes again
LADDER_LINES = 200

_OUTPUT = """<div>
<p><strong>{title}</strong><br>{about}</p>
{frame}
<details{opened}>
<summary>The frames as text</summary>
<pre style="line-height: 1.25; overflow-x: auto">{ladder}</pre>
</details>
</div>"""

_FRAME = (
    '<iframe title="{title}" sandbox="allow-scripts allow-downloads" srcdoc="{page}"'
    ' style="width: 100%; height: {height}px; border: 1px solid #8888"></iframe>'
)


class Picture:
    """One picture of a run; a notebook shows it as image/svg+xml."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as an SVG file. Raises OSError."""
        Path(path).write_text(self.svg, encoding="utf-8")


class Run:
    """A run to look at: ``trace`` has its header and events (docs/trace.md)."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._drawn: dict[str, dict[str, str]] = {}  # theme -> pictures

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.trace.header["title"] or "run")

    @property
    def about(self) -> str:
        """Devices, frames and time in a line."""
        events = self.trace.events
        frames = sum(1 for event in events if event["kind"] == "frame")
        devices = ", ".join(f"{name} ({about['profile']})" for name, about in self.trace.devices.items())
        seed = self.trace.header.get("seed")
        words = [devices, f"{frames} frames in {max((one['t'] for one in events), default=0) / 1e9:.4f} s"]
        return "; ".join(words + ([] if seed is None else [f"seed {seed}"]))

    def _data(self) -> RunData:
        return explained(self.trace)

    def page(self) -> str:
        """The report's page (docs/report.md)."""
        return page([self._data()])

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page as a file. Raises OSError."""
        Path(path).write_text(self.page(), encoding="utf-8")

    def ladder(self, most: int | None = None) -> str:
        """The frames as a ladder in plain text; the first ``most`` lines (None: all)."""
        return ladder(self.trace, most)

    def picture(self, name: str, theme: str = "light") -> Picture:
        """A picture of the page: ladder, sequence, windows, rtt, timers, pools, rulers, states, overview.
        ``theme``: light or dark.

        Raises KeyError that names those there are, NoEngine without mini-racer (extra ``svg``).
        """
        if theme not in self._drawn:
            self._drawn[theme] = pictures(self._data(), theme)
        drawn = self._drawn[theme]
        if name not in drawn:
            raise KeyError(f"no picture {name}: there are {', '.join(drawn)}")
        return Picture(drawn[name])

    def __repr__(self) -> str:
        return f"<run {self.title}: {self.about}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        text = self.page()
        size = len(text.encode())
        if size <= MOST_BYTES:
            shown = _FRAME.format(title=html.escape(self.title), page=html.escape(text), height=HEIGHT)
        else:
            shown = (
                f"<p>Its page has {size / 1e6:.0f} MB, too many for a notebook: "
                '<code>run.save("run.html")</code> writes it.</p>'
            )
        return _OUTPUT.format(
            title=html.escape(self.title),
            about=html.escape(self.about),
            frame=shown,
            opened="" if size <= MOST_BYTES else " open",
            ladder=html.escape(self.ladder(LADDER_LINES)),
        )


def open_run(path: str | PathLike[str]) -> Run:
    """``lab.open_run``."""
    return Run(load_run(path))
