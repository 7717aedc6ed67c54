"""Time-sequence graphs: the language, against xplot itself, and the marks, against tcptrace's of the same
run.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from lab.export import pcapng, xplot
from lab.export.graph import Graph, Sent, graphs
from tests.lab.export import runs
from tests.lab.export.xplot_grammar import Mark, parse

CONNECTED = ["lost-syn-ack", "lost-third-segment", "zero-window", "silly-window", "pool-starvation"]
CONNECTED += ["reboot-mid-transfer", "dhcp-server-gone"]


def graph(name: str, place: int = 0) -> Graph:
    return graphs(runs.scenario(name))[place]


def marks(name: str, place: int = 0) -> list[Mark]:
    return parse(xplot.plot(graph(name, place)))


def texts(found: list[Mark]) -> list[str]:
    return [mark.text for mark in found if mark.text and mark.command.endswith("text")]


@pytest.mark.parametrize("name", sorted(path.stem for path in runs.SCENARIOS.glob("*.toml")))
def test_every_scenario_gives_graphs_in_the_language(name: str) -> None:
    found = graphs(runs.scenario(name))
    assert found
    for one in found:
        parsed = parse(xplot.plot(one))
        assert sum(mark.command == "line" for mark in parsed) >= 1


def test_a_graph_for_each_direction_the_main_one_first() -> None:
    found = graphs(runs.scenario("lost-third-segment"))
    assert [(one.conn, one.sender) for one in found] == [(1, "client"), (1, "server")]
    assert found[0].sent_bytes > 20_000 > found[1].sent_bytes


def test_a_lost_segment_and_its_repetition() -> None:
    found = marks("lost-third-segment")
    (lost,) = [mark for mark in found if mark.command == "x"]
    assert (lost.colour, *lost.numbers) == ("red", Decimal("0.150000"), 4321)
    assert [mark.numbers for mark in found if mark.text == "R"] == [(Decimal("0.350000"), 4321)]
    assert [mark.numbers for mark in found if mark.text == "3"] == [(Decimal("0.350000"), 2881)]
    assert Mark("red", "line", (Decimal("0.35"), Decimal(2881), Decimal("0.35"), Decimal(4321))) in found
    assert {"SYN", "FIN"} <= set(texts(found))
    assert any(mark.colour == "magenta" and mark.command == "line" for mark in found)


def test_a_closed_window_and_its_probes() -> None:
    found = texts(marks("zero-window"))
    assert found.count("P") == sum(
        isinstance(mark, Sent) and mark.probe for mark in graph("zero-window").marks
    )
    assert found.count("P") > 2
    assert "Z" in found


def test_a_reset() -> None:
    found = [texts(marks("reboot-mid-transfer", place)) for place in (0, 1)]
    assert any("RST_IN" in shown for shown in found)
    assert any("RST_OUT" in shown for shown in found)


def test_a_peer_that_is_no_device_is_seen_from_the_other_end() -> None:
    ours, theirs = graphs(runs.script())
    assert (ours.sender, theirs.sender) == ("device", "10.0.0.2:40000")
    assert texts(parse(xplot.plot(ours))).count("R") == 12
    assert "SYN" in texts(parse(xplot.plot(theirs)))
    assert theirs.edges == []


def test_nanoseconds_are_kept_where_there_are_any() -> None:
    text = xplot.plot(graph("bufferbloat"))
    assert re.search(r" 10\.021312500 | 10\.083750 ", text)


# Others


@pytest.mark.needs("tcptrace", "editcap", "tshark")
@pytest.mark.parametrize("name", CONNECTED)
def test_tcptrace_draws_the_same(name: str, tmp_path: Path) -> None:
    """The capture of the sender, given to tcptrace: same segments, ACKs, windows, repetitions, probes."""
    trace = runs.scenario(name)
    for one in graphs(trace):
        ours = shifted(parse(xplot.plot(one)))
        theirs = shifted(parse(tcptrace(trace, one, tmp_path / one.sender)))
        missing, more = theirs - ours, ours - theirs
        # It also draws segments without data (arrows on one point), SYNs that acknowledge nothing, and what
        # it takes for a third duplicate where lwIP counts none; we draw cwnd's edge and what died.
        known = {("darrow", ""), ("uarrow", ""), ("dot", ""), ("atext", "3")}
        assert {(mark.command, mark.text) for mark in missing} <= known
        assert arrows(missing, "darrow") == arrows(missing, "uarrow")
        assert {(mark.colour, mark.command) for mark in more} <= {("magenta", "line"), ("red", "x")}
        assert sum((ours & theirs).values()) > 15


def arrows(marks: Counter[Mark], command: str) -> Counter[tuple[Decimal, ...]]:
    """Where these arrows are: of a segment without data both, at one point."""
    return Counter({mark.numbers: count for mark, count in marks.items() if mark.command == command})


def tcptrace(trace: object, one: Graph, folder: Path) -> str:
    """Its time-sequence graph of what the sender sends, as the sender sees it."""
    folder.mkdir()
    pcapng.write(trace, folder / "all.pcapng", one.sender)  # type: ignore[arg-type]
    passed = f'frame.interface_name == "{one.sender}"'
    for command in (
        ["tshark", "-r", "all.pcapng", "-Y", passed, "-w", "own.pcapng"],
        ["editcap", "-F", "pcap", "own.pcapng", "own.pcap"],
        ["tcptrace", "-S", "-zx", "own.pcap"],
    ):
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
    source = one.flow.partition(">")[0]
    (found,) = [
        text
        for path in folder.glob("*_tsg.xpl")
        if (text := path.read_text()).splitlines()[2].startswith(f"{source}_==>")
    ]
    return found.replace(" \n", "\n")


def shifted(found: list[Mark]) -> Counter[Mark]:
    """The marks with the sender's SYN as origin: tcptrace counts from elsewhere."""
    origin = next(mark.numbers for mark in found if mark.command == "diamond")
    return Counter(
        mark._replace(numbers=tuple(n - origin[i % 2] for i, n in enumerate(mark.numbers)))
        for mark in found
        if mark.numbers
    )


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server that nobody sees."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "800x600x24"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb does not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.needs("xplot.org", "Xvfb")
@pytest.mark.parametrize("name", CONNECTED[:4])
def test_xplot_reads_it(name: str, tmp_path: Path, display: str) -> None:
    """xplot stops at the first line that it does not understand: here one that we put at the end."""
    text = xplot.plot(graph(name))
    path = tmp_path / "graph.xpl"
    path.write_text(text.removesuffix("go\n") + "nonsense 1 2\n")
    done = subprocess.run(
        ["xplot.org", "-d", display, str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "offending line: nonsense 1 2" in done.stdout + done.stderr
