"""Writes docs/foreign.md from the tables of the tests.

    python -m tests.usocket.foreign.page docs/foreign.md

test_page.py says when the page is behind the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.usocket.foreign import micropython_tests
from tests.usocket.foreign.download import Archive, Raw
from tests.usocket.foreign.micropython_tests import ALONE, ASKING, SERVING, Own
from tests.usocket.foreign.programs import NOT_TRIED, PROGRAMS

HEAD = """\
# Programs that are not ours

Programs and tests that others wrote for MicroPython, unchanged, each run by `netstack run` on a TAP against
a peer on Linux: a program of Linux where the table names one, else a small one of the tests. They are
fetched when the tests run, at the versions below, checked by their SHA-256 and kept in the temporary
directory (or the folder that `NETSTACK_FOREIGN` names); none of them is in this repository. Where one
cannot be had, its test is skipped and says so. What comes from micropython-lib's repository (requests,
aiohttp, ntptime) could not be fetched where this page was made: those results are of copies of the same
length from another source.

    make test                                        # with all others
    pytest tests/usocket/foreign                     # only these

This page is generated: `python -m tests.usocket.foreign.page docs/foreign.md`. The results are what the tests
check.

"""


def page() -> str:
    """The text of docs/foreign.md."""
    parts = [
        HEAD,
        "## Programs\n\n",
        _table(
            ("program", "from", "with", "what", "result", "test"),
            (
                (each.name, _source(each.source), each.peer, each.does, "passed", _tests(each.tests))
                for each in PROGRAMS
            ),
        ),
        "Not tried:\n\n",
        *(f"- {name}: {why}.\n" for name, why in NOT_TRIED),
        "\n## MicroPython's own tests\n\nOf v1.25.0.\n\n",
        "On a device alone, with Linux as name server, web server and gateway"
        " (`test_micropython_alone::test_on_the_device`):\n\n",
        _own(ALONE),
        "With two instances, started by MicroPython's `run-multitests.py`: the device first, CPython second"
        " (`test_micropython_two::test_the_device_first`):\n\n",
        _own(SERVING),
        "CPython first, the device second (`test_micropython_two::test_the_device_second`):\n\n",
        _own(ASKING),
        "Those of asyncio and TLS, also with two devices in one process, are in `test_asyncio_micropython`"
        " and `test_ssl_micropython`. Not tried:\n\n",
        *(f"- `{name}`: {why}.\n" for name, why in micropython_tests.NOT_TRIED),
    ]
    return "".join(parts)


def _own(tests: Iterable[Own]) -> str:
    return _table(("test", "result"), ((f"`{own.name}`", _result(own)) for own in tests))


def _result(own: Own) -> str:
    if own.fails:
        return f"failed: {own.fails}"
    return f"passed, without {own.without}: {own.why}" if own.without else "passed"


def _source(source: Archive | Raw | str) -> str:
    if isinstance(source, Archive):
        return f"Python's package index, {source.name} {source.version}"
    return f"{source.repository}, {source.commit[:10]}" if isinstance(source, Raw) else source


def _tests(tests: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in tests)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
