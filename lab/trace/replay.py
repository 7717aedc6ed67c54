"""A script of the trace language (``.pkt``) as a run: what our stack does in it, recorded."""

from __future__ import annotations

from os import PathLike

from lab.pkt.commands import Unsupported
from lab.pkt.language import parse_file
from lab.pkt.runner import Runner
from lab.pkt.scanner import ScriptError
from lab.pkt.script_options import resolve
from lab.trace.devices import DeviceTap, about_device
from lab.trace.reader import TraceError
from lab.trace.recorder import Recorder
from lab.trace.writer import Sink

DEVICE = "device"


def record_script(path: str | PathLike[str], sink: Sink) -> None:
    """Run the script and record its device. Raises TraceError, OSError."""
    try:
        script = parse_file(str(path))
        options, profile = resolve(script)
        runner = Runner(script, options, profile)
        recorder = Recorder(sink, source="pkt", title=str(path))
        about = about_device(DEVICE, profile, options.local_mac, options.local_ip, 0)
        recorder.add_device(about)
        stack = runner.stack
        stack.trace = DeviceTap(recorder, about, lambda: stack.now, 0)
        runner.run()
    except (ScriptError, Unsupported) as error:
        raise TraceError(str(error)) from None
    recorder.close()
