"""Shared by all tests: sbin in PATH, and the marks `tap` and `needs`, which skip, with a printed reason, what
this machine cannot run. The summary says loudly when the tests with a real TAP did not run.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

import pytest
from hypothesis import settings

NO_TAP = "no TAP can be had here: "

# ip, arping and dnsmasq are there for ordinary users too, but not in their PATH on Debian.
os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

# The same examples in every run, and no deadline: a busy machine must not fail a test.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


@functools.cache
def why_no_tap() -> str | None:
    """Try, without our own code, to make a TAP in a new network namespace (as an ordinary user also in a user
    namespace); both vanish with the command. Returns None when it worked, otherwise what went wrong."""
    if not os.path.exists("/dev/net/tun"):
        return "/dev/net/tun does not exist"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun may not be opened by this user"
    user_namespace = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user_namespace, "--net", *"ip tuntap add dev probe0 mode tap".split()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return " ".join(done.stderr.split()) or f"unshare exits with {done.returncode}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs` or `tap` when the machine lacks what it names."""
    for mark in item.iter_markers("needs"):
        for command in mark.args:
            if shutil.which(command) is None:
                pytest.skip(f"{command} is not installed (scripts/setup.sh test names the package)")
    if item.get_closest_marker("tap") is not None and (reason := why_no_tap()) is not None:
        pytest.skip(NO_TAP + reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """When tests were skipped for want of a TAP, say so where nobody overlooks it."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    reasons = [text for text in skipped if NO_TAP in text]
    if reasons:
        terminalreporter.section("NOT TESTED ON A REAL TAP", red=True, bold=True)
        terminalreporter.line(f"{len(reasons)} tests were skipped: {NO_TAP}{why_no_tap()}")
