"""A device that is reset in the middle of its work, and what it remembers of the time before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim

PWRON_RESET, WDT_RESET = 1, 3  # as machine.reset_cause() tells
KEPT = ("port", "isn", "rtc")  # what a device may remember
COLD, WARM = "cold", "warm"


def reboot(
    device: Victim, kept: Sequence[str], cause: int, down: int, again: bool, at: Callable[..., None]
) -> None:
    """Reset ``device``: it is off for ``down`` ns, remembers ``kept``, and its programs begin anew
    (``again``) or are gone. ``at(when, callback)`` calls at a time. Called with the lock.
    """
    memory = _remember(device)
    back = device.host.network_clock.now() + down

    def switch_on() -> None:
        device.power_on(cause)
        _recall(device, {name: memory[name] for name in kept}, forgets_day="rtc" not in kept)

    device.power_off(back if again else None)
    if down:
        at(back, switch_on)
    else:
        switch_on()


def _remember(device: Victim) -> dict[str, tuple[int, ...]]:
    tcp = device.stack.tcp
    return {"port": (tcp.port,), "isn": (tcp.iss, tcp.ticks), "rtc": (device.rtc_offset,)}


def _recall(device: Victim, memory: dict[str, tuple[int, ...]], forgets_day: bool) -> None:
    tcp = device.stack.tcp
    if "port" in memory:
        (tcp.port,) = memory["port"]
    if "isn" in memory:
        tcp.iss, tcp.ticks = memory["isn"]
    if forgets_day:
        device.rtc_offset = 0


class Reboot(DeviceFault):
    """The device is reset: connections are gone without a word, its programs, too; with ``restart`` they
    begin anew (those of a network). It is off for ``down`` ns, and with ``every`` it happens again and again.

    ``mode`` cold: RAM is lost. The next TCP port and the initial sequence numbers are the same as after the
    first boot, which a peer may remember. Warm: RAM survives. ``keep`` says what is remembered: ``port`` (the
    next TCP port), ``isn`` (lwIP's initial sequence number and ticks), ``rtc`` (the day); none of them when
    cold, all when warm, unless it is given.
    """

    def __init__(
        self,
        device: Victim,
        mode: str = COLD,
        keep: Sequence[str] | None = None,
        down: int = 0,
        restart: bool = True,
        every: int | None = None,
        *,
        note: Note | None = None,
        name: str = "reboot",
    ) -> None:
        super().__init__(device, name, note)
        if mode not in (COLD, WARM):
            raise DeviceFaultError(f"there is no reset {mode!r}: take cold or warm")
        for word in keep or ():
            if word not in KEPT:
                raise DeviceFaultError(f"no device remembers {word!r}: keep {', '.join(KEPT)}, or less")
        if every is not None and down >= every:
            raise DeviceFaultError("it is reset before it is on again: give a longer every")
        self._mode, self._down, self._restart, self._every = mode, down, restart, every
        self._keep = (KEPT if mode == WARM else ()) if keep is None else tuple(keep)

    def _begin(self) -> None:
        self._reset()

    def _reset(self) -> None:
        kept = f"keeps {', '.join(self._keep)}" if self._keep else "keeps nothing"
        self.note("reboot", f"{self._mode}, {kept}, off for {self._down} ns")
        now = self.now
        cause = PWRON_RESET if self._mode == COLD else WDT_RESET
        reboot(self.device, self._keep, cause, self._down, self._restart, self._at_any_rate)
        if self._every is not None:
            self.at(now + self._every, self._reset)

    def _at_any_rate(self, when: int, callback: Callable[[], None]) -> None:
        """Also when the fault has been removed: who has switched it off switches it on."""

        def due() -> None:
            if self.device.is_open:
                with self.device.host.lock:
                    callback()

        self.device.host.network_clock.call_at(when, due)
