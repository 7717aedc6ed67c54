"""Exam sheets: reproducible, right, and printable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.exam.kinds import KINDS, delayed_acks, retransmission_times, round_trip_times, slow_start, states
from lab.exam.page import html, text
from lab.exam.scene import LWIP, RFC, Question
from lab.exam.sheet import draw
from lab.exam_command import MOST
from tap.streams import Stream, stream
from tests.lab.commands import NETSTACK, ROOT, netstack

SEEDS = range(6)


class Checker(HTMLParser):
    """Open and closed tags, ids of nothing, and what the page refers to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.refers: list[str] = []
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.refers += [str(value) for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in ("meta", "br", "hr", "img", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.shown += data


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_kind_of_question_has_an_answer(kind: Callable[[Stream], Question], seed: int) -> None:
    found = kind(stream(seed, "test"))
    assert found.title
    assert found.setting
    assert found.ask.endswith("?")
    assert "{" not in found.setting + found.why
    assert "RFC" in found.why or "ticks" in found.why
    assert len(found.before.splitlines()) > 3
    assert len(found.after.splitlines()) > 1
    if len(found.answers) == 1:
        assert found.answers[0][0] == ""
    else:
        assert [whose for whose, _ in found.answers] == [LWIP, RFC]
        assert found.answers[0][1] != found.answers[1][1]
    for _, answer in found.answers:
        assert answer
        assert answer not in found.before


def test_numbers_differ_from_seed_to_seed() -> None:
    for kind in KINDS:
        assert len({kind(stream(seed, "test")) for seed in SEEDS}) > 2, kind.__name__


def test_answers_follow_from_what_is_given() -> None:
    """Computed by hand, from the text of the question alone."""
    for seed in SEEDS:
        found = retransmission_times(stream(seed, "test"))
        rto = int(re.search(r"reaches rto, which is (\d+)", found.setting)[1])
        tick = float(re.search(r"come at ([\d.]+)", found.setting)[1])
        first = tick + 0.5 * (rto - 1)
        wanted = [first, first + rto, first + rto + 2 * rto]  # rto ticks doubled are rto seconds
        assert found.answers == (("", ", ".join(f"{time:.3f} s" for time in wanted)),)

        found = slow_start(stream(seed, "test"))
        mss, cwnd = (int(re.search(rf"{what} (\d+)", found.setting)[1]) for what in ("MSS is", "cwnd is"))
        steps = [int(step) for step in re.findall(r"(\d) segment", found.setting)]
        lwip = rfc = cwnd
        lwips, rfcs = [], []
        for step in steps:
            lwip, rfc = lwip + step * mss, rfc + mss
            lwips.append(str(lwip))
            rfcs.append(str(rfc))
        wanted_lwip, wanted_rfc = ", ".join(lwips), ", ".join(rfcs)
        if wanted_lwip == wanted_rfc:
            assert found.answers == (("", wanted_lwip),)
        else:
            assert found.answers == ((LWIP, wanted_lwip), (RFC, wanted_rfc))

        found = delayed_acks(stream(seed, "test"))
        count = int(re.search(r"first of (\d)", found.setting)[1])
        tick = float(re.search(r"come at ([\d.]+)", found.setting)[1])
        answer = found.answers[0][1]
        assert answer.startswith("ack 1001 at ") == (f"at {tick:.3f}" not in answer.split(",")[0])
        assert answer.rpartition("ack ")[2].startswith(str(1 + 500 * count))


def test_the_rtos_of_both_ways() -> None:
    for seed in SEEDS:
        found = round_trip_times(stream(seed, "test"))
        times = [int(time) for time in re.search(r"after (\d+), (\d+) and (\d+) ms", found.setting).groups()]
        srtt, rttvar, wanted = times[0], times[0] / 2, []
        for number, time in enumerate(times):
            if number:
                rttvar = 0.75 * rttvar + 0.25 * abs(srtt - time)
                srtt = 0.875 * srtt + 0.125 * time
            wanted.append(f"{max(srtt + max(500, 4 * rttvar), 1000):.0f} ms")
        sa, sv = (int(re.search(rf"{name} (?:is )?(\d+)", found.setting)[1]) for name in ("sa", "sv"))
        sent = [
            float(line.split()[0])
            for line in (found.before + "\n" + found.after).splitlines()
            if "PSH" in line
        ]
        tick = float(re.search(r"come at ([\d.]+)", found.setting)[1])
        ticks = []
        for at, time in zip(sent, times, strict=True):
            before, after = ((moment - tick) // 0.5 for moment in (at, at + time / 1000))
            m = int(after - before) - (sa >> 3)
            sa += m
            sv += abs(m) - (sv >> 2)
            ticks.append(f"{(sa >> 3) + sv} ticks")
        assert found.answers == ((LWIP, ", ".join(ticks)), (RFC, ", ".join(wanted)))


def test_states_are_those_of_the_rfc() -> None:
    after = {
        "closes its socket": {"ESTABLISHED": "FIN-WAIT-1", "CLOSE-WAIT": "LAST-ACK"},
        "sends a FIN that acknowledges no FIN": {
            "ESTABLISHED": "CLOSE-WAIT", "FIN-WAIT-1": "CLOSING", "FIN-WAIT-2": "TIME-WAIT",
        },
        "FIN that acknowledges the device's FIN, too": {"FIN-WAIT-1": "TIME-WAIT"},
        "acknowledges the device's FIN": {
            "FIN-WAIT-1": "FIN-WAIT-2", "CLOSING": "TIME-WAIT", "LAST-ACK": "CLOSED",
        },
        "sends a RST": {"FIN-WAIT-1": "CLOSED", "LAST-ACK": "CLOSED"},
    }  # fmt: skip
    for seed in range(12):
        found = states(stream(seed, "test"))
        state, wanted = "ESTABLISHED", []
        for event in re.findall(r"\([abc]\) ([^;.]+)", found.setting):
            state = next(moves for what, moves in after.items() if what in event)[state]
            wanted.append(state)
        assert found.answers == (("", ", ".join(wanted)),)


def test_a_sheet_has_as_many_kinds_as_it_can() -> None:
    sheet = draw(1, len(KINDS))
    assert len({question.title for question in sheet.questions}) == len(KINDS)
    assert draw(1, 4).questions == sheet.questions[:4]
    assert sheet.points == sum(question.points for question in sheet.questions)
    longer = draw(1, len(KINDS) + 3)
    assert len(set(longer.questions)) == len(KINDS) + 3


@pytest.mark.slow
def test_the_longest_sheet() -> None:
    assert len(draw(2, MOST).questions) == MOST


def test_the_page_is_valid_and_refers_to_nothing_outside() -> None:
    for answers in (False, True):
        page = html(draw(3, len(KINDS)), answers)
        assert page.startswith("<!DOCTYPE html>\n")
        checker = checked(page)
        assert checker.refers == []
        assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img", page)
        assert checker.seen.count("title") == checker.seen.count("style") == 1
        assert "size: A4" in page
        assert len(page) < 200_000


def test_answers_are_on_a_page_of_their_own_and_only_when_asked_for() -> None:
    sheet = draw(3, 6)
    without, with_answers = html(sheet, False), html(sheet, True)
    shown = checked(without).shown
    questions, _, answers = with_answers.partition('<div class="answers">')
    shown_answers = checked("<div>" + answers.partition("</body>")[0]).shown
    assert ".answers { break-before: page; }" in questions
    assert without.startswith(questions.rstrip())
    for question in sheet.questions:
        assert question.setting in shown
        assert question.why not in shown
        for _, answer in question.answers:
            assert answer not in shown
            assert answer in shown_answers


def test_the_text_form() -> None:
    sheet = draw(3, 4)
    without, with_answers = text(sheet, False), text(sheet, True)
    assert with_answers.startswith(without.rstrip("\n"))
    assert "Answers" not in without
    for number, question in enumerate(sheet.questions, 1):
        assert f"\n{number}. {question.title} ({question.points} points)\n" in without
        assert question.before in without
        assert question.after in with_answers
    assert max(map(len, with_answers.splitlines())) <= 100


def test_same_seed_same_bytes_whatever_the_hashes(tmp_path: Path) -> None:
    pages = []
    for number, hashes in enumerate(("0", "1", "random")):
        file = tmp_path / f"{number}.html"
        done = subprocess.run(
            [*NETSTACK, "exam", "--seed", "5", "--questions", "11", "--answers", "-o", str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hashes},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{file} is written: 11 questions, 58 points, with answers\n"
        pages.append(file.read_bytes())
    assert pages[0] == pages[1] == pages[2]
    assert pages[0].decode() == html(draw(5, 11), True)
    assert sys.version_info >= (3, 11)


def test_the_command() -> None:
    done = netstack("exam", "--seed", "3", "--questions", "4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == text(draw(3, 4), False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seed", "-1"], "-1 is not in the range"),
        (["--questions", "0"], "0 is not in the range 1<=x<=50"),
        (["--questions", "51"], "51 is not in the range 1<=x<=50"),
        (["-o", "no/such/exam.html"], "no/such/exam.html cannot be written: No such file or directory"),
        (["more"], "Got unexpected extra argument"),
    ],
)
def test_mistakes_get_one_line(arguments: list[str], says: str) -> None:
    done = netstack("exam", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
