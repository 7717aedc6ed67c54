"""``netstack up --ladder``: the live view as a ladder diagram, the device at the left.

Ports stand where the connection changes; behind a frame stands what the device thought, and a frame that an
injected rule or impairment took does not reach the other side.
"""

from __future__ import annotations

import click

from lab.ladder import LEFT, PORTS, REMARK, RIGHT, WIDTH, Step, line
from lab.live import Line, Live


class LadderView(Live):
    """The trace hook of a device whose frames are drawn. ``home`` is the address at the link's other end."""

    def __init__(self, home: int) -> None:
        super().__init__(home, collapse=False)
        self._ends: frozenset[str] = frozenset()  # of the connection that was drawn last

    @property
    def legend(self) -> str:
        """The line above the ladder."""
        return f"  seconds  device{'linux':>{WIDTH}}"

    def shown(self, drawn: Line) -> list[str]:
        text = " ".join(PORTS.sub("", drawn.text).split())
        if not drawn.arrow:
            said = f"{text}: {drawn.remark}" if text else drawn.remark
            return [line(Step(drawn.time, REMARK, said))]
        lines = []
        ports = PORTS.match(drawn.text)
        if ports is not None:
            ends = ports.group().split()
            if frozenset(ends) != self._ends:
                self._ends = frozenset(ends)
                between = " and ".join(ends[::2] if drawn.arrow == "←" else ends[::-2])
                lines.append(click.style(line(Step(drawn.time, REMARK, f"ports {between}")), dim=True))
        direction = RIGHT if drawn.arrow == "←" else LEFT
        arrow = line(Step(drawn.time, direction, text, died=drawn.died)).rstrip()
        if drawn.died:
            arrow = arrow.removesuffix("lost").rstrip()  # the thoughts say by what
        thought = f"  {drawn.remark}" if drawn.thoughts else ""
        lines.append(click.style(arrow, fg=_colour(drawn, text)) + thought)
        return lines


def _colour(drawn: Line, text: str) -> str | None:
    """Red for what is wrong, green for the ends of a connection, cyan for the rest towards the device."""
    words = text.split()
    if drawn.died or "RST" in words:
        return "red"
    if "SYN" in words or "FIN" in words:
        return "green"
    return "cyan" if drawn.arrow == "→" else None
