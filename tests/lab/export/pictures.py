"""Makes docs/pictures/notebook.png: a notebook that shows a run, executed, as a headless Chromium sees it.

python -m tests.lab.export.pictures docs/pictures
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.lab.export import notebooks
from tests.lab.report.browser import chromium
from tests.lab.report.png import small

CELLS = (
    'import lab\n\nrun = lab.open_run("examples/scenarios/lost-syn-ack.toml")\nrun',
    'run.picture("windows")',
)


def make(folder: Path) -> None:
    """The picture, into ``folder``."""
    target = folder / "notebook.png"
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        page = Path(scratch) / "notebook.html"
        page.write_text(notebooks.page(notebooks.execute(CELLS)), encoding="utf-8")
        notebooks.show(browser, page, 1200, 1330)
        browser.driver.switch_to.default_content()
        browser.settle()
        browser.picture(target)
    target.write_bytes(small(target.read_bytes()))


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
