"""The published JSON Schema: it is that of the model, all examples are valid by it, and mistakes are not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lab.scenario import schema
from tests.lab.scenario.texts import BASE, EXAMPLES, ROOT, TRANSFER, fault, program

FILE = ROOT / "docs" / "scenario.schema.json"
VALIDATOR = Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))


def test_it_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == schema.text(), (
        "python -m lab.scenario.schema docs/scenario.schema.json"
    )


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)
    assert VALIDATOR.schema["$schema"] == schema.DIALECT


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(path: Path) -> None:
    assert errors(path.read_text(encoding="utf-8")) == []


def errors(text: str) -> list[Any]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_every_key_has_its_meaning() -> None:
    for name, part in VALIDATOR.schema["$defs"].items():
        for key, value in part["properties"].items():
            assert "description" in value or name == "File", (name, key)


@pytest.mark.parametrize(
    "table",
    [
        "[run]\nseeds = 1",
        "[run]\nseed = -1",
        "[run]\nstop = 5",
        '[run]\nstop = "5"',
        "[device.x]",
        "[device.x]\naddress = '10.0.0.9'",
        "[device.x]\ndhcp = true\noptions = { TCP_MS = 1 }",
        "[device.x]\ndhcp = true\nprofile = 'micropyton'",
        "[device.'a b']\ndhcp = true",
        "[link.l]\nbetween = ['client']",
        "[[program]]\non = 'server'",
        "[[fault]]\ndo = 'drop'",
        "[[fault]]\ndo = 'pull'\nlink = 'wire'\ndevice = 'client'",
        "[[fault]]\ndo = 'pull'\nlink = 'wire'\nwhen = 'time > 1s'\nevery = '2s'",
        "[[expect]]\nthat = 'time > 1s'\nat='1s'\nwithin='2s'",
    ],
)
def test_mistakes_are_not(table: str) -> None:
    assert errors(BASE) == []
    assert errors(f"{BASE}\n{table}\n")


def test_all_that_can_be_said_is_valid() -> None:
    text = (
        TRANSFER
        + program("client", "x.py", args="['a']", name="'n'", at="'1.5s'", daemon="true")
        + fault(
            link="wire", direction="forth", do="loss rate=1%", at="1s", lasting="2 s", every="1min", name="l"
        )
        + fault(device="client", do="arp-flush", when="time > 1s")
        + "[[expect]]\nthat='time > 1s'\nat='1h'\n[switch.s]\n"
        + "[run]\nseed=1\nstop='.5s'\nsettle='1s'\nlimit='1h'\n"
        + "[device.d]\ndhcp=true\nmtu=576\nmac='02:00:00:00:00:09'\ngateway='10.0.0.1'\ndns='10.0.0.1'\n"
        + "profile='./mine.toml'\nsend_nomem='eagain'\n"
        + "options={TCP_MSS=536,tcp_wnd=2144,lwip_version='2.1.3'}\n"
        + "[router.r]\nroutes={'0.0.0.0/0'='10.0.1.9'}\n"
        + "[link.l]\nbetween=['s', 'r 10.0.1.1/24']\nrate='1.5mbit'\nnetem='loss 1%'\n"
        + "forth=[]\nback=['mtu mtu=576']\n"
    )
    assert errors(text) == []
