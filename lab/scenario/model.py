"""What a scenario file may hold: its tables and keys, each with its unit and what it means.

The classes are msgspec's structs: ``lab.scenario.schema`` makes the published JSON Schema of them, and
``lab.scenario.validate`` checks a file against them, with the line of each mistake.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

TIME = r"^\s*(\d+\.?\d*|\.\d+)\s*(ns|us|µs|ms|s|sec|secs|min|h)\s*$"
RATE = r"^\s*(\d+\.?\d*|\.\d+)\s*[kKmMgGtT]?(bit|bps)\s*$"
ADDRESS = r"^\d{1,3}(\.\d{1,3}){3}$"
INTERFACE = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"
MAC = r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"


def _text(unit: str, description: str, pattern: str = "", example: str = "") -> Meta:
    """What is known of a text: ``unit`` names its check (``lab.scenario.validate.CHECKS``)."""
    schema: dict[str, Any] = {"pattern": pattern} if pattern else {}
    examples: list[Any] | None = [example] if example else None
    return Meta(description=description, extra={"unit": unit}, extra_json_schema=schema, examples=examples)


class Table(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file."""


class Run(Table):
    """The run itself."""

    seed: Annotated[int, Meta(ge=0, description="what all chance of the run depends on")] = 0
    stop: Annotated[
        str | None,
        _text("time", "the run ends at this moment; without it, when all programs have ended", TIME, "60s"),
    ] = None
    settle: Annotated[
        str,
        _text(
            "time",
            "without stop: the run ends when all programs have ended and nothing was on its way for so long",
            TIME,
            "5s",
        ),
    ] = "1s"
    limit: Annotated[
        str, _text("time", "without stop: the run ends here even if programs have not", TIME, "1h")
    ] = "1h"


class Device(Table):
    """A device: an lwIP stack with the options of a board. The table's name is the device's."""

    profile: Annotated[
        str,
        _text(
            "profile",
            "which board: one that `netstack profiles` lists, or a file",
            example="micropython-esp32",
        ),
    ] = "micropython"
    options: Annotated[
        dict[str, int | str],
        Meta(description="lwIP options that differ from the profile's, by their names in any case"),
    ] = field(default_factory=dict)
    address: Annotated[
        str | None,
        _text("interface", "its address and the length of the prefix; needed without dhcp", INTERFACE,
              "10.0.0.2/24"),
    ] = None  # fmt: skip
    gateway: Annotated[str | None, _text("address", "its default gateway", ADDRESS, "10.0.0.1")] = None
    dns: Annotated[str | None, _text("address", "its name server", ADDRESS, "10.0.0.1")] = None
    mac: Annotated[
        str | None,
        _text("mac", "its MAC address; without it one that follows from its place in the file", MAC,
              "02:00:00:00:00:02"),
    ] = None  # fmt: skip
    dhcp: Annotated[bool, Meta(description="whether it asks a DHCP server for its address")] = False
    mtu: Annotated[int, Meta(ge=68, le=65535, description="bytes of the largest packet of its link")] = 1500
    send_nomem: Annotated[
        Literal["board", "eagain", "enobufs"],
        Meta(
            description="a send without memory: waits 10 s and then loses the data, as boards do, or raises "
            "that error at once"
        ),
    ] = "board"


class Link(Table):
    """A cable. The table's name is the link's."""

    between: Annotated[
        list[str],
        Meta(
            min_length=2,
            max_length=2,
            description="its two ends: names of devices or switches; of a router with the address there, as "
            '"router 10.0.1.1/24"',
        ),
    ]
    rate: Annotated[
        str | None, _text("rate", "how much it carries, each way; without it any amount", RATE, "1mbit")
    ] = None
    delay: Annotated[str, _text("time", "how long a frame is on its way", TIME, "20ms")] = "0s"
    netem: Annotated[
        str | None,
        _text("netem", "tc-netem's words, for both directions", example="delay 80ms 20ms loss 1%"),
    ] = None
    forth: Annotated[
        list[Annotated[str, _text("impairment", "an impairment", example="loss rate=1%")]],
        Meta(
            description="impairments from the first end to the second, in the order in which frames meet them"
        ),
    ] = field(default_factory=list)
    back: Annotated[
        list[Annotated[str, _text("impairment", "an impairment", example="delay delay=80ms jitter=20ms")]],
        Meta(description="impairments from the second end to the first"),
    ] = field(default_factory=list)


class Switch(Table):
    """A learning switch with as many ports as links. The table's name is the switch's."""


class Router(Table):
    """A router; its interfaces are the ends of links. The table's name is the router's."""

    routes: Annotated[
        dict[str, str],
        Meta(description='subnets behind other routers: {"0.0.0.0/0" = "10.0.1.9"}'),
    ] = field(default_factory=dict)


class Program(Table):
    """A program on a device."""

    on: Annotated[str, Meta(description="the device")]
    run: Annotated[
        str,
        Meta(
            description="a program that is built in, as send bytes=64k to=server:5000; the file of a "
            "MicroPython script, as client.py; or a Python function, as module:function",
            examples=["send bytes=64k to=server:5000", "client.py", "module:function"],
        ),
    ]
    args: Annotated[list[str], Meta(description="arguments of a script or a function")] = field(
        default_factory=list
    )
    name: Annotated[
        str | None,
        Meta(description="what it is called; without it the device and the first word, as client.send"),
    ] = None
    at: Annotated[str, _text("time", "when it begins", TIME, "1s")] = "0s"
    daemon: Annotated[
        bool | None,
        Meta(description="whether the run need not wait for its end; true for servers that never end"),
    ] = None


class Fault(Table):
    """Something that goes wrong: to frames of a direction, on a link, or in a device."""

    do: Annotated[
        str,
        Meta(
            description="with on an action (drop); with link an impairment (loss rate=1%), pull or plug; "
            "with device a fault inside it (pool-fail pool=TCP_SEG nth=17)",
            examples=["drop", "loss rate=1%", "pool-fail pool=TCP_SEG nth=17"],
        ),
    ]
    on: Annotated[
        str | None,
        Meta(
            description="which frames: a direction and conditions",
            examples=["client>server kind=data n=3", "server>client kind=syn-ack n=1"],
        ),
    ] = None
    link: Annotated[str | None, Meta(description="the link that it happens to")] = None
    device: Annotated[str | None, Meta(description="the device that it happens in")] = None
    direction: Annotated[
        Literal["forth", "back", "both"],
        Meta(description="of the link: from its first end, to its first end, or both"),
    ] = "both"
    name: Annotated[str | None, Meta(description="what it is called; without it fault1, fault2, ...")] = None
    at: Annotated[str, _text("time", "when it begins", TIME, "10s")] = "0s"
    lasting: Annotated[str | None, _text("time", "how long it lasts; without it to the end", TIME, "5s")] = (
        field(default=None, name="for")
    )
    every: Annotated[
        str | None, _text("time", "how often it comes again, from its beginning to its next", TIME, "60s")
    ] = None
    when: Annotated[
        str | None,
        Meta(
            description="it begins when this is true for the first time (at: not before that time)",
            examples=["delivered client>server >= 20k"],
        ),
    ] = None


class Expect(Table):
    """What has to be so for the run to be a success."""

    that: Annotated[
        str,
        Meta(
            description="a statement, as docs/scenarios.md explains them",
            examples=["delivered == sent", "gap server>client kind=syn-ack xmit=1..2 in 2.5s..3.5s"],
        ),
    ]
    at: Annotated[
        str | None, _text("time", "it has to be true at this moment; without it, at the end", TIME, "10s")
    ] = None
    within: Annotated[
        str | None, _text("time", "it has to be true at some moment, at the latest at this one", TIME, "30s")
    ] = None


class File(Table, kw_only=True):
    """A scenario: a network, programs, faults, and what is expected of the run."""

    run: Run = field(default_factory=Run)
    device: dict[str, Device]
    link: dict[str, Link] = field(default_factory=dict)
    switch: dict[str, Switch] = field(default_factory=dict)
    router: dict[str, Router] = field(default_factory=dict)
    program: list[Program] = field(default_factory=list)
    fault: list[Fault] = field(default_factory=list)
    expect: list[Expect] = field(default_factory=list)
