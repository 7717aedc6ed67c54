"""The ``dhcp`` commands of a script; one that fails leaves a ``dhcp`` probe."""

from __future__ import annotations

from lab.pkt.transcript import Transcript
from netstack.dhcp import Dhcp
from netstack.errors import ERR_OK, err_name


def run_dhcp(dhcp: Dhcp, action: str, transcript: Transcript) -> None:
    """Execute ``start``, ``stop``, ``renew``, ``release`` or ``inform``."""
    calls = {
        "start": dhcp.start,
        "stop": dhcp.stop,
        "renew": dhcp.renew,
        "release": dhcp.release,
        "inform": dhcp.inform,
    }
    err = calls[action]()
    if err not in (None, ERR_OK):
        transcript.probe("dhcp", err=err_name(err))
