"""Lesson 12: ARP, fragments and the first lost packet."""

from __future__ import annotations

import re

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played, whole_ms
from lab.trace.writer import Record
from tap.clock import SECOND

SIZE = 4000
SMALL = "program.2.run=request to=server:7 bytes=1000 count=3 timeout=1s over=udp"


def _pieces(run: Played) -> list[Record]:
    """The IP packets of the client that arrived, as they were seen first."""
    shown = [run.info(event["frame"]) for event in run.frames("client>server") if event["kind"] == "wire"]
    return [one for one in shown if "ip" in one]


def _arrived(run: Played) -> str:
    """What of the first datagram comes out of the wire."""
    names = {0: "the first fragment", 1480: "the middle one", 2960: "the last fragment"}
    first = [one["ip"] for one in _pieces(run) if one["ip"].get("id", 0) == _first_id(run)]
    if not first:
        return "nothing"
    if any(not one.get("mf") and not one.get("off") for one in first) or len(first) == len(names):
        return "all of it"
    return " and ".join(names[one.get("off", 0)] for one in first)


def _first_id(run: Played) -> int:
    """The IP number of the first datagram: they count up."""
    return min((int(one["ip"].get("id", 0)) for one in _pieces(run)), default=0)


def _lost(run: Played) -> int | None:
    found = re.search(r"lost (\d+)", dict(run.result.programs)["ask"])
    return int(found[1]) if found else None


def _held_for(run: Played) -> int | None:
    """How long the server keeps what arrived of a datagram that never becomes whole."""
    given_up = run.time("drop", "server", -1, reason="frag_given_up")
    came = [event["t"] for event in run.all("wire", "client>server") if "ip" in run.info(event["frame"])]
    return whole_ms(run.gap(came[0] if came else None, given_up))


def _requests(run: Played) -> int:
    """ARP requests of the client, the one at power-on apart."""
    shown = [run.info(event["frame"]) for event in run.frames("client>server")]
    return sum(
        "arp" in one and one["arp"]["op"] == 1 and one["arp"]["spa"] != one["arp"]["tpa"] for one in shown
    )


def _errors(run: Played) -> int:
    """ICMP errors of the server."""
    shown = [run.info(event["frame"]) for event in run.frames("server>client")]
    return sum("time exceeded" in one["info"] for one in shown)


LESSON = Lesson(
    number=12,
    name="first-packet",
    title="ARP, fragments and the first lost packet",
    runs={
        MAIN: Variant(),
        "small": Variant("1000 bytes", (SMALL,)),
        "fragment": Variant("a middle fragment is lost", ("fault.1.at=1s",)),
        "gone": Variant("nobody answers ARP", ("fault.2.at=1s",)),
        "esp": Variant("an ESP32 as server", ("device.server.profile=micropython-esp32",)),
        "lwip": Variant("lwIP (`micropython`)"),
        "strict": Variant("RFC (`strict`)", ("device.client.profile=profiles/strict-board.toml",)),
    },
    measures={
        "pieces": Measure(
            "fragments of the first datagram",
            lambda run: run.count(
                "held", "client", why="arp-pending", t=run.time("arp", "client", what="asked")
            ),
            "",
        ),
        "replaced": Measure(
            "packets thrown away for a newer one",
            lambda run: run.count("held", "client", why="arp-replaced"),
            "",
        ),
        "arrived": Measure("of the first datagram arrives", _arrived, ""),
        "lost": Measure("questions without an answer, of three", _lost, ""),
        "held": Measure("the server keeps what arrived for", _held_for),
        "requests": Measure("ARP requests of the client", _requests, ""),
        "firstask": Measure(
            "the first ARP request", lambda run: whole_ms(run.time("arp", "client", what="asked"))
        ),
        "lastask": Measure(
            "the last ARP request", lambda run: whole_ms(run.time("arp", "client", -1, what="asked-again"))
        ),
        "given": Measure(
            "the entry is given up", lambda run: whole_ms(run.time("arp", "client", what="gave-up"))
        ),
        "known": Measure(
            "the address is known", lambda run: whole_ms(run.time("arp", "client", what="learned"))
        ),
        "errors": Measure("ICMP time exceeded", _errors, ""),
        "dropped": Measure(
            "fragments that the server refuses",
            lambda run: run.count("drop", "server", reason="ip_fragment"),
            "",
        ),
    },
    predictions=(
        Prediction(
            "The client does not know the server's MAC address yet. Its first datagram leaves the IP layer "
            "as {pieces} fragments, one right behind the other. What of it arrives?",
            "arrived",
            "etharp_query asks once and keeps *one* packet for the address, the newest (ARP_QUEUEING 0). "
            "Each fragment is a packet: the second pushes the first out, the third the second. RFC 1122 "
            "§2.3.2.2 says that a host should save at least one packet, the latest. lwIP does exactly that, "
            "and a datagram of several fragments is lost for certain.",
            (
                Choice("nothing", "One packet per address is kept."),
                Choice(
                    "the first fragment",
                    "A newer packet takes the place, because an older one is more likely to have been "
                    "repeated already.",
                ),
                Choice("the last fragment"),
                Choice(
                    "all of it",
                    "For that it would need a queue: ARP_QUEUEING 1, as in the last column below.",
                ),
            ),
        ),
        Prediction(
            "The server has one fragment of a datagram that will never be whole. How many seconds does it "
            "keep it?",
            "held",
            "ip_reass gives a datagram IP_REASS_MAXAGE ticks of a second (15) from its first fragment on, "
            "and frees it at the tick that finds none left, the sixteenth. Where the tick stands when the "
            "fragment comes is chance: 15 to 16 s. (RFC 1122 §3.3.2 recommends 60 to 120 s; a board has ten "
            "buffers for all datagrams.) It sends no ICMP error, for that has to quote the first fragment, "
            "which it does not have.",
            tolerance=1 * SECOND,
        ),
        Prediction(
            "Now nobody answers ARP. The client's program sends its three datagrams a second apart. How "
            "many ARP requests does the client send in all?",
            "requests@gone",
            "One at once, at {firstask@gone}, then one at each tick of a second (etharp_tmr). The fifth "
            "tick finds the entry five seconds old (ARP_MAXPENDING) and frees it, with the packet that "
            "waits there; nobody is told. Datagrams that come meanwhile ask nothing: they only take the "
            "place of the one that waits.",
            (
                Choice(1, "A pending entry is asked for again every second."),
                Choice(3, "A datagram to a pending entry sends no request of its own."),
                Choice(5),
                Choice(15, "They share one entry."),
            ),
        ),
    ),
    pictures=(("ladder", MAIN),),
)
