"""A ladder in plain text: two hosts, the frames between them, and what somebody has to say about them.

    seconds  device                                                  peer
     0.0000    |<------------ SYN 0 win 65535 mss 1460 -------------|
     0.0000    |----------- SYN ACK 0 ack 1 win 4096 -------------->|
     0.2500    |----- ACK 1:537 ack 1 win 4096 ----X                |  lost
     0.2500      . rto() = 2000 ms

Like a diagram on a blackboard: time goes down, and a frame that died does not reach the other side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lab.segments import Reader, _Conversation
from netstack.trace import Flow

WIDTH = 62  # columns between the two lifelines
RIGHT, LEFT, REMARK = ">", "<", ""

PORTS = re.compile(r"^\S+ > \S+\s+")
ADDRESSES = re.compile(r" \d+(\.\d+){3} > \d+(\.\d+){3}$")  # which the lifelines mostly say, too


class Step(NamedTuple):
    """One line. ``time`` in ns. ``direction`` is RIGHT, LEFT, or REMARK, where ``text`` is no frame but
    something to say. ``died``: it never arrived.
    """

    time: int
    direction: str
    text: str
    note: str = ""
    died: bool = False


class _OneConnection(Reader):
    """Counts from the first SYN of a connection on, also when another one comes."""

    def _conversation(self, flow: Flow, flags: int) -> _Conversation:
        return super()._conversation(flow, 0 if flow in self._conversations else flags)


class FrameText:
    """Reads the frames of one cable in their order, sequence numbers from 0. ``right_ip`` is the address of
    the host at the right.
    """

    def __init__(self, right_ip: int) -> None:
        self._reader = _OneConnection(right_ip)

    def read(self, frame: bytes, direction: str) -> str:
        """What a ladder shows of a frame: no ports, no spare room, no word about numbers seen before (what
        fills a hole is below others, too).
        """
        text = self._reader.read(frame, inbound=direction == LEFT).text.removesuffix(" (seen before)")
        return " ".join(PORTS.sub("", text).split())


def render(steps: Sequence[Step], left: str = "device", right: str = "peer", last: int | None = None) -> str:
    """The ladder of the last ``last`` steps (None: of all), one line each, under a line with the names."""
    shown = steps if last is None else steps[-last:]
    lines = [f"  seconds  {left}{right:>{WIDTH + 6 - len(left)}}"]
    if len(shown) < len(steps):
        lines.append(f"           ... {len(steps) - len(shown)} before")
    lines += [line(step) for step in shown]
    return "\n".join(line.rstrip() for line in lines)


def line(step: Step) -> str:
    """A step as a line of the ladder."""
    time = f"{step.time / 1e9:9.4f}"
    if step.direction == REMARK:
        return f"{time}      . {step.text}"
    width = WIDTH - 1  # columns of the arrow without its point
    text = step.text if len(step.text) + 4 <= width else ADDRESSES.sub("", step.text)
    if step.died:  # it stops on its way, but its text still has a dash on each side
        width = max(WIDTH * 3 // 5, min(len(text) + 4, WIDTH - 4))
    body = f" {text} ".center(width, "-")
    point = ("X" if step.died else ">") if step.direction == RIGHT else ("X" if step.died else "<")
    arrow = f"{body}{point}".ljust(WIDTH) if step.direction == RIGHT else f"{point}{body}".rjust(WIDTH)
    remark = ", ".join(filter(None, ("lost" if step.died else "", step.note)))
    return f"{time}    |{arrow}|  {remark}"
