"""The constants of MicroPython's ``socket`` module on lwIP boards.

Levels are ignored there and options are told apart by their number alone, so the numbers are lwIP's own
flags.

Source: micropython/micropython:extmod/modlwip.c; IPPROTO_UDP is the esp32 port's.
"""

from __future__ import annotations

AF_INET = 2
AF_INET6 = 10

SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3

SOL_SOCKET = 1
SO_REUSEADDR = 0x04
SO_BROADCAST = 0x20

IPPROTO_IP = 0
IPPROTO_TCP = 6
IPPROTO_UDP = 17
IP_ADD_MEMBERSHIP = 0x400
IP_DROP_MEMBERSHIP = 0x401

TCP_NODELAY = 0x40

MSG_PEEK = 0x01
MSG_DONTWAIT = 0x02
