"""The ``dns`` commands of a script: servers and look-ups, and the probes that tell what came of them."""

from __future__ import annotations

from lab.pkt.transcript import Transcript
from netstack.address import format_ip, parse_ip
from netstack.dns import Dns
from netstack.errors import ERR_OK, err_name


def run_dns(dns: Dns, words: list[str], transcript: Transcript) -> None:
    """Execute ``server I IP`` or look the name up; its result, now or later, becomes a ``dns`` probe."""
    match words:
        case ["server", index, ip]:
            dns.set_server(int(index), parse_ip(ip))
        case [name]:
            ip_now, err = dns.gethostbyname(name, lambda *found: _found(transcript, *found))
            if err != ERR_OK:
                transcript.probe("dns", name=name, err=err_name(err))
            elif ip_now is not None:
                transcript.probe("dns", name=name, addr=format_ip(ip_now), cached=1)


def _found(transcript: Transcript, name: str, ip: int | None) -> None:
    transcript.probe("dns", name=name, addr="none" if ip is None else format_ip(ip))
