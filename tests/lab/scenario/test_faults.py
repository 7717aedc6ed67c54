"""Faults happen where and when the file says, each sort of them."""

from __future__ import annotations

import pytest

from lab.scenario import Result
from tests.lab.scenario.texts import BASE, TRANSFER, expecting, fault, found, played, program

PINGS = (
    BASE
    + program("server", "echo port=7 over=udp")
    + program("client", "request to=server:7 count=20 pause=1s timeout=200ms over=udp", at="'500ms'")
)


def lost(*tables: str) -> Result:
    """Who asks once a second, and what of that was lost."""
    result = played(PINGS + "".join(tables), "run.stop=40s")
    assert result.error is None
    return result


def count(result: Result) -> str:
    return dict(result.programs)["client.request"].partition("lost ")[2].replace(",", " ").split()[0]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ([], 0),
        ([fault(on="client>server kind=udp", do="drop")], 20),
        ([fault(on="client>server kind=udp n=2..4", do="drop")], 3),
        ([fault(on="server>client kind=udp every=5", do="drop")], 4),
        ([fault(on="wire.back kind=udp", do="drop count=7")], 7),
        ([fault(on="client>server kind=udp", do="drop", at="3s")], 17),
        ([fault(on="client>server kind=udp", do="drop", at="3s", lasting="2s")], 2),
        ([fault(on="client>server kind=udp", do="drop", at="3s", lasting="1s", every="4s")], 5),
        ([fault(link="wire", do="loss rate=100%", at="3s", lasting="1s", every="4s")], 5),
        ([fault(link="wire", direction="back", do="loss rate=100%")], 20),
        ([fault(link="wire", do="netem loss 100%", at="10s")], 10),
        ([fault(link="wire", do="pull", at="3s", lasting="2s")], 2),
        ([fault(link="wire", do="pull"), fault(link="wire", do="plug", at="10s")], 8),
        ([fault(link="wire", do="delay delay=300ms", at="3s", lasting="3s")], 2),
        ([fault(on="client>server kind=udp", do="drop", when="count client>server kind=udp >= 5")], 15),
        (
            [
                fault(link="wire", do="pull", when="time >= 3s and hits x == 1", lasting="2s"),
                fault(on="client>server kind=udp n=1", do="drop", name="x"),
            ][::-1],
            3,
        ),
    ],
)
def test_when_and_where(tables: list[str], expected: int) -> None:
    result = lost(*tables)
    assert count(result) == str(expected), result.programs


def test_how_often_each_acted() -> None:
    result = lost(
        fault(on="client>server kind=udp every=4", do="drop", name="rule"),
        fault(link="wire", direction="forth", do="loss rate=50%", at="10s", name="impairment"),
        fault(link="wire", do="pull", at="39s", name="cable"),
        fault(device="client", do="arp-flush every=5s", name="device"),
        fault(link="wire", do="loss rate=100%", at="1h", name="never"),
        expecting(
            "hits rule in 4..5",
            "hits impairment in 1..12",
            "hits cable == 1",
            "hits device >= 7",
            "hits never == 0",
        ),
    )
    assert result.failed == []


def test_what_depends_on_the_seed_and_what_does_not() -> None:
    text = PINGS + fault(link="wire", do="loss rate=50%", name="x")
    runs = [played(text, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0].digest != runs[2].digest
    other = fault(on="client>server kind=udp n=99", do="drop p=50%")  # draws, but never for the others
    assert count(played(text + other, seed=1)) == count(runs[0])


def test_impairments_of_links() -> None:
    text = PINGS.replace('delay = "10ms"', 'delay = "10ms"\nnetem = "delay 5ms"\nforth = ["delay delay=3ms"]')
    result = played(text + expecting("result client.request.fastest in 33ms..33ms"))
    assert result.failed == []


def test_rates_and_switches_and_routers() -> None:
    text = """
[device.client]
address = "10.0.1.2/24"
gateway = "10.0.1.1"
[device.server]
address = "10.0.3.2/24"
gateway = "10.0.3.1"
[switch.s]
[router.r]
routes = { "10.0.3.0/24" = "10.0.2.2" }
[router.q]
routes = { "0.0.0.0/0" = "10.0.2.1" }
[link.a]
between = ["client", "s"]
rate = "8kbit"
[link.b]
between = ["s", "r 10.0.1.1/24"]
[link.c]
between = ["r 10.0.2.1/24", "q 10.0.2.2/24"]
delay = "100ms"
[link.d]
between = ["q 10.0.3.1/24", "server"]
"""
    text += program("server", "echo port=7 over=udp")
    text += program("client", "request to=server:7 bytes=958 over=udp timeout=9s count=3", at="'1s'")
    text += expecting("result client.request.lost == 0 and result client.request.fastest == 2200ms")
    text += expecting("count r>q kind=udp == 3 and count q>server kind=udp == 3")
    assert played(text).failed == []


def test_programs_begin_anew_with_their_device_or_not() -> None:
    text = (
        BASE
        + program("client", "wait time=10s")
        + fault(device="client", do="reboot mode=cold down=2s", at="5s")
        + expecting("ended client.wait == 17s")
    )
    assert played(text).failed == []
    gone = played(text.replace("down=2s", "down=2s restart=false"), "run.stop=1min")
    assert found(gone)["ended client.wait == 17s"] == "it has not begun again after a reset"


def test_faults_in_devices_are_in_the_verdicts() -> None:
    result = lost(fault(device="server", do="pool-fail pool=PBUF_POOL every=5", name="pbuf"))
    lines = [line for line in result.verdicts if "device" in line]
    assert {(line["device"], line["fault"], line["action"]) for line in lines} == {("server", "pbuf", "fail")}
    assert len(lines) >= 4


def test_a_transfer_with_everything_at_once() -> None:
    text = TRANSFER.replace("bytes=8k", "bytes=200k") + "".join(
        fault(link="wire", do=do)
        for do in (
            "loss rate=10%",
            "duplicate rate=10%",
            "reorder rate=10%",
            "corrupt rate=5% start=14",
            "delay delay=5ms jitter=2ms",
        )
    )
    result = played(
        text + expecting("delivered == sent", "pools client leaked == 0 and pools server leaked == 0"), seed=3
    )
    assert result.failed == []


@pytest.mark.parametrize(
    ("table", "action"),
    [
        (fault(on="client>server kind=arp-request n=1", do="drop"), "drop"),
        (fault(link="wire", do="loss rate=100%"), "drop"),
        (fault(link="wire", do="netem loss 100%", direction="forth"), "drop"),
        (fault(on="client>server kind=arp", do="duplicate"), "duplicate"),
    ],
)
def test_what_is_there_from_the_beginning_strikes_what_devices_say_when_they_are_switched_on(
    table: str, action: str
) -> None:
    result = played(BASE + table, "run.stop=50ms")
    struck = [line for line in result.verdicts if line["dir"] == "client>server"]
    assert (struck[0]["action"], struck[0]["frame"]) == (action, "client>server kind=arp-request n=1 conn=1")


def test_a_cable_that_is_pulled_from_the_beginning_carries_nothing() -> None:
    pulled = played(BASE + fault(link="wire", do="pull"), "run.stop=50ms")
    assert (played(BASE, "run.stop=50ms").frames, pulled.frames) == (4, 2)  # sent, and received


def test_a_fault_in_a_device_counts_from_when_all_are_on() -> None:
    """Its announcement has taken from the heap before."""
    result = played(BASE + fault(device="client", do="pool-fail pool=HEAP nth=1"), "run.stop=5ms")
    assert result.verdicts == []
