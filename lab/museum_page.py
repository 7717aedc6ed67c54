"""Writes docs/museum.md from the exhibits themselves, with the outcome of each scene.

    python -m lab.museum_page docs/museum.md

tests/lab/test_museum_page.py says when the page is behind the code.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from lab.museum import Exhibit, Scene, exhibits

HEAD = """\
# The museum of known pains

What users of MicroPython and lwIP report again and again, each as a small program that reproduces it in
virtual time and shows what cures it. All of it runs without rights and takes seconds:

    netstack museum                                  # the list
    netstack museum 17                               # one of them: what one sees, why, the cure
    netstack museum 17 --trace                       # the same, with every segment of the board
    netstack museum 17 --set MEMP_NUM_TCP_SEG=40     # what else would help?
    netstack museum --all                            # all of them

The programs are in `examples/museum`. One that is added there appears here and in the command; what it has to
show goes into `tests/lab/test_museum.py`. Options in capitals are lwIP's (`netstack profiles micropython`
explains them).

This page is generated: `python -m lab.museum_page docs/museum.md`.

"""


def page() -> str:
    """The text of docs/museum.md; plays all scenes."""
    found = exhibits()
    return HEAD + _overview(found) + "".join(map(_exhibit, found))


def _overview(found: list[Exhibit]) -> str:
    rows = [f"| {one.number} | [{one.title}](#{_anchor(_heading(one))}) |\n" for one in found]
    return "| | |\n|---|---|\n" + "".join(rows)


def _heading(exhibit: Exhibit) -> str:
    return f"{exhibit.number} {exhibit.title}"


def _anchor(heading: str) -> str:
    """The link target that Markdown renderers make of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _exhibit(exhibit: Exhibit) -> str:
    lines = [f"\n## {_heading(exhibit)}\n"]
    lines += [f"\n*{head}:* {text}\n" for head, text in exhibit.text.items()]
    file = f"examples/museum/{exhibit.path.name}"
    lines.append(f"\n[{file}](../{file}):\n\n| | board | outcome |\n|---|---|---|\n")
    lines += [_scene(scene) for scene in exhibit.scenes]
    return "".join(lines)


def _scene(scene: Scene) -> str:
    options = (f"`{name.upper()}={value}`" for name, value in scene.options.items())
    board = " ".join([f"`{scene.profile}`", *options])
    kind = "cured" if scene.is_cure else "**pain**"
    outcome = scene.play(lambda _: None)
    return f"| {kind}: {scene.caption} | {board} | {outcome} |\n"


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
