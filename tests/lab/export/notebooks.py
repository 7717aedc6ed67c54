"""Notebooks, executed by a real kernel, as pages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.lab.export import runs
from tests.lab.report.browser import Browser


def execute(cells: Sequence[str]) -> Any:
    """A notebook with its outputs; the kernel runs in the repository. The last cell may raise. Skips, with
    the reason, where packages are missing.
    """
    for name in ("nbformat", "nbclient", "nbconvert", "ipykernel"):
        pytest.importorskip(name, reason=f"{name} is not installed (extra dev): no notebook is executed")
    import nbformat
    from nbclient import NotebookClient

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    made.cells[-1].metadata["tags"] = ["raises-exception"]
    client = NotebookClient(
        made, timeout=90, kernel_name="python3", resources={"metadata": {"path": runs.ROOT}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(runs.ROOT)})
    nbformat.validate(made)
    return made


def page(executed: Any) -> str:
    """The notebook as HTML. nbconvert's own addresses (formulas, widgets) are switched off."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    text: str = exporter.from_notebook_node(executed)[0]
    return text


def show(browser: Browser, path: Path, width: int, height: int) -> None:
    """Open the page, and go into the frame of the run when that is drawn."""
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.driver.get(path.as_uri())
    browser.driver.switch_to.frame(browser.driver.find_element("css selector", "iframe[srcdoc]"))
    browser.wait("return document.documentElement.dataset.ready === 'true'", 60)
