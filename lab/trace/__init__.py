"""Traces: what happened in a run, told from inside (docs/trace.md). Recording, writing, reading, loading."""

from lab.trace.load import load_run
from lab.trace.reader import Trace, TraceError, read
from lab.trace.recorder import Recorder
from lab.trace.writer import FileSink, MemorySink

__all__ = ["FileSink", "MemorySink", "Recorder", "Trace", "TraceError", "load_run", "read"]
