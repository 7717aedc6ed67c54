"""``netstack run``: a MicroPython program on a device, as a board would run it.

Its exit status is the command's. The program is a script, a text (``-c``), a folder with ``boot.py`` and
``main.py`` that is the board's flash, or what is typed at a prompt (``--repl``).

Every option can come from the environment (``NETSTACK_IP``, ``NETSTACK_PROFILE``, ...), so that a program
that starts MicroPython as a command, such as MicroPython's own test runner, can start this.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.options import DeviceOptions, device_options
from lab.run_cpython import CPythonProgram
from netstack.address import format_ip

if TYPE_CHECKING:
    from netstack.trace import TraceHook
    from tap.tun import TapLink
    from usocket import Device
    from usocket.script import Program

ENVIRONMENT = {"allow_interspersed_args": False, "auto_envvar_prefix": "NETSTACK"}


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be run: a file, a folder or a text; nothing: only the prompt."""

    path: Path | None
    code: str | None
    args: tuple[str, ...]
    library: tuple[Path, ...]
    prompt: bool


@click.command(context_settings=ENVIRONMENT)
@device_options
@click.option("-c", "code", metavar="CODE", help="Run this text instead of a script.")
@click.option(
    "--cpython",
    is_flag=True,
    help="The program is one for CPython: it runs unchanged, and its sockets are the device's.",
)
@click.option("-m", "module", metavar="MODULE", help="With --cpython: run this module instead of a script.")
@click.option(
    "--path",
    "library",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with more modules, the board's library; may be given again.",
)
@click.option(
    "--link",
    type=click.Choice(["tap", "virtual"]),
    default="tap",
    show_default=True,
    help="A TAP in real time, or a network in virtual time, where nobody but the gateway is.",
)
@click.option("--repl", is_flag=True, help="Prompt for more when the program has ended, or instead of one.")
@click.argument("script", required=False)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(
    options: DeviceOptions,
    code: str | None,
    cpython: bool,
    module: str | None,
    library: tuple[Path, ...],
    link: str,
    repl: bool,
    script: str | None,
    args: tuple[str, ...],
) -> int:
    """Run SCRIPT, a MicroPython program, with ARGS on a device. Its exit status is passed on.

    A folder is the board's flash: its boot.py and main.py are run. With -c all arguments are the program's.
    Options stand before SCRIPT; each may also be set as a variable of the environment, like NETSTACK_IP. The
    device is there as long as the program runs, also while that computes or reads standard input.
    """
    from lab.lease import follow_leases, wait_for_lease
    from lab.live import Live
    from lab.opening import opened, show_lines_at_once

    if module is not None and not cpython:
        raise click.UsageError("-m is for programs of CPython: use it with --cpython")
    source: Source | CPythonProgram
    if cpython:
        if library or repl or link == "virtual":
            raise click.UsageError("--path, --repl and --link virtual are for MicroPython's programs only")
        source = CPythonProgram.of(script, module, code, args)
    else:
        source = _source(script, code, args, library, repl)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)  # no board says so
    show_lines_at_once()
    with ExitStack() as cleanup:
        live = cleanup.enter_context(Live(options.gateway, collapse=False)) if options.trace else None
        tap: TapLink | None = None
        if link == "virtual":
            device = cleanup.enter_context(_in_virtual_time(options, live))
        else:
            device, tap, _ = cleanup.enter_context(opened(options, live))
        device.oddities.hook = _tell_once()
        if options.dhcp:
            follow_leases(device, options, tap)
            wait_for_lease(device, options, tap, _remark)
        return source.run(device) if isinstance(source, CPythonProgram) else _run(device, source)


def _source(
    script: str | None, code: str | None, args: tuple[str, ...], library: tuple[Path, ...], prompt: bool
) -> Source:
    if code is not None:
        return Source(None, code, args if script is None else (script, *args), library, prompt)
    if script is None:
        if not prompt:
            raise click.UsageError("give a SCRIPT, -c CODE or --repl")
        return Source(None, None, args, library, prompt)
    path = Path(script)
    if not path.exists():
        raise click.BadParameter(f"there is no file or folder {script}", param_hint="SCRIPT")
    if path.is_dir() and not prompt and not any((path / name).is_file() for name in ("boot.py", "main.py")):
        raise click.BadParameter(f"{script} has neither boot.py nor main.py", param_hint="SCRIPT")
    return Source(path, None, args, library, prompt)


def _run(device: Device, source: Source) -> int:
    from usocket.files import FileSystem
    from usocket.script import boot, run_program

    name, path = "", [""]
    if source.path is not None and source.path.is_dir():
        device.files = FileSystem(source.path.resolve())
        path = ["", "/lib"]
    elif source.path is not None:
        name = str(source.path)
        path = [device.files.folder(source.path.resolve().parent)]
    elif source.code is not None:
        name = "-c"

    def course(program: Program) -> int | None:
        status = None
        if source.code is not None:
            status = program.run(source.code, "<string>")
        elif source.path is not None and source.path.is_dir():
            status = boot(program)
        elif source.path is not None:
            status = program.run(source.path.read_bytes(), name)
        if source.prompt:
            from usocket.repl import Repl

            status = Repl(program).run()
        return status

    return run_program(device, [name, *source.args], path, source.library, course)


def _tell_once() -> Callable[[str, str], None]:
    """What a board would hide or not survive, the first time that it happens."""
    told: set[str] = set()

    def tell(name: str, sentence: str) -> None:
        if name not in told:
            told.add(name)
            _remark(sentence)

    return tell


def _remark(sentence: str) -> None:
    """Standard output is the program's."""
    click.echo(f"netstack: {sentence}", err=True)


@contextmanager
def _in_virtual_time(options: DeviceOptions, trace: TraceHook | None) -> Iterator[Device]:
    """The device and, as its gateway, a second one, in a network where waiting takes no time."""
    from lab.opening import device_for
    from tap.capture import Capture, CaptureLink
    from tap.clock import MS, VirtualClock
    from tap.link import Link
    from tap.wire import wire
    from usocket import Device

    if options.tap or options.netns is not None:
        raise click.UsageError("--tap and --netns mean nothing with --link virtual")
    clock = VirtualClock()
    near, far = wire(clock, delay=MS)
    gateway = f"{format_ip(options.gateway)}/{options.interface.prefix}"
    with ExitStack() as cleanup:
        link: Link = near
        if options.pcap is not None:
            capture = cleanup.enter_context(Capture(options.pcap))
            link = CaptureLink(near, capture, clock, "virtual", options.mac)
        cleanup.enter_context(Device("full", address=gateway, link=far, clock=clock, name="gateway"))
        yield cleanup.enter_context(device_for(options, link, clock, trace))
