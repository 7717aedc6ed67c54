"""MicroPython's ``usocket`` on emulated devices.

``with usocket.Device(...):`` opens a device; inside, ``usocket.socket()`` and the other names are
MicroPython's ``socket`` module on it. ``usocket.select``, ``usocket.errno`` and ``usocket.time`` are its
neighbours, ``usocket.script`` runs whole scripts, ``usocket.patch(device)`` puts programs for CPython on a
device. Importing opens nothing and starts nothing.
"""

from usocket.addrinfo import getaddrinfo
from usocket.constants import (
    AF_INET,
    AF_INET6,
    IP_ADD_MEMBERSHIP,
    IP_DROP_MEMBERSHIP,
    IPPROTO_IP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    MSG_DONTWAIT,
    MSG_PEEK,
    SO_BROADCAST,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
)
from usocket.current import NoDevice, current_device
from usocket.device import Device
from usocket.emulation import Network
from usocket.module import callback, print_pcbs, reset
from usocket.patch import patch
from usocket.socket import socket

__all__ = [
    "AF_INET",
    "AF_INET6",
    "IPPROTO_IP",
    "IPPROTO_TCP",
    "IPPROTO_UDP",
    "IP_ADD_MEMBERSHIP",
    "IP_DROP_MEMBERSHIP",
    "MSG_DONTWAIT",
    "MSG_PEEK",
    "SOCK_DGRAM",
    "SOCK_RAW",
    "SOCK_STREAM",
    "SOL_SOCKET",
    "SO_BROADCAST",
    "SO_REUSEADDR",
    "TCP_NODELAY",
    "Device",
    "Network",
    "NoDevice",
    "callback",
    "current_device",
    "getaddrinfo",
    "patch",
    "print_pcbs",
    "reset",
    "socket",
]
