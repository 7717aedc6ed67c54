"""Runs the command that its arguments are on a terminal of its own, and copies what that shows to standard
output. SIGINT is Ctrl-C, typed there.
"""

from __future__ import annotations

import os
import pty
import signal
import sys


def main(argv: list[str]) -> int:
    """The command's exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    signal.signal(signal.SIGINT, lambda *_: os.write(terminal, b"\x03"))
    try:
        while data := os.read(terminal, 4096):
            os.write(1, data)
    except OSError:  # EIO: the command has ended
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
