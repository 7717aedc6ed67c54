"""Scenarios with planted bugs, written into a test's folder: programs that fail when chance does this."""

from __future__ import annotations

from pathlib import Path

PROGRAMS = '''
"""Numbered datagrams from the client, and servers that cannot bear the loss of certain ones."""
import time
import os
import usocket

COUNT = 12

def send():
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    for number in range(1, COUNT + 1):
        sock.sendto(b"%03d" % number, ("10.0.0.1", 5000))
        usocket_sleep(sock, 0.02)

def usocket_sleep(sock, seconds):
    sock.settimeout(seconds)
    try:
        sock.recv(1)
    except OSError:
        pass

def heard():
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.bind(("", 5000))
    sock.settimeout(2)
    found = []
    try:
        while True:
            found.append(int(sock.recv(100)))
    except OSError:
        return found

def pair():
    """Fails when just 3 and 7 of these four are lost."""
    if set(heard()) & {1, 3, 7, 12} == {1, 12}:
        raise RuntimeError("3 and 7 are lost")

def twice():
    """Fails when 5 comes twice."""
    if heard().count(5) > 1:
        raise RuntimeError("5 came twice")

def late():
    """Fails when 4 comes after 6."""
    found = heard()
    if 4 in found and 6 in found and found.index(4) > found.index(6):
        raise RuntimeError("4 came after 6")

def broken():
    raise ZeroDivisionError("planted")

def dies():
    """Its process is killed, as by the kernel that is out of memory."""
    if os.path.exists("armed"):
        os.kill(os.getpid(), 9)
'''

SCENARIO = """# Datagrams on a wire that loses some
[device.client]
address = "10.0.0.2/24"

[device.server]
address = "10.0.0.1/24"

[link.wire]
between = ["client", "server"]
delay = "2ms"
forth = [{forth}]

[[program]]
on = "server"
run = "planted_programs:{server}"

[[program]]
on = "client"
run = "planted_programs:send"
at = "10ms"
"""

LOSSY = '"loss rate=30%", "duplicate rate=20%", "delay delay=40ms jitter=39ms"'


def plant(folder: Path, server: str = "pair", forth: str = LOSSY, name: str = "planted.toml") -> Path:
    """The file of a scenario; its programs are beside it."""
    (folder / "planted_programs.py").write_text(PROGRAMS, encoding="utf-8")
    file = folder / name
    file.write_text(SCENARIO.format(server=server, forth=forth), encoding="utf-8")
    return file
