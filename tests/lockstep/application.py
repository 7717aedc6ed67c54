"""The application of ``oracle/app.c`` on our raw API: the same calls, the same policies, the same records."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import adler32

from lab.pkt.frames import pattern
from netstack.errors import ERR_ABRT, ERR_ARG, ERR_MEM, ERR_OK, ERR_VAL
from netstack.pbuf import Pbuf
from tests.lockstep.script import DEFAULT_SLOT, POLICY_WORDS
from tests.lockstep.slots import CALLBACK
from tests.lockstep.wire import Callback, Op

SLOTS = 250
RESULT_DEAD = -100
SO_REUSEADDR = 0x04
SO_KEEPALIVE = 0x08
TF_NODELAY = 0x40
CLOSED = 0
TIME_WAIT = 10

_WRITE_MORE, _WRITE_OUTPUT = 2, 4


@dataclass(slots=True)
class Policy:
    """What the callbacks of a slot do: words of ``script.POLICY_WORDS``."""

    recv: str = "HOLD"
    fin: str = "IGNORE"
    accept: str = "OK"
    sent: str = "IGNORE"
    poll: str = "NONE"
    interval: int = 0
    connected: str = "IGNORE"

    @classmethod
    def decode(cls, data: bytes) -> Policy:
        """From the bytes of Op.POLICY."""
        return cls(
            *(words[value] if words else value for value, words in zip(data, POLICY_WORDS, strict=False))
        )


@dataclass(slots=True)
class Slot:
    """A connection or listener of the application; ``pcb`` is None once closed, aborted, failed or freed."""

    number: int
    policy: Policy
    pcb: Any = None
    listener: Any = None
    held: int = 0
    written: int = 0


class Application:
    """Connections and listeners, numbered as they appear; ``tcp`` is the stack's raw API, ``record(kind,
    body)`` the log.
    """

    def __init__(self, tcp: Any, record: Callable[[str, bytes], None]) -> None:
        self.tcp = tcp
        self._record = record
        self.slots: list[Slot] = []
        self.default_policy = Policy()

    def _callback(self, kind: Callback, slot: Slot, argument: int = 0, checksum: int = 0) -> None:
        self._record("E", CALLBACK.pack(kind, slot.number, argument, checksum))

    def _write(self, slot: Slot, length: int, more: bool = False) -> int:
        err = self.tcp.write(slot.pcb, pattern(slot.written, length), more)
        if err == ERR_OK:
            slot.written += length
        return err

    def _write_some(self, slot: Slot, length: int) -> None:
        length = min(length, slot.pcb.snd_buf)
        if length:
            self._write(slot, length)

    def _close(self, slot: Slot) -> int:
        err = self.tcp.close(slot.pcb)
        if err == ERR_OK:
            slot.pcb = None
        self._callback(Callback.CLOSED, slot, err)
        return err

    def _abort(self, slot: Slot) -> int:
        pcb, slot.pcb = slot.pcb, None
        self.tcp.abort(pcb)
        return ERR_ABRT

    # Callbacks

    def _on_fin(self, slot: Slot) -> int:
        self._callback(Callback.FIN, slot)
        if slot.pcb is None:
            return ERR_OK
        match slot.policy.fin:
            case "CLOSE":
                self._close(slot)
            case "SHUTDOWN_TX":
                self.tcp.shutdown(slot.pcb, False, True)
            case "ABORT":
                return self._abort(slot)
        return ERR_OK

    def _on_recv(self, slot: Slot, p: Pbuf | None) -> int:
        if p is None:
            return self._on_fin(slot)
        length = len(p)
        self._callback(Callback.RECV, slot, length, adler32(p.data))
        if slot.pcb is not None and slot.policy.recv == "REFUSE":
            return ERR_MEM
        p.free()
        if slot.pcb is None:
            return ERR_OK
        recved = self.tcp.recved
        match slot.policy.recv:
            case "HOLD":
                slot.held += length
            case "CONSUME":
                recved(slot.pcb, length)
            case "ECHO":
                recved(slot.pcb, length)
                self._write_some(slot, length)
            case "ABORT":
                return self._abort(slot)
            case "CLOSE":
                recved(slot.pcb, length)
                self._close(slot)
            case "HALF":
                recved(slot.pcb, length // 2)
                slot.held += length - length // 2
        return ERR_OK

    def _on_sent(self, slot: Slot, length: int) -> int:
        self._callback(Callback.SENT, slot, length)
        if slot.pcb is not None and slot.policy.sent == "WRITE":
            self._write_some(slot, 100)
        elif slot.pcb is not None and slot.policy.sent == "CLOSE":
            self._close(slot)
        return ERR_OK

    def _on_poll(self, slot: Slot, pcb: Any) -> int:
        self._callback(Callback.POLL, slot)
        if slot.pcb is None:
            if slot.policy.poll == "ABORT_CLOSED" and pcb.state != TIME_WAIT:
                self.tcp.abort(pcb)
                return ERR_ABRT
            return ERR_OK
        match slot.policy.poll:
            case "WRITE":
                self._write_some(slot, 10)
            case "CLOSE":
                self._close(slot)
            case "ABORT":
                return self._abort(slot)
        return ERR_OK

    def _on_err(self, slot: Slot, err: int) -> None:
        self._callback(Callback.ERR, slot, err)
        slot.pcb = None

    def _on_connected(self, slot: Slot, err: int) -> int:
        self._callback(Callback.CONNECTED, slot, err)
        if slot.policy.connected == "WRITE":
            self._write_some(slot, 100)
        elif slot.policy.connected == "ABORT":
            return self._abort(slot)
        return ERR_OK

    def _on_accept(self, listener: Slot, pcb: Any, err: int) -> int:
        self._callback(Callback.ACCEPT, listener, err, 0 if pcb is None else pcb.remote_port)
        if pcb is None:
            return ERR_OK
        if listener.policy.accept == "ERROR":
            return ERR_MEM
        if listener.policy.accept == "ABORT":
            self.tcp.abort(pcb)
            return ERR_ABRT
        if len(self.slots) == SLOTS:
            return ERR_MEM
        slot = self._new_slot(pcb)
        if listener.policy.accept == "GREET":
            self._write_some(slot, 50)
        return ERR_OK

    def _set_policy(self, slot: Slot, policy: Policy) -> None:
        slot.policy = policy
        if slot.pcb is not None:
            slot.pcb.poll = None if policy.poll == "NONE" else lambda pcb: self._on_poll(slot, pcb)
            slot.pcb.pollinterval = policy.interval

    def _new_slot(self, pcb: Any) -> Slot:
        slot = Slot(len(self.slots), self.default_policy, pcb)
        self.slots.append(slot)
        pcb.recv = lambda _pcb, p, _err: self._on_recv(slot, p)
        pcb.sent = lambda _pcb, length: self._on_sent(slot, length)
        pcb.errf = lambda err: self._on_err(slot, err)
        self._set_policy(slot, self.default_policy)
        self._callback(Callback.SLOT, slot)
        return slot

    # Calls

    def _call_listen(self, port: int, backlog: int, reuse: int) -> int:
        tcp = self.tcp
        pcb = tcp.new() if len(self.slots) < SLOTS else None
        if pcb is None:
            return ERR_MEM
        if reuse:
            pcb.so_options |= SO_REUSEADDR
        err = tcp.bind(pcb, 0, port)
        if err != ERR_OK:
            tcp.close(pcb)
            return err
        listener, err = tcp.listen(pcb, backlog)
        if listener is None:
            tcp.close(pcb)
            return err
        slot = Slot(len(self.slots), self.default_policy, listener=listener)
        self.slots.append(slot)
        listener.accept = lambda newpcb, err: self._on_accept(slot, newpcb, err)
        self._callback(Callback.SLOT, slot, 1)
        return ERR_OK

    def _call_connect(self, local_port: int, ip: int, port: int) -> int:
        tcp = self.tcp
        pcb = tcp.new() if len(self.slots) < SLOTS else None
        if pcb is None:
            return ERR_MEM
        if local_port and (err := tcp.bind(pcb, 0, local_port)) != ERR_OK:
            tcp.close(pcb)
            return err
        slot = self._new_slot(pcb)
        pcb.connected = lambda _pcb, err: self._on_connected(slot, err)
        err = tcp.connect(pcb, ip, port)
        if err != ERR_OK and slot.pcb is not None:
            self._close(slot)
        return err

    def _call_option(self, slot: Slot, which: int, value: int) -> int:
        pcb = slot.pcb
        match which:
            case 0:
                pcb.flags = pcb.flags | TF_NODELAY if value else pcb.flags & ~TF_NODELAY
            case 1:
                pcb.so_options = pcb.so_options | SO_KEEPALIVE if value else pcb.so_options & ~SO_KEEPALIVE
            case 2:
                pcb.keep_idle = value
            case 3:
                pcb.keep_intvl = value
            case 4:
                pcb.keep_cnt = value
            case 5:
                pcb.prio = value & 0xFF
            case 6:
                pcb.ttl = value & 0xFF
            case 7:
                pcb.tos = value & 0xFF
            case _:
                return ERR_VAL
        return ERR_OK

    def call(self, op: Op, args: bytes) -> int:
        if op == Op.LISTEN:
            return self._call_listen(*struct.unpack("<HBB", args))
        if op == Op.CONNECT:
            return self._call_connect(*struct.unpack("<HIH", args))
        slot = self.slots[args[0]] if args[0] < len(self.slots) else None
        if op == Op.POLICY:
            policy = Policy.decode(args[1:])
            if args[0] == DEFAULT_SLOT:
                self.default_policy = policy
            elif slot is not None:
                self._set_policy(slot, policy)
            return ERR_OK
        self._forget_freed()
        if slot is None or (slot.pcb is None and (op != Op.CLOSE or slot.listener is None)):
            return RESULT_DEAD
        return self._call_on_slot(slot, op, args)

    def _call_on_slot(self, slot: Slot, op: Op, args: bytes) -> int:
        if op == Op.CLOSE:
            if slot.listener is not None:
                listener, slot.listener = slot.listener, None
                return self.tcp.close(listener)
            return self._close(slot)
        if op == Op.WRITE:
            length, flags = struct.unpack("<HB", args[1:])
            err = self._write(slot, length, bool(flags & _WRITE_MORE))
            if flags & _WRITE_OUTPUT:
                self.tcp.output(slot.pcb)
            return err
        if op == Op.RECVED:
            count = min(int.from_bytes(args[1:3], "little"), slot.held)
            slot.held -= count
            if count:
                self.tcp.recved(slot.pcb, count)
            return count
        if op == Op.SHUTDOWN:
            err = self.tcp.shutdown(slot.pcb, bool(args[1]), bool(args[2]))
            if err == ERR_OK and args[1] and args[2]:
                slot.pcb = None
            return err
        if op == Op.OPTION:
            return self._call_option(slot, *struct.unpack("<BI", args[1:]))
        if op == Op.OUTPUT:
            return self.tcp.output(slot.pcb)
        return self._abort(slot) if op == Op.ABORT else ERR_ARG

    def _forget_freed(self) -> None:
        """A pcb in TIME_WAIT vanishes without a callback (memp_free in port.c tells app.c)."""
        for slot in self.slots:
            if slot.pcb is not None and slot.pcb.state == CLOSED:
                slot.pcb = None
            if slot.listener is not None and slot.listener.state == CLOSED:
                slot.listener = None
