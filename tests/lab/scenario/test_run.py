"""A run is a pure function of scenario and seed; what it writes can be read, and repeated."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from lab.scenario import Result, load, run
from tap import journal, scheduler
from tap.link import TapError
from tests.lab.scenario.texts import BASE, ROOT, TRANSFER, expecting, fault, played, program
from tests.tap.tshark import frames

NOISY = (
    TRANSFER.replace("bytes=8k", "bytes=30k")
    + fault(link="wire", do="loss rate=5%", name="loss")
    + fault(link="wire", do="netem delay 20ms 15ms reorder 10% 50%", name="netem")
    + fault(on="client>server kind=data", do="corrupt p=3%")
    + fault(device="client", do="heap-fail p=2%")
    + expecting("delivered == sent", "pools client leaked == 0")
)


def test_the_same_whatever_the_interpreter_does() -> None:
    code = (
        "from tests.lab.scenario.test_run import NOISY; from tests.lab.scenario.texts import played;"
        "r = played(NOISY, seed=5); print(r.digest, r.ok, r.time, len(r.verdicts))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("0", "77")
    }  # fmt: skip
    here = played(NOISY, seed=5)
    assert outputs == {f"{here.digest} {here.ok} {here.time} {len(here.verdicts)}\n"}
    assert here.ok, here.failed
    assert played(NOISY, seed=6).digest != here.digest


def test_files_do_not_change_a_run(tmp_path: Path) -> None:
    scenario = load(NOISY)
    plain = run(scenario, seed=1)
    paths = {name: tmp_path / name for name in ("pcap", "journal", "trace")}
    assert run(scenario, seed=1, **paths) == plain  # type: ignore[arg-type]
    for path in paths.values():
        assert path.stat().st_size > 10_000
    header = json.loads(paths["trace"].read_text().partition("\n")[0])
    assert (header["source"], header["seed"], [one["name"] for one in header["devices"]]) == (
        "scenario",
        1,
        ["client", "server"],
    )
    assert paths["pcap"].read_bytes()[:4] == bytes.fromhex("0a0d0d0a")


@pytest.mark.needs("tshark")
def test_the_capture_has_every_frame(tmp_path: Path) -> None:
    result = run(load(NOISY), seed=1, pcap=tmp_path / "pcapng")
    rows = frames(tmp_path / "pcapng", "frame.interface_name")
    assert len([row for row in rows if row[0] in ("client", "server")]) == result.frames
    assert len([row for row in rows if row[0].endswith(" dropped")]) == len(
        [line for line in result.verdicts if line["action"] == "drop"]
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_journal_is_enough_to_repeat_a_run(tmp_path: Path, seed: int) -> None:
    first = run(load(NOISY), seed=seed, journal=tmp_path / "j")
    recorded = journal.read(tmp_path / "j")
    header = recorded.header["scenario"]
    again = run(load(header["text"], header["path"] or ""), seed=recorded.seed, verdicts=recorded.verdicts)
    assert recorded.end is not None
    assert again.digest == first.digest == recorded.end["digest"]
    assert again.verdicts == first.verdicts == recorded.verdicts


def test_verdicts_left_out_are_things_that_did_not_happen() -> None:
    text = (
        TRANSFER
        + fault(link="wire", do="loss rate=30%")
        + expecting("count client>server kind=data xmit=2 == 0")
    )
    first = played(text, seed=3)
    assert not first.ok
    assert run(load(text), seed=3, verdicts=[]).ok


def test_scenarios_and_results_travel() -> None:
    scenario = load(NOISY, overrides=["run.seed=9"])
    twin = pickle.loads(pickle.dumps(scenario))
    assert twin == scenario
    assert twin.overrides == ("run.seed=9",)
    result = run(twin)
    assert result.seed == 9
    assert pickle.loads(pickle.dumps(result)) == result == run(scenario)


def test_processes() -> None:
    with ProcessPoolExecutor(1) as pool:
        there: Result = pool.submit(run, load(TRANSFER), seed=4).result(60)
    assert there == run(load(TRANSFER), seed=4)


def test_when_a_run_ends() -> None:
    end = TRANSFER + expecting("delivered == sent")
    assert played(end, "run.settle=10s").time == played(end, "run.settle=1s").time + 9 * 10**9
    assert played(end, "run.stop=7s").time == 7 * 10**9
    assert played(BASE, "run.limit=3s").time == 3 * 10**9  # nobody to wait for
    hangs = BASE + program("client", "receive port=1 count=1")
    assert played(hangs, "run.limit=90s").time == 90 * 10**9


def test_what_is_still_on_its_way_is_waited_for() -> None:
    slow = TRANSFER.replace('delay = "10ms"', 'rate = "20kbit"').replace(
        "port=5000", "port=5000 pause=1s chunk=1000"
    )
    result = played(slow + expecting("delivered == sent", "ended client.send < 4s", "time > 8s"))
    assert result.failed == []


def test_what_breaks_a_run_is_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_TURNS", 1000)
    (tmp_path / "still.py").write_text(
        "import usocket\ndef f():\n    while True: usocket.time.sleep(0)\n".replace(
            "import usocket", "import usocket, usocket.time"
        )
    )
    result = played(
        BASE + program("client", "still:f") + expecting("time > 0s"), path=str(tmp_path / "x.toml")
    )
    assert not result.ok
    assert result.error is not None
    assert result.error.startswith("Deadlock: time stands still at 0.000000 s: program client.f ")
    assert result.failed == [result.error]


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    for name in ("pcap", "journal", "trace"):
        with pytest.raises(TapError, match="give another file"):
            run(load(BASE, overrides=["run.stop=1s"]), **{name: tmp_path / "none" / "x"})  # type: ignore[arg-type]


def test_what_is_told_of_a_run() -> None:
    result = played(TRANSFER + fault(on="client>server kind=data n=2", do="drop", name="x"), seed=2)
    assert result.ok
    assert result.programs == [
        ("server.receive", "waits for server (accept)"),
        ("client.send", dict(result.programs)["client.send"]),
    ]
    assert result.counters["server.tcp.recv"] == result.counters["client.tcp.xmit"] - 1
    assert [(line["rule"], line["action"]) for line in result.verdicts] == [("x", "drop")]
