"""Where two runs begin to differ."""

from lab.report.compare import first_difference
from lab.report.data import RunData
from tests.lab.report import runs


def test_a_run_is_like_itself() -> None:
    run = runs.transfer()
    assert first_difference(run, run) is None


def test_another_option_shows_where_it_acts() -> None:
    keeps, forgets = runs.two_options()
    found = first_difference(keeps, forgets)
    assert found is not None
    text = str(found["text"])
    assert text.startswith("ooseq on: at ")
    assert "ack 6401" in text.partition(";")[0]
    assert "ack 2401" in text.partition(";")[2]
    assert isinstance(found["at"], list)
    assert isinstance(found["times"], list)
    for run, i, time in zip((keeps, forgets), found["at"], found["times"], strict=True):
        assert run.events[i]["t"] == time
        assert run.events[i]["kind"] == "frame-out"


def test_another_initial_sequence_number_is_no_difference() -> None:
    one, other = (runs.transfer(rules=(), seed=seed, label=f"seed {seed}") for seed in (1, 2))
    assert first_difference(one, other) is None


def test_only_the_time_differs() -> None:
    one = runs.transfer(rules=(), label="A")
    events = [{**event, "t": event["t"] + 1000} if event["t"] > 0 else event for event in one.events]  # type: ignore[operator]
    found = first_difference(one, RunData(one.header, events, {}, "B"))
    assert found is not None
    assert " in A, at " in str(found["text"])
    assert str(found["text"]).endswith(" s in B")


def test_one_run_ends_before() -> None:
    one = runs.transfer(rules=(), label="A")
    last = max(index for index, event in enumerate(one.events) if event["kind"] == "frame-out")
    found = first_difference(one, RunData(one.header, one.events[:last], {}, "B"))
    assert found is not None
    assert found["at"] == [one.events[last]["i"], None]
    assert str(found["text"]).endswith("B: nothing more happens")
