"""ntptime of micropython-lib with a time server of ours."""

from __future__ import annotations

import pytest

from tests.usocket.foreign import peers
from tests.usocket.foreign.board import LINUX, Board
from tests.usocket.foreign.download import install
from tests.usocket.foreign.sources import NTPTIME

pytestmark = pytest.mark.tap

NOW = 1_790_000_000  # 2026-09-21 14:13:20 UTC

PROGRAM = """
import sys, time
import machine, ntptime

ntptime.host = sys.argv[1]
ntptime.timeout = 5
print(ntptime.time(), time.gmtime(ntptime.time())[:6])
ntptime.settime()
print(machine.RTC().datetime()[:3], time.localtime()[:5])
ntptime.host, ntptime.timeout = "192.168.7.77", 0.2
try:
    ntptime.time()
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("profile", "seconds"),
    [("micropython", NOW), ("micropython-esp32", NOW - 946_684_800)],  # since 1970, since 2000
)
def test_ntptime(board: Board, profile: str, seconds: int) -> None:
    install(board.library, NTPTIME)
    with board.python(peers.NTP, str(NOW)):
        lines = board.run(PROGRAM, LINUX, options=("--profile", profile)).splitlines()
    late = "[Errno 116] ETIMEDOUT" if "esp32" in profile else "[Errno 110] ETIMEDOUT"
    assert lines == [f"{seconds} (2026, 9, 21, 14, 13, 20)", "(2026, 9, 21) (2026, 9, 21, 14, 13)", late]
