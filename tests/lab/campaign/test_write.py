"""What is left of a failure is written as a scenario with scripted faults, or as a journal: both fail so."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from lab.campaign import shrink, toml
from lab.campaign.faultwords import faults_of, rules_of
from lab.campaign.residue import labels, residue
from lab.campaign.write import write
from lab.scenario import load, run
from lab.scenario.impairments import check_impairment
from lab.scenario.model import Device, Fault, File, Link, Run
from tap.verdicts import Held, Sent, Verdict
from tests.lab.campaign.planted import LOSSY, plant
from tests.lab.campaign.test_shrink import failing
from tests.lab.commands import ROOT, netstack


def verdict(*out: Sent | Held, copy: int = 1) -> Verdict:
    return Verdict(0, "a>b", "a>b kind=syn n=1 seq=0 xmit=1 conn=1", "loss", (), out, copy)


@pytest.mark.parametrize(
    ("out", "rules"),
    [
        ((), ["drop"]),
        ((Sent(5_000_000),), ["delay 4ms"]),
        ((Sent(1_000_000), Sent(1_000_000)), ["duplicate copies=1"]),
        (
            (Sent(2_000_000), Sent(2_500_000), Sent(3_000_000)),
            ["delay 1ms", "duplicate copies=2 spacing=500us"],
        ),
        ((Sent(1_000_000, masks=((20, b"\x05\xff"),)),),
         ["corrupt byte=20 bit=0", "corrupt byte=20 bit=2", "corrupt byte=21"]),
        ((Held(3, 1_000_000_000),), ["reorder behind=3"]),
        ((Held(2, 5_000_000),), ["reorder behind=2 patience=5ms"]),
        ((Sent(1_000_000, keep=40),), None),  # cut
        ((Sent(1_000_000, added=b"x"),), None),
        ((Sent(1_000_000), Sent(1_000_000, masks=((20, b"\x01"),))), None),  # copies that differ
        ((Sent(0),), None),  # earlier than without chance
        ((Sent(1_000_000), Sent(1_000_001), Sent(1_000_003)), None),
        ((Sent(1_000_000, masks=((20, b"\x55" * 40),)),), None),  # too much for rules
    ],
)  # fmt: skip
def test_what_rules_say_of_a_verdict(out: tuple[Sent | Held, ...], rules: list[str] | None) -> None:
    assert rules_of(verdict(*out), plain_delay=1_000_000) == rules


def test_of_a_copy_and_of_no_chance_rules_say_nothing() -> None:
    assert rules_of(verdict(copy=2), 0) is None
    assert rules_of(Verdict(0, "a>b", "", "rate", (), None), 0) is None


def test_several_rules_for_a_frame_are_a_chain() -> None:
    assert faults_of("a>b n=1", ["delay 1ms", "drop"], "x") == [
        Fault(do="delay 1ms chain", on="a>b n=1", name="x-1"),
        Fault(do="drop", on="a>b n=1", name="x-2"),
    ]


@pytest.mark.parametrize(
    ("text", "left", "delay"),
    [
        ("loss rate=1%", "", 0),
        ("gilbert-elliott loss=1% burst=3", "", 0),
        ("delay delay=80ms jitter=20ms", "delay delay=80ms", 80_000_000),
        ("delay delay=80ms jitter=20ms in_order=true", "delay delay=80ms in_order=true", 80_000_000),
        ("delay delay=80ms", "delay delay=80ms", 80_000_000),
        ("rate rate=1mbit", "rate rate=1mbit", 0),
        ("slots minimum=20ms maximum=40ms", None, 0),
        ("netem loss 1%", "", 0),
        ("netem delay 80ms 20ms loss 5%", "netem limit 1000 delay 80000000ns", 80_000_000),
        ("netem rate 1mbit limit 20", "netem limit 20 rate 1000000bit 0 0 0", 0),
        ("netem delay 1ms slot 20ms 40ms", None, 0),
    ],
)
def test_what_is_left_of_an_impairment_without_chance(text: str, left: str | None, delay: int) -> None:
    check_impairment(text)
    found = residue(text)
    assert found.text == left
    if left:
        check_impairment(left)
        assert found.delay == delay


def test_stages_are_found_by_what_a_journal_calls_them() -> None:
    texts = ["netem loss 1%", "loss rate=1%", "delay delay=1ms", "loss rate=2%"]
    assert labels(texts) == dict(zip(["netem", "loss", "delay", "loss2"], texts, strict=True))


def test_toml_reads_back_as_it_was() -> None:
    file = File(
        run=Run(seed=3, stop="5s"),
        device={
            "a-b": Device(address="10.0.0.1/24", options={"TCP_MSS": 536, "x y": 'a "quote"\\ \x7f\té'}),
            "c": Device(address="10.0.0.2/24"),
        },
        link={"wire": Link(between=["a-b", "c"], forth=["loss rate=1%"])},
        fault=[Fault(do="drop", on="a-b>c kind=syn", lasting="5s")],
    )
    text = toml.write(file)
    assert msgspec.convert(tomllib.loads(text), File) == file
    assert tomllib.loads(f"fault = [{toml.inline(file.fault[0])}]") == {"fault": tomllib.loads(text)["fault"]}


def test_every_example_reads_back_as_it_was() -> None:
    examples = sorted((ROOT / "examples" / "scenarios").glob("*.toml"))
    assert examples
    for example in examples:
        scenario = load(example)
        assert load(toml.write(scenario.file), scenario.path).file == scenario.file


def test_lost_frames_become_a_scenario_that_fails_from_the_command_line(tmp_path: Path) -> None:
    file = plant(tmp_path, forth='"loss rate=30%"')
    written = write(shrink(failing(file, "program server.pair ends well")), tmp_path)
    assert written.file.name.startswith("shrunk-")
    assert written.file.suffix == ".toml"
    assert written.faults == (
        "drop on client>server kind=udp n=3 conn=1",
        "drop on client>server kind=udp n=7 conn=1",
    )
    text = written.file.read_text()
    assert "rate=" not in text
    assert "# 2 of " in text
    assert f"# netstack scenario {file} --seed " in text
    done = netstack("scenario", str(written.file))
    assert done.returncode == 1
    assert "FAIL program server.pair ends well" in done.stdout


@pytest.mark.parametrize("server", ["pair", "twice", "late"])
def test_whatever_is_left_reproduces_the_failure(tmp_path: Path, server: str) -> None:
    shrunk = shrink(failing(plant(tmp_path, server, LOSSY), f"program server.{server} ends well"))
    written = write(shrunk, tmp_path)
    assert len(written.faults) >= shrunk.left
    again = ("scenario",) if written.file.suffix == ".toml" else ("replay-run",)
    done = netstack(*again, str(written.file))
    assert f"FAIL {shrunk.target}" in done.stdout


def test_what_rules_cannot_say_becomes_a_journal_that_is_replayed(tmp_path: Path) -> None:
    """A frame that comes earlier than the line's delay alone would let it."""
    file = plant(tmp_path, "late", '"delay delay=40ms jitter=39ms"')
    written = write(shrink(failing(file, "program server.late ends well")), tmp_path)
    assert written.file.suffix == ".jsonl"
    done = netstack("replay-run", str(written.file))
    assert done.returncode == 0, done.stderr
    assert "FAIL program server.late ends well" in done.stdout
    assert "the same run as the journal's" in done.stdout


def test_in_another_folder_it_finds_its_scripts_and_says_what_is_missing(tmp_path: Path) -> None:
    file = plant(tmp_path, forth='"loss rate=30%"')
    (tmp_path / "idle.py").write_text("print('here')\n")
    file.write_text(file.read_text() + '\n[[program]]\non = "client"\nrun = "idle.py"\n')
    written = write(shrink(failing(file, "program server.pair ends well")), tmp_path / "art" / "x")
    text = written.file.read_text()
    assert "# Put planted_programs.py beside it before." in text
    assert 'run = "../../idle.py"' in text
    (written.file.parent / "planted_programs.py").write_bytes((tmp_path / "planted_programs.py").read_bytes())
    result = run(load(written.file))
    assert (0, "client", "here") in result.output
    assert [text for text, holds, _ in result.expectations if not holds] == ["program server.pair ends well"]
