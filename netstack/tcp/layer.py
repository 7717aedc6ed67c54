"""The TCP layer as the stack and the socket layers see it: lwIP's raw API as methods.

    pcb = stack.tcp.new()
    pcb.connected = on_connected
    stack.tcp.connect(pcb, parse_ip("10.0.0.2"), 80)

Results are lwIP's error codes (``netstack.errors``). Callbacks are attributes of the pcb, see ``Tcb``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netstack.core import Core
from netstack.ip_header import Ipv4Header
from netstack.ipv4 import Ipv4
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.tcp import alloc, close, lists, observe, open, output, window, write
from netstack.tcp.header import PROTO_TCP
from netstack.tcp.input import tcp_input
from netstack.tcp.quiet import quiet_runs, skip_runs
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import PRIO_NORMAL, ListenTcb, Tcb
from netstack.tcp.timers import tcp_timer
from netstack.tcp.unreachable import icmp_error
from netstack.trace import ApiCall


class Tcp(TcpShared):
    """TCP on one interface. ``iss`` draws initial sequence numbers (None: lwIP's own)."""

    def __init__(
        self, core: Core, netif: Netif, ipv4: Ipv4, iss: Callable[[], int] | None, ephemeral_first: int
    ) -> None:
        super().__init__(core, netif, ipv4, iss, ephemeral_first)
        interval = core.profile.tcp_tmr_interval
        quiet, skip = partial(quiet_runs, self), partial(skip_runs, self)
        self.timer = core.timers.oneshot("tcp", interval, self._tick, quiet, skip)
        ipv4.handlers[PROTO_TCP] = self._input
        ipv4.error_handlers[PROTO_TCP] = partial(icmp_error, self)
        netif.on_address.append(self._address_changed)

    def _input(self, p: Pbuf, header: Ipv4Header) -> None:
        tcp_input(self, p, header)

    def _tick(self) -> None:
        tcp_timer(self)

    # The raw API; an observer hears of each call when it returns

    def _told(self, call: str, port: int, *args: object, result: object) -> None:
        """Report a call for the pcb on local ``port`` (0: none yet)."""
        trace = self.core.trace
        if trace is not None:
            trace(ApiCall(self.core.now, f"tcp_{call}", (port, *args), result))

    def new(self, prio: int = PRIO_NORMAL) -> Tcb | None:
        """A pcb (``tcp_new``); None when the pool is empty and nobody could be killed for it."""
        pcb = alloc.new(self, prio)
        if self.core.trace is not None:
            self._told("new", 0, prio, result=pcb is not None)
        return pcb

    def bind(self, pcb: Tcb, ip: int, port: int) -> int:
        """See ``open.bind``."""
        err = open.bind(self, pcb, ip, port)
        if self.core.trace is not None:
            self._told("bind", pcb.local_port, ip, port, result=err)
        return err

    def listen(self, pcb: Tcb, backlog: int = 0xFF) -> tuple[ListenTcb | None, int]:
        """See ``open.listen``: the listener replaces ``pcb``."""
        listener, err = open.listen(self, pcb, backlog)
        if self.core.trace is not None:
            self._told("listen", pcb.local_port, backlog, result=err)
        return listener, err

    def connect(self, pcb: Tcb, ip: int, port: int) -> int:
        """See ``open.connect``."""
        err = open.connect(self, pcb, ip, port)
        if self.core.trace is not None:
            self._told("connect", pcb.local_port, ip, port, result=err)
        return err

    def write(self, pcb: Tcb, data: bytes, more: bool = False) -> int:
        """See ``write.write``: queue data; ``output`` sends it."""
        err = write.write(self, pcb, data, more)
        if self.core.trace is not None:
            self._told("write", pcb.local_port, len(data), more, result=err)
        return err

    def output(self, pcb: Tcb) -> int:
        """See ``output.output``: send what may be sent."""
        return output.output(self, pcb)

    def output_nagle(self, pcb: Tcb) -> int:
        """See ``output.output_nagle``."""
        return output.output_nagle(self, pcb)

    def recved(self, pcb: Tcb, length: int) -> None:
        """See ``window.recved``: the application has consumed ``length`` bytes."""
        if self.core.trace is None:
            window.recved(self, pcb, length)
            return
        before = observe.snapshot(pcb)
        window.recved(self, pcb, length)
        if self.input_pcb is not pcb:  # else the input processing reports it
            observe.report(self, pcb, before, "recved")
        self._told("recved", pcb.local_port, length, result=None)

    def close(self, pcb: Tcb | ListenTcb) -> int:
        """See ``close.close``."""
        port = pcb.local_port
        err = close.close(self, pcb)
        if self.core.trace is not None:
            self._told("close", port, result=err)
        return err

    def shutdown(self, pcb: Tcb, rx: bool, tx: bool) -> int:
        """See ``close.shutdown``."""
        port = pcb.local_port
        err = close.shutdown(self, pcb, rx, tx)
        if self.core.trace is not None:
            self._told("shutdown", port, rx, tx, result=err)
        return err

    def abort(self, pcb: Tcb) -> None:
        """See ``close.abort``."""
        port = pcb.local_port
        close.abort(self, pcb)
        if self.core.trace is not None:
            self._told("abort", port, result=None)

    def backlog_delayed(self, pcb: Tcb) -> None:
        """The accept callback keeps ``pcb`` counted in the backlog until ``backlog_accepted``."""
        lists.backlog_delayed(self, pcb)

    def backlog_accepted(self, pcb: Tcb) -> None:
        """``pcb`` has been accepted by the application."""
        lists.backlog_accepted(self, pcb)

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
                lists.free_ooseq(self, pcb)
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
                    close.abort(self, pcb)
        if new:
            for lpcb in self.listen_pcbs:
                if lpcb.local_ip == old:
                    lpcb.local_ip = new
