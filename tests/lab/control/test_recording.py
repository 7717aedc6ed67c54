"""``netstack up --record``: the trace of a device that a real curl talks to."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.control.board import Board
from lab.control.recording import Recording
from lab.explain import Explainer
from lab.trace import read
from tests.lab.commands import netstack
from tests.lab.control.running import Machine
from tests.lab.control.test_session import board, connect

__all__ = ["board"]  # a fixture

IP = "10.93.7.2"


@pytest.mark.tap
@pytest.mark.needs("curl")
def test_the_trace_of_a_real_curl_is_explained_and_shown(tmp_path: Path) -> None:
    machine, file = Machine(tmp_path), tmp_path / "live.jsonl"
    server = "examples/http_server.py"
    with machine.up(server, "--ip", f"{IP}/24", "--record", str(file), listening=True) as up:
        machine.linux("curl", "-s", "-o", "/dev/null", f"http://{IP}/")
        while_it_runs = read(file)
        assert "ESTABLISHED" in [event.get("new") for event in while_it_runs.events]
        assert up.ctrl_c() == 0
    assert "Traceback" not in up.log
    run = read(file)
    assert (run.header["source"], run.events[-1]["kind"]) == ("live", "end")
    lines = "\n".join(Explainer(run).explain(event).line() for event in run.events)
    assert "does not know" not in lines
    assert "sent SYN-ACK to 10.93.7.1" in lines
    assert netstack("report", str(file), "-o", str(tmp_path / "live.html")).returncode == 0
    told = netstack("explain", str(file))
    assert (told.returncode, told.stderr) == (0, "")
    assert "SYN_RCVD → ESTABLISHED because our SYN-ACK is acknowledged" in told.stdout


@pytest.mark.tap
def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    told = Machine(tmp_path).refused_late(
        "up", "--netns", "new", "--ip", f"{IP}/24", "--record", "no/such/file"
    )
    assert told.startswith("netstack: trace no/such/file cannot be written (No such file or directory)")


def test_a_full_disk_ends_the_recording_and_not_the_device(board: Board) -> None:
    recording = Recording(board, Path("/dev/full"))
    with recording:
        connect(board)
    assert recording.problem is not None
    assert recording.problem.startswith("trace /dev/full ends early (No space left on device)")
    assert (board.device.stack.trace, board.splice.cable) == (None, None)
