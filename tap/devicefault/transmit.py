"""A driver that refuses to send, or sends twice."""

from __future__ import annotations

from fractions import Fraction

from netstack.errors import ERR_BUF, ERR_IF, ERR_MEM, ERR_TIMEOUT
from tap.devicefault.chooser import Chooser
from tap.devicefault.controller import Controller, controller_of
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.impair.schedule import Schedule
from tap.streams import Stream

ERRS = {ERR_MEM: "ERR_MEM", ERR_BUF: "ERR_BUF", ERR_IF: "ERR_IF", ERR_TIMEOUT: "ERR_TIMEOUT"}


class TxRefuse(DeviceFault):
    """The driver does not take a frame and tells lwIP the ``err`` (``netif->linkoutput``): the ``nth`` from
    now on (``persistent``: and all after it), each ``every``-th, each with probability ``p``, at most
    ``times``; without any of these all. ``lasting``: for so many ns each ``period`` ns (none: only once).

    lwIP's TCP keeps a segment that was refused and sends it when something makes it send again; datagrams are
    lost and their ``sendto`` says why.
    """

    def __init__(
        self,
        device: Victim,
        nth: int | None = None,
        every: int | None = None,
        p: Fraction | float | None = None,
        times: int | None = None,
        persistent: bool = False,
        lasting: int | None = None,
        period: int | None = None,
        err: int = ERR_MEM,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "tx-refuse",
    ) -> None:
        super().__init__(device, name, note)
        if err not in ERRS:
            raise DeviceFaultError(f"no driver says {err}: take one of {', '.join(ERRS.values())}")
        Schedule(0, lasting, period)  # says what is wrong with them
        self._lasting, self._period = lasting, period
        self._chooser = Chooser(nth, every, p, times, persistent, stream=stream)
        self._err = err
        self._schedule: Schedule
        self._controller: Controller

    def _refuse(self, frame: bytes) -> int:
        if not self._schedule.active(self.now) or not self._chooser.hit():
            return 0
        what = f"{ERRS[self._err]} for a frame of {len(frame)} bytes"
        self.note("refuse", f"{what}, frame {self._chooser.seen}")
        return self._err

    def _begin(self) -> None:
        self._schedule = Schedule(self.now, self._lasting, self._period)
        self._controller = controller_of(self.device)
        self._controller.refusals.append(self._refuse)

    def _end(self) -> None:
        self._controller.refusals.remove(self._refuse)
        self._controller.settle()


class TxDouble(DeviceFault):
    """The driver sends a frame twice: the ``nth``, each ``every``-th, each with probability ``p``, at most
    ``times``; without any of these all.
    """

    def __init__(
        self,
        device: Victim,
        nth: int | None = None,
        every: int | None = None,
        p: Fraction | float | None = None,
        times: int | None = None,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "tx-double",
    ) -> None:
        super().__init__(device, name, note)
        self._chooser = Chooser(nth, every, p, times, stream=stream)
        self._controller: Controller

    def _copies(self, frame: bytes) -> int:
        if not self._chooser.hit():
            return 0
        self.note("duplicate", f"a frame of {len(frame)} bytes, frame {self._chooser.seen}")
        return 1

    def _begin(self) -> None:
        self._controller = controller_of(self.device)
        self._controller.copies.append(self._copies)

    def _end(self) -> None:
        self._controller.copies.remove(self._copies)
        self._controller.settle()
