"""Real lwIP on a real TAP: the oracle of tests/lockstep (Debian's liblwip), its clock driven by ours."""

from __future__ import annotations

import struct
import threading
from select import poll

from tap.clock import MS, RealClock
from tap.link import Link
from tests.lockstep.oracle import Conversation, Oracle
from tests.lockstep.wire import Config, Op, Record

TICK = 10  # ms between two looks at lwIP's timers


class LiveLwip:
    """lwIP answers on ``link``, which it closes at the end, for a ``with`` block; it listens on ``port``."""

    def __init__(self, link: Link, ip: int, netmask: int, port: int) -> None:
        self._link = link
        self._config = Config(ip=ip, netmask=netmask, gateway=0)
        self._port = port
        self._clock = RealClock()
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="real lwIP")

    def _run(self) -> None:
        with Oracle() as oracle, oracle.conversation(self._config) as lwip:
            self._do(lwip, Op.LISTEN, struct.pack("<HBB", self._port, 1, 0))
            self._listening.set()
            poller = poll()
            poller.register(self._link)  # type: ignore[arg-type]
            while not self._stopping.is_set():
                poller.poll(TICK)
                self._do(lwip, Op.NOP, b"")
                while (frame := self._link.receive()) is not None:
                    self._do(lwip, Op.FRAME, frame)

    def _do(self, lwip: Conversation, op: Op, args: bytes) -> None:
        records: list[Record] = lwip.run(self._clock.now() // MS, op, args)
        for record in records:
            if record.kind == "F":
                self._link.send(record.body)

    def __enter__(self) -> LiveLwip:
        self._thread.start()
        assert self._listening.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._link.close()
