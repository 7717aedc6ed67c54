"""The workbench around the stack: the command line ``netstack`` and what its commands are made of.

Imports go from here to ``usocket``, ``tap`` and ``netstack``, never back. ``lab.open_run`` is for notebooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from lab.notebook import Run

__version__ = "0.1.0"  # the distribution takes its version from here (pyproject.toml)


def open_run(path: str | PathLike[str]) -> Run:
    """A trace (.jsonl), a scenario (.toml), which is run, or a script (.pkt), which is replayed: to be looked
    at in a notebook (docs/exports.md). Raises TraceError.
    """
    from lab.notebook import open_run as opened  # and with it all that draws

    return opened(path)
