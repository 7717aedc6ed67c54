"""The faults inside a device by name, made from texts: what scenario files and ``device.faults.add`` name.

    pool-fail pool=TCP_SEG nth=17
    cpu frame=50us byte=10ns
    reboot mode=cold keep=port,isn down=1.5s

``docs/device-faults.md`` is generated from this table. Each mistake is one line that names fault, parameter
and mend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import cast

from tap.devicefault.app import AppStall
from tap.devicefault.arp import ArpFlush
from tap.devicefault.clocks import ClockFault, ClockStep, TickWrap
from tap.devicefault.cpu import Cpu, CpuStall
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.devicefault.leak import Leak
from tap.devicefault.lease import DhcpLeaseLost
from tap.devicefault.pools import HeapFail, PoolCap, PoolFail
from tap.devicefault.reboot import Reboot
from tap.devicefault.ring import RxRing
from tap.devicefault.transmit import TxDouble, TxRefuse
from tap.devicefault.twin import DuplicateIp
from tap.devicefault.values import UNITS, convert
from tap.devicefault.watchdog import Watchdog
from tap.streams import Stream

# Given by who makes the fault, not by a value.
NOT_VALUES = ("device", "stream", "note", "name")


@dataclass(frozen=True)
class Kind:
    """One kind of fault: ``units`` by parameter; what a program ``sees``; an ``example``; where it was met
    (``evidence``, links to reports of users).
    """

    name: str
    build: Callable[..., DeviceFault]
    summary: str
    units: Mapping[str, str]
    sees: str
    example: str
    evidence: tuple[str, ...] = ()

    def parameters(self) -> dict[str, Parameter]:
        """Those that are values, with their defaults."""
        found = signature(self.build).parameters
        return {name: parameter for name, parameter in found.items() if name not in NOT_VALUES}

    @property
    def draws(self) -> bool:
        """Whether it may need random numbers."""
        return "stream" in signature(self.build).parameters


_CHOICE = {"nth": "count", "every": "count", "p": "probability"}
_LIMITED = {**_CHOICE, "times": "count", "persistent": "flag"}

_NO_MEMORY = (
    "`socket()`, `listen()`, `connect()` and `sendto()` fail with ENOMEM (an esp32: ENOBUFS), whichever "
    "needs it. `send` on a stream waits 10 s and then says that all was sent, which is counted in "
    "`device.oddities` (with `send_nomem` of the device: ENOBUFS or EAGAIN at once). A received frame that "
    "finds no buffer is lost and comes again"
)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "pool-fail", PoolFail, "an allocation from a pool or the heap fails",
            {"pool": "pool", **_CHOICE, "below": "size", "times": "count", "persistent": "flag"},
            _NO_MEMORY,
            "pool-fail pool=TCP_SEG nth=17",
            ("micropython/micropython#19704", "ARMmbed/mbed-os#4536", "SuperHouse/esp-open-rtos#437",
             "micropython/micropython#15952", "espressif/esp-idf#9670", "SuperHouse/esp-open-rtos#101"),
        ),
        Kind(
            "heap-fail", HeapFail, "an allocation from the heap fails",
            {**_CHOICE, "below": "size", "times": "count", "persistent": "flag"},
            _NO_MEMORY,
            "heap-fail below=2000",
            ("micropython/micropython#1897", "micropython/micropython#1971", "micropython/micropython#12819"),
        ),
        Kind(
            "pool-cap", PoolCap, "a pool or the heap is smaller than configured",
            {"pool": "pool", "size": "size"},
            _NO_MEMORY,
            "pool-cap pool=PBUF_POOL size=3",
            ("micropython/micropython#15952", "espressif/esp-idf#14611"),
        ),
        Kind(
            "leak", Leak, "memory is taken and never given back",
            {"pool": "pool", "every": "time", "size": "size", "until": "size"},
            "Nothing at first; the device becomes slower, then as with pool-fail",
            "leak pool=HEAP size=100 every=1s until=4000",
            ("micropython/micropython#1897", "micropython/micropython#12819"),
        ),
        Kind(
            "rx-ring", RxRing, "few receive descriptors, and drivers that do not survive an overrun",
            {"size": "count", "stall": "time or forever"},
            "Pauses of retransmission time-outs; with a driver that never recovers ECONNABORTED after "
            "minutes, or `connect` fails with ECONNABORTED after 18 s",
            "rx-ring size=4 stall=2s",
            ("STMicroelectronics/STM32CubeH7#222", "stm32-hotspot/STM32H7-LwIP-Examples#14",
             "zephyrproject-rtos/zephyr#84737"),
        ),
        Kind(
            "tx-refuse", TxRefuse, "the driver does not take frames",
            {**_LIMITED, "lasting": "time", "period": "time", "err": "err"},
            "`sendto` fails with the err's errno (mem: ENOMEM, buf: ENOBUFS, timeout: EAGAIN, if: -1). So "
            "does `send` on a stream, although its data is queued and sent later: who sends it again sends "
            "it twice. A stream that is never sent is given up: ECONNABORTED",
            "tx-refuse p=10% err=buf",
            ("ARMmbed/mbed-os#6262",),
        ),
        Kind(
            "tx-double", TxDouble, "the driver sends frames twice",
            {**_CHOICE, "times": "count"},
            "Of datagrams the peer gets two; of a stream nobody sees anything",
            "tx-double every=3",
            ("ARMmbed/mbed-os#6262",),
        ),
        Kind(
            "cpu", Cpu, "frames cost time",
            {"frame": "time", "byte": "time"},
            "Everything takes longer; with an rx-ring frames are lost",
            "cpu frame=200us byte=20ns",
            ("espressif/arduino-esp32#2968",),
        ),
        Kind(
            "cpu-stall", CpuStall, "the CPU stands still: interrupts are off while flash is erased",
            {"length": "time", "longest": "time", "every": "time"},
            "A pause, in which time-outs are over late",
            "cpu-stall length=20ms longest=400ms every=10s",
            ("espressif/arduino-esp32#2968", "esp8266/Arduino#5381"),
        ),
        Kind(
            "app-stall", AppStall, "the program does not get to the network in time",
            {"pause": "time", **_CHOICE, "busy": "time", "period": "time"},
            "Its own calls take longer; the receive window fills, and the peer's `send` waits: ETIMEDOUT "
            "there",
            "app-stall busy=400ms period=500ms",
            ("espressif/arduino-esp32#2968", "esp8266/Arduino#5381"),
        ),
        Kind(
            "clock", ClockFault, "the clock drifts, or ticks coarsely and unevenly",
            {"drift": "ppm", "tick": "time", "jitter": "time"},
            "ETIMEDOUT comes early or late; sleeps and `ticks_ms` are as wrong",
            "clock drift=300ppm",
            ("espressif/esp-idf#2536",),
        ),
        Kind(
            "clock-step", ClockStep, "the clock is set ahead or back",
            {"by": "signed time", "of": "word"},
            "Ahead: ETIMEDOUT and the end of sleeps at once. Back: everything that waits waits longer. Of "
            "the day: `time.time()` jumps, and certificates of TLS may be valid no more",
            "clock-step by=5s",
            ("espressif/esp-idf#2536",),
        ),
        Kind(
            "tick-wrap", TickWrap, "the 32-bit counter of milliseconds is about to wrap",
            {"before": "time"},
            "`ticks_ms()` begins at 0 again: only `ticks_diff` tells how much time has passed",
            "tick-wrap before=5s",
            ("espressif/esp-idf#2536",),
        ),
        Kind(
            "reboot", Reboot, "a reset in the middle of everything",
            {"mode": "word", "keep": "words", "down": "time", "restart": "flag", "every": "time"},
            "The program is gone, or begins anew. The peer gets ECONNRESET when it sends, or nothing ever: "
            "it waits until its own time-out (ETIMEDOUT) or keep-alive",
            "reboot mode=cold keep=port,isn down=1.5s",
            ("quartiq/stabilizer#289", "Networking-for-Arduino/EthernetENC#56", "tass-belgium/picotcp#26",
             "espressif/esp-idf#8668", "FreeRTOS/FreeRTOS-Plus-TCP#1235"),
        ),
        Kind(
            "watchdog", Watchdog, "a reset when the program does not come by",
            {"timeout": "time", "restart": "flag"},
            "As reboot (warm), also when it only waits in `accept` for too long; `machine.reset_cause()` is "
            "WDT_RESET",
            "watchdog timeout=8s",
            ("esp8266/Arduino#5381",),
        ),
        Kind(
            "duplicate-ip", DuplicateIp, "somebody else has the device's address, too",
            {"mac": "mac", "announce": "flag", "every": "time", "delay": "time"},
            "A peer's `send` ends in ECONNRESET, its `connect`, too; the device itself hears nothing: "
            "ETIMEDOUT",
            "duplicate-ip every=30s",
        ),
        Kind(
            "arp-flush", ArpFlush, "the ARP table is emptied",
            {"every": "time"},
            "A delay; of several datagrams at once only the last ones are sent",
            "arp-flush every=10s",
            ("esp8266/Arduino#3481", "espressif/esp-idf#14611", "ps2homebrew/Open-PS2-Loader#101",
             "UIPEthernet/UIPEthernet#36", "ARMmbed/mbed-os#14370", "ARMmbed/mbed-os#2437",
             "FreeRTOS/FreeRTOS-Plus-TCP#1179"),
        ),
        Kind(
            "dhcp-lease-lost", DhcpLeaseLost, "the DHCP lease ends, or nobody hears of it",
            {"how": "word"},
            "Connections end with ECONNABORTED, and nothing can be sent until there is a lease again "
            "(EHOSTUNREACH). With how=callback `device.on_address` is not called",
            "dhcp-lease-lost how=nak",
            ("espressif/esp-lwip#32", "nodemcu/nodemcu-firmware#2000", "quartiq/smoltcp-nal#8",
             "xoseperez/espurna#1651"),
        ),
    )
}  # fmt: skip


def parse(text: str) -> tuple[str, dict[str, str]]:
    """The kind and the values of ``kind key=value ...``, as texts. Raises DeviceFaultError."""
    kind, *rest = text.split() or [""]
    values: dict[str, str] = {}
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise DeviceFaultError(f"{kind}: {word!r} is no value of a parameter: write it as key=value")
        if key in values:
            raise DeviceFaultError(f"{kind}: {key} is given twice: leave one out")
        values[key] = value
    return kind, values


def make(
    kind: str,
    values: Mapping[str, object],
    *,
    device: Victim,
    stream: Stream | None = None,
    note: Note | None = None,
    name: str | None = None,
) -> DeviceFault:
    """The fault of this kind with these values (texts with units, or numbers where no unit can be meant), not
    started. ``stream`` is what chance draws from; ``note(action, detail)`` is told what the fault does.

    Raises DeviceFaultError.
    """
    found = KINDS.get(kind)
    if found is None:
        raise DeviceFaultError(f"there is no fault {kind!r} in a device: {_instead(kind, KINDS)}")
    parameters = found.parameters()
    given: dict[str, object] = {}
    for key, value in values.items():
        if key not in parameters:
            raise DeviceFaultError(f"{kind} has no {key!r}: {_instead(key, parameters)}")
        try:
            given[key] = convert(found.units[key], value)
        except DeviceFaultError as error:
            raise DeviceFaultError(f"{kind} {key}: {error}") from None
    for key, parameter in parameters.items():
        if key not in given and parameter.default is Parameter.empty:
            raise DeviceFaultError(f"{kind} needs {key}: {UNITS[found.units[key]].example}")
    if found.draws:
        given["stream"] = stream
    try:
        return found.build(device, note=note, name=name or kind, **given)
    except ValueError as error:
        raise DeviceFaultError(f"{kind}: {error}") from None


def check(text: str) -> None:
    """Raise DeviceFaultError unless ``device.faults.add(text)`` can work."""
    kind, values = parse(text)
    make(kind, values, device=_NOWHERE, stream=Stream(0))


_NOWHERE = cast(Victim, None)  # a fault that is only made does not touch its device


def _instead(word: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
