"""Every mistake is one line with file, line, what is wrong, and the mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.scenario import ScenarioError, load
from tests.lab.scenario.texts import BASE, TRANSFER, expecting, fault, program

LINES = BASE.count("\n")
AFTER = LINES + 2  # the line of the table that a test adds; its first key is on the next


def problems(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(text, "x.toml", overrides)
    assert str(caught.value) == caught.value.problems[0]
    for problem in caught.value.problems:
        assert "\n" not in problem
    return caught.value.problems


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("[run]\nseeds = 1", 1, "run has no 'seeds': did you mean seed?"),
        ("[run]\nseed = -1", 1, "run seed: expected `int` >= 0"),
        ('[run]\nseed = "1"', 1, 'run seed: "1" is text in quotes: give a whole number'),
        ("[run]\nstop = 5", 1, "run stop: 5 has no unit: write it as 80ms, 1.5s or 20us"),
        ('[run]\nstop = "9000h"', 1, "run stop: 9000h is longer than a year: give 8784h at most"),
        ('[run]\nstop = "5"', 1, "run stop: '5' has no unit: write it as 80ms, 1.5s or 20us"),
        (
            '[run]\nstop = "5 parsec"',
            1,
            "run stop: '5 parsec' is no time: write it as 80ms, 1.5s, 20us or 7ns",
        ),
        ("[runs]\nseed = 1", 0, "a scenario has no 'runs': did you mean run?"),
        ("[device.x]", 0, 'device x has no address: give address = "10.0.0.2/24", or dhcp = true'),
        ("[device.x]\naddress = '10.0.0.9'", 1, "device x address: bad address '10.0.0.9' for a device"),
        (
            "[device.x]\nprofile = 'micropyton'",
            1,
            "device x: unknown profile micropyton (did you mean micropython?)",
        ),
        (
            "[device.x]\noptions = { TCP_MS = 1 }",
            1,
            "device x: unknown option TCP_MS (did you mean TCP_MSS?)",
        ),
        ("[device.x]\n[device.x.options]\nTCP_MSS = 0", 2, "device x: TCP_MSS=0: must be 1..65495 (byte)"),
        (
            "[device.x]\noptions = { TCP_MSS = 1.5 }",
            1,
            "1.5 is a number: give a whole number or text in quotes",
        ),
        ("[device.x]\nmac = '01:00:00:00:00:01'", 1, "is a group address: make its first byte even"),
        ("[device.x]\ndhcp = 'yes'", 1, 'device x dhcp: "yes" is text in quotes: give true or false'),
        ("[device.'a b']\naddress='10.0.0.3/24'", 0, "'a b' is no name: take letters, digits, - and _"),
        ("[device]\nx = 1", 1, "device x is no table: write it as [device.x]"),
        ("[link.l]\ndelay = '5ms'", 0, "link l needs between: its two ends"),
        (
            "[link.l]\nbetween = ['client', 'sever']",
            1,
            "there is no device, switch or router 'sever': did you mean server?",
        ),
        ("[link.l]\nbetween = ['client']", 1, "link l between: expected `array` of length >= 2"),
        ("[switch.s]\n[link.l]\nbetween = ['client', 's']", 2, "link l: client is on link wire already"),
        (
            "[router.r]\n[link.l]\nbetween = ['server', 'r']",
            2,
            'r is a router: write it with its address there, as "r 10.0.1.1/24"',
        ),
        ("[switch.s]\nports = 3", 1, "switch s has no 'ports': there are none"),
        ("[switch.client]", 0, "switch client has the name of a device: give it another"),
        (
            "[link.l]\nbetween=['client', 'server']\nrate = '5 kbyte'",
            2,
            "'5 kbyte' is no rate: write it as 100kbit or 1mbit",
        ),
        (
            "[link.l]\nbetween=['client', 'server']\nforth = [\n'loss rate=1%',\n'los rate=1%']",
            4,
            "link l forth 2: there is no impairment 'los': did you mean loss?",
        ),
        ("[link.l]\nbetween=['client', 'server']\nnetem = 'delay 1s lose 1%'", 2, "netem, column 10:"),
        ("[[program]]\non = 'server'", 0, "program 1 needs run: a program that is built in"),
        (
            "[[program]]\non = 'sever'\nrun = 'echo port=7'",
            1,
            "program 1: there is no device 'sever': did you mean server?",
        ),
        (
            "[[program]]\non = 'server'\nrun = 'recieve port=5'",
            2,
            "program 1: there is no program 'recieve': did you mean receive?",
        ),
        (
            "[[program]]\non = 'server'\nrun = 'receive prot=5'",
            2,
            "receive has no 'prot': did you mean port?",
        ),
        ("[[program]]\non = 'server'\nrun = 'receive'", 2, "receive needs port: a port, as 5000"),
        (
            "[[program]]\non = 'server'\nrun = 'receive port=70000'",
            2,
            "receive port: '70000' is no port: give a number from 1 to 65535",
        ),
        (
            "[[program]]\non = 'client'\nrun = 'send bytes=3g to=server:7'",
            2,
            "send bytes: 3g bytes are too many for a run: give 1g at most",
        ),
        (
            "[[program]]\non = 'client'\nrun = 'send bytes=4 to=sever:7'",
            2,
            "send to: 'sever' is neither a device nor an address: did you mean server?",
        ),
        (
            "[[program]]\non = 'client'\nrun = 'send bytes=4 to=server'",
            2,
            "send to: 'server' has no port: write it as server:5000",
        ),
        (
            "[[program]]\non = 'client'\nrun = 'none.py'",
            2,
            "there is no script none.py: name a file beside the scenario",
        ),
        ("[[program]]\non = 'client'\nrun = 'os.path:jion'", 2, "os.path has no function jion"),
        (
            "[[program]]\non = 'client'\nrun = 'nomodule:f'",
            2,
            "nomodule cannot be imported (No module named 'nomodule')",
        ),
        (
            "[[fault]]\ndo = 'drop'",
            0,
            "fault 1: it happens nowhere: give one of on (a direction and conditions), link, device",
        ),
        (
            "[[fault]]\ndo = 'drop'\non = 'client>sever kind=syn'",
            2,
            "no link goes client>sever: did you mean client>server?",
        ),
        ("[[fault]]\ndo = 'drop'\non = 'client>server kind=sin'", 2, "did you mean syn?"),
        ("[[fault]]\ndo = 'dorp'\non = 'client>server'", 1, "there is no action 'dorp': did you mean drop?"),
        (
            "[[fault]]\ndo = 'drop'\non = 'client>server state=clint:CLOSED'",
            2,
            "there is no device 'clint': did you mean client?",
        ),
        ("[[fault]]\ndo = 'loss rate=1'\nlink = 'wire'", 1, "fault 1: loss rate: '1' is no percentage"),
        ("[[fault]]\ndo = 'pull'\nlink = 'wir'", 2, "there is no link 'wir': did you mean wire?"),
        (
            "[[fault]]\ndo = 'pool-fial pool=TCP_SEG'\ndevice = 'client'",
            1,
            "there is no fault 'pool-fial' in a device: did you mean pool-fail?",
        ),
        (
            "[[fault]]\ndo = 'pull'\nlink = 'wire'\ndevice = 'client'",
            3,
            "it has link and device: give one of",
        ),
        (
            "[[fault]]\ndo = 'pull'\nlink = 'wire'\nfor = '2s'\nevery = '2s'",
            4,
            "it comes again (every = 2s) before it ends",
        ),
        (
            "[[fault]]\ndo = 'pull'\nlink = 'wire'\nwhen = 'tim > 1s'",
            3,
            "there is no quantity 'tim': did you mean time?",
        ),
        ("[[expect]]\nat = '1s'", 0, "expect 1 needs that: a statement"),
        ("[[expect]]\nthat = 'time > 1s'\nat='1s'\nwithin='2s'", 3, "at and within exclude each other"),
        (
            "[[expect]]\nthat = 'pools client leaked == 0'\nat='1s'",
            2,
            "what leaked is known when all is over",
        ),
    ],
)
def test_a_mistake(table: str, line: int, message: str) -> None:
    found = problems(f"{BASE}\n{table}\n")
    expected = f"x.toml:{AFTER + line}: "
    assert any(problem.startswith(expected) and message in problem for problem in found), found


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("delivred == sent", "there is no quantity 'delivred': did you mean delivered?"),
        ("delivered", "'delivered' compares nothing: write a quantity, one of == != "),
        ("== 3", "nothing stands before ==: write a quantity, one of delivered, "),
        (
            "count client>server ==",
            "nothing stands behind ==: write count client>server kind=data xmit=2 == 1",
        ),
        ("count client>server == 1 2", "'1 2' is not one value"),
        ("count client>server == many", "'many' is no number: write it as 17 or 64k"),
        ("delivered == snt", "'snt' is no number: write it as 17 or 64k, or sent"),
        ("count client>server kind=dta == 1", "did you mean data?"),
        ("count client>server kind=data p=1% == 1", "p is for rules only: leave it out"),
        ("count == 1", "it names no frames: write a direction and conditions"),
        ("count server == 1", "'server' is no direction"),
        ("gap client>server kind=syn in 1s..2s", "gap needs xmit=A..B or a second frame"),
        ("gap client>server kind=syn xmit=2..1 in 1s..2s", "xmit=2..1 is no gap"),
        ("gap client>server kind=syn xmit=1..2 in 1s", "'1s' is no range: write it as 1.0s..1.5s"),
        ("gap client>server kind=syn xmit=1..2 in 1..2", "'1' has no unit"),
        ("time > 1", "'1' has no unit"),
        ("time has x", "has is for texts: compare time with"),
        ("error client.send == ECONRESET", "there is no errno ECONRESET: did you mean ECONNRESET?"),
        ("error client.send > ETIMEDOUT", "error is no number: compare it with == or !="),
        ("error client.snd == none", "there is no program 'client.snd': did you mean client.send?"),
        ("stat client tpc.drop == 1", "there are no counters of 'tpc': did you mean tcp?"),
        ("stat client tcp.dorp == 1", "tcp has no counter 'dorp': did you mean drop?"),
        ("drops client nothing == 1", "no packet is dropped for 'nothing'"),
        ("pool client TCP_SG used == 1", "there is no pool 'TCP_SG': did you mean TCP_SEG?"),
        ("pool client TCP_SEG usd == 1", "a pool has no 'usd': did you mean used?"),
        (
            "pools client lost == 0",
            "pools has no 'lost': write pools client leaked, or pool client TCP_SEG used",
        ),
        ("pools == 0", "'pools' is not how it is written: pools DEVICE leaked, as pools client leaked == 0"),
        ("connections client ESTABLISHD == 1", "there is no state 'ESTABLISHD': did you mean ESTABLISHED?"),
        ("address clint == 10.0.0.1", "there is no device 'clint': did you mean client?"),
        ("address client == 10.0.0", "not an IPv4 address: '10.0.0'"),
        ("oddity client send-lst == 1", "there is no oddity 'send-lst': did you mean send-lost?"),
        ("hits fault == 1", "there is no fault 'fault'"),
        (
            "delivered client == sent",
            "'client' names no streams: write them as client>server or client>server:5000",
        ),
        ("delivered client>server:http == sent", "'http' is no port"),
        ("time > 1s and", "something is missing around 'and'"),
    ],
)
def test_a_mistake_in_a_statement(statement: str, message: str) -> None:
    [problem] = problems(TRANSFER + expecting(statement))
    line = TRANSFER.count("\n") + 3
    assert problem.startswith(f"x.toml:{line}: expect 1: ")
    assert message in problem


def test_all_mistakes_come_in_the_order_of_their_lines() -> None:
    text = BASE.replace("delay", "dealy") + "[run]\nstop = 1\n[[expect]]\nthat = 1\n"
    assert [problem.split(":")[1] for problem in problems(text)] == ["11", "13", "15"]


def test_two_of_a_name() -> None:
    twice = program("server", "echo port=7", name="'x'") + program("server", "echo port=8", name="'x'")
    assert "two programs are called x: give each a name of its own" in problems(BASE + twice)[0]
    faults = fault(link="wire", do="pull", name="x") + fault(link="wire", do="plug", name="x")
    assert "two faults are called x: give each a name of its own" in problems(BASE + faults)[0]


def test_what_is_no_toml() -> None:
    [problem] = problems("[device.x\n")
    assert problem.startswith("x.toml:1: no TOML: ")
    assert problems('a = "\n')[0].startswith("x.toml:1: no TOML: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, message in (
        ("none.toml", "it cannot be read (No such file or directory)"),
        ("bytes.toml", "no text"),
    ):
        with pytest.raises(ScenarioError, match=re.escape(message)) as caught:
            load(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("run.seed", "--set run.seed: write it as device.client.options.tcp_mss=536"),
        ("run.sed=1", "--set run.sed=1: run has no 'sed': did you mean seed?"),
        ("device.client.options.tcp_ms=1", "unknown option tcp_ms"),
        ("fault.1.do=drop", "--set fault.1.do=drop: there is no such place"),
        ("link.wire.between.3='x'", "there is no such place"),
        ("link.wire.rate=5", "--set link.wire.rate=5: link wire rate: 5 has no unit"),
        ("program.1.run=send", "--set program.1.run=send: program 1: send needs to"),
    ],
)
def test_mistakes_in_changes(change: str, message: str) -> None:
    text = TRANSFER if change.startswith("program") else BASE
    assert message in problems(text, change)[0]
