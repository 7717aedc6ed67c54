"""A device: one stack on one link, opened with ``with``, that ``usocket`` programs run on.

    with usocket.Device("micropython", address="192.168.7.2/24"):  # a TAP whose Linux side is 192.168.7.1
        server = usocket.socket()
        server.bind(("0.0.0.0", 80))
        server.listen(2)
        connection, peer = server.accept()

Inside, ``usocket.socket()`` is on that device; with several, ``device.socket()``. A device lives while its
program blocks in a call; with ``service=True`` (real time only) a thread keeps it answering while the program
computes, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from netstack.address import format_ip, parse_ip, parse_mac, prefix_to_mask
from netstack.api.common import EventHook
from netstack.api.modlwip import AnySocket
from netstack.profile import Profile
from netstack.profiles import named
from netstack.stack import Stack
from tap.clock import MS, SECOND, Clock, RealClock
from tap.host import Host, transmit_to
from tap.link import Link
from tap.tun import TapLink
from usocket.current import current
from usocket.socket import socket as Socket

if TYPE_CHECKING:
    from netstack.trace import TraceHook
    from tap.netns import Namespace

LINGER = 250 * MS  # what is on its way at the end still gets this long
STEP = 1 * MS  # a wait of ``poll_sockets``
CALL = 50_000  # ns that a call takes in virtual time when it finds nothing: asking in a loop takes time
SCHEDULER_DEPTH = 8  # callbacks that may wait to be run, as on boards (MICROPY_SCHEDULER_DEPTH)

# Sockets that the collector found unclosed, of all devices of a clock. They are closed at the next call or
# wait of any of these, since the collector may come while the stack is at work.
_orphans: WeakKeyDictionary[Clock, deque[tuple[Device, AnySocket]]] = WeakKeyDictionary()


class Device:
    """An emulated device.

    ``profile`` is a Profile or the name of one; ``address`` has its prefix length. ``link`` is any link
    (``tap.link``) with the clock it runs on; without one a TAP is opened: ``tap`` is its name, ``netns`` its
    namespace (``tap.netns``), ``linux`` the address of its Linux side (None: the first of the subnet that is
    not the device's), which is also the default gateway. ``mac`` None derives one from the address. ``trace``
    and ``on_event`` watch stack and sockets.

    ``host``, ``stack``, ``link`` and ``clock`` are there while it is open. ``oddities`` counts what would
    have gone unnoticed, or have crashed a board: name -> how often.
    """

    host: Host
    stack: Stack
    link: Link

    def __init__(
        self,
        profile: Profile | str = "micropython",
        *,
        address: str = "192.168.7.2/24",
        gateway: str | None = None,
        mac: str | None = None,
        link: Link | None = None,
        tap: str = "",
        netns: Namespace | str | None = None,
        linux: str | None = None,
        clock: Clock | None = None,
        name: str = "device",
        seed: int = 0,
        trace: TraceHook | None = None,
        on_event: EventHook | None = None,
        service: bool = False,
    ) -> None:
        self.profile = named(profile) if isinstance(profile, str) else profile
        self.ip, self._prefix = parse_interface(address)
        self._linux = parse_ip(linux) if linux is not None else _first_other(self.ip, self._prefix)
        self._gateway = parse_ip(gateway) if gateway is not None else None
        self.mac = parse_mac(mac) if mac is not None else b"\x02\x00" + self.ip.to_bytes(4, "big")
        self.name = name
        self.is_open = False
        self.clock = clock if clock is not None else RealClock()
        self.on_event = on_event
        self.oddities: dict[str, int] = {}
        self._given_link, self._tap, self._netns = link, tap, netns
        self._seed, self._trace, self._service = seed, trace, service
        self._sockets: dict[AnySocket, None] = {}  # open ones, in the order in which they were made
        self._orphans = _orphans.setdefault(self.clock, deque())
        self._scheduled: deque[Callable[[], object]] = deque()
        self._tokens: list[Any] = []

    # Opening and closing

    def open(self) -> Device:
        """Plug it in and switch it on. ``with`` does that, and makes it the current one. Raises TapError."""
        link, gateway = self._given_link, self._gateway
        if link is None:
            linux = f"{format_ip(self._linux)}/{self._prefix}"
            link = TapLink.open(self._tap, address=linux, netns=self._netns)
            if gateway is None:
                gateway = self._linux
        self.link = link
        self.stack = Stack(
            self.profile,
            mac=self.mac,
            ip=self.ip,
            netmask=prefix_to_mask(self._prefix),
            gateway=gateway or 0,
            mtu=link.mtu,
            transmit=transmit_to(link),
            seed=self._seed,
            trace=self._trace,
        )
        self.host = Host(self.stack, link, self.clock, self.name)
        self.is_open = True
        if self._service:
            self.host.serve()
        return self

    def close(self) -> None:
        """Close its sockets, let what is on its way get out (up to 250 ms), and unplug it."""
        try:
            with self.host.lock:
                self.is_open = False
                for sock in list(self._sockets):
                    sock.close()
                self._sockets.clear()
            self.host.wait(self._all_sent, self.clock.now() + LINGER, "closing")
        finally:
            self.host.close()

    def _all_sent(self) -> bool:
        """Whatever waits for a neighbour's address, a window or an acknowledgement holds heap."""
        return self.stack.mem.heap.used == 0

    def __enter__(self) -> Device:
        self.open()
        self._tokens.append(current.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        current.reset(self._tokens.pop())
        self.close()

    @contextmanager
    def use(self) -> Iterator[Device]:
        """Make an open device the current one, in this thread, for a ``with`` block."""
        token = current.set(self)
        try:
            yield self
        finally:
            current.reset(token)

    # For programs

    def socket(self, *args: Any) -> Socket:
        """A socket on this device: ``usocket.socket(...)`` for programs with several."""
        with self.use():
            return Socket(*args)

    def sleep(self, seconds: float) -> None:
        """Let time pass while the device goes on answering."""
        self.sleep_ns(round(seconds * SECOND))

    def sleep_ns(self, duration: int) -> None:
        """Let ``duration`` ns pass."""
        self.enter()
        self.wait(lambda: False, self.clock.now() + duration, "sleep")

    # For sockets

    def enter(self) -> None:
        """Begin a call: what the collector left behind is closed, callbacks that wait are run."""
        if self._orphans:
            self._reap()
        if self._scheduled:
            self._run_scheduled()

    def wait(self, ready: Callable[[], bool], deadline: int | None, what: str) -> bool:
        """Keep the device going until ``ready()`` or ``deadline`` (clock's ns); callbacks are run meanwhile.

        ``ready`` is called with the device's lock held.
        """
        done = False

        def look() -> bool:
            nonlocal done
            if self._orphans:
                self._reap()
            done = ready()
            return done or bool(self._scheduled)

        while self.host.wait(look, deadline, what):
            self._run_scheduled()
            if done:
                return True
        return False

    def attempt(
        self, operation: Callable[[], bool], timeout: int | None, what: str, *, step: bool = False
    ) -> bool:
        """Try ``operation`` until it is done (True) or ``timeout`` ms are over (None: for ever; 0: one look).

        ``step``: that look takes a millisecond, as MicroPython's ``poll_sockets`` does.
        """
        self.enter()
        with self.host.lock:
            if operation():
                return True
        return self.wait(operation, self.deadline(timeout, step=step), what)

    def deadline(self, timeout: int | None, *, step: bool = False) -> int | None:
        """The clock's time in ``timeout`` ms. Not to wait (0) takes a moment in virtual time."""
        if timeout is None:
            return None
        if timeout:
            return self.clock.now() + timeout * MS
        return self.clock.now() + (STEP if step else CALL if self.clock.virtual else 0)

    def adopt(self, sock: AnySocket) -> None:
        """A socket of the layer has been made."""
        self._sockets[sock] = None

    def release(self, sock: AnySocket) -> None:
        """A socket of the layer has been closed."""
        self._sockets.pop(sock, None)

    def orphan(self, sock: AnySocket) -> None:
        """The program has dropped a socket unclosed: it is closed soon, but not inside the stack."""
        self._orphans.append((self, sock))

    def schedule(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` run in the program, outside the stack; lost when eight wait
        (``mp_sched_schedule``).
        """
        if len(self._scheduled) < SCHEDULER_DEPTH:
            self._scheduled.append(callback)
        else:
            self.note("callback-lost")

    def note(self, oddity: str) -> None:
        """Count something that a board would have hidden or not survived."""
        self.oddities[oddity] = self.oddities.get(oddity, 0) + 1

    def _reap(self) -> None:
        while self._orphans:
            device, sock = self._orphans.popleft()
            with device.host.lock:
                sock.close(forget_single=True)
                device.release(sock)

    def _run_scheduled(self) -> None:
        while self._scheduled:
            self._scheduled.popleft()()


def parse_interface(text: str) -> tuple[int, int]:
    """``192.168.7.2/24`` to (address, prefix length). Raises ValueError with the offending text."""
    address, slash, prefix = text.partition("/")
    if not slash or not prefix.isdecimal() or int(prefix) > 30:
        raise ValueError(f"bad address {text!r} for a device: give it as 192.168.7.2/24")
    return parse_ip(address), int(prefix)


def _first_other(ip: int, prefix: int) -> int:
    first = (ip & prefix_to_mask(prefix)) + 1
    return first if first != ip else first + 1
