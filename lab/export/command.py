"""The command ``netstack export``: a run in the formats of other programs (docs/exports.md)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from lab.explain_command import Time
from lab.export import mermaid, pcapng, tables, xplot
from lab.export.graph import graphs
from lab.report.load import explained
from lab.report.svg import THEMES, NoEngine
from lab.report.svg import write as write_svg
from lab.trace import Trace, TraceError, load_run

STDOUT = Path("-")
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--pcapng", "capture", type=FILE, help="A capture for Wireshark, with reasons as comments.")
@click.option("--xplot", "graph", type=FILE, help="Time-sequence graphs, as tcptrace's; - prints one.")
@click.option("--mermaid", "sequence", type=FILE, help="A sequence diagram for Markdown; - prints it.")
@click.option("--csv", "folder", type=FOLDER, help="Tables, into this folder.")
@click.option("--svg", "pictures", type=FOLDER, help="The report's pictures, into this folder.")
@click.option("--device", metavar="NAME", help="In the capture, only what passes at this device.")
@click.option(
    "--from", "begin", type=Time(), default="0s", metavar="T", help="Where the sequence diagram begins."
)
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=mermaid.MOST,
    show_default=True,
    metavar="N",
    help="Arrows of the sequence diagram.",
)
@click.option("--theme", type=click.Choice(THEMES), default="light", show_default=True, help="Of the SVGs.")
def export(
    run: Path,
    capture: Path | None,
    graph: Path | None,
    sequence: Path | None,
    folder: Path | None,
    pictures: Path | None,
    device: str | None,
    begin: int,
    most: int,
    theme: str,
) -> None:
    """Write a RUN in the formats of other programs, several at once if you like.

    A RUN is a trace (.jsonl), a scenario (.toml), which is run, or a script (.pkt), which is replayed. The
    graph of the connection that moves most data gets the name that --xplot gives, the others their connection
    and sender behind it.
    """
    _check((capture, graph, sequence, folder, pictures), (graph, sequence))
    try:
        trace = load_run(run)
        if device is not None and device not in trace.devices:
            there = f"in this run are {', '.join(trace.devices)}"
            raise click.BadParameter(f"there is no device {device}: {there}", param_hint="--device")
        say = _speaker(STDOUT in (graph, sequence))
        if capture is not None:
            count = pcapng.write(trace, capture, device)
            say(f"{capture}: {count} frames")
        if graph is not None:
            _graphs(trace, graph, say)
        if sequence is not None:
            _text(sequence, mermaid.diagram(trace, most, begin), say, "a sequence diagram")
        if folder is not None:
            for path, count in tables.write(trace, folder):
                say(f"{path}: {count} rows")
        if pictures is not None:
            for path in write_svg(explained(trace), pictures, theme):
                say(str(path))
    except (TraceError, NoEngine) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


Say = Callable[[str], None]


def _speaker(err: bool) -> Say:
    """Says what was written; beside an export on standard output, on standard error."""
    return lambda line: click.echo(line, err=err)


def _check(wanted: tuple[Path | None, ...], texts: tuple[Path | None, ...]) -> None:
    if not any(wanted):
        raise click.UsageError("nothing to write: give --pcapng, --xplot, --mermaid, --csv or --svg")
    if wanted.count(STDOUT) > texts.count(STDOUT):
        raise click.UsageError("- is for what is one text: --mermaid, --xplot; give a file or folder")
    if texts.count(STDOUT) > 1:
        raise click.UsageError("- twice: two texts on standard output would be mixed up")


def _graphs(trace: Trace, path: Path, say: Say) -> None:
    """The main graph under the name that was given, the others beside it."""
    found = graphs(trace)
    if not found:
        raise click.ClickException("no TCP connection sends anything in this run: no time-sequence graph")
    for graph in found[:1] if path == STDOUT else found:
        sender = graph.sender.replace(":", "_")
        name = path if graph is found[0] else path.with_stem(f"{path.stem}-{graph.conn}-{sender}")
        _text(name, xplot.plot(graph), say, f"connection {graph.conn}, what {graph.sender} sends")


def _text(path: Path, text: str, say: Say, about: str) -> None:
    if path == STDOUT:
        click.echo(text, nl=False)
        return
    path.write_text(text, encoding="utf-8", newline="\n")
    say(f"{path}: {about}")
