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

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

from netstack.address import format_ip, parse_ip, parse_mac, prefix_to_mask
from netstack.api.common import EventHook
from netstack.profile import Profile
from netstack.profiles import named
from netstack.stack import Stack
from tap.clock import MS, SECOND, Clock, RealClock
from tap.devicefault.faults import DeviceFaults
from tap.host import Host, Outlet
from tap.link import Link
from tap.tun import TapLink
from usocket.calls import Calls
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
PWRON_RESET, SOFT_RESET = 1, 5  # as machine.reset_cause() tells


class Device(Calls):
    """An emulated device. ``faults`` are those inside it: ``device.faults.add("cpu frame=50us")``.

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
        super().__init__(clock if clock is not None else RealClock(), Oddities(on_oddity), gc == "manual")
        self.profile = named(profile) if isinstance(profile, str) else profile
        self.port = port_of(self.profile) if port is None else port
        self.ip, self._prefix = parse_interface(address)
        self._linux = parse_ip(linux) if linux is not None else _first_other(self.ip, self._prefix)
        self._gateway = parse_ip(gateway) if gateway is not None else None
        self.mac = parse_mac(mac) if mac is not None else b"\x02\x00" + self.ip.to_bytes(4, "big")
        self.name = name
        self.is_open = False
        self.is_on = False  # has power
        self.on_event = on_event
        self.on_address: Callable[[int], object] | None = None
        self.access_point = access_point
        self.files = FileSystem() if files is None else files
        self.dhcp = dhcp
        self.send_nomem = send_nomem
        self.seed = seed
        self.parts: dict[object, Any] = {}  # of usocket.current.PerDevice
        self.rtc_offset = 0  # ns that the program has set the clock of the day ahead
        self._dns = parse_ip(dns) if dns is not None else 0
        self._given_link, self._tap, self._netns = link, tap, netns
        self.trace, self._service = trace, service
        self.reset_cause = PWRON_RESET
        self.faults = DeviceFaults(self)
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
        self._outlet = Outlet(link)
        self.stack = self._new_stack()
        self.host = Host(self.stack, link, self.clock, self.name, self._outlet)
        self.is_open = self.is_on = True
        with self.host.lock:
            self.faults.opened()
            self._boot()
        if self._service:
            self.host.serve()
        return self

    def _new_stack(self, on: bool = True) -> Stack:
        addressed = on and not self.dhcp
        stack = Stack(
            self.profile,
            mac=self.mac,
            ip=self.ip if addressed else 0,
            netmask=self.netmask if addressed else 0,
            gateway=self.gateway if addressed else 0,
            mtu=self.link.mtu,
            transmit=self._outlet.transmit,
            seed=self.seed,
            trace=self.trace,
            up=on,
        )
        stack.dhcp.on_address.append(self._address_changed)
        return stack

    def _boot(self) -> None:
        """What the firmware does before the program starts. Called with the lock."""
        stack = self.stack
        stack.dns.set_server(0, self._dns)
        stack.dhcp.hostname = self.port.hostname
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
            self.power_off()
            self.power_on()

    def power_off(self, again_at: int | None = None) -> None:
        """Cut its power: it hears and says nothing any more, and its program is gone. ``again_at`` (the
        network's time): programs of a network begin anew then.
        """
        with self.host.lock:
            self.stack.netif.set_up(False)  # nothing of what was goes out any more
            self._forget_sockets()
            self._end_program(again_at)
            self.parts.clear()
            self.is_on = False
            self._start(self._new_stack(on=False))

    def power_on(self, cause: int = PWRON_RESET) -> None:
        """Switch it on again; ``cause`` is what ``machine.reset_cause()`` says."""
        with self.host.lock:
            self.reset_cause = cause
            self.is_on = True
            self._start(self._new_stack())
            self._boot()

    def _start(self, stack: Stack) -> None:
        self.stack = stack
        self.host.reboot(stack)
        self.faults.booted()

    def soft_reset(self) -> None:
        """End the program: its sockets are closed, the stack goes on (a connection in TIME_WAIT stays)."""
        with self.host.lock:
            self._end_program()
            self._close_sockets(leaving=False)
            self.reset_cause = SOFT_RESET

    def wait_for_address(self, seconds: float) -> bool:
        """Let up to ``seconds`` pass until the interface has an address (of DHCP): whether it has."""
        deadline = self.clock.now() + round(seconds * SECOND)
        return self.host.wait(lambda: self.stack.netif.ip, deadline, "waiting for an address")

    def close(self) -> None:
        """Close its sockets, let what is on its way get out (up to 250 ms), and unplug it."""
        try:
            with self.host.lock:
                self.faults.closed()
                self.is_open = False
                self._close_sockets(leaving=True)
            self.host.wait(self._all_sent, self.clock.now() + LINGER, "closing")
        finally:
            self.host.close()
            self.clock = self.host.network_clock

    def _all_sent(self) -> bool:
        """Whatever waits for a neighbour's address, a window or an acknowledgement holds heap."""
        return self.stack.mem.heap.used == 0

    def __enter__(self) -> Device:
        self.open()
        self._enrol()
        self._tokens.append(current.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        current.reset(self._tokens.pop())
        self.close()

    @contextmanager
    def use(self) -> Iterator[Device]:
        """Make an open device the current one, in this thread, for a ``with`` block."""
        self._enrol()
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

    def _enrol(self) -> None:
        """A program of a network is on the first device that it uses: it waits until that is on, and ends
        when that is reset.
        """
        if self.is_open and current.get(None) is None and self.host.enrol() and not self.is_on:
            self.host.wait(lambda: self.is_on, None, "being switched on")

    # Errors

    def error(self, number: int) -> MicroPythonError:
        """The OSError for one of the constants of ``usocket.errno``, with this port's number."""
        numbers = self.port.errno
        return MicroPythonError(numbers[number], numbers.errorcode)

    def error_of(self, err: int) -> MicroPythonError:
        """The OSError for an err_t of lwIP."""
        return self.error(errno_of(err))


def parse_interface(text: str) -> tuple[int, int]:
    """``192.168.7.2/24`` to (address, prefix length). Raises ValueError with the offending text."""
    address, slash, prefix = text.partition("/")
    if not slash or not prefix.isdecimal() or int(prefix) > 30:
        raise ValueError(f"bad address {text!r} for a device: give it as 192.168.7.2/24")
    return parse_ip(address), int(prefix)


def _first_other(ip: int, prefix: int) -> int:
    first = (ip & prefix_to_mask(prefix)) + 1
    return first if first != ip else first + 1
