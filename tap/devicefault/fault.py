"""What all faults inside a device have in common: they begin, end, and say what they do.

A fault works with the device's lock and lasts until it is stopped, also beyond a reset of the device, which
has a new stack then (``_booted``). Times are those of the network's clock, whatever the device's own shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

from tap.clock import Clock

if TYPE_CHECKING:
    from netstack.stack import Stack
    from tap.devicefault.faults import DeviceFaults
    from tap.host import Host

Note = Callable[[str, str], None]  # (action, detail): what a fault did, for the journal


class DeviceFaultError(ValueError):
    """A fault that makes no sense: one line that names it and the mend."""


class Victim(Protocol):
    """What a fault needs to know of a device (``usocket.Device`` is one)."""

    name: str
    host: Host
    stack: Stack
    clock: Clock  # its own
    is_open: bool
    seed: int
    ip: int
    mac: bytes
    rtc_offset: int

    @property
    def faults(self) -> DeviceFaults:
        """Those that it has."""

    @property
    def netmask(self) -> int:
        """The configured netmask."""

    def add_before_calls(self, hold_up: Callable[[], None]) -> None:
        """Have ``hold_up`` called, in the program, at the beginning of its calls."""

    def remove_before_calls(self, hold_up: Callable[[], None]) -> None:
        """Have it called no more."""

    def wait(self, ready: Callable[[], bool], deadline: int | None, what: str) -> bool:
        """Let time pass (called in a program) until ``ready()`` or ``deadline``, its own clock's ns."""

    def clock_changed(self) -> None:
        """Its clock has been set."""

    def power_off(self, again_at: int | None = None) -> None:
        """Cut its power; ``again_at``: its programs begin anew then."""

    def power_on(self, cause: int) -> None:
        """Switch it on again; ``cause`` as ``machine.reset_cause()`` tells."""


class DeviceFault:
    """A fault of ``device``, from ``start`` to ``stop``, or within ``with``.

    ``name`` is what the journal calls it, ``note`` is told what it does, ``counts`` how often it did each
    action. Subclasses have ``_begin`` and ``_end``, called with the lock, and may have ``_booted``.
    """

    def __init__(self, device: Victim, name: str, note: Note | None = None) -> None:
        self.device = device
        self.name = name
        self.running = False
        self.counts: Counter[str] = Counter()
        self.listener = note
        self.on_stop: Callable[[], None] | None = None
        self._runs = 0

    def start(self) -> None:
        """From now on, or from when the device is opened on."""
        if self.running or not self.device.is_open:
            return
        with self.device.host.lock:
            self.running = True
            self._runs += 1
            self._begin()

    def stop(self) -> None:
        """No more; what it holds is given back. Twice is as good as once."""
        if self.running:
            with self.device.host.lock:
                self.running = False
                self._end()
        if self.on_stop is not None:
            self.on_stop()

    def booted(self) -> None:
        """The device has a new stack. Called with the lock."""
        if self.running:
            self._booted()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<{self.name} in {self.device.name}: {'on' if self.running else 'off'}>"

    # For the faults

    def note(self, action: str, detail: str = "") -> None:
        """Say what it does."""
        self.counts[action] += 1
        if self.listener is not None:
            self.listener(action, detail)

    @property
    def now(self) -> int:
        """The network's time."""
        return self.device.host.network_clock.now()

    def at(self, when: int, callback: Callable[[], None]) -> None:
        """Have ``callback`` called, with the lock, at a time of the network's clock, if it still runs."""
        run = self._runs

        def due() -> None:
            if self.running and self._runs == run and self.device.is_open:
                with self.device.host.lock:
                    self.device.host.catch_up()
                    callback()

        self.device.host.network_clock.call_at(when, due)

    def _begin(self) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        """What it holds is given back."""

    def _booted(self) -> None:
        """The device has a new stack."""
