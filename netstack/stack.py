"""The stack: layers built from a Profile, and the few entrances through which frames and time come in.

A ``Stack`` is a pure function of frames, calls and ``now`` (ns since it started): it does no I/O, has no
clock and no threads. Whoever owns it (``tap.Host``) calls ``run_timers(now)`` before anything else happens at
``now``, hands frames to ``receive``, and comes back at ``next_deadline()``. Frames leave through the injected
``transmit``.

    stack = Stack(named("micropython"), mac=bytes.fromhex("020000000001"), ip=parse_ip("10.0.0.1"),
                  netmask=parse_ip("255.255.255.0"), transmit=link.send)
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.acd import Acd
from netstack.arp import Arp
from netstack.autoip import AutoIp
from netstack.core import MS, Core, splitmix32
from netstack.dhcp import Dhcp
from netstack.dns import Dns
from netstack.errors import ERR_OK
from netstack.ethernet import Ethernet
from netstack.icmp import Icmp
from netstack.igmp import Igmp
from netstack.ipv4 import Ipv4
from netstack.memory import Memory
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.profile import Profile
from netstack.raw import Raw
from netstack.stats import Drop, Stats
from netstack.tcp import Tcp
from netstack.trace import Done, FrameIn, FrameOut, TraceHook
from netstack.udp import Udp

Transmit = Callable[[bytes], int]

PBUF_POOL_EMPTY = Drop(
    "pbuf_pool", "link", ("memerr", "drop"), "the driver had no receive buffer for the frame"
)

_DEFAULT_MTU = 1500


class Stack:
    """One device's TCP/IP stack.

    ``transmit(frame)`` puts a frame on the wire and returns ERR_OK or the err_t of a driver that refuses it.
    ``iss`` draws initial sequence numbers (None: lwIP's own, 6510 and up); ``rand`` is LWIP_RAND (None: a
    stream derived from ``seed``). ``ephemeral_first`` is the first TCP and UDP port handed out.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        mac: bytes,
        ip: int = 0,
        netmask: int = 0,
        gateway: int = 0,
        mtu: int = _DEFAULT_MTU,
        transmit: Transmit,
        iss: Callable[[], int] | None = None,
        rand: Callable[[], int] | None = None,
        seed: int = 0,
        ephemeral_first: int = 49153,
        clock_start: int = 0,
        trace: TraceHook | None = None,
        up: bool = True,
    ) -> None:
        self.core = core = Core(profile, rand or splitmix32(seed), clock_start)
        self.profile = profile
        self._transmit = transmit
        self._pbuf_size = profile.align(profile.pbuf_pool_bufsize)
        self.netif = Netif(mac, mtu, ip, netmask, gateway)
        self.ethernet = Ethernet(core, self.netif, self._output)
        self._input = self.ethernet.input
        self.arp = Arp(core, self.netif, self.ethernet)
        self.ipv4 = Ipv4(core, self.netif, self.arp, self.ethernet)
        self.icmp = Icmp(core, self.ipv4)
        self.igmp = Igmp(core, self.netif, self.ipv4)
        self.raw = Raw(core, self.netif, self.ipv4)
        self.udp = Udp(core, self.netif, self.ipv4, self.icmp, ephemeral_first)
        self.tcp = Tcp(core, self.netif, self.ipv4, iss, ephemeral_first)
        self.dns = Dns(core, self.udp)
        self.acd = Acd(core, self.netif, self.arp)
        self.dhcp = Dhcp(core, self.netif, self.udp, self.arp, self.acd)
        self.dhcp.on_dns_server = self.dns.set_server
        self.autoip = AutoIp(core, self.netif, self.ipv4, self.acd)
        if profile.lwip_dhcp_autoip_coop:
            self.dhcp.autoip = self.autoip
        if trace is not None:
            self.trace = trace
        if up:
            self.netif.set_up(True)

    # Entrances

    def receive(self, frame: bytes, now: int) -> None:
        """A frame from the wire: take receive buffers for it (or lose it) and run it through the layers."""
        core = self.core
        if now != core.now:
            core.set_now(now)
        trace = core.trace
        if trace is not None:
            trace(FrameIn(now, frame))
        buffers = 1
        parts = None
        size = len(frame)
        limit = self._pbuf_size
        if size > limit:
            buffers = -(-size // limit)
            parts = [limit] * buffers
            parts[-1] = size - limit * (buffers - 1)
        pool = core.mem.pbuf_pool
        if not pool.take(buffers):
            core.drop(PBUF_POOL_EMPTY)
            self.tcp.receive_pool_empty()
        else:
            self._input(Pbuf(frame, pool, buffers, parts))
        if trace is not None:
            trace(Done(now))

    def run_timers(self, now: int) -> None:
        """Move the clock to ``now`` and run what is due (``sys_check_timeouts``)."""
        core = self.core
        core.set_now(now)
        free_ooseq_at = self.tcp.free_ooseq_at
        if free_ooseq_at is not None and core.ms >= free_ooseq_at:
            self.tcp.free_ooseq()
        core.timers.run(core.ms)

    def next_deadline(self) -> int | None:
        """When ``run_timers`` must be called again, in ns; None when nothing is waited for."""
        core = self.core
        due = core.timers.next_due()
        free_ooseq_at = self.tcp.free_ooseq_at
        if free_ooseq_at is not None and (due is None or free_ooseq_at < due):
            due = free_ooseq_at
        return None if due is None else due * MS

    def no_deadline_before(self) -> int:
        """A time, in ns, before which ``next_deadline`` cannot be; cheaper to ask."""
        if self.tcp.free_ooseq_at is not None:
            return 0
        return self.core.timers.earliest * MS

    # What an owner looks at

    @property
    def now(self) -> int:
        """ns since the stack started."""
        return self.core.now

    @property
    def stats(self) -> Stats:
        """Counters and drop reasons."""
        return self.core.stats

    @property
    def mem(self) -> Memory:
        """Heap and pools."""
        return self.core.mem

    @property
    def trace(self) -> TraceHook | None:
        """The trace hook, or None. A new one is told of the connections that there are."""
        return self.core.trace

    @trace.setter
    def trace(self, hook: TraceHook | None) -> None:
        self.core.set_trace(hook)
        if hook is not None:
            self.tcp.introduce()

    def _output(self, frame: bytes) -> int:
        err = self._transmit(frame)
        core = self.core
        if core.trace is not None:
            core.trace(FrameOut(core.now, frame, err))
        if err == ERR_OK:
            core.stats.link.xmit += 1
        return err
