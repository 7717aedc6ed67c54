"""Several observers of one device, which has one trace hook: none costs nothing, one is that hook."""

from __future__ import annotations

from netstack.trace import Event, TraceHook
from usocket import Device


class Hooks:
    """The trace hooks of an open device, those that it had already included."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._hooks: tuple[TraceHook, ...] = () if device.trace is None else (device.trace,)

    def add(self, hook: TraceHook) -> None:
        """Have ``hook`` told from now on; it hears of the connections that there are."""
        self._set((*self._hooks, hook))

    def remove(self, hook: TraceHook) -> None:
        """Have it told no more."""
        self._set(tuple(one for one in self._hooks if one is not hook))

    def _set(self, hooks: tuple[TraceHook, ...]) -> None:
        device = self._device
        with device.host.lock:
            self._hooks = hooks
            device.trace = None if not hooks else hooks[0] if len(hooks) == 1 else self._tell
            device.stack.trace = device.trace

    def _tell(self, event: Event) -> None:
        for hook in self._hooks:
            hook(event)
