"""``netstack profiles``: which devices there are, and every option of one."""

from __future__ import annotations

import click

from lab.options import SET_OPTION, Settings, changed
from netstack import profiles as catalogue
from netstack.options import OPTIONS
from netstack.profile import Profile

# Shown beside each profile: what a program on the device meets first.
KEY_OPTIONS = "tcp_mss tcp_wnd tcp_snd_buf memp_num_tcp_pcb mem_size api".split()
BASE = "lwip-default"


@click.command()
@click.argument("name", required=False)
@SET_OPTION
@click.option("--plain", is_flag=True, help="OPTION=VALUE lines only, without explanations.")
def profiles(name: str | None, settings: Settings, plain: bool) -> None:
    """List the devices that can be emulated, or all options of the device NAME."""
    if name is None:
        if settings or plain:
            raise click.UsageError("--set and --plain need the NAME of a profile")
        _list()
        return
    profile = changed(catalogue.named(name), settings)
    if plain:
        click.echo("\n".join(profile.settings()))
    else:
        _describe(profile)


def _list() -> None:
    from rich.table import Table

    from lab.tables import console

    numbers = Table(box=None, pad_edge=False, header_style="bold")
    summaries = Table(box=None, pad_edge=False, show_header=False)
    numbers.add_column("profile", no_wrap=True, style="bold")
    summaries.add_column(no_wrap=True, style="bold")
    for option in KEY_OPTIONS:
        numbers.add_column(OPTIONS[option].label, justify="right", no_wrap=True)
    for name in catalogue.names():
        profile = catalogue.named(name)
        numbers.add_row(name, *(str(getattr(profile, option)) for option in KEY_OPTIONS))
        summaries.add_row(name, catalogue.PROFILES[name].summary)
    out = console()
    out.print(numbers)
    out.print()
    out.print(summaries)
    out.print("\n`netstack profiles NAME` shows every option of one; --set OPTION=VALUE changes any.")


def _describe(profile: Profile) -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.tables import console

    base = catalogue.named(BASE)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, style in (("option", "bold"), ("value", ""), ("meaning", "")):
        table.add_column(column, style=style, no_wrap=column == "option")
    for row in OPTIONS.values():
        value = getattr(profile, row.name)
        differs = value != getattr(base, row.name)
        shown = Text(row.format(value), "bold cyan" if differs else "")
        if row.unit not in ("bool", "name"):
            shown.append(f" {row.unit}", "dim")
        table.add_row(("* " if differs else "  ") + row.label, shown, row.doc)
    entry = catalogue.PROFILES[profile.name]
    out = console()
    out.print(f"[bold]{profile.name}[/]: {entry.summary}")
    if entry.text:
        out.print(entry.text)
    out.print(f"* marks what differs from {BASE}.\n")
    out.print(table)
