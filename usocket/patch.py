"""Programs for CPython on a device: while a ``with`` block lasts, ``socket`` is the device's.

    with usocket.Device(address="192.168.7.2/24") as device, device.patched():
        print(urllib.request.urlopen("http://192.168.7.1:8000/").read())

Whatever uses ``socket``, ``selectors``, ``ssl`` or asyncio reaches the network through the device's stack,
unchanged: http.client, urllib, http.server, requests, httpx, paho-mqtt. It is in force for all threads, and
for names that other modules have imported (``from socket import socket``). Afterwards all is as before; what
was left open is closed.

What cannot work says so at once: IPv6, other families than AF_INET and AF_UNIX, options that lwIP lacks, a
connection's bare descriptor (detach, dup, fromfd). ``localhost`` and 127.0.0.0/8 stay this machine's. A
device in virtual time cannot be waited for by such programs.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from usocket import patch_names
from usocket.current import NoDevice
from usocket.patch_end import unsupported
from usocket.patch_socket import REAL, DeviceSocket, is_descriptor

if TYPE_CHECKING:
    from usocket.device import Device

OUR_PACKAGES = ("netstack", "tap", "usocket", "lab")
BUILT_IN = ("_socket", "posix")  # where the originals are

_turn = threading.Lock()


def _on_device(name: str) -> tuple[Any, Any]:
    """A function of ``socket``: the original, and what asks the device while there is one."""
    original, answer = getattr(socket, name), getattr(patch_names, name)

    @functools.wraps(original)
    def ask(*args: Any, **kwargs: Any) -> Any:
        device = DeviceSocket.device
        return original(*args, **kwargs) if device is None else answer(device, *args, **kwargs)

    return original, ask


_sendfile = os.sendfile


@functools.wraps(_sendfile)
def _guarded_sendfile(out_fd: int, *args: Any, **kwargs: Any) -> int:
    """Who has a device's socket has to send the file's contents himself; asyncio does after this error."""
    if is_descriptor(out_fd):
        raise unsupported("os.sendfile()")
    return _sendfile(out_fd, *args, **kwargs)


_REPLACED: tuple[tuple[Any, Any], ...] = (
    (REAL, DeviceSocket),
    (_sendfile, _guarded_sendfile),
    *map(_on_device, "getaddrinfo gethostbyname gethostbyname_ex gethostbyaddr getnameinfo".split()),
)


@contextmanager
def patch(device: Device) -> Iterator[Device]:
    """Have the sockets of this process be those of ``device`` for a ``with`` block.

    RuntimeError: another device is in force; ValueError: it is in virtual time; NoDevice: it is not open.
    """
    if device.clock.virtual:
        raise ValueError(f"{device.name} is in virtual time, for which programs of CPython do not wait")
    if not device.is_open:
        raise NoDevice(f"{device.name} is closed: open it with `with`")
    from usocket.patch_tls import wrapping

    with _turn:
        if DeviceSocket.device is not None:
            raise RuntimeError(f"the sockets of this process are those of {DeviceSocket.device.name} already")
        DeviceSocket.device = device
    try:
        device.host.serve()  # programs wait in select, poll and epoll, where nobody drives the stack
        with wrapping(), _replaced():
            yield device
    finally:
        DeviceSocket.device = None
        for sock in list(DeviceSocket.sockets):
            sock.drop()
        device.enter()


@contextmanager
def _replaced() -> Iterator[None]:
    ours = {id(replacement): original for original, replacement in _REPLACED}
    meant = {(module, name) for module, name, _ in _names_of(ours)}  # who has ours for reasons of his own
    has_ipv6, socket.has_ipv6 = socket.has_ipv6, False
    _swap({id(original): replacement for original, replacement in _REPLACED})
    try:
        yield
    finally:
        _swap(ours, meant)
        socket.has_ipv6 = has_ipv6


def _swap(values: Mapping[int, Any], spared: Collection[tuple[str, str]] = ()) -> None:
    """Replace what modules have in their names, by identity."""
    for module, name, value in _names_of(values):
        if (module, name) not in spared:
            vars(sys.modules[module])[name] = values[id(value)]


def _names_of(values: Mapping[int, Any]) -> list[tuple[str, str, Any]]:
    """(module, name, value) of all global names of modules that have one of these values, by identity."""
    return [
        (module, name, value)
        for module, loaded in list(sys.modules.items())
        if module not in BUILT_IN and module.partition(".")[0] not in OUR_PACKAGES
        for name, value in list(getattr(loaded, "__dict__", {}).items())
        if id(value) in values
    ]
