"""The page as a file: its size, what it must not contain, and the command that makes it."""

import re
from pathlib import Path

import pytest

from lab.report import page as pages
from lab.trace.writer import line_of
from tests.lab import commands
from tests.lab.report import runs

WEB = Path(pages.__file__).parent / "web"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """The file of a trace."""
    run = runs.transfer()
    path = tmp_path / "lost.trace.jsonl"
    path.write_text("".join(line_of(dict(record)) for record in (run.header, *run.events)), encoding="utf-8")
    return path


def test_without_data_it_is_small() -> None:
    size = len(pages.page([]).encode())
    assert size < 400_000


def test_every_script_is_part_of_it_once() -> None:
    assert sorted(pages.SCRIPTS) == sorted(path.name for path in WEB.glob("*.js"))
    text = pages.page([])
    assert all(text.count(f"// --- {name}\n") == 1 for name in pages.SCRIPTS)


def test_sources_are_small_enough_to_read() -> None:
    for path in sorted(WEB.iterdir()):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 480, path.name
        assert path.suffix != ".js" or lines[0].startswith("// "), f"{path.name} does not say what it is"


def test_nothing_in_it_is_elsewhere() -> None:
    text = pages.page([runs.transfer()])
    addresses = set(re.findall(r"\b(?:https?|wss?|ftp):/?/?[^\s\"'`<>)]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, (
        addresses
    )  # the name of a language, which nobody fetches
    assert not re.search(r"@import|\burl\((?!#)|\bsrc=|<link|\bimport\(", text)
    assert "default-src 'none'" in text


def test_a_title_is_text() -> None:
    text = pages.page([runs.transfer(title="<b>& co", rules=())])
    assert "<title>&lt;b&gt;&amp; co</title>" in text


def test_command_writes_the_page(trace: Path, tmp_path: Path) -> None:
    done = commands.netstack("report", str(trace), "-o", str(tmp_path / "out.html"))
    assert done.returncode == 0, done.stderr
    assert "out.html" in done.stdout
    assert "lost" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_command_lays_two_beside_each_other(trace: Path, tmp_path: Path) -> None:
    done = commands.netstack("report", str(trace), str(trace), "-o", str(tmp_path / "two.html"))
    assert done.returncode == 0, done.stderr
    assert "same frames at the same times" in done.stdout


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), ("{}\n", "run.jsonl:1"), ("", "empty"), ("nonsense\n", "not JSON")],
)
def test_a_mistake_is_one_line(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "run.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    done = commands.netstack("report", str(path))
    assert done.returncode == 2
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_three_runs_are_too_many(trace: Path) -> None:
    done = commands.netstack("report", *[str(trace)] * 3)
    assert done.returncode == 2
    assert "3 runs" in done.stderr


def test_the_order_of_scripts_lets_pictures_be_drawn_without_a_page() -> None:
    drawing = "".join(pages.part(name) for name in pages.DRAWING)
    assert not re.search(
        r"\b(document|window|requestAnimationFrame)\b", re.sub(r"//.*|/\*.*?\*/", "", drawing, flags=re.S)
    )
