"""``netstack up --record FILE``: the trace of a running device (docs/trace.md), for ``netstack explain``,
``report`` and ``export``.
"""

from __future__ import annotations

from pathlib import Path

from lab.control.board import Board
from lab.trace import Recorder
from lab.trace.cables import CableTap
from lab.trace.devices import DeviceTap, about_device
from lab.trace.writer import Record, Sink, line_of
from tap.wholefile import WholeFile


def recorder_of(board: Board, sink: Sink) -> tuple[Recorder, Record]:
    """A recorder of what ``board`` does, and the header's entry of its device."""
    device = board.device
    about = f"{device.name}, {device.profile.name}, live"
    recorder = Recorder(sink, source="live", title=about, epoch=device.clock.epoch)
    recorder.clock = "real"
    ends = board.splice.directions[0].split(">")
    recorder.cables.append({"name": "-".join(ends), "ends": ends})
    entry = about_device(device.name, device.profile, device.mac, device.stack.netif.ip, device.host.boot)
    recorder.add_device(entry)
    return recorder, entry


class Recording:
    """Records ``board`` into a file within a ``with`` block. Raises TapError where that cannot be made; when
    it cannot be written later (a full disk), ``problem`` says so and the device goes on.
    """

    def __init__(self, board: Board, path: Path) -> None:
        self._file = WholeFile(path, "trace")
        self._board = board
        device = board.device
        self._recorder, entry = recorder_of(board, self)
        self._stack = DeviceTap(self._recorder, entry, device.clock.now, device.host.boot)
        self._cable = CableTap(self._recorder, device.clock)

    @property
    def problem(self) -> str | None:
        """Why nothing more is written, or None."""
        return self._file.problem

    def write(self, record: Record) -> None:
        """A line of the trace (a ``lab.trace.writer.Sink``)."""
        self._file.write(line_of(record).encode())

    def close(self) -> None:
        """There are no more lines."""
        self._file.close()

    def __enter__(self) -> Recording:
        with self._board.device.host.lock:
            self._board.hooks.add(self._stack)
            self._board.splice.watch(self._cable)
        return self

    def __exit__(self, *_: object) -> None:
        board = self._board
        with board.device.host.lock:
            if board.device.is_open:
                board.splice.unwatch(self._cable)
                board.hooks.remove(self._stack)
            self._stack.end()
            self._cable.end()
            self._recorder.close()
