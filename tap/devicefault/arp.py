"""A device that forgets its neighbours."""

from __future__ import annotations

from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim


class ArpFlush(DeviceFault):
    """The ARP table is emptied, at once and with ``every`` again and again; packets that wait in it for an
    answer are lost. The next packet to a neighbour waits until it has been asked for again.
    """

    def __init__(
        self, device: Victim, every: int | None = None, *, note: Note | None = None, name: str = "arp-flush"
    ) -> None:
        super().__init__(device, name, note)
        if every is not None and every < 1:
            raise DeviceFaultError("give every=10s, or leave it out")
        self._every = every

    def _begin(self) -> None:
        self._flush()

    def _flush(self) -> None:
        stack = self.device.stack
        known = len(stack.arp.dump())
        for forget in stack.netif.on_down:  # who is told when the interface goes down: the ARP table
            forget()
        self.note("flush", f"{known} neighbours forgotten")
        if self._every is not None:
            self.at(self.now + self._every, self._flush)
