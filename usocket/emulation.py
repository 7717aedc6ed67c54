"""A network of ``usocket`` devices: blocking programs and MicroPython scripts, many devices, one clock.

    with usocket.Network(seed=1) as net:
        server = net.device("server", address="10.0.0.1/24")
        client = net.device("client", "micropython-esp32", address="10.0.0.2/24")
        net.cable(server, client, delay=5 * MS)
        net.program(serve, on=server, daemon=True)
        net.script("ask.py", on=client)
        net.run()

Programs are functions that use ``usocket``; in them it is that of their device, and its ``time.sleep`` is the
network's.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from netstack.profile import Profile
from netstack.profiles import named
from tap.network import Network as Base
from tap.program import Program
from usocket.device import Device
from usocket.script import run_script


class Network(Base):
    """A network (``tap.network``) that makes devices and runs scripts."""

    def device(
        self, name: str, profile: Profile | str = "micropython", *, mtu: int = 1500, **options: Any
    ) -> Device:
        """A device; ``options`` are those of ``usocket.Device``: address, gateway, mac, dhcp, ...

        Sockets that a program drops unclosed stay open until ``gc.collect()`` (``gc="manual"``): when CPython
        frees an object differs between its versions, and would show in the frames.
        """
        chosen = named(profile) if isinstance(profile, str) else profile
        return self.add(Device(chosen, **{"gc": "manual", **self.socket(name, mtu), **options}))

    def script(
        self,
        path: str | PathLike[str],
        args: Sequence[str] = (),
        *,
        on: Device | str,
        name: str = "",
        at: int | None = None,
        daemon: bool = False,
        library: Sequence[str | Path] = (),
    ) -> Program:
        """Run the MicroPython script in file ``path``; the program's ``result`` is its exit status."""
        device = self.find(on) if isinstance(on, str) else on
        file = Path(path)
        name = name or f"{file.name} on {device.name}"
        return self.program(
            run_script, device, file, args, library, on=device, name=name, at=at, daemon=daemon
        )
