"""The data in a report's page: a run as small as JSON can be while a reader still sees what it is.

Events of one kind mostly have the same fields, so the names of the fields are written once, as a *shape*,
and each event is a row of values behind the number of its shape. Nothing is left out and nothing rounded;
``decode.js`` puts the events together again. Long data are compressed (gzip, in base64), which every
browser undoes itself.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Event = Mapping[str, object]

# From this many characters on the page's data are compressed: small runs stay readable in the page's source.
COMPRESSED_FROM = 300_000


class Text(NamedTuple):
    """The explanation of an event: what happened and why, and where that is written (RFC, function of
    lwIP).
    """

    text: str
    source: str = ""


class RunData(NamedTuple):
    """One run of a report: the header and the events of its trace (docs/trace.md), the texts that explain
    events by their ordinal, and what the run is called beside another.
    """

    header: Mapping[str, object]
    events: Sequence[Event]
    texts: Mapping[int, Text] = {}
    label: str = ""


def encode(run: RunData) -> dict[str, object]:
    """A run as ``{"label", "header", "shapes", "rows"}``; an event that is explained has ``text`` and
    ``source``.
    """
    shapes: dict[tuple[str, ...], int] = {}
    rows: list[list[object]] = []
    for event in run.events:
        text = run.texts.get(_ordinal(event))
        told = dict(event) if text is None else {**event, **text._asdict()}
        shape = shapes.setdefault(tuple(told), len(shapes))
        rows.append([shape, *told.values()])
    return {
        "label": run.label,
        "header": run.header,
        "shapes": [list(names) for names in shapes],
        "rows": rows,
    }


def decode(encoded: Mapping[str, object]) -> tuple[object, list[dict[str, object]]]:
    """Header and events again: what ``decode.js`` does, for tests and for whoever reads a page."""
    shapes, rows = encoded["shapes"], encoded["rows"]
    assert isinstance(shapes, list)
    assert isinstance(rows, list)
    return encoded["header"], [dict(zip(shapes[row[0]], row[1:], strict=True)) for row in rows]


def script_element(runs: Iterable[RunData], difference: object = None) -> str:
    """The element of the page that holds the data of ``runs`` and where they begin to differ."""
    data = {"runs": [encode(run) for run in runs], "difference": difference}
    text = compact(data)
    if len(text) < COMPRESSED_FROM:
        return f'<script id="data" type="application/json">{text}</script>'
    packed = base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
    return f'<script id="data" type="text/plain" data-encoding="gzip">{packed}</script>'


def compact(data: object) -> str:
    """JSON without spaces, in which no text can end the element that it stands in."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _ordinal(event: Event) -> int:
    ordinal = event["i"]
    assert isinstance(ordinal, int)
    return ordinal
