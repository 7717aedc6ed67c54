"""A headless Chromium for the tests of the page, driven by selenium: Debian's packages chromium and
chromium-driver.

It starts with an empty profile and is told to stay away from the network.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb
""".split()


class Browser:
    """One window. ``driver`` is selenium's."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, page: Path | str, width: int = 1600, height: int = 900, dark: bool = False, keep: bool = False
    ) -> None:
        """Show a page, with the system's theme light or dark, and wait until it is drawn. ``keep``: with
        what pages have stored before.
        """
        if not keep and str(self.driver.current_url).startswith("file:"):
            self.driver.execute_script("localStorage.clear()")
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._devtools("Emulation.setEmulatedMedia", features=[scheme])
        self.driver.get(page.as_uri() if isinstance(page, Path) else page)
        self.wait("return document.documentElement.dataset.ready === 'true'", 60)
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)));"
        )

    def run(self, script: str, *arguments: object) -> Any:
        """The value of a script's ``return``, after what it changed has been drawn."""
        value = self.driver.execute_script(script, *arguments)
        self.settle()
        return value

    def wait(self, script: str, seconds: float = 10) -> None:
        """Until the script returns something true."""
        until = time.monotonic() + seconds
        while not self.driver.execute_script(script):
            assert time.monotonic() < until, f"never true: {script}; {self.complaints()}"
            time.sleep(0.05)

    def press(self, keys: str) -> None:
        """Press keys in the page."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(keys).perform()
        self.settle()

    def point(self, panel: str, x: float, y: float, click: bool = False) -> None:
        """Move the mouse to a point of a panel's picture (pixels from its upper left corner)."""
        from selenium.webdriver.common.action_chains import ActionChains

        area = self.driver.find_element("css selector", f"[data-panel={panel}] .plot")
        size = area.size
        actions = ActionChains(self.driver, duration=20)
        actions.move_to_element_with_offset(area, int(x - size["width"] // 2), int(y - size["height"] // 2))
        if click:
            actions.click()
        actions.perform()
        self.settle()

    def busy(self) -> float:
        """Seconds of processor time so far: what the busiest process of the browser has used, or half of what
        all have, on a machine of two cores. The difference of two is what lies between.
        """
        used = [_processor_time(pid) for pid in _family(self.driver.service.process.pid)]
        return max(*used, sum(used) / 2)

    def complaints(self) -> list[str]:
        """What the page has written to the console since the last time: errors, also of its security
        policy.
        """
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self, path: Path) -> None:
        """Save what is seen as PNG."""
        self.driver.save_screenshot(str(path))

    def _devtools(self, command: str, **parameters: object) -> None:
        self.driver.execute_cdp_cmd(command, parameters)


def _family(pid: int) -> list[int]:
    """A process, its children, theirs ..."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text(encoding="ascii").split()]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _processor_time(pid: int) -> float:
    """Seconds that a process has run (proc_pid_stat(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that ends, with all that it has written, when the block does."""
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        raise FileNotFoundError("install Debian's chromium and chromium-driver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = binary
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        window = Chrome(options=options, service=Service(driver))
        window.set_script_timeout(120)
        try:
            yield Browser(window)
        finally:
            window.quit()
