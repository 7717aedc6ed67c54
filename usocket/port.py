"""The ports of MicroPython: what a program sees of the board beside its lwIP options.

A device's port follows from the name of its profile (``micropython-esp32``: ``ESP32``) and can be given to
``Device``. It decides between the two socket modules: ``modlwip`` is ``extmod/modlwip.c``, ``esp32`` the
esp32 port's own, on lwIP's sockets. Profiles that are no board's run as ``RP2``.

Sources: micropython/micropython:ports/*/mpconfigport.h, ports/*/boards.
"""

from __future__ import annotations

from dataclasses import dataclass

from netstack.profile import Profile
from usocket.errno import LINUX, NEWLIB, Numbers

EPOCH_1970 = 0
EPOCH_2000 = 946_684_800  # s from 1970 to 2000


@dataclass(frozen=True, slots=True)
class Port:
    """``platform`` is ``sys.platform``, ``machine`` what ``os.uname`` says; ``api`` the socket module.

    ``epoch`` is where ``time`` counts from (s since 1970), ``frequency`` the CPU's in Hz, ``ram`` the bytes
    of the Python heap. ``threads``: has ``_thread``.
    """

    platform: str
    machine: str
    api: str = "modlwip"
    errno: Numbers = LINUX
    epoch: int = EPOCH_1970
    frequency: int = 125_000_000
    ram: int = 192 * 1024
    threads: bool = False

    @property
    def hostname(self) -> str:
        """What the device is called unless the program says otherwise."""
        return f"mpy-{self.platform}"


RP2 = Port("rp2", "Raspberry Pi Pico W with RP2040", threads=True)
STM32 = Port("pyboard", "NUCLEO_F767ZI with STM32F767", epoch=EPOCH_2000, frequency=216_000_000)
MIMXRT = Port("mimxrt", "Teensy 4.1 with MIMXRT1062DVJ6A", errno=NEWLIB, frequency=600_000_000)
RENESAS_RA = Port("renesas-ra", "Portenta C33 with RA6M5", frequency=200_000_000)
STM32_N6 = Port("pyboard", "NUCLEO_N657X0 with STM32N657X0", epoch=EPOCH_2000, frequency=800_000_000)
ESP32 = Port(
    "esp32",
    "Generic ESP32 module with ESP32",
    api="esp32",
    errno=NEWLIB,
    epoch=EPOCH_2000,
    frequency=160_000_000,
    ram=160 * 1024,
    threads=True,
)

_OF_PROFILE = {
    "micropython-stm32": STM32,
    "micropython-mimxrt": MIMXRT,
    "micropython-renesas-ra": RENESAS_RA,
    "micropython-stm32-n6": STM32_N6,
    "micropython-esp32": ESP32,
    "esp32-idf": ESP32,
}


def port_of(profile: Profile) -> Port:
    """The port of a board's profile; RP2 for any other."""
    return _OF_PROFILE.get(profile.name, RP2)
