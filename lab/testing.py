"""Hypothesis strategies for tests of one's own: frames, faults, whole scenarios. Needs ``hypothesis``.

    from hypothesis import given
    from lab import testing
    from lab.scenario import load, run

    @given(testing.scenarios())
    def test_my_protocol(text):
        result = run(load(text))
        assert result.ok, result.failed

What they make shrinks: to fewer faults, then to simpler ones (a drop is simpler than a delay, the first frame
than the tenth). docs/testing.md explains them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.campaign import toml
from lab.scenario.model import Device, Expect, Fault, File, Link, Program, Run
from netstack import icmp, ip_header
from netstack.address import parse_ip, parse_mac
from netstack.tcp import header as tcp
from tap.impair.fields import repair

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

WAYS = ("client>server", "server>client")
LINKS = ("wire",)
DEVICES = ("client", "server")
KINDS = ("syn", "syn-ack", "data", "ack", "fin", "arp-request", "arp-reply", "tcp", "udp")
SORTS = ("rule", "impairment", "device")
EXPECTATIONS = ("delivered == sent",)
HOLD = "3min"  # boards abort what was not acknowledged 10 s after close: so they close when all is over

CLIENT, SERVER = parse_ip("10.0.0.2"), parse_ip("10.0.0.1")
MACS = (parse_mac("02:00:00:00:00:01"), parse_mac("02:00:00:00:00:02"))
ETHERNET_MIN, ETHERNET_MAX = 14, 1514  # bytes of a frame without its checksum


# Frames


def frames(damaged: bool = True) -> SearchStrategy[bytes]:
    """Ethernet frames between 10.0.0.2 and 10.0.0.1: ARP, TCP, UDP, ICMP with right checksums, and, with
    ``damaged``, also such that were cut, changed or are no packets at all.
    """
    from hypothesis import strategies as st

    whole = st.one_of(_arp_packets(), _segments(), _datagrams(), _echoes())
    if not damaged:
        return whole
    return st.one_of(whole, _damaged(whole), st.binary(min_size=ETHERNET_MIN, max_size=256))


def _addresses() -> SearchStrategy[tuple[int, int]]:
    from hypothesis import strategies as st

    return st.sampled_from([(CLIENT, SERVER), (SERVER, CLIENT)])


def _packet(source: int, target: int, protocol: int, above: bytes, lifetime: int = 64) -> bytes:
    """The frame of an IPv4 packet; checksums are made right."""
    length = ip_header.HEADER_LEN + len(above)
    header = ip_header.build(0, length, 1, 0, lifetime, protocol, source, target)
    macs = MACS if target == SERVER else MACS[::-1]
    frame = bytearray(b"".join((*macs, b"\x08\x00", header, above)))
    repair(frame)
    return bytes(frame)


def _segments() -> SearchStrategy[bytes]:
    from hypothesis import strategies as st

    @st.composite
    def make(draw: DrawFn) -> bytes:
        source, target = draw(_addresses())
        ports = draw(st.sampled_from([(49152, 80), (80, 49152)]) | st.tuples(_u16(), _u16()))
        flags = draw(st.sampled_from([0x10, 0x02, 0x12, 0x18, 0x11, 0x04, 0x14]) | st.integers(0, 0xFF))
        numbers = draw(_u32()), draw(_u32())
        options = draw(st.sampled_from([b"", b"\x02\x04\x05\xb4", b"\x01\x01\x01\x00", b"\x02\x04\x00\x00"]))
        data = draw(st.binary(max_size=64))
        window = draw(_u16())
        segment = tcp.emit(source, target, *ports, *numbers, flags, window, options, data)
        return _packet(source, target, 6, segment)

    return make()


def _datagrams() -> SearchStrategy[bytes]:
    from hypothesis import strategies as st

    @st.composite
    def make(draw: DrawFn) -> bytes:
        source, target = draw(_addresses())
        ports = [draw(st.sampled_from([5000, 53, 67, 68]) | _u16()) for _ in "ab"]
        data = draw(st.binary(max_size=64))
        header = b"".join(number.to_bytes(2, "big") for number in (*ports, 8 + len(data), 0))
        return _packet(source, target, 17, header + data)

    return make()


def _echoes() -> SearchStrategy[bytes]:
    from hypothesis import strategies as st

    @st.composite
    def make(draw: DrawFn) -> bytes:
        source, target = draw(_addresses())
        kind, code = draw(st.sampled_from([(8, 0), (0, 0), (3, 3), (3, 4), (11, 0), (5, 1)]))
        message = icmp.emit(icmp.IcmpMessage(kind, code, draw(_u32()), draw(st.binary(max_size=64))))
        return _packet(source, target, 1, message, draw(st.integers(1, 255)))

    return make()


def _arp_packets() -> SearchStrategy[bytes]:
    from hypothesis import strategies as st

    @st.composite
    def make(draw: DrawFn) -> bytes:
        source, target = draw(_addresses())
        operation = draw(st.sampled_from([1, 2]) | _u16())
        target_mac, source_mac = MACS if target == SERVER else MACS[::-1]
        start = b"\x00\x01\x08\x00\x06\x04" + operation.to_bytes(2, "big")
        asked = bytes(6) if operation == 1 else target_mac
        packet = start + source_mac + source.to_bytes(4, "big") + asked + target.to_bytes(4, "big")
        return (b"\xff" * 6 if operation == 1 else target_mac) + source_mac + b"\x08\x06" + packet

    return make()


def _damaged(whole: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    from hypothesis import strategies as st

    @st.composite
    def make(draw: DrawFn) -> bytes:
        frame = bytearray(draw(whole))
        for _ in range(draw(st.integers(0, 4))):
            at = draw(st.integers(ETHERNET_MIN, len(frame) - 1))
            frame[at] ^= draw(st.integers(1, 255))
        if draw(st.booleans()):
            repair(frame)
        return bytes(frame[: draw(st.integers(ETHERNET_MIN, len(frame)))])

    return make()


def _u16() -> SearchStrategy[int]:
    from hypothesis import strategies as st

    return st.integers(0, 0xFFFF)


def _u32() -> SearchStrategy[int]:
    from hypothesis import strategies as st

    return st.integers(0, 0xFFFFFFFF)


# Faults


def rules(ways: Sequence[str] = WAYS, kinds: Sequence[str] = KINDS) -> SearchStrategy[Fault]:
    """Scripted faults of single frames: an action on a direction, a kind of frame and its number."""
    from hypothesis import strategies as st

    milliseconds = st.integers(1, 2000)
    actions = st.one_of(
        st.just("drop"),
        st.integers(1, 3).map("duplicate copies={}".format),
        milliseconds.map("delay {}ms".format),
        st.integers(1, 4).map("reorder behind={}".format),
        st.just("corrupt"),
        st.integers(34, 60).map("corrupt byte={}".format),
    )
    numbers = st.integers(1, 20)

    @st.composite
    def make(draw: DrawFn) -> Fault:
        action = draw(actions)
        way, kind, n = draw(st.sampled_from(ways)), draw(st.sampled_from(kinds)), draw(numbers)
        return Fault(do=action, on=f"{way} kind={kind} n={n}")

    return make()


def impairments(links: Sequence[str] = LINKS, longest: int = 20) -> SearchStrategy[Fault]:
    """Impairments of a link for a while, ``longest`` seconds at most: afterwards everything may recover."""
    from hypothesis import strategies as st

    percent = st.integers(1, 50)
    milliseconds = st.integers(1, 500)
    texts = st.one_of(
        percent.map("loss rate={}%".format),
        percent.map("duplicate rate={}%".format),
        percent.map("corrupt rate={}%".format),
        percent.map("truncate rate={}%".format),
        st.tuples(percent, st.integers(1, 5)).map(lambda drawn: "reorder rate={}% behind={}".format(*drawn)),
        st.tuples(percent, st.integers(2, 8)).map(
            lambda drawn: "gilbert-elliott loss={}% burst={}".format(*drawn)
        ),
        st.tuples(milliseconds, milliseconds).map(
            lambda drawn: f"delay delay={max(drawn)}ms jitter={min(drawn)}ms"
        ),
        st.integers(20, 2000).map("rate rate={}kbit limit_packets=20".format),
    )

    @st.composite
    def make(draw: DrawFn) -> Fault:
        side = draw(st.sampled_from(["both", "forth", "back"]))
        return Fault(
            do=draw(texts),
            link=draw(st.sampled_from(links)),
            direction=side,  # type: ignore[arg-type]
            at=f"{draw(st.integers(0, 5000))}ms",
            lasting=f"{draw(st.integers(1, longest * 1000))}ms",
        )

    return make()


def device_faults(devices: Sequence[str] = DEVICES) -> SearchStrategy[Fault]:
    """Faults inside a device that pass: an allocation that fails, a pool that is nearly empty for a while."""
    from hypothesis import strategies as st

    pools = st.sampled_from(["TCP_SEG", "PBUF_POOL", "HEAP"])
    texts = st.tuples(pools, st.integers(1, 40)).map(lambda drawn: "pool-fail pool={} nth={}".format(*drawn))

    @st.composite
    def make(draw: DrawFn) -> Fault:
        return Fault(do=draw(texts), device=draw(st.sampled_from(devices)))

    return make()


def fault_plans(
    ways: Sequence[str] = WAYS,
    links: Sequence[str] = LINKS,
    devices: Sequence[str] = DEVICES,
    sorts: Sequence[str] = SORTS,
    max_size: int = 8,
) -> SearchStrategy[list[Fault]]:
    """Lists of faults: of ``sorts`` rule (on ``ways``), impairment (of ``links``), device (in ``devices``).
    All of them end, so that what is built to recover can.
    """
    from hypothesis import strategies as st

    known = {"rule": rules(ways), "impairment": impairments(links), "device": device_faults(devices)}
    unknown = [sort for sort in sorts if sort not in known]
    if unknown or not sorts:
        raise ValueError(
            f"no sort of faults is called {', '.join(unknown) or 'nothing'}: give {', '.join(SORTS)}"
        )
    return st.lists(st.one_of([known[sort] for sort in SORTS if sort in sorts]), max_size=max_size)


def as_toml(faults: Sequence[Fault]) -> str:
    """The ``[[fault]]`` tables of a list of faults, to put behind a scenario of one's own."""
    return "\n".join(toml.table("[[fault]]", fault) for fault in faults)


# Scenarios


def scenarios(
    *,
    profiles: Sequence[str] = ("micropython",),
    sorts: Sequence[str] = ("rule", "impairment"),
    max_faults: int = 6,
    max_bytes: int = 20_000,
    expect: Sequence[str] = EXPECTATIONS,
) -> SearchStrategy[str]:
    """Scenarios, as texts: a client sends up to ``max_bytes`` to a server over a line that is impaired now
    and then; ``expect`` has to hold. Each has a seed of its own.
    """
    from hypothesis import strategies as st

    @st.composite
    def make(draw: DrawFn) -> str:
        size = draw(st.integers(1, max_bytes))
        profile = st.sampled_from(profiles)
        file = File(
            run=Run(seed=draw(st.integers(0, 1000))),
            device={
                "client": Device(profile=draw(profile), address="10.0.0.2/24"),
                "server": Device(profile=draw(profile), address="10.0.0.1/24"),
            },
            link={"wire": Link(between=["client", "server"], delay=f"{draw(st.integers(1, 200))}ms")},
            program=[
                Program(on="server", run="receive port=5000"),
                Program(on="client", run=f"send bytes={size} to=server:5000 hold={HOLD}"),
            ],
            fault=draw(fault_plans(sorts=sorts, max_size=max_faults)),
            expect=[Expect(that=that) for that in expect],
        )
        return toml.write(file)

    return make()
