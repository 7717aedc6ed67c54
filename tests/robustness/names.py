"""Rows D: replies to a question of the DNS client."""

from __future__ import annotations

import struct

from netstack.address import format_ip, parse_ip
from netstack.dns import MAX_TTL
from netstack.errors import ERR_OK
from tests.robustness.bench import Bench
from tests.robustness.frames import PEER, arp, frame, ip
from tests.robustness.rows import Row, Step, Steps, rows

NAME = "a.example"
GOOD, FALSE = "192.0.2.1", "192.0.2.66"
SECOND = "10.0.0.254"

_ALONE = "the library has no DNS client"
_OWN = b"\1a\7example\0"
_QUESTION = _OWN + b"\0\1\0\1"
_ANSWERS_AT = 12 + len(_QUESTION)  # where the first answer's name begins


def _address(text: str) -> bytes:
    return parse_ip(text).to_bytes(4, "big")


def _record(
    owner: bytes, data: bytes = _address(GOOD), kind: int = 1, ttl: int = 60, length: int = -1
) -> bytes:
    """An answer; ``length`` may lie about the data."""
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data) if length < 0 else length) + data


_GOOD_ANSWER = _record(b"\xc0\x0c")


def _ask(bench: Bench) -> None:
    """The application looks the name up."""

    def found(_: str, address: int | None) -> None:
        bench.told.append("no address" if address is None else format_ip(address))

    address, err = bench.stack.dns.gethostbyname(NAME, found)
    if err == ERR_OK and address is not None:
        bench.told.append(f"known {format_ip(address)}")


def _server(index: int, address: str) -> Step:
    return lambda bench: bench.stack.dns.set_server(index, parse_ip(address))


def _reply(
    answers: bytes = _GOOD_ANSWER,
    count: int = 1,
    *,
    question: bytes = _QUESTION,
    questions: int = 1,
    flags: int = 0x8180,
    other_id: int = 0,
    source: str = PEER,
    port: int = 53,
    cut: int | None = None,
) -> Step:
    """A reply to the question asked last."""

    def reply(bench: Bench) -> None:
        asked = [sent for sent in bench.all_frames if sent[23] == 17 and sent[36:38] == b"\0\x35"][-1]
        ident = int.from_bytes(asked[42:44], "big") ^ other_id
        message = struct.pack("!6H", ident, flags, questions, count, 0, 0) + question + answers
        message = message if cut is None else message[:cut]
        ports = struct.pack("!H", port) + asked[34:36]
        datagram = ports + struct.pack("!HH", 8 + len(message), 0) + message
        bench.frame(frame(ip(datagram, src=source, proto=17)))

    return reply


def _almost_a_week(bench: Bench) -> None:
    """A second is left of the longest time that an answer is believed."""
    bench.wait((MAX_TTL - 1) * 1000, step=3_600_000)


def _answered(bench: Bench) -> str:
    """What the application was told; ``waiting`` if nothing."""
    return "; ".join(bench.told) or "waiting"


def _queries(bench: Bench) -> str:
    """Who was asked, and what the application was told."""
    asked = ",".join(format_ip(int.from_bytes(sent[30:34], "big")) for sent in bench.frames())
    return f"{asked} · {_answered(bench)}"


def _row(
    number: int,
    what: str,
    steps: Steps,
    lwip: str,
    strict: str | None = None,
    note: str = "",
    **fields: object,
) -> Row:
    return Row(
        f"D{number}",
        what,
        steps,
        lwip,
        lwip if strict is None else strict,
        start=[_server(0, PEER), _ask],
        options={"lwip_dns": 1},
        alone=_ALONE,
        note=note,
        **{"show": _answered, **fields},  # type: ignore[arg-type]
    )


def _pointer(offset: int) -> bytes:
    return (0xC000 | offset).to_bytes(2, "big")


_TTL_0: Steps = [_reply(_record(b"\xc0\x0c", ttl=0)), _ask]
_TTL_HUGE: Steps = [_reply(_record(b"\xc0\x0c", ttl=0x80000000)), _almost_a_week, _ask, 1000, _ask]

NAMES = rows(
    "D",
    _row(
        1,
        "an answer's name is a pointer to itself",
        [_reply(_record(_pointer(_ANSWERS_AT)))],
        GOOD,
        "waiting",
        "lwIP does not read the names of answers, so it takes the address",
    ),
    _row(
        2,
        "pointers to each other, forward, past the end",
        [
            _reply(_record(b"\1x" + _pointer(_ANSWERS_AT))),
            _reply(_record(_pointer(_ANSWERS_AT + 2) + _OWN)),
            _reply(_record(_pointer(0x3FFF))),
        ],
        GOOD,
        "waiting",
        "lwIP does not read the names of answers, so it takes the address",
    ),
    _row(
        3,
        "labels of 64 and 191 bytes",
        [_reply(_record(bytes([size]) + b"x" * size + b"\0")) for size in (64, 191)],
        GOOD,
        "waiting",
    ),
    _row(
        4,
        "a name of 257 bytes, and one of 128 labels",
        [
            _reply(_record((b"\x3f" + b"x" * 63) * 4 + b"\0")),
            _reply(_record(b"\1x" * 128 + b"\0")),
        ],
        GOOD,
        "waiting",
        "lwIP does not read the names of answers, so it takes the address",
    ),
    _row(5, "a name without an end", [_reply(b"\1a\7exam"), _reply(b"\1a\7example")], "waiting"),
    _row(6, "a compressed question", [_reply(question=b"\1a\xc0\x0c\0\1\0\1")], "waiting"),
    _row(7, "0, 2 and 65535 questions", [_reply(questions=count) for count in (0, 2, 65535)], "waiting"),
    _row(8, "65535 answers, one of them there", [_reply(count=65535)], GOOD),
    _row(
        9,
        "addresses of 3 and 5 bytes in front of a good one",
        [_reply(_record(b"\xc0\x0c", b"123") + _record(b"\xc0\x0c", b"12345") + _GOOD_ANSWER, 3)],
        GOOD,
    ),
    _row(
        10,
        "records that end behind the message",
        [_reply(_GOOD_ANSWER[:-2]), _reply(_record(b"\xc0\x0c", length=0xFFFF))],
        "waiting",
    ),
    _row(11, "a question instead of a reply", [_reply(flags=0x0100)], "waiting"),
    _row(
        12,
        "another id, name, type, class",
        [
            _reply(other_id=1),
            _reply(question=b"\1b\7example\0\0\1\0\1"),
            _reply(question=_OWN + b"\0\x1c\0\1"),
            _reply(question=_OWN + b"\0\1\0\3"),
        ],
        "waiting",
    ),
    _row(13, "from another address", [_reply(source=SECOND)], "waiting"),
    _row(14, "from another port", [_reply(port=5353)], GOOD, "waiting"),
    _row(
        15,
        "somebody else's address in front of ours",
        [_reply(_record(b"\4evil\0", _address(FALSE)) + _GOOD_ANSWER, 2)],
        FALSE,
        GOOD,
    ),
    _row(
        16,
        "CNAME, then the address of the alias",
        [_reply(_record(b"\xc0\x0c", b"\1b\xc0\x0e", 5) + _record(b"\1b\xc0\x0e"), 2)],
        GOOD,
    ),
    _row(17, "truncated", [_reply(flags=0x8380)], GOOD, "no address"),
    _row(
        18,
        "SERVFAIL from the first server, NXDOMAIN from the second",
        [
            arp(1, "02:00:00:00:00:fe", SECOND),
            lambda bench: bench.forget(),
            _server(1, SECOND),
            _reply(b"", 0, flags=0x8182),
            _reply(b"", 0, flags=0x8183, source=SECOND),
        ],
        f"{SECOND} · no address",
        show=_queries,
    ),
    _row(
        19,
        "TTL 0, then a TTL of 2^31",
        [_TTL_0, _TTL_HUGE],
        f"{GOOD}; {GOOD}; known {GOOD}",
    ),
    _row(20, "the name is asked for twice", [_ask, _reply()], f"{GOOD}; {GOOD}"),
    _row(21, "replies of 12 and 11 bytes", [_reply(cut=12), _reply(cut=11)], "waiting"),
    _row(22, "the name in other letters", [_reply(question=_QUESTION.upper())], GOOD),
    _row(23, "nobody answers", [10_000], f"{PEER},{PEER},{PEER} · no address", show=_queries),
)
