"""``device.faults``: the faults that a device has at present.

    fault = device.faults.add("pool-fail pool=TCP_SEG nth=17")
    ...
    device.faults.remove(fault)

    with device.faults.add("cpu frame=200us byte=10ns"):
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from tap.devicefault.chance import Noted, Played
from tap.devicefault.fault import DeviceFault, Note, Victim
from tap.streams import Stream, stream


class DeviceFaults:
    """The faults of one device, in the order of adding.

    ``observer(fault, action, detail)`` is told what they do: the journal sets it. ``played(fault)``: the
    journal's lines of a fault, for a run in which nothing is drawn.
    """

    def __init__(self, device: Victim) -> None:
        self._device = device
        self._faults: list[DeviceFault] = []
        self._added: dict[str, int] = {}
        self.observer: Callable[[str, str, str], None] | None = None
        self.played: Callable[[str], list[Mapping[str, Any]]] | None = None

    def add(self, fault: str | DeviceFault, name: str | None = None) -> DeviceFault:
        """Add a fault, or that of a text (docs/device-faults.md), and start it: at once, or when the device
        is opened. In ``with`` it ends with the block.

        ``name`` (None: the text) is what the journal calls it, and with the device's seed it chooses what a
        fault draws. Raises DeviceFaultError.
        """
        if isinstance(fault, str):
            from tap.devicefault.catalogue import make, parse

            kind, values = parse(fault)
            called = name or " ".join(fault.split())
            number = self._added[called] = self._added.get(called, 0) + 1
            called = called if number == 1 else f"{called} ({number})"
            note = self.note_of(called)
            chance: Stream = Noted(stream(self._device.seed, called), note)
            if self.played is not None:
                chance = Played(self.played(called))
            made = make(kind, values, device=self._device, stream=chance, note=note, name=called)
        else:
            made = fault
            made.name = name or made.name
            made.listener = made.listener or self.note_of(made.name)
        if made not in self._faults:
            self._faults.append(made)
            made.on_stop = partial(self._discard, made)
            made.start()
        return made

    def remove(self, fault: DeviceFault) -> None:
        """Stop a fault and forget it; what is not there need not be."""
        fault.stop()

    def note_of(self, fault: str) -> Note:
        """What the fault of that name notes with."""

        def note(action: str, detail: str) -> None:
            if self.observer is not None:
                self.observer(fault, action, detail)

        return note

    def _discard(self, fault: DeviceFault) -> None:
        if fault in self._faults:
            self._faults.remove(fault)

    def __iter__(self) -> Iterator[DeviceFault]:
        return iter(tuple(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def __contains__(self, fault: object) -> bool:
        return fault in self._faults

    # From the device, with its lock

    def opened(self) -> None:
        """The device has been switched on for the first time: start those that wait for that."""
        for fault in self:
            fault.start()

    def booted(self) -> None:
        """The device has a new stack."""
        for fault in self:
            fault.booted()

    def closed(self) -> None:
        """The device is about to close: no fault is in the way of that."""
        for fault in self:
            fault.stop()
