"""Runs recorded for tests: a conversation with one device, a recording of lwIP."""

from __future__ import annotations

from lab.trace import MemorySink, Recorder, Trace
from lab.trace.devices import DeviceTap, about_device
from lab.trace.schema import wrong_event, wrong_header
from netstack.stack import Stack


class Recording:
    """Records a stack from now on."""

    def __init__(self, stack: Stack, name: str = "device") -> None:
        self._sink = MemorySink()
        self._recorder = Recorder(self._sink, source="virtual", title="test")
        about = about_device(name, stack.profile, stack.netif.mac, stack.netif.ip, 0)
        self._recorder.add_device(about)
        stack.trace = DeviceTap(self._recorder, about, lambda: stack.now, 0)

    def trace(self) -> Trace:
        """The end of it; what was recorded fits the schema."""
        self._recorder.close()
        trace = Trace(self._sink.header, self._sink.events)
        assert wrong_header(trace.header) is None
        for ordinal, event in enumerate(trace.events):
            assert wrong_event(event, ordinal) is None, event
        return trace
