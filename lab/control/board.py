"""A device while it runs, with all that can be asked of it or done to it from outside."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from netstack.address import format_ip, format_mac
from tap.splice import SplicedLink
from usocket import Device

if TYPE_CHECKING:
    from lab.control.hooks import Hooks
    from lab.control.injection import Injections


class Board:
    """An open device; ``splice`` is the link that it was made on, ``tap`` the name of its TAP."""

    def __init__(self, device: Device, splice: SplicedLink, tap: str) -> None:
        self.device = device
        self.splice = splice
        self.tap = tap
        splice.device = device

    @cached_property
    def hooks(self) -> Hooks:
        """Who hears what the stack thinks."""
        from lab.control.hooks import Hooks

        return Hooks(self.device)

    @cached_property
    def injections(self) -> Injections:
        """What is done to its frames and in it."""
        from lab.control.injection import Injections

        return Injections(self.device, self.splice)

    def about(self) -> dict[str, object]:
        """What it is called: address, profile, process, TAP."""
        device = self.device
        return {
            "pid": os.getpid(),
            "name": device.name,
            "ip": format_ip(device.stack.netif.ip or device.ip),
            "mac": format_mac(device.mac),
            "profile": device.profile.name,
            "tap": self.tap,
        }
