"""The ``socket`` module as programs see it, and its functions that are left from its days as ``lwip``:
``print_pcbs``, ``callback``, ``reset``.

Source: micropython/micropython:extmod/modlwip.c.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from netstack.address import format_ip
from netstack.tcp.states import STATE_NAMES
from usocket import constants
from usocket.addrinfo import getaddrinfo
from usocket.current import current_device
from usocket.socket import socket

if TYPE_CHECKING:
    from usocket.modules import Modules


def for_script(modules: Modules) -> dict[str, Any]:
    """The contents of ``socket``, as the device's port has it."""
    return contents_for_port()


def contents_for_port() -> dict[str, Any]:
    """The contents of ``socket`` on the current device; with modlwip its name is ``lwip``."""
    if current_device().port.api == "esp32":
        from usocket.esp32 import contents

        return contents()
    numbers = {name: value for name, value in vars(constants).items() if name.isupper()}
    functions = {"callback": callback, "getaddrinfo": getaddrinfo, "print_pcbs": print_pcbs, "reset": reset}
    return {"__name__": "lwip", "socket": socket} | functions | numbers


def print_pcbs() -> None:
    """Print the device's TCP control blocks (boards print nothing unless lwIP was built to debug)."""
    device = current_device()
    with device.host.lock:
        tcp = device.stack.tcp
        for pcb in (*tcp.active_pcbs, *tcp.tw_pcbs, *tcp.bound_pcbs):
            local = f"{format_ip(pcb.local_ip)}:{pcb.local_port}"
            remote = f"{format_ip(pcb.remote_ip)}:{pcb.remote_port}"
            sys.stdout.write(f"{local} {remote} {STATE_NAMES[pcb.state]}\n")
        for listener in tcp.listen_pcbs:
            sys.stdout.write(f"{format_ip(listener.local_ip)}:{listener.local_port} - LISTEN\n")


def callback() -> None:
    """Have the device look at its link and its timers once."""
    device = current_device()
    device.attempt(lambda: False, 0, "callback")


def reset() -> None:
    """Nothing: on boards the stack is initialised anew, which loses every socket. There since the days of
    SLIP.
    """
