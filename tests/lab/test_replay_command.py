"""``netstack replay`` as users meet it: lines, tables, exit status, transcripts and captures."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lab.pkt.events import stimuli
from lab.pkt.format import format_script
from lab.pkt.language import parse_file
from lab.pkt.replay import DIFFERS, FAILED, Job, find_scripts
from lab.pkt.replay import replay as replay_file
from lab.replay_command import replay
from tests.lab.docs import example

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(replay, [str(arg) for arg in args])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording that matches: the example of the documentation."""
    path = tmp_path / "hello.pkt"
    path.write_text(example("out/hello.pkt"))
    return path


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_a_file_that_matches(recording: Path) -> None:
    result = invoke("--level", "C", recording)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"match       {recording}   levels A B C")
    assert len(result.stdout.splitlines()) == 1


def test_a_difference_shows_the_story_and_both_sides(recording: Path) -> None:
    result = invoke(change(recording, "P. 1:11(10) ack 101 win 6300", "P. 1:11(10) ack 101 win 6400"))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"differs     {recording}   levels none")
    assert lines[1].strip() == f"first difference at {recording}:19"
    assert "      0.130 write(4, ..., 10) = 10" in lines
    expected, got = next(line for line in lines if "win 6400" in line and "|" in line).split("|")
    assert expected.strip() == "0.130 > 80 > 40000 P. 1:11(10) ack 101 win 6400"
    assert got.strip() == "0.130 > 80 > 40000 P. 1:11(10) ack 101 win 6300"


def test_levels_decide_what_is_compared(recording: Path) -> None:
    change(recording, "read(4, ..., 200) = 100", "read(4, ..., 200) = 99")
    assert invoke(recording).exit_code == 0
    result = invoke("--level", "b", recording)
    assert result.exit_code == 1
    assert "levels A " in result.stdout


def test_a_malformed_file_is_named_by_place_and_the_others_are_replayed(recording: Path) -> None:
    wrong = recording.with_name("wrong.pkt")
    wrong.write_text("0.000 < S 0:0(0) win much\n")
    result = invoke(recording.parent)
    assert result.exit_code == 2
    assert f"{wrong}:1:22: expected a window, found 'much'" in result.stdout
    assert "match " in result.stdout


def test_what_is_not_supported_is_said_and_is_no_match(recording: Path) -> None:
    recording.write_text("0.0 `end`\n".replace("`end`", "`pool hog NONSENSE 1`"))
    result = invoke(recording)
    assert result.exit_code == 1
    assert result.stdout.startswith("unsupported ")
    assert f"{recording}:1: pool NONSENSE" in result.stdout


def test_a_file_without_expectations_is_run(tmp_path: Path) -> None:
    path = tmp_path / "hello.pkt"
    path.write_text(example("hello.pkt"))
    result = invoke(path)
    assert result.exit_code == 0
    assert result.stdout.startswith("ran ")


def test_a_failure_of_the_stack_is_told_as_ours(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netstack.stack.Stack.receive", lambda *_: 1 // 0)
    outcome = replay_file(Job(str(recording)))
    assert outcome.status == FAILED
    assert "ZeroDivisionError" in outcome.reason
    assert invoke(recording).exit_code == 1


def test_what_cannot_be_found_or_means_nothing_is_refused(tmp_path: Path) -> None:
    for args, words in (
        ([tmp_path / "nowhere.pkt"], "does not exist"),
        ([tmp_path], "there is no .pkt file in"),
        (["--level", "D", GOLDEN], "'D' is not one of"),
        (["-j", "0", GOLDEN], "0 is not in the range"),
        ([], "Missing argument"),
    ):
        result = invoke(*args)
        assert result.exit_code == 2
        assert words in result.stderr


def test_mistakes_are_one_line_without_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab.cli", "replay", str(tmp_path / "nowhere.pkt")],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere.pkt" in done.stderr


def test_a_terminal_sees_a_progress_bar_and_colours(recording: Path) -> None:
    recording.with_name("again.pkt").write_text(recording.read_text())
    main, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "lab.cli", "replay", str(recording.parent)],
        stdin=terminal, stdout=terminal, stderr=terminal, cwd=ROOT, check=False,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # how Linux says that nobody has the terminal open any more
        while chunk := os.read(main, 65536):
            shown += chunk
    os.close(main)
    assert done.returncode == 0
    assert b"100%" in shown
    assert b"\x1b[32mmatch" in shown


def test_folders_are_walked_and_summed_up_by_family_and_profile() -> None:
    result = invoke("--level", "B", GOLDEN / "full" / "open", GOLDEN / "esp-like" / "rx")
    assert result.exit_code == 0
    assert result.stdout.count("\nmatch ") + result.stdout.startswith("match ") == 34
    table = [line.split() for line in result.stdout.splitlines()[-5:]]
    assert table == [
        ["files", "that", "match", "at", "level", "B:"],
        ["family", "full", "esp-like", "all"],
        ["open", "24/24", "-", "24/24"],
        ["rx", "-", "10/10", "10/10"],
        ["all", "24/24", "10/10", "34/34"],
    ]


def test_quiet_names_only_what_does_not_match(recording: Path) -> None:
    other = recording.with_name("other.pkt")
    other.write_text(recording.read_text())
    change(other, "win 6300", "win 1")
    result = invoke("-q", recording.parent)
    assert "differs " in result.stdout
    assert f"match       {recording}" not in result.stdout


def test_processes_give_the_same_report_in_the_same_order() -> None:
    def names(*args: str) -> list[str]:
        return [line.split()[1] for line in invoke(*args, GOLDEN / "full" / "rx").stdout.splitlines()[:10]]

    assert names("-j", "3") == names() == [str(path) for path in sorted((GOLDEN / "full" / "rx").glob("*"))]


@pytest.mark.parametrize("only_stimuli", [False, True])
def test_emit_writes_the_recording_again(only_stimuli: bool, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    folder = GOLDEN / "lwip-default" / "close"
    for path in folder.glob("*.pkt"):
        script = parse_file(path)
        copy = source / "lwip-default" / "close" / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(format_script(stimuli(script) if only_stimuli else script))
    (source / "lwip-default.options").write_text((GOLDEN / "lwip-default.options").read_text())
    assert invoke("-q", "--emit", target, source).exit_code == 0
    written = sorted((target / "lwip-default" / "close").glob("*.pkt"))
    assert [path.name for path in written] == sorted(path.name for path in folder.glob("*.pkt"))
    for path in written:
        assert path.read_text() == (folder / path.name).read_text(), path.name


def test_outputs_that_would_overwrite_each_other_are_refused(tmp_path: Path) -> None:
    twice = [GOLDEN / "full" / "rx", GOLDEN / "esp-like" / "rx"]
    for option in ("--emit", "--pcap"):
        result = invoke(option, tmp_path / "out", *twice)
        assert result.exit_code == 2
        assert "two inputs would be written to data_after_fin.pkt" in result.stderr
        assert not (tmp_path / "out").exists()


def test_a_transcript_is_itself_a_recording_that_matches(tmp_path: Path) -> None:
    source = tmp_path / "hello.pkt"
    source.write_text(example("hello.pkt"))
    assert invoke("--emit", tmp_path / "out", source).exit_code == 0
    assert invoke("--level", "C", tmp_path / "out" / "hello.pkt").exit_code == 0


def test_pcap_holds_every_frame_with_its_time_and_direction(recording: Path, tmp_path: Path) -> None:
    from scapy.layers.inet import TCP
    from scapy.utils import PcapNgReader

    assert invoke("--pcap", tmp_path / "caught", recording).exit_code == 0
    with PcapNgReader(str(tmp_path / "caught" / "hello.pcapng")) as reader:
        announcement, *packets = reader
    assert (announcement.type, announcement.time, announcement.direction) == (0x0806, 0, 2)  # hidden in text
    seen = [(round(float(packet.time), 3), str(packet[TCP].flags), packet[TCP].sport) for packet in packets]
    assert seen == [
        (0.1, "S", 40000),
        (0.1, "SA", 80),
        (0.11, "A", 40000),
        (0.12, "PA", 40000),
        (0.13, "PA", 80),
        (0.14, "A", 40000),
    ]
    assert [packet.direction for packet in packets] == [1, 2, 1, 1, 2, 1]


def test_a_file_that_cannot_be_written_is_a_mistake_of_the_user(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "hello.pkt").mkdir()
    result = invoke("--emit", tmp_path / "out", recording)
    assert result.exit_code == 2
    assert result.stdout.startswith("error ")
    assert "hello.pkt: Is a directory" in result.stdout


def test_scripts_are_found_below_folders_with_their_relative_paths(tmp_path: Path) -> None:
    for name in ("b/2.pkt", "b/1.pkt", "a.pkt", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = find_scripts([tmp_path, tmp_path / "b" / "1.pkt", tmp_path / "notes.txt"])
    assert [str(relative) for _, relative in found] == ["a.pkt", "b/1.pkt", "b/2.pkt", "1.pkt", "notes.txt"]


def test_outcome_of_a_difference_is_plain_data(recording: Path) -> None:
    outcome = replay_file(Job(str(change(recording, "ack 101 win 6300", "ack 102 win 6300")), "A"))
    assert (outcome.status, outcome.profile, outcome.levels) == (DIFFERS, "micropython", "")
    assert outcome.difference is not None
    assert outcome.difference.line == 19
