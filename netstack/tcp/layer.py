"""The TCP layer as the stack and the socket layers see it: lwIP's raw API as methods.

    pcb = stack.tcp.new()
    pcb.connected = on_connected
    stack.tcp.connect(pcb, parse_ip("10.0.0.2"), 80)

Results are lwIP's error codes (``netstack.errors``). Callbacks are attributes of the pcb, see ``Tcb``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from netstack.core import Core
from netstack.ipv4 import Ipv4
from netstack.netif import Netif
from netstack.tcp import alloc, close, lists, observe, open, output, write
from netstack.tcp.header import PROTO_TCP
from netstack.tcp.input import tcp_input
from netstack.tcp.parts import Parts
from netstack.tcp.quiet import quiet_runs, skip_runs
from netstack.tcp.segment import TCP_OOSEQ_POOL
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSED
from netstack.tcp.tcb import PRIO_NORMAL, ListenTcb, Tcb
from netstack.tcp.timers import tcp_timer
from netstack.tcp.unreachable import icmp_error
from netstack.trace import ApiCall, Called

AnyTcb = Tcb | ListenTcb
T = TypeVar("T")


class Tcp(TcpShared):
    """TCP on one interface. ``iss`` draws initial sequence numbers (None: lwIP's own)."""

    def __init__(
        self, core: Core, netif: Netif, ipv4: Ipv4, iss: Callable[[], int] | None, ephemeral_first: int
    ) -> None:
        super().__init__(core, netif, ipv4, iss, ephemeral_first)
        self.parts = Parts()
        interval = core.profile.tcp_tmr_interval
        quiet, skip = partial(quiet_runs, self), partial(skip_runs, self)
        self.timer = core.timers.oneshot("tcp", interval, self._tick, quiet, skip)
        ipv4.handlers[PROTO_TCP] = partial(tcp_input, self)
        ipv4.error_handlers[PROTO_TCP] = partial(icmp_error, self)
        netif.on_address.append(self._address_changed)

    def _tick(self) -> None:
        tcp_timer(self)

    # The raw API; an observer hears of each call when it returns

    def _observed(self, call: str, pcb: AnyTcb | None, args: tuple[object, ...], do: Callable[[], T]) -> T:
        """Make a call and report it, with the local port of its pcb (0: none yet): within it is what it
        causes.
        """
        trace = self.core.trace
        assert trace is not None
        trace(Called(self.core.now, f"tcp_{call}"))
        port = 0 if pcb is None else pcb.local_port
        windows = observe.snapshot(pcb) if isinstance(pcb, Tcb) else None
        result = do()
        if isinstance(pcb, Tcb) and windows is not None and pcb.state != CLOSED:
            if self.input_pcb is not pcb:  # else the input processing reports it
                observe.report(self, pcb, windows)
                observe.look(self, pcb)
        told = result[1] if isinstance(result, tuple) else result
        if call == "new":
            told = result is not None
        elif pcb is not None and pcb.local_port:
            port = pcb.local_port
        if self.core.trace is not None:
            self.core.trace(ApiCall(self.core.now, f"tcp_{call}", (port, *args), told))
        return result

    def new(self, prio: int = PRIO_NORMAL) -> Tcb | None:
        """A pcb (``tcp_new``); None when the pool is empty and nobody could be killed for it."""
        if self.core.trace is None:
            return alloc.new(self, prio)
        return self._observed("new", None, (prio,), partial(alloc.new, self, prio))

    def bind(self, pcb: Tcb, ip: int, port: int) -> int:
        """See ``open.bind``."""
        if self.core.trace is None:
            return open.bind(self, pcb, ip, port)
        return self._observed("bind", pcb, (ip, port), partial(open.bind, self, pcb, ip, port))

    def listen(self, pcb: Tcb, backlog: int = 0xFF) -> tuple[ListenTcb | None, int]:
        """See ``open.listen``: the listener replaces ``pcb``."""
        if self.core.trace is None:
            return open.listen(self, pcb, backlog)
        return self._observed("listen", pcb, (backlog,), partial(open.listen, self, pcb, backlog))

    def connect(self, pcb: Tcb, ip: int, port: int) -> int:
        """See ``open.connect``."""
        if self.core.trace is None:
            return open.connect(self, pcb, ip, port)
        return self._observed("connect", pcb, (ip, port), partial(open.connect, self, pcb, ip, port))

    def write(self, pcb: Tcb, data: bytes, more: bool = False) -> int:
        """See ``write.write``: queue data; ``output`` sends it."""
        if self.core.trace is None:
            return write.write(self, pcb, data, more)
        return self._observed("write", pcb, (len(data), more), partial(write.write, self, pcb, data, more))

    def output(self, pcb: Tcb) -> int:
        """See ``output.output``: send what may be sent."""
        if self.core.trace is None:
            return output.output(self, pcb)
        return self._observed("output", pcb, (), partial(output.output, self, pcb))

    def output_nagle(self, pcb: Tcb) -> int:
        """See ``output.output_nagle``."""
        if self.core.trace is None:
            return output.output_nagle(self, pcb)
        return self._observed("output", pcb, (), partial(output.output_nagle, self, pcb))

    def recved(self, pcb: Tcb, length: int) -> None:
        """See ``window.recved``: the application has consumed ``length`` bytes."""
        if self.core.trace is None:
            self.parts.window.recved(self, pcb, length)
        else:
            self._observed("recved", pcb, (length,), partial(self.parts.window.recved, self, pcb, length))

    def close(self, pcb: Tcb | ListenTcb) -> int:
        """See ``close.close``."""
        if self.core.trace is None:
            return close.close(self, pcb)
        return self._observed("close", pcb, (), partial(close.close, self, pcb))

    def shutdown(self, pcb: Tcb, rx: bool, tx: bool) -> int:
        """See ``close.shutdown``."""
        if self.core.trace is None:
            return close.shutdown(self, pcb, rx, tx)
        return self._observed("shutdown", pcb, (rx, tx), partial(close.shutdown, self, pcb, rx, tx))

    def abort(self, pcb: Tcb) -> None:
        """See ``close.abort``."""
        if self.core.trace is None:
            close.abort(self, pcb)
        else:
            self._observed("abort", pcb, (), partial(close.abort, self, pcb))

    def backlog_delayed(self, pcb: Tcb) -> None:
        """The accept callback keeps ``pcb`` counted in the backlog until ``backlog_accepted``."""
        lists.backlog_delayed(self, pcb)

    def backlog_accepted(self, pcb: Tcb) -> None:
        """``pcb`` has been accepted by the application."""
        lists.backlog_accepted(self, pcb)

    def introduce(self) -> None:
        """Tell a new observer of all connections."""
        for pcb in (*self.active_pcbs, *self.tw_pcbs):
            pcb.seen = pcb.held = None
            observe.look(self, pcb)

    # Events from below

    def receive_pool_empty(self) -> None:
        """A frame found no receive buffers: when the port looks at its timers next, ``free_ooseq`` makes
        room.
        """
        if self.free_ooseq_at is None:
            self.free_ooseq_at = self.core.timers.next_look(self.core.ms)

    def free_ooseq(self) -> None:
        """The receive pool ran dry: the first connection with out-of-order data loses it
        (``pbuf_free_ooseq``).
        """
        self.free_ooseq_at = None
        for pcb in self.active_pcbs:
            if pcb.ooseq:
                queue = observe.out_of_order(pcb)
                lists.free_ooseq(self, pcb, TCP_OOSEQ_POOL)
                if self.core.trace is not None:
                    observe.left_queue(self, pcb, queue, "pool-empty")
                return

    def _address_changed(self, old: int, new: int) -> None:
        """Connections from the old address are reset, its listeners move to the new one
        (``tcp_netif_ip_addr_changed``).
        """
        if not old:
            return
        for pcbs in (self.active_pcbs, self.bound_pcbs):
            for pcb in tuple(pcbs):
                if pcb.local_ip == old:
                    close.abort(self, pcb, "rst-address")
        if new:
            for lpcb in self.listen_pcbs:
                if lpcb.local_ip == old:
                    lpcb.local_ip = new
