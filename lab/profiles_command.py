"""``netstack profiles``: which devices there are, and every option of one."""

from __future__ import annotations

import click

from lab.options import SET_OPTION, Settings, changed
from netstack import profiles as catalogue
from netstack.options import OPTIONS
from netstack.profile import Profile

# Shown beside each profile: what a program on the device meets first.
KEY_OPTIONS = "tcp_mss tcp_wnd tcp_snd_buf memp_num_tcp_pcb mem_size api".split()


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

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("profile", no_wrap=True, style="bold")
    for option in KEY_OPTIONS:
        table.add_column(OPTIONS[option].label, justify="right", no_wrap=True)
    for name in catalogue.names():
        profile = catalogue.named(name)
        table.add_row(name, *(str(getattr(profile, option)) for option in KEY_OPTIONS))
    out = console()
    out.print(table)
    out.print()
    for name, entry in catalogue.PROFILES.items():
        out.print(f"[bold]{name:13}[/] {entry.summary}")
    out.print("\n`netstack profiles NAME` shows every option of one; --set OPTION=VALUE changes any.")


def _describe(profile: Profile) -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.tables import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, style in (("option", "bold"), ("value", ""), ("meaning", "")):
        table.add_column(column, style=style, no_wrap=column == "option")
    for row in OPTIONS.values():
        differs = row.name in profile.explicit
        value = Text(row.format(getattr(profile, row.name)), "bold cyan" if differs else "")
        if row.unit not in ("bool", "name"):
            value.append(f" {row.unit}", "dim")
        table.add_row(("* " if differs else "  ") + row.label, value, row.doc)
    out = console()
    entry = catalogue.PROFILES[profile.name]
    out.print(f"[bold]{profile.name}[/]: {entry.summary}. * marks what differs from lwIP's defaults.\n")
    out.print(table)
