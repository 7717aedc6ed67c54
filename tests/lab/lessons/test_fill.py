"""Markers: what is filled in, and what is said of one that makes no sense."""

from __future__ import annotations

import pytest

from lab.lessons.catalogue import lessons, runs_of
from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Runs, Variant, shown
from lab.lessons.fill import MarkerError, choices, fill, ladder_of, right, solution


@pytest.fixture(scope="module")
def runs() -> Runs:
    return runs_of(lessons()[1])


def test_numbers_of_this_and_of_another_run(runs: Runs) -> None:
    page = "<!--=gap1--><!--/--> and <!--=gap1@esp-->old<!--/-->"
    assert fill(page, runs) == "<!--=gap1-->2.75 s<!--/--> and <!--=gap1@esp-->1.25 s<!--/-->"
    assert fill(fill(page, runs), runs) == fill(page, runs)


def test_a_ladder_and_its_part(runs: Runs) -> None:
    whole = fill("<!--[ladder states]-->\n<!--/-->", runs)
    assert "client: CLOSED -> SYN_SENT" in whole
    assert whole.count("lost") == 2
    part = fill("<!--[ladder from=1s until=3s]-->\n<!--/-->", runs)
    assert "CLOSED" not in part
    assert [line.split()[0] for line in part.splitlines()[3:-2]] == ["2.7500", "2.7700"]
    assert "... 3 more" in fill("<!--[ladder most=2]-->\n<!--/-->", runs)


def test_why(runs: Runs) -> None:
    text = fill("<!--[why kind=segment-out on=client cause=rto]-->\n<!--/-->", runs)
    assert "> *2.7500 s, client:* retransmitted SYN because the slow tick" in text
    assert "tcp\\_slowtmr" in text


def test_a_table_and_what_varies(runs: Runs) -> None:
    table = fill("<!--[table runs=main,esp gap1 syns]-->\n<!--/-->", runs)
    assert "| from the first SYN to the second | 2.75 s | 1.25 s |\n| SYNs | 2 | 3 |" in table
    vary = fill("<!--[vary runs=esp gap1]-->\n<!--/-->", runs)
    assert "$ netstack lesson 1 --set device.client.profile=micropython-esp32\n" in vary
    assert "| from the first SYN to the second | 2.75 s | 1.25 s |" in vary


def test_a_ladder_for_another_run_is_drawn_like_the_pages_first(runs: Runs) -> None:
    page = "<!--[ladder run=dead states until=1s most=1]-->\n<!--/-->"
    assert "SYN_RCVD -> ESTABLISHED" in ladder_of(page, runs[MAIN])
    assert "ESTABLISHED" not in ladder_of("no ladder", runs[MAIN])


@pytest.mark.parametrize(
    ("marker", "name"),
    [
        ("<!--=gap9--><!--/-->", "gap9"),
        ("<!--=gap1@mars--><!--/-->", "mars"),
        ("<!--[map]--><!--/-->", "map"),
        ("<!--[table runs=mars gap1]--><!--/-->", "mars"),
        ("<!--[table gap9]--><!--/-->", "gap9"),
        ("<!--[why kind=pigeon]--><!--/-->", "pigeon"),
    ],
)
def test_a_marker_that_says_nothing_is_named(marker: str, name: str, runs: Runs) -> None:
    with pytest.raises(MarkerError, match=name):
        fill(marker, runs)


def test_the_right_choice_is_what_the_run_says(runs: Runs) -> None:
    asked = Prediction("How many?", "syns", "{syns} of them.", (Choice(3, "no"), Choice(2), Choice(1, "no")))
    assert right(runs, asked) == asked.choices[1]
    assert solution(runs, asked) == "**b) 2**"
    assert choices(runs, asked) == ["3", "2", "1"]
    nobody = Prediction("How many?", "syns", "", (Choice(3), Choice(4)))
    with pytest.raises(MarkerError, match="2 is 0 of its choices"):
        right(runs, nobody)


def test_values_as_pages_show_them() -> None:
    assert shown(2_750_000_000, "time") == "2.75 s"
    assert shown(250_000_000, "time") == "250 ms"
    assert shown(1, "byte") == "1 byte"
    assert shown(536, "byte") == "536 bytes"
    assert shown(7, "") == "7"
    assert shown("the timer", "") == "the timer"
    assert shown(None, "time") == "never"
    assert shown(None, "byte") == "none"


def test_commands_are_quoted_for_a_shell() -> None:
    assert Variant().command(3) == "netstack lesson 3"
    change = "fault.1.on=client>server kind=syn"
    assert (
        Variant("", (change, "run.seed=1")).command(3)
        == f"netstack lesson 3 --set '{change}' --set run.seed=1"
    )
    assert Variant(file="03-x.toml").command(3) == "netstack scenario examples/lessons/03-x.toml"


def test_names_of_files_and_of_runs() -> None:
    lesson = Lesson(7, "pigeons", "Pigeons", {MAIN: Variant()}, {"n": Measure("n", lambda run: 1, "")}, ())
    assert lesson.stem == "07-pigeons"
    assert lesson.asked(Prediction("?", "n", ""))[1] == MAIN
    assert lesson.asked(Prediction("?", "n@far", ""))[1] == "far"
