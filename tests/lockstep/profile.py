"""The profile of Debian's liblwip: the options its headers were compiled with, asked from the library
itself.

Where the oracle replaces a part of the library (oracle/port.c), the profile says what takes its place:
pools with a size of their own, reception in one buffer, no loopback.
"""

from __future__ import annotations

import functools

from netstack.profile import Profile, is_option
from tests.lockstep import oracle
from tests.lockstep.wire import Config

# Ours say more than the library's: malloc never fails, and received frames are one PBUF_RAM (port.c:
# port_input).
_UNLIMITED: dict[str, int | str] = {
    "mem_size": 0x7FFFFFFF,
    "pbuf_pool_size": 0xFFFF,
    "pbuf_pool_bufsize": 0xFFFF,
    "memp_num_arp_queue": 0xFFFF,
    "memp_num_frag_pbuf": 0xFFFF,
}


@functools.cache
def debian() -> Profile:
    """lwIP as Debian builds it. Raises OracleError where the library is missing."""
    given = oracle.options()
    version = given.pop("VERSION")
    settings: dict[str, int | str] = {name: value for name, value in given.items() if is_option(name)}
    return Profile.from_options(
        {**settings, **_UNLIMITED, "lwip_version": version}, "debian-liblwip", check=False
    )


@functools.cache
def profile_of(tcp_pcb: int, tcp_pcb_listen: int, tcp_seg: int, poll_ms: int) -> Profile:
    """The library with the pools and the polling of a conversation."""
    return debian().replace(
        check=False,
        memp_num_tcp_pcb=tcp_pcb,
        memp_num_tcp_pcb_listen=tcp_pcb_listen,
        memp_num_tcp_seg=tcp_seg,
        poll_interval_ms=poll_ms,
    )


def configured(config: Config) -> Profile:
    """The profile for a conversation."""
    return profile_of(config.tcp_pcb, config.tcp_pcb_listen, config.tcp_seg, config.poll_ms)
