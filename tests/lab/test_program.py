"""A program beside ours: it is told to leave at whatever it is doing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.program import Program
from tap.clock import RealClock
from tap.wire import wire
from usocket import Device


@pytest.mark.parametrize(
    ("listens", "text"),
    [
        (True, "import usocket\ns = usocket.socket()\ns.bind(('', 80))\ns.listen(1)\ns.accept()\n"),
        (False, "import time\nwhile True:\n    time.sleep(60)\n"),
        (False, "1 / 0\n"),
    ],
)
def test_it_leaves_when_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], listens: bool, text: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(text)
    clock = RealClock()
    near, _ = wire(clock)
    with Device(link=near, clock=clock) as device:
        started = time.monotonic()
        with Program(device, script) as program:
            if listens or "/" in text:
                program.wait_until_it_listens()
            else:
                device.sleep(0.1)
            assert bool(device.stack.mem.tcp_pcb_listen.used) is listens
        assert not program._thread.is_alive()
        assert time.monotonic() - started < 5
    assert ("ZeroDivisionError" in capfd.readouterr().err) is ("/" in text)
