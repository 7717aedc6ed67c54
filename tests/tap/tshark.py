"""What Wireshark makes of our captures."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# With these tshark looks at every checksum; it does not by default, as cards often fill them in later.
CHECKSUMS = [word for layer in ("ip", "tcp", "udp") for word in ("-o", f"{layer}.check_checksum:TRUE")]
BAD = (
    "_ws.malformed || _ws.short || _ws.expert.severity == error || "
    "ip.checksum.status == Bad || icmp.checksum.status == Bad || "
    "tcp.checksum.status == Bad || udp.checksum.status == Bad"
)


def frames(path: Path, *fields: str, which: str = "") -> list[list[str]]:
    """The ``fields`` of the frames that the display filter ``which`` chooses.

    tshark has to be content with the file: status 0 and not a word.
    """
    shown = [word for field in fields for word in ("-e", field)]
    chosen = ["-Y", which] if which else []
    argv = ["tshark", "-n", "-r", str(path), *CHECKSUMS, *chosen, "-T", "fields", "-E", "separator=|", *shown]
    environment = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    words = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    assert (done.returncode, words) == (0, [])
    return [line.split("|") for line in done.stdout.splitlines()]


def bad_frames(path: Path) -> list[list[str]]:
    """Numbers and protocols of the frames that are malformed, cut, or have a bad checksum."""
    return frames(path, "frame.number", "_ws.col.Protocol", which=BAD)
