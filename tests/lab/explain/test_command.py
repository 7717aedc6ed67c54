"""``netstack explain`` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.explain import Explainer, Question, answer
from lab.explain_command import explain
from lab.trace import FileSink, TraceError
from tests.lab.explain import fetch

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "micropython"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the run of ``fetch``."""
    trace = fetch.run()
    path = tmp_path_factory.mktemp("run") / "fetch.jsonl"
    sink = FileSink(path)
    for record in (trace.header, *trace.events):
        sink.write(record)
    sink.close()
    return path


def ask(*args: str | Path) -> list[str]:
    result = CliRunner().invoke(explain, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_the_story_of_a_run_in_order(run: Path) -> None:
    lines = ask(run)
    told = [
        "client: CLOSED → SYN_SENT",
        "died on server>client: script",
        "client: retransmitted SYN because the slow tick at 2.850 s found rtime 6 ≥ rto 6",
        "client: SYN_SENT → ESTABLISHED",
        "died on server>client: script",
        "server: retransmitted 1601:2401 because the third duplicate ACK of 1601 came",
        "more segments with",
        "server: sent FIN 20001",
        "the run ended at",
    ]
    place = 0
    for words in told:
        place = next(i for i in range(place, len(lines)) if words in lines[i]) + 1
    assert len(lines) < 80  # of a thousand events


def test_one_device(run: Path) -> None:
    lines = ask(run, "--device", "client")
    assert any("client: " in line for line in lines)
    assert not any("server: " in line for line in lines)


def test_one_event_and_what_caused_it(run: Path) -> None:
    ordinal = next(line.split()[1] for line in ask(run) if "retransmitted 1601:2401" in line)
    lines = ask(run, "--event", ordinal)
    assert "retransmitted 1601:2401" in lines[1]
    assert "because" in lines[2]
    assert "ACK 1601 came" in lines[2]
    assert "got [ACK 6 ack 1601 win 6400]" in lines[3]


def test_a_time_at_which_nothing_happens(run: Path) -> None:
    lines = ask(run, "--at", "1500ms")
    assert lines[1] == "nothing happened at 1.500 s"
    assert not any("arp-pending" in line or "waits because the MAC" in line for line in lines)  # that is over
    assert any("the retransmission timer is started" in line and "2.850 s" in line for line in lines)
    assert lines[-1].startswith("next, 2.8500")


def test_why_nothing_is_sent_at_a_time() -> None:
    lines = ask(GOLDEN / "window" / "persist_reopen.pkt", "--at", "1")
    assert any(line.startswith("waiting since 0.3600") and "snd_wnd" in line for line in lines)
    assert any(line.startswith("armed at 0.3600") and "persist timer" in line for line in lines)


def test_a_segment_with_what_became_of_its_frames(run: Path) -> None:
    lines = ask(run, "--segment", "2000", "--device", "server")
    assert sum("1601:2401 when" in line or "retransmitted 1601:2401" in line for line in lines) == 2
    assert sum("died on server>client" in line for line in lines) == 1
    assert sum("came out of server>client 20 ms" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--device", "nobody"], "there is no device nobody in this run: there are server, client"),
        (["--event", "99999"], "there is no event 99999 in this run: there are 0 to"),
        (["--segment", "77777"], "no segment with number 77777 was sent"),
        (["--at", "soon"], "soon is no time: write 2.75"),
    ],
)
def test_mistakes_are_one_line(run: Path, args: list[str], message: str) -> None:
    result = CliRunner().invoke(explain, [str(run), *args])
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_questions_about_nothing() -> None:
    explainer = Explainer(fetch.run())
    with pytest.raises(TraceError):
        list(answer(explainer, Question(event=-1)))
