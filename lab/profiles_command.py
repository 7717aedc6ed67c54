"""``netstack profiles``: which devices there are, all of one, two compared, one's own imported, what one
holds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.options import SET_OPTION, Parsed, Settings, changed
from lab.profile_file import find_profile

if TYPE_CHECKING:
    from lab.profile_import import Imported

DOES_NOT_HOLD = 1
MOST_CONNECTIONS = 40000  # a peer has no more ports


class _Group(click.Group):
    """Sub-commands, and ``show`` for anything else: a profile's name may stand where theirs do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in self.commands if name != "show"]


class _ShowContext(click.Context):
    """The context of ``show``, which nobody writes: messages are about ``netstack profiles``."""

    @property
    def command_path(self) -> str:
        return self.parent.command_path if self.parent is not None else super().command_path


class _Show(click.Command):
    context_class = _ShowContext


@click.group(cls=_Group, subcommand_metavar="[NAME | diff | import | check] ...")
def profiles() -> None:
    """The devices that can be emulated. Without arguments all of them, with a NAME every option of that one
    (a named profile, or a file like ./my-board.toml).
    """


@profiles.command(cls=_Show)
@click.argument("name", required=False)
@SET_OPTION
@click.option("--plain", is_flag=True, help="OPTION=VALUE lines only, without explanations.")
def show(name: str | None, settings: Settings, plain: bool) -> None:
    """List the devices that can be emulated, or all options of the device NAME."""
    if name is None and (settings or plain):
        raise click.UsageError("--set and --plain need the NAME of a profile")
    if name is not None and plain:
        click.echo("\n".join(changed(find_profile(name), settings).settings()))
        return
    from lab import profile_tables

    if name is None:
        profile_tables.print_list()
    else:
        shown = profile_tables.described(name)
        profile_tables.print_profile(shown, changed(shown.profile, settings))


@profiles.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
def diff(first: str, second: str) -> None:
    """How two profiles differ: options and quirks."""
    from lab.profile_tables import print_difference

    print_difference(find_profile(first), find_profile(second))


_FILE = click.Path(path_type=Path)
_NAME = re.compile(r"[A-Za-z_]\w*")


def _definition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} defines no name: write NAME=VALUE, or NAME alone for 1")
    return name, value if equals else "1"


@profiles.command("import")
@click.argument("file", type=_FILE)
@click.option(
    "-o", "--output", type=_FILE, metavar="FILE.toml", help="Write the profile there.  [default: show it]"
)
@click.option(
    "-I", "--include", "folders", type=_FILE, multiple=True, metavar="DIR", help="Look for includes there."
)
@click.option(
    "-D",
    "--define",
    "defines",
    type=Parsed("NAME=VALUE", _definition),
    multiple=True,
    help="As the compiler's -D.",
)
@SET_OPTION
@click.option("--name", help="The profile's name.  [default: after the file or its folder]")
def import_command(
    file: Path,
    output: Path | None,
    folders: tuple[Path, ...],
    defines: tuple[tuple[str, str], ...],
    settings: Settings,
    name: str | None,
) -> None:
    """Make a profile of a firmware's options: a lwipopts.h, ESP-IDF's sdkconfig, or another .config that sets
    CONFIG_LWIP_... names.
    """
    from lab.profile_import import import_profile

    for folder in folders:
        if not folder.is_dir():
            raise click.BadParameter(f"{folder} is no folder", param_hint="-I")
    if name is None and output is not None:
        name = output.name.removesuffix(".toml")
    given: dict[str, Any] = dict(settings)
    imported = import_profile(file, folders, defines, given, name)
    if output is None:
        click.echo(imported.text, nl=False)
    else:
        _write(output, imported.text)
    _report(imported, file, output)


def _write(path: Path, text: str) -> None:
    if path.suffix != ".toml":
        raise click.BadParameter(
            f"{path} must end in .toml, so that --profile knows a file by it", param_hint="-o"
        )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be written: {error.strerror}", param_hint="-o") from None


def _report(imported: Imported, file: Path, output: Path | None) -> None:
    """What became of the file's names, on standard error where the profile itself is on standard output."""
    lines = [
        f"{imported.profile.name}: {len(imported.lines)} options from {file}, the rest as {imported.base}"
    ]

    def add(topic: str, name: str, remark: str) -> None:
        lines.append(f"  {topic:15} {name}  {remark}".rstrip())

    for name, remark in imported.translated:
        add("translated", name, remark)
    for name, remark in imported.not_emulated:
        add("not emulated", name, remark)
    for name, place in imported.unknown.items():
        add("unknown", name, place)
    for name, place in imported.assumed.items():
        add("taken as 0", name, f"{place}: not defined; -D {name}=1 if it is")
    for name, place in imported.not_found.items():
        add("not found", name, f"{place}: skipped; -I DIR if it sets options")
    for topic, names in imported.without_effect.items():
        add("no effect", ", ".join(names), f"({topic})")
    if imported.elsewhere:
        add("no effect", f"{imported.elsewhere} settings that are not lwIP's", "")
    for hint in imported.hints:
        add("perhaps", "", hint)
    use = output if output is not None else Path("FILE.toml")
    path = use if use.is_absolute() or use.parent != Path() else f"./{use}"
    if output is None:
        lines.append("`-o FILE.toml` writes it to a file")
    lines.append(f"use it: netstack up --profile {path}")
    click.echo("\n".join(lines), err=output is None)


def _limits(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,9})\s*[x×*]\s*(\d{1,9})\s*", text)
    if found is None:
        raise ValueError(f"{text!r}: write connections × bytes, like 3x4000")
    connections, size = int(found[1]), int(found[2])
    if not 1 <= connections <= MOST_CONNECTIONS:
        raise ValueError(f"{text!r}: from 1 to {MOST_CONNECTIONS} connections")
    return connections, size


@profiles.command()
@click.argument("profile", type=Parsed("PROFILE", find_profile))
@click.argument(
    "limits", metavar="[CONNECTIONSxBYTES]", type=Parsed("CONNECTIONSxBYTES", _limits), required=False
)
@SET_OPTION
@click.pass_context
def check(ctx: click.Context, profile: Any, limits: tuple[int, int] | None, settings: Settings) -> None:
    """What a device can hold before which of its pools runs dry: computed, then tried on the stack.

    With CONNECTIONSxBYTES (3x4000) whether it holds that many connections with that many bytes each: sent and
    not acknowledged, and received and not read. Exit status 1: it does not.
    """
    from lab.profile_check_table import print_check

    if not print_check(changed(profile, settings), limits):
        ctx.exit(DOES_NOT_HOLD)
