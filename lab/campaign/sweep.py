"""The jobs of a campaign: every seed with every point of the grid that ``--set key=a,b,c`` spans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from lab.campaign.errors import CampaignError
from lab.campaign.job import Job

_OPENING, _CLOSING = "[{(", "]})"


def sweep(text: str, path: str | None, seeds: Iterable[int], settings: Sequence[str] = ()) -> list[Job]:
    """The jobs, the grid's points in the order of the settings, each with all seeds. Raises CampaignError."""
    points = grid(settings)
    numbers = list(seeds)
    return [Job(text, path, seed, point) for point in points for seed in numbers]


def grid(settings: Sequence[str]) -> list[tuple[str, ...]]:
    """The points of the grid; the last setting changes quickest. Raises CampaignError."""
    axes = [axis(setting) for setting in settings]
    keys = [setting.partition("=")[0].strip() for setting in settings]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise CampaignError(f"--set {twice} is given twice: give all its values at once, {twice}=a,b,c")
    return list(product(*axes))


def axis(setting: str) -> list[str]:
    """``key=a,b`` as ``key=a`` and ``key=b``; commas in quotes or brackets are the value's own."""
    key, equals, values = setting.partition("=")
    if not equals or not key.strip():
        raise CampaignError(f"--set {setting}: write it as device.client.options.tcp_mss=536,1460")
    found = [value.strip() for value in _split(values)]
    if len(found) > 1 and "" in found:
        raise CampaignError(f"--set {setting}: a value is empty: leave out the comma beside it")
    if len(set(found)) != len(found):
        raise CampaignError(f"--set {setting}: a value is given twice: leave one out")
    return [f"{key.strip()}={value}" for value in found]


def _split(values: str) -> list[str]:
    parts = [""]
    depth, quote = 0, ""
    for character in values:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth <= 0:
            parts.append("")
            continue
        parts[-1] += character
    return parts
