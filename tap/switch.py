"""A learning switch: frames go where their destination was last heard, and everywhere until it was.

Source: IEEE 802.1D-2004, 7.7 to 7.9 (the relay and the filtering database). There is no spanning tree: the
network must not have loops, which ``tap.network`` sees to.
"""

from __future__ import annotations

from functools import partial

from tap.cable import Port
from tap.clock import SECOND, Clock

AGING = 300 * SECOND  # how long a station that says nothing is remembered (802.1D table 7-5)
MAX_STATIONS = 8192  # more are not learned: their frames go everywhere


class Switch:
    """A switch; ``stations`` says behind which port each MAC is, ``flooded`` counts frames for everybody."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.ports: list[Port] = []
        self.flooded = 0
        self._now = clock.now
        self._table: dict[bytes, tuple[Port, int]] = {}  # MAC -> port, when it was last heard

    def new_port(self) -> Port:
        """One port more."""
        port = Port(f"{self.name}.{len(self.ports)}")
        port.handler = partial(self._relay, port)
        port.on_pull = partial(self.forget, port)
        self.ports.append(port)
        return port

    @property
    def stations(self) -> dict[bytes, Port]:
        """Who was heard in the last five minutes, and where."""
        oldest = self._now() - AGING
        return {mac: port for mac, (port, heard) in self._table.items() if heard >= oldest}

    def forget(self, port: Port) -> None:
        """Nobody is behind ``port`` any more (its cable was pulled)."""
        self._table = {mac: found for mac, found in self._table.items() if found[0] is not port}

    def _relay(self, source: Port, frame: bytes) -> None:
        if len(frame) < 14:
            source.dropped += 1
            return
        now = self._now()
        self._learn(frame[6:12], source, now)
        if not frame[0] & 1:
            known = self._table.get(frame[:6])
            if known is not None and now - known[1] <= AGING:
                if known[0] is not source:
                    known[0].send(frame)
                return
        self.flooded += 1
        for port in self.ports:
            if port is not source:
                port.send(frame)

    def _learn(self, mac: bytes, port: Port, now: int) -> None:
        if mac[0] & 1:
            return  # no station has the address of a group
        if mac not in self._table and len(self._table) >= MAX_STATIONS:
            self._table = {mac: found for mac, found in self._table.items() if now - found[1] <= AGING}
            if len(self._table) >= MAX_STATIONS:
                return
        self._table[mac] = port, now
