"""The state of a device's TCP connection, for the condition ``state=client:ESTABLISHED``.

The stack is only looked at: not even the order of its lists changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from netstack.tcp.states import CLOSED, LISTEN, STATE_NAMES
from tap.impair.fields import layers
from tap.rules.errors import RuleError, instead


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device by name, and the states (RFC 9293 3.3.2) that its connection may be in."""

    device: str
    states: frozenset[int]

    def __str__(self) -> str:
        return f"{self.device}:{','.join(STATE_NAMES[state] for state in sorted(self.states))}"


def device_state(value: object) -> DeviceState:
    """``client:ESTABLISHED`` or ``client:FIN_WAIT_1,FIN_WAIT_2``. Raises RuleError."""
    if isinstance(value, DeviceState):
        return value
    device, colon, names = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not device or not colon:
        raise RuleError(f"{value!r} is no state of a device: write client:ESTABLISHED")
    return DeviceState(device, frozenset(_number(name) for name in names.split(",")))


def _number(text: str) -> int:
    name = text.upper().replace("-", "_")
    if name not in STATE_NAMES:
        raise RuleError(f"TCP has no state {text!r}: {instead(name, STATE_NAMES)}")
    return STATE_NAMES.index(name)


def is_in(stack: Any, frame: bytes, states: Iterable[int]) -> bool:
    """Whether ``frame`` belongs to a connection of ``stack``, one of its ends, that is in one of ``states``.
    Where there is no connection, a port that it listens on is in LISTEN and any other in CLOSED. False for
    what is no TCP segment from or to it.
    """
    start = layers(frame).get("tcp")
    if start is None:
        return False
    source = int.from_bytes(frame[26:30], "big"), int.from_bytes(frame[start : start + 2], "big")
    target = int.from_bytes(frame[30:34], "big"), int.from_bytes(frame[start + 2 : start + 4], "big")
    for local, remote in ((source, target), (target, source)):
        if local[0] == stack.netif.ip:
            return _state(stack.tcp, local, remote) in states
    return False


def _state(tcp: Any, local: tuple[int, int], remote: tuple[int, int]) -> int:
    for pcb in chain(tcp.active_pcbs, tcp.tw_pcbs):
        if pcb.flow == (*local, *remote):
            return int(pcb.state)
    listens = any(pcb.local_port == local[1] and pcb.local_ip in {0, local[0]} for pcb in tcp.listen_pcbs)
    return LISTEN if listens else CLOSED
