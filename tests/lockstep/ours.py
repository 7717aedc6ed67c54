"""Our stack in the harness: what ``oracle/port.c`` is for lwIP. The application on it is application.py."""

from __future__ import annotations

import struct
import traceback

from netstack.core import MS
from netstack.errors import ERR_OK
from netstack.pool import Heap
from netstack.profile import Profile
from netstack.stack import Stack
from tests.lockstep.application import Application
from tests.lockstep.script import LOCAL_MAC
from tests.lockstep.state import dump_state
from tests.lockstep.wire import Config, Op, Record


class FailingHeap(Heap):
    """malloc, as the library uses it: never full, but the next ``failures`` allocations fail (port.c:
    mem_malloc).
    """

    __slots__ = ("failures",)

    def __init__(self) -> None:
        super().__init__(0, 0, 0, 1)
        self.failures = 0

    def malloc(self, size: int) -> int:
        """A block, or -1."""
        if self.failures:
            self.failures -= 1
            return -1
        return 1

    def free(self, address: int) -> None:
        """Nothing to do."""

    def trim(self, address: int, size: int) -> None:
        """Nothing to do."""


class OurSide:
    """Our stack, driven by operations (session.Side); ``profile`` is what profile.configured gives."""

    def __init__(self, profile: Profile, config: Config) -> None:
        self.config = config
        self.records: list[Record] = []
        self._time = 0
        self._index = 0
        self._iss_drawn = 0
        self._txfail = 0
        self._txfail_err = ERR_OK
        self._dead = False
        self.stack = Stack(
            profile,
            mac=LOCAL_MAC,
            ip=config.ip,
            netmask=config.netmask,
            gateway=config.gateway,
            mtu=config.mtu,
            transmit=self._transmit,
            iss=self._iss,
            ephemeral_first=config.ephemeral_first,
            clock_start=config.clock_start,
        )
        self.application = Application(self.stack.tcp, self._record)
        self._heap = self.stack.mem.heap = self.stack.mem.tx.heap = FailingHeap()

    # World

    def run(self, time: int, op: Op, args: bytes) -> list[Record]:
        """session.Side.run; an exception of the stack is a record (kind P), and the end."""
        if self._dead:
            return []
        try:
            self._advance(time)
            self._record("M", struct.pack("<H", self._index & 0xFFFF))
            self._index += 1
            self._operate(op, args)
            if self.config.state:
                self._record("S", dump_state(self.stack.tcp))
        except Exception:
            self._record("P", traceback.format_exc().encode())
            self._dead = True
        records, self.records = self.records, []
        return records

    def _advance(self, to: int) -> None:
        """Every timer runs when it is due (or at the first poll then), not when the next event comes."""
        stack = self.stack
        end = to * MS
        while (due := stack.next_deadline()) is not None and due <= end:
            self._time = due // MS
            stack.run_timers(due)
        self._time = to
        last_poll = to // self.config.poll_ms * self.config.poll_ms * MS
        if last_poll >= stack.now:
            stack.run_timers(last_poll)
        stack.core.set_now(end)

    def _record(self, kind: str, body: bytes) -> None:
        self.records.append(Record(kind, self._time, body))

    def _transmit(self, frame: bytes) -> int:
        if self._txfail:
            self._txfail -= 1
            return self._txfail_err
        self._record("F", frame)
        return ERR_OK

    def _iss(self) -> int:
        self._iss_drawn += 1
        return self.config.iss + self.config.iss_step * (self._iss_drawn - 1) & 0xFFFFFFFF

    def _operate(self, op: Op, args: bytes) -> None:
        netif = self.stack.netif
        if op == Op.FRAME:
            self.stack.receive(args, self._time * MS)
        elif op == Op.TXFAIL:
            self._txfail, self._txfail_err = struct.unpack("<Bb", args)
        elif op == Op.HEAPFAIL:
            self._heap.failures = args[0]
        elif op == Op.MTU:
            netif.mtu = int.from_bytes(args, "little")
        elif op == Op.NETIF:
            netif.set_up(bool(args[0]))
        elif op == Op.LINK:
            netif.set_link(bool(args[0]))
        elif op == Op.ADDR:
            netif.set_addr(*struct.unpack("<III", args))
        elif op != Op.NOP:
            self._record("R", struct.pack("<i", self.application.call(op, args)))
