"""``netstack museum``: known pains of programs on lwIP boards, each reproduced and cured in virtual time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from lab.options import Parsed, Settings
from netstack.profile import parse_setting

if TYPE_CHECKING:
    from lab.live import Line
    from lab.museum import Exhibit, Scene
    from netstack.trace import Event

WIDTH = 100  # columns of an explanation
FAILED = 1


@click.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(min=1), metavar="[NUMBER]...")
@click.option("--all", "everything", is_flag=True, help="Show all of them.")
@click.option(
    "--set",
    "settings",
    type=Parsed("OPTION=VALUE", parse_setting),
    multiple=True,
    help="Change one lwIP option of the board, like MEMP_NUM_TCP_PCB=8; may be given again.",
)
@click.option("--trace", is_flag=True, help="Show every segment of the board as one line.")
def museum(numbers: tuple[int, ...], everything: bool, settings: Settings, trace: bool) -> int:
    """Known pains of programs on lwIP boards: what one sees, why, and the cure, played in virtual time.

    Without a NUMBER the exhibits are listed. Each is a file of examples/museum. With --set one can try what
    else would help.
    """
    from lab.museum import exhibits

    found = {exhibit.number: exhibit for exhibit in exhibits()}
    if not found:
        raise click.ClickException("examples/museum is missing: install the package anew")
    unknown = [number for number in numbers if number not in found]
    if unknown:
        problem = f"there is no exhibit {unknown[0]}: they go from {min(found)} to {max(found)}"
        raise click.BadParameter(problem, param_hint="NUMBER")
    chosen = list(found.values()) if everything else [found[number] for number in numbers]
    if not chosen:
        _list(list(found.values()))
        return 0
    return max([_show(exhibit, settings, trace) for exhibit in chosen])


def _list(exhibits: list[Exhibit]) -> None:
    for exhibit in exhibits:
        click.echo(f"{exhibit.number:3}  {exhibit.title}")
    click.echo("\n`netstack museum 1` shows the first, `--all` all of them.")


def _show(exhibit: Exhibit, settings: Settings, trace: bool) -> int:
    """One exhibit with all its scenes. FAILED when one cannot be played with these settings."""
    click.secho(f"{exhibit.number}  {exhibit.title}\n", bold=True)
    for head, text in exhibit.text.items():
        click.echo(textwrap.fill(f"{head}: {text}", WIDTH, subsequent_indent="    "))
    status = 0
    for scene in exhibit.scenes:
        click.secho(f"\n{'Cured' if scene.is_cure else 'The pain'}: {scene.caption}.", bold=True)
        status = max(status, _play(scene, settings, trace))
    click.echo()
    return status


def _play(scene: Scene, settings: Settings, trace: bool) -> int:
    from netstack.options import ProfileError

    narration = _Narration() if trace else None
    try:
        outcome = scene.play(click.echo if narration is None else narration.say, narration, dict(settings))
    except ProfileError:
        raise
    except Exception as error:  # with other options a scene may come to a point that it does not expect
        if not settings:
            raise
        click.secho(f"it cannot be played with these options: {type(error).__name__}: {error}", fg="red")
        return FAILED
    if narration is not None:
        narration.finish()
    click.secho(f"=> {outcome}", fg="green" if scene.is_cure else "yellow")
    return 0


class _Narration:
    """The trace hook of a board whose segments are shown in order with what the scene says."""

    def __init__(self) -> None:
        from lab.live import Narrator
        from lab.museum import PEER
        from netstack.address import parse_ip

        self._narrator = Narrator(parse_ip(PEER))

    def __call__(self, event: Event) -> None:
        self._show(self._narrator.feed(event))

    def say(self, text: str) -> None:
        """Show a line of the scene behind all that has happened before it."""
        self.finish()
        click.echo(text)

    def finish(self) -> None:
        """Show what is still to be shown."""
        self._show(self._narrator.finish())

    def _show(self, lines: Iterable[Line]) -> None:
        for line in lines:
            click.echo(line.render())
