"""Writes docs/profiles.md from the profiles themselves.

    python -m lab.profile_page docs/profiles.md

tests/lab/test_profile_page.py says when the page is behind the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.profile_check import CONSEQUENCES, Direction, Load, compute, full_segment, usual_loads
from lab.profile_tables import COLUMNS, DEFAULT, in_words, mark
from netstack.options import OPTIONS
from netstack.profile import Profile
from netstack.profiles import PROFILES, Device, named
from netstack.quirks import quirks_of
from netstack.stack import Stack
from netstack.tcp.congestion import initial_window

HEAD = """\
# Profiles

A profile is a device: every option of lwIP that shows on the wire or in a program, with the value that the
device's firmware gives it. `--profile NAME` chooses one, `--set OPTION=VALUE` changes it, and a file of one's
own stands where a name does.

    netstack profiles                                  # the list below
    netstack profiles pico-sdk                         # every option of one: value, default, effect
    netstack profiles diff pico-sdk micropython-rp2    # how two differ
    netstack profiles check pico-sdk 3x4000            # what it holds before which pool runs dry
    netstack profiles import lwipopts.h -o board.toml  # your firmware's

This page is generated from the profiles: `python -m lab.profile_page docs/profiles.md`.

"""

OWN = """
## A device of your own

`netstack profiles import FILE -o board.toml` reads what your firmware is built with and writes a profile that
`--profile ./board.toml` takes everywhere:

* **lwipopts.h** goes through a C preprocessor: includes (`-I DIR`), conditions, macros with arguments,
  arithmetic such as `(8 * TCP_MSS)`, casts and suffixes. `-D NAME=VALUE` is the compiler's. What the file
  does not set has the value of lwIP's opt.h, computed from what it does set. An include that is not there is
  skipped, and said; a name in a condition that nothing defines is 0, as in C, and said.
* **sdkconfig** and **sdkconfig.defaults** of ESP-IDF: the rest is `esp32-idf`.
* **.config** files of other Kconfig builds that use lwIP (`CONFIG_LWIP_TCP_MSS=1460`): the rest is opt.h's.

It tells what it could not use: names that nobody knows (with the nearest that there is), what the emulator
does not have (a hook, IPv6, a loop interface), and what changes nothing on the wire (threads, statistics).
Options that contradict each other are refused with the words of lwIP's own compile-time check and the lines
that they stand on; one line, exit status 2.

Three things no option file says: how often the port looks at lwIP's timers (`--set poll_interval_ms=64`),
which socket layer programs use (`--set api=modlwip` for MicroPython; a file that includes its headers gets
it), and the version of lwIP (`--set lwip_version=2.1.3`). Where a firmware takes its memory from the C
library (`MEM_LIBC_MALLOC`, `MEMP_MEM_MALLOC`) lwIP's limits do not exist: then MEM_SIZE stands for the heap
that is there.

The file is TOML, to be written by hand as well:

```toml
name = "my-board"                 # default: the file's name
summary = "the board in the shed" # one line
base = "pico-sdk"                 # the profile that is changed; default: lwip-default
quirks_off = ["no_paws"]          # quirks of lwIP that it shall not have; quirks_on adds some

[options]
MEM_SIZE = 16384
poll_interval_ms = 64
```
"""


_FOLLOWS = "follows from the others"


def page() -> str:
    """The text of docs/profiles.md."""
    parts = [HEAD, _overview(), _derived()]
    parts += [_profile(name, device) for name, device in PROFILES.items()]
    parts += [OWN, _options()]
    return "".join(parts)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *([*row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |\n" for line in lines)


def _overview() -> str:
    def row(name: str) -> Iterator[str]:
        yield f"[{name}](#{name.replace('.', '')})"
        for cell in COLUMNS.values():
            yield cell(named(name))

    return _table(["profile", *COLUMNS], map(row, PROFILES))


def slow_tick(profile: Profile) -> int:
    """ms of TCP's slow tick as the port's polling makes it: the next look at or after each 250 ms, twice."""
    return 2 * -(-profile.tcp_tmr_interval // profile.poll_interval_ms) * profile.poll_interval_ms


def _derived() -> str:
    """What follows from the options, and is seen on the wire."""

    def row(name: str) -> Iterator[str]:
        profile = named(name)
        mss = full_segment(profile)
        stack = Stack(profile, mac=bytes(6), transmit=lambda frame: 0)
        queued = compute(profile, Load(Direction.SEND, 1, profile.tcp_snd_buf, mss)).size
        yield name
        yield str(profile.tcp_wnd_update_threshold)
        yield str(initial_window(mss))
        yield str(stack.tcp.rst_window)
        yield str(-(-1514 // profile.pbuf_pool_bufsize))
        yield f"{slow_tick(profile)} ms"
        yield f"{profile.lwip_tcp_rto_time // profile.tcp_slow_interval * slow_tick(profile)} ms"
        yield str(queued)

    header = [
        "profile", "window update after", "initial cwnd", "window in RST", "buffers per full frame",
        "slow tick", "SYN again after", "one connection can queue",
    ]  # fmt: skip
    return "\nWhat follows from these (sizes in bytes):\n\n" + _table(header, map(row, PROFILES))


def _profile(name: str, device: Device) -> str:
    profile = named(name)
    lines = [f"\n## {name}\n\n*{device.summary}*\n\n{device.text}\n"]
    source = {option: part.source for part in device.parts for option in part.options}
    default = named(DEFAULT)
    rows = [
        [f"`{row.label}`", in_words(row, profile), in_words(row, default), source.get(option, _FOLLOWS)]
        for option, row in OPTIONS.items()
        if mark(row, profile) != " "
    ]
    if rows:
        lines.append("\n" + _table(["option", "value", "default", "source"], rows))
    if profile.quirks != quirks_of(profile.lwip_version):
        lines.append(f"\n{_quirks(profile)}\n")
    lines.append("\n" + _holds(profile))
    return "".join(lines)


def _quirks(profile: Profile) -> str:
    missing = sorted(quirks_of(profile.lwip_version) - profile.quirks)
    added = sorted(profile.quirks - quirks_of(profile.lwip_version))
    if not profile.quirks:
        return "Quirks: none of lwIP's."
    parts = [f"without {', '.join(f'`{name}`' for name in missing)}"] if missing else []
    parts += [f"with {', '.join(f'`{name}`' for name in added)}"] if added else []
    return f"Quirks: those of lwIP {profile.lwip_version}, {', '.join(parts)}."


def _holds(profile: Profile) -> str:
    rows = []
    for what, load in usual_loads(profile):
        held = compute(profile, load)
        limit = held.limit or "-"
        rows.append([f"{load.direction.value}: {what}", held.of(load), limit, CONSEQUENCES.get(limit, "")])
    return _table(["load", "holds", "first at its limit", "then"], rows)


def _options() -> str:
    default = named(DEFAULT)
    rows = ([f"`{row.label}`", in_words(row, default), row.doc] for row in OPTIONS.values())
    head = "\n## All options\n\nIn capitals lwIP's own, the others are the emulator's.\n\n"
    return head + _table(["option", "default", "what it does"], rows)


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
