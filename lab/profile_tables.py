"""Profiles as tables on the terminal: the list of them, one with all its options, the difference of two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from lab.profile_file import find_profile, is_file_name, read_profile_file
from lab.tables import console
from netstack.device_profiles import Part
from netstack.options import OPTIONS, Option
from netstack.profile import Profile
from netstack.profiles import PROFILES, named
from netstack.quirks import QUIRKS, quirks_of

DEFAULT = "lwip-default"


class Described(NamedTuple):
    """A profile with the words that belong to it."""

    profile: Profile
    summary: str
    text: str
    parts: tuple[Part, ...]


def described(name: str) -> Described:
    """A named profile, or one of a file. Raises ProfileError."""
    if is_file_name(name):
        file = read_profile_file(Path(name))
        base = PROFILES[file.base]
        parts = (Part(f"{name}, on top of {file.base}", {}), *base.parts)
        return Described(file.profile, file.summary, base.text if file.base != DEFAULT else "", parts)
    profile = find_profile(name)
    device = PROFILES[name]
    return Described(profile, device.summary, device.text, device.parts)


def mark(row: Option, profile: Profile) -> str:
    """``*`` for what the device sets otherwise than lwip-default, ``~`` for what follows, else a space."""
    if getattr(profile, row.name) == getattr(named(DEFAULT), row.name):
        return " "
    return "*" if row.name in profile.explicit else "~"


def in_words(row: Option, profile: Profile) -> str:
    """The value with its unit: ``6400 byte``."""
    value = row.format(getattr(profile, row.name))
    return value if row.unit in ("bool", "name") or not value.isdigit() else f"{value} {row.unit}"


# What a program on the device, and its peers, meet first; ``netstack profiles`` shows these.
COLUMNS: dict[str, Callable[[Profile], str]] = {
    "MSS": lambda p: str(p.tcp_mss),
    "window": lambda p: str(p.tcp_wnd),
    "send buffer": lambda p: str(p.tcp_snd_buf),
    "pcbs": lambda p: str(p.memp_num_tcp_pcb),
    "heap": lambda p: str(p.mem_size),
    "receive buffers": lambda p: f"{p.pbuf_pool_size} × {p.pbuf_pool_bufsize}",
    "poll ms": lambda p: str(p.poll_interval_ms),
    "sockets": lambda p: p.api,
}


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold")


def print_list() -> None:
    """All named profiles: their sizes, then a line about each."""
    table = _table()
    table.add_column("profile", no_wrap=True, style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for name in PROFILES:
        profile = named(name)
        table.add_row(name, *(value(profile) for value in COLUMNS.values()))
    out = console()
    out.print(table)
    out.print()
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="bold", no_wrap=True)
    for name, device in PROFILES.items():
        lines.add_row(name, device.summary)
    out.print(lines)
    out.print(
        "\n`netstack profiles NAME` shows all of one, `diff A B` how two differ, `check NAME` what it holds,"
        "\n`import FILE` makes one of your firmware's lwipopts.h, sdkconfig or .config."
    )


def print_profile(shown: Described, profile: Profile) -> None:
    """Every option of ``profile`` (which is the one of ``shown``, perhaps changed)."""
    out = console()
    out.print(f"[bold]{profile.name}[/]: {shown.summary}")
    if shown.text:
        out.print(shown.text, style="dim")
    out.print(
        "\n* the device sets it, ~ it follows from one that it sets; the default is that of lwip-default\n"
    )
    table = _table()
    for column in ("option", "value", "default", "on the wire"):
        table.add_column(column, no_wrap=column == "option")
    default = named(DEFAULT)
    for row in OPTIONS.values():
        sign = mark(row, profile)
        style = "" if sign == " " else "bold cyan"
        was = Text("" if sign == " " else in_words(row, default), "dim")
        table.add_row(Text(f"{sign} {row.label}", "bold"), Text(in_words(row, profile), style), was, row.doc)
    out.print(table)
    out.print()
    out.print(_quirk_line(profile))
    for part in shown.parts:
        labels = ", ".join(OPTIONS[name].label for name in part.options)
        out.print(Text.assemble((f"{part.source}: " if labels else part.source, "dim"), (labels, "dim")))


def _quirk_line(profile: Profile) -> str:
    usual = quirks_of(profile.lwip_version)
    if profile.quirks == usual:
        return f"quirks: all {len(usual)} of lwIP {profile.lwip_version}"
    return f"quirks: {', '.join(sorted(profile.quirks)) or 'none'}"


def print_difference(first: Profile, second: Profile) -> None:
    """The options and quirks in which two profiles differ."""
    out = console()
    table = _table()
    for column in ("option", first.name, second.name, "on the wire"):
        table.add_column(column, no_wrap=column == "option")
    for row in OPTIONS.values():
        if getattr(first, row.name) != getattr(second, row.name):
            table.add_row(Text(row.label, "bold"), in_words(row, first), in_words(row, second), row.doc)
    if table.row_count:
        out.print(table)
    else:
        out.print(f"{first.name} and {second.name} have the same options.")
    for one, other in ((first, second), (second, first)):
        only = [name for name in QUIRKS if name in one.quirks - other.quirks]
        if only:
            out.print(f"\nquirks that only [bold]{one.name}[/] has:")
            quirks = _table()
            quirks.show_header = False
            for name in only:
                quirks.add_row(Text(name, "bold"), QUIRKS[name].effect)
            out.print(quirks)
