"""A device: one stack on one link, opened with ``with``, that ``usocket`` programs run on.

    with usocket.Device("micropython", address="192.168.7.2/24"):  # a TAP whose Linux side is 192.168.7.1
        server = usocket.socket()
        server.bind(("0.0.0.0", 80))
        server.listen(2)
        connection, peer = server.accept()

Inside, ``usocket.socket()`` is on that device; with several, ``device.socket()``. A device lives while its
program blocks in a call; with ``service=True`` (real time only) a thread keeps it answering while the program
computes, too.

What a program's modules keep is in ``parts`` (``usocket.current.PerDevice``). ``power_cycle`` is the reset
button, ``soft_reset`` what MicroPython does between two programs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from netstack.address import format_ip, parse_ip, parse_mac, prefix_to_mask
from netstack.api.common import EventHook
from netstack.profile import Profile
from netstack.profiles import named
from netstack.stack import Stack
from tap.clock import MS, SECOND, Clock, RealClock
from tap.host import Host, transmit_to
from tap.link import Link
from tap.tun import TapLink
from usocket.current import current
from usocket.errno import MicroPythonError, errno_of
from usocket.files import FileSystem
from usocket.oddities import Oddities, OddityHook
from usocket.port import Port, port_of
from usocket.socket import socket as Socket

if TYPE_CHECKING:
    from netstack.trace import TraceHook
    from tap.netns import Namespace
    from usocket.interface import AccessPoint

LINGER = 250 * MS  # what is on its way at the end still gets this long
Close = Callable[[bool], object]

STEP = 1 * MS  # a wait of ``poll_sockets``
CALL = 50_000  # ns that a call takes in virtual time when it finds nothing: asking in a loop takes time
PWRON_RESET, SOFT_RESET = 1, 5  # as machine.reset_cause() tells
SCHEDULER_DEPTH = 8  # callbacks that may wait to be run, as on boards (MICROPY_SCHEDULER_DEPTH)

# Sockets that the collector found unclosed, of all devices of a clock. They are closed at the next call or
# wait of any of these, since the collector may come while the stack is at work.
_orphans: WeakKeyDictionary[Clock, deque[tuple[Device, object]]] = WeakKeyDictionary()


class Device:
    """An emulated device.

    ``profile`` is a Profile or the name of one; ``address`` has its prefix length. ``link`` is any link
    (``tap.link``) with the clock it runs on; without one a TAP is opened: ``tap`` is its name, ``netns`` its
    namespace (``tap.netns``), ``linux`` the address of its Linux side (None: the first of the subnet that is
    not the device's), which is also the default gateway. ``mac`` None derives one from the address. ``dns``
    is the name server; with ``dhcp`` the device has no address until it has a lease. ``access_point`` is what
    ``network.WLAN`` has to join (None: a cable). ``trace`` and ``on_event`` watch stack and sockets,
    ``on_oddity`` is told what a board would have hidden or not survived.

    ``port`` None follows from the profile (``usocket.port``); ``files`` are what its programs see as files
    (None: this machine's). ``gc="manual"``: a socket that the program dropped unclosed is closed by
    ``gc.collect()``, as on a board, not at once. ``send_nomem`` says what a send without memory does: "board"
    waits up to 10 s, then reports success and loses the data; "eagain" and "enobufs" raise that at once.

    ``on_address`` can be set: it is told each address that DHCP gives, and 0 when DHCP takes it away.

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
        dns: str | None = None,
        dhcp: bool = False,
        access_point: AccessPoint | None = None,
        port: Port | None = None,
        files: FileSystem | None = None,
        gc: Literal["refcount", "manual"] = "refcount",
        send_nomem: Literal["board", "eagain", "enobufs"] = "board",
        name: str = "device",
        seed: int = 0,
        trace: TraceHook | None = None,
        on_event: EventHook | None = None,
        on_oddity: OddityHook | None = None,
        service: bool = False,
    ) -> None:
        self.profile = named(profile) if isinstance(profile, str) else profile
        self.port = port_of(self.profile) if port is None else port
        self.ip, self._prefix = parse_interface(address)
        self._linux = parse_ip(linux) if linux is not None else _first_other(self.ip, self._prefix)
        self._gateway = parse_ip(gateway) if gateway is not None else None
        self.mac = parse_mac(mac) if mac is not None else b"\x02\x00" + self.ip.to_bytes(4, "big")
        self.name = name
        self.is_open = False
        self.clock = clock if clock is not None else RealClock()
        self.on_event = on_event
        self.on_address: Callable[[int], object] | None = None
        self.oddities = Oddities(on_oddity)
        self.access_point = access_point
        self.files = FileSystem() if files is None else files
        self.dhcp = dhcp
        self.send_nomem = send_nomem
        self.seed = seed
        self.parts: dict[object, Any] = {}  # of usocket.current.PerDevice
        self.rtc_offset = 0  # ns that the program has set the clock of the day ahead
        self._dns = parse_ip(dns) if dns is not None else 0
        self._given_link, self._tap, self._netns = link, tap, netns
        self._trace, self._service = trace, service
        self._collects = gc == "manual"
        self._garbage: list[object] = []  # dropped unclosed, with gc="manual"
        self.reset_cause = PWRON_RESET
        self._life = 0  # how often it was reset: threads of an earlier life end
        self._sockets: dict[object, Close] = {}  # open ones, in the order in which they were made
        self._orphans = _orphans.setdefault(self.clock, deque())
        self._scheduled: deque[Callable[[], object]] = deque()
        self._in_callback = False
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
        self._gateway = gateway or 0
        self.link = link
        self.stack = self._new_stack()
        self.host = Host(self.stack, link, self.clock, self.name)
        self.is_open = True
        with self.host.lock:
            self._boot()
        if self._service:
            self.host.serve()
        return self

    def _new_stack(self) -> Stack:
        return Stack(
            self.profile,
            mac=self.mac,
            ip=0 if self.dhcp else self.ip,
            netmask=0 if self.dhcp else self.netmask,
            gateway=0 if self.dhcp else self.gateway,
            mtu=self.link.mtu,
            transmit=transmit_to(self.link),
            seed=self.seed,
            trace=self._trace,
        )

    def _boot(self) -> None:
        """What the firmware does before the program starts. Called with the lock."""
        stack = self.stack
        stack.dns.set_server(0, self._dns)
        stack.dhcp.hostname = self.port.hostname
        stack.dhcp.on_address.append(self._address_changed)
        if self.access_point is not None:  # the program has to join it
            stack.netif.set_up(False)
            stack.netif.set_link(False)
        elif self.dhcp:
            stack.dhcp.start()

    def _address_changed(self, ip: int) -> None:
        if self.on_address is not None:
            self.on_address(ip)

    @property
    def netmask(self) -> int:
        """The configured netmask."""
        return prefix_to_mask(self._prefix)

    @property
    def dns(self) -> int:
        """The configured name server, 0 for none; it can be set."""
        return self._dns

    @dns.setter
    def dns(self, server: int) -> None:
        self._dns = server
        with self.host.lock:
            self.stack.dns.set_server(0, server)

    @property
    def gateway(self) -> int:
        """The configured gateway, 0 for none."""
        return self._gateway or 0

    def power_cycle(self) -> None:
        """Cut its power and switch it on again: connections are gone without a word, the program too."""
        with self.host.lock:
            self._sockets.clear()
            self._garbage.clear()
            self._end_program()
            self.parts.clear()
            self.reset_cause = PWRON_RESET
            self.stack.netif.set_up(False)  # nothing of what was goes out any more
            self.stack = self.host.stack = self._new_stack()
            self.host.boot = self.clock.now()
            self._boot()

    def soft_reset(self) -> None:
        """End the program: its sockets are closed, the stack goes on (a connection in TIME_WAIT stays)."""
        with self.host.lock:
            self._end_program()
            for close in list(self._sockets.values()):
                close(False)
            self._sockets.clear()
            self._garbage.clear()
            self.reset_cause = SOFT_RESET

    def _end_program(self) -> None:
        self._life += 1
        self._scheduled.clear()

    def wait_for_address(self, seconds: float) -> bool:
        """Let up to ``seconds`` pass until the interface has an address (of DHCP): whether it has."""
        deadline = self.clock.now() + round(seconds * SECOND)
        return self.host.wait(lambda: self.stack.netif.ip, deadline, "waiting for an address")

    def close(self) -> None:
        """Close its sockets, let what is on its way get out (up to 250 ms), and unplug it."""
        try:
            with self.host.lock:
                self.is_open = False
                for close in list(self._sockets.values()):
                    close(True)
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

    def patched(self) -> AbstractContextManager[Device]:
        """Have ``socket`` of CPython programs be this device's for a ``with`` block (``usocket.patch``)."""
        from usocket.patch import patch

        return patch(self)

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

    def wait(self, ready: Callable[[], bool], deadline: int | None, what: str, tried: bool = False) -> bool:
        """Keep the device going until ``ready()`` or ``deadline`` (clock's ns); callbacks are run meanwhile.

        ``ready`` is called with the device's lock held; ``tried``: it was false a moment ago.
        """
        done = False
        life = self._life

        def look() -> bool:
            nonlocal done
            if self._orphans:
                self._reap()
            if self._life != life:
                raise SystemExit  # a thread of a program that is no more
            done = ready()
            return done or (bool(self._scheduled) and not self._in_callback)

        tried = tried and not self._scheduled
        while self.host.wait(look, deadline, what, tried):
            tried = False
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
        return self.wait(operation, self.deadline(timeout, step=step), what, tried=True)

    def deadline(self, timeout: int | None, *, step: bool = False) -> int | None:
        """The clock's time in ``timeout`` ms. Not to wait (0) takes a moment in virtual time."""
        if timeout is None:
            return None
        if timeout:
            return self.clock.now() + timeout * MS
        return self.clock.now() + (STEP if step else CALL if self.clock.virtual else 0)

    def adopt(self, sock: object, close: Close) -> None:
        """A socket of the layer has been made; ``close(leaving)`` closes it, ``leaving`` with the device."""
        self._sockets[sock] = close

    def release(self, sock: object) -> None:
        """A socket of the layer has been closed."""
        self._sockets.pop(sock, None)

    def orphan(self, sock: object) -> None:
        """The program has dropped a socket unclosed: it is closed soon, but not inside the stack."""
        if sock not in self._sockets:
            return  # of a life that a reset has ended
        if self._collects:
            self._garbage.append(sock)
        else:
            self._orphans.append((self, sock))

    def collect(self) -> None:
        """``gc.collect()``: sockets that the program dropped are closed."""
        while self._garbage:
            self._orphans.append((self, self._garbage.pop(0)))
        self.enter()

    @property
    def has_room_to_schedule(self) -> bool:
        """Whether one callback more would not be lost."""
        return len(self._scheduled) < SCHEDULER_DEPTH

    def schedule(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` run in the program, not in the stack; lost when 8 wait (mp_sched_schedule)."""
        if self.has_room_to_schedule:
            self._scheduled.append(callback)
        else:
            self.note("callback-lost")

    def call_at(self, when: int, callback: Callable[[], object]) -> None:
        """Have ``callback`` run, with the lock, once ``when`` (clock's ns) has come, unless power is cut."""
        stack = self.stack

        def due() -> None:
            if self.is_open and self.stack is stack:
                with self.host.lock:
                    self.host.catch_up()
                    callback()

        with self.host.lock:
            self.clock.call_at(when, due)

    @property
    def life(self) -> int:
        """How often it was reset."""
        return self._life

    def error(self, number: int) -> MicroPythonError:
        """The OSError for one of the constants of ``usocket.errno``, with this port's number."""
        numbers = self.port.errno
        return MicroPythonError(numbers[number], numbers.errorcode)

    def error_of(self, err: int) -> MicroPythonError:
        """The OSError for an err_t of lwIP."""
        return self.error(errno_of(err))

    def note(self, oddity: str) -> str:
        """Count something that a board would have hidden or not survived (``usocket.oddities``); what."""
        return self.oddities.note(oddity)

    def _reap(self) -> None:
        while self._orphans:
            device, sock = self._orphans.popleft()
            with device.host.lock:
                close = device._sockets.pop(sock, None)
                if close is not None:
                    close(False)

    def _run_scheduled(self) -> None:
        while self._scheduled and not self._in_callback:  # one does not interrupt another (mp_sched_lock)
            self._in_callback = True
            try:
                self._scheduled.popleft()()
            finally:
                self._in_callback = False


def parse_interface(text: str) -> tuple[int, int]:
    """``192.168.7.2/24`` to (address, prefix length). Raises ValueError with the offending text."""
    address, slash, prefix = text.partition("/")
    if not slash or not prefix.isdecimal() or int(prefix) > 30:
        raise ValueError(f"bad address {text!r} for a device: give it as 192.168.7.2/24")
    return parse_ip(address), int(prefix)


def _first_other(ip: int, prefix: int) -> int:
    first = (ip & prefix_to_mask(prefix)) + 1
    return first if first != ip else first + 1
