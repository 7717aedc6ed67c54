"""Mermaid itself, in a headless Chromium: whether it takes a text, and what it draws of it.

One file of the npm package is enough: that which NETSTACK_MERMAID names, or else the one in a cache folder of
the user, which npm fills.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.lab.report.browser import Browser

VERSION = "12"
PATIENCE = 60  # s for the download


def library() -> Path:
    """The file mermaid.min.js; skips, with the reason, where it cannot be had."""
    given = os.environ.get("NETSTACK_MERMAID")
    if given:
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netstack-tests"
    path = cache / f"mermaid-{VERSION}.min.js"
    if not path.exists():
        if shutil.which("npm") is None:
            pytest.skip(
                "npm is not installed: Mermaid's own parser is not asked (NETSTACK_MERMAID=FILE gives it)"
            )
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _download(Path(folder), path)
    return path


def _download(folder: Path, path: Path) -> None:
    command = ["npm", "pack", "--silent", f"mermaid@{VERSION}"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm does not get mermaid within {PATIENCE} s: Mermaid's own parser is not asked")
    packed = [*folder.glob("*.tgz")]
    if done.returncode or not packed:
        pytest.skip(f"npm cannot get mermaid ({done.stderr.strip()[-200:]}): its own parser is not asked")
    with tarfile.open(packed[0]) as archive:
        found = archive.extractfile("package/dist/mermaid.min.js")
        assert found is not None
        whole = folder / "whole.js"
        whole.write_bytes(found.read())
    whole.rename(path)


def load(browser: Browser, folder: Path) -> None:
    """Open a page that has Mermaid."""
    script = library().read_text(encoding="utf-8").replace("</script", "<\\/script")
    page = folder / "mermaid.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><div id="place"></div><script>{script}</script><script>'
        'mermaid.initialize({ startOnLoad: false }); document.documentElement.dataset.ready = "true";'
        "</script>",
        encoding="utf-8",
    )
    browser.open(page)


_DRAW = """
const [text, done] = arguments;
mermaid.parse(text).then(() => mermaid.render("drawn", text)).then(({ svg }) => {
  document.getElementById("place").innerHTML = svg;
  const texts = (what) => [...document.querySelectorAll(`#place ${what}`)].map((one) => one.textContent);
  const count = (what) => document.querySelectorAll(`#place ${what}`).length;
  done({
    title: texts("svg > text:not([class])").join(" "),
    actors: texts("text.actor"),
    messages: texts("text.messageText"),
    notes: texts("text.noteText"),
    crosses: count('line[marker-end*="crosshead"]'),
  });
}).catch((error) => done({ error: String(error.message ?? error) }));
"""


def draw(browser: Browser, text: str) -> dict[str, Any]:
    """What Mermaid draws: title, actors, messages, notes, crosses (how many); or the error."""
    found: dict[str, Any] = browser.driver.execute_async_script(_DRAW, text)
    return found
