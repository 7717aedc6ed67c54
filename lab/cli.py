"""The command ``netstack``: finds the sub-command, and turns every mistake of its user into one line.

A sub-command's module is imported when it runs or its help is shown, so that ``netstack --version`` and a
mistyped command cost no more than click. Exit status: 0 done, 2 a mistake of the user (one line on standard
error that names it and the mend), 130 ended by Ctrl-C, 143 by SIGTERM; ``run`` and ``exec`` pass on that of
their program.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from typing import NoReturn

import click

from lab import __version__, interrupt

MISTAKE = 2
INTERRUPTED = 128 + signal.SIGINT

COMMANDS = {
    "demo": "lab.demo:demo",
    "up": "lab.up:up",
    "run": "lab.run:run",
    "exec": "lab.exec:exec_command",
    "ss": "lab.control.commands:ss",
    "stats": "lab.control.commands:stats",
    "pools": "lab.control.commands:pools",
    "arp": "lab.control.commands:arp",
    "inject": "lab.control.commands:inject",
    "set": "lab.control.commands:set_command",
    "profiles": "lab.profiles_command:profiles",
    "museum": "lab.museum_command:museum",
    "scenario": "lab.scenario_command:scenario",
    "explore": "lab.explore_command:explore",
    "replay-run": "lab.replay_run_command:replay_run",
    "explain": "lab.explain_command:explain",
    "report": "lab.report.command:report",
    "export": "lab.export.command:export",
    "replay": "lab.replay_command:replay",
    "lesson": "lab.lesson_command:lesson",
    "exercise": "lab.grade_command:exercise",
    "grade": "lab.grade_command:grade",
    "exam": "lab.exam_command:exam",
    "doctor": "lab.doctor:doctor",
}


class UnknownCommand(click.UsageError):
    """A sub-command that does not exist."""


class LazyGroup(click.Group):
    """The sub-commands of ``COMMANDS``, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            mend = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
            raise UnknownCommand(f"there is no command {args[0]}: {mend}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="netstack %(version)s")
def group() -> None:
    """Emulated devices with lwIP's TCP/IP stack, for this machine and MicroPython programs to talk to.

    Begin with `netstack demo`. `netstack doctor` says what this machine allows.
    """


def main() -> NoReturn:
    """Run the command line; never returns."""
    interrupt.install()
    try:
        status = _run()
    finally:
        interrupt.ignore()
    sys.exit(status)


def _run() -> int:
    """The exit status of the command."""
    try:
        status = group.main(prog_name="netstack", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        return _mistake(_usage(error))
    except click.ClickException as error:
        return _mistake(f"netstack: {error.format_message()}")
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # netstack profiles | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (OSError, ValueError) as error:
        if not _is_users(error):
            raise
        return _mistake(f"netstack: {error}")
    return status if isinstance(status, int) else 0


def _is_users(error: Exception) -> bool:
    """Whether an error of the layers below is about what the user gave or lacks, and says so in one line."""
    from netstack.options import ProfileError
    from tap.link import TapError

    return isinstance(error, ProfileError | TapError)


def _usage(error: click.UsageError) -> str:
    """Click's message, behind the command it is about; where it names no value, also where help is."""
    command = error.ctx.command_path if error.ctx is not None else "netstack"
    message = error.format_message()
    names_a_value = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    if not names_a_value and not isinstance(error, UnknownCommand):
        message = f"{message.rstrip('.')} (see `{command} --help`)"
    return f"{command}: {message}"


def _mistake(message: str) -> int:
    click.echo(" ".join(message.split()), err=True)
    return MISTAKE


if __name__ == "__main__":
    main()
