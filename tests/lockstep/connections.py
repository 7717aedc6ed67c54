"""Whole connections taken out of a conversation, for shrinking: their segments, the calls on their slots,
and the slot numbers of the others put right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.pkt.events import Call, Event, Inbound, Modifier, Tcp
from tests.lockstep.slots import CALLBACK
from tests.lockstep.wire import Callback, Record

# Calls whose first argument is no slot.
_NO_SLOT = ("tcp_listen", "tcp_connect")
_DEFAULT_SLOT = 255

_Key = tuple[object, tuple[int, int] | None]


def without_one(events: Sequence[Event], records: Sequence[Record]) -> Iterator[list[Event]]:
    """The events without one connection or listener, the newest first; ``records`` is what a stack did on
    them.
    """
    created = _created(records)
    for slot, index in sorted(
        ((slot, index) for index, slots in created.items() for slot in slots), reverse=True
    ):
        gone = _members(events, index, records)
        slots = {slot, *(number for i in gone for number in created.get(i, ()))}
        yield [
            _renumbered(event, slots)
            for i, event in enumerate(events)
            if i not in gone and _slot(event) not in slots
        ]


def _created(records: Sequence[Record]) -> dict[int, list[int]]:
    """Event index -> slots that appeared in it."""
    created: dict[int, list[int]] = {}
    index = -1
    for kind, _, body in records:
        if kind == "M":
            index += 1
        elif kind == "E" and body[0] == Callback.SLOT:
            created.setdefault(index, []).append(CALLBACK.unpack(body)[1])
    return created


def _members(events: Sequence[Event], index: int, records: Sequence[Record]) -> set[int]:
    """The events of the connection that began with event ``index``, calls on its slot apart."""
    event = events[index]
    if isinstance(event, Inbound):
        same = [i for i, other in enumerate(events) if _key(other) == _key(event)]
        syns = [i for i in same if _is_syn(events[i])]
        start = max((i for i in syns if i <= index), default=index)
        end = min((i for i in syns if i > index), default=len(events))
        return {i for i in same if start <= i < end}
    if isinstance(event, Call) and event.name == "tcp_connect":
        port = _first_source_port(records, index)
        return {
            index,
            *(i for i, other in enumerate(events) if (key := _key(other)) and key[1] and key[1][1] == port),
        }
    return {index}


def _key(event: Event) -> _Key | None:
    """Which connection a segment belongs to."""
    if not isinstance(event, Inbound) or not isinstance(event.packet, Tcp):
        return None
    source = next((m for m in event.packet.modifiers if m.name == "src"), Modifier("src"))
    return source.value, event.packet.ports


def _is_syn(event: Event) -> bool:
    """Whether the event may begin another life of its connection."""
    return (
        isinstance(event, Inbound)
        and isinstance(event.packet, Tcp)
        and event.packet.flags.startswith(("S", "FS"))
    )


def _first_source_port(records: Sequence[Record], index: int) -> int:
    """The port of the first segment the stack sent in event ``index``, 0 when it sent none."""
    marks = -1
    for kind, _, body in records:
        marks += kind == "M"
        if marks == index and kind == "F" and body[12:14] == b"\x08\x00":
            return int.from_bytes(body[34:36], "big")
    return 0


def _slot(event: Event) -> int | None:
    if not isinstance(event, Call) or event.name in _NO_SLOT or not isinstance(event.args[0], int):
        return None
    return event.args[0]


def _renumbered(event: Event, gone: set[int]) -> Event:
    slot = _slot(event)
    if slot is None or slot == _DEFAULT_SLOT:
        return event
    assert isinstance(event, Call)
    return replace(event, args=[slot - sum(number < slot for number in gone), *event.args[1:]])
