"""A real TAP: the Linux kernel at the other end of the cable.

python-pytun makes (or attaches to) the interface and sets it up; it is imported here only, and only when a
TAP is opened. Frames then go through os.read and os.write on a duplicate of its descriptor, which is as quick
and closes on exec. A TAP in a network namespace is opened by a child process there (``python -m tap.tun``),
which passes the descriptor back: the frames of a TAP can be read anywhere.

Source: the kernel's Documentation/networking/tuntap.rst, netdevice(7).
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import ipaddress
import json
import os
import re
import socket
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass
from errno import EBADFD, EBUSY, EINVAL, EIO, ENODEV, ENOENT, ENXIO, EPERM
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap.link import TapError, foreign_package
from tap.netns import Namespace, answer_or_raise, python_module

if TYPE_CHECKING:
    import pytun

DEVICE = "/dev/net/tun"
TUNSETCARRIER = 0x400454E2  # _IOW('T', 226, int), Linux 5.0 and newer
SIOCGIFFLAGS = 0x8913
IFF_UP = 1
ETHERNET = 14 + 4  # header and one VLAN tag
MTU_RANGE = range(68, 65521 + 1)  # ETH_MIN_MTU, and 65535 less the Ethernet header
MAC = re.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the Linux side of a TAP is to be. None leaves a value as the kernel has it."""

    name: str = ""  # up to 15 characters; "" and names with %d let the kernel choose
    address: str | None = None  # IPv4, with the length of the prefix: "192.168.7.1/24"
    mac: str | None = None  # "02:00:00:00:00:01"
    mtu: int | None = None
    ipv6: bool = False  # False: the kernel sends no IPv6 of its own on a TAP that is made here

    def check(self) -> None:
        """Raise TapError for what the kernel would refuse without saying why."""
        if len(self.name.encode()) > 15:
            problem = f"TAP name {self.name!r} is longer than 15 characters"
            raise TapError(f"{problem}: choose a shorter one", EINVAL)
        if self.name in (".", "..") or re.search(r"[\s/:]|%(?!d)|%.*%", self.name):
            problem = f"TAP name {self.name!r} cannot be used"
            raise TapError(f"{problem}: choose one without spaces and the characters / : %", EINVAL)
        if self.address is not None and not _is_interface_address(self.address):
            raise TapError(f"bad address {self.address!r} for the TAP: give it as 192.168.7.1/24", EINVAL)
        if self.mac is not None and not (MAC.fullmatch(self.mac) and _mac_bytes(self.mac)[0] & 1 == 0):
            problem = f"bad MAC address {self.mac!r} for the TAP"
            raise TapError(f"{problem}: give it as 02:00:00:00:00:01, the first byte even", EINVAL)
        if self.mtu is not None and self.mtu not in MTU_RANGE:
            problem = f"bad MTU {self.mtu} for the TAP"
            raise TapError(f"{problem}: give {MTU_RANGE.start} to {MTU_RANGE.stop - 1}", EINVAL)


def _is_interface_address(text: str) -> bool:
    try:
        ipaddress.IPv4Interface(text)
    except ValueError:
        return False
    return "/" in text


def _mac_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


class TapLink:
    """A TAP as a link.

    ``name`` is the interface's, ``namespace`` where it is (None: this process's), ``dropped`` counts the
    frames that the kernel did not take (interface down, no memory).
    """

    def __init__(self, fd: int, name: str, mtu: int, namespace: Namespace | None = None) -> None:
        self.name = name
        self.mtu = mtu
        self.namespace = namespace
        self.dropped = 0
        self._fd = fd
        self._size = mtu + ETHERNET
        self._owns_namespace = False

    @classmethod
    def open(
        cls,
        name: str = "",
        *,
        address: str | None = None,
        mac: str | None = None,
        mtu: int | None = None,
        ipv6: bool = False,
        netns: Namespace | str | None = None,
    ) -> TapLink:
        """Make the TAP ``name``, or attach to it when it is there, and set its Linux side up (see Settings).

        ``netns`` is the namespace it is to be in, or how ``Namespace.open`` spells it; one that is opened
        here is closed with the TAP. A TAP that was made here vanishes when it is closed. Raises TapError.
        """
        settings = Settings(name, address, mac, mtu, ipv6)
        settings.check()
        if (place := foreign_package()) is not None:
            mend = "pip uninstall tap.py typed-argument-parser, then install netstack-emulator again"
            raise TapError(f"another package is installed under the name tap ({place}): {mend}")
        if netns is None:
            return cls(*open_tap(settings))
        namespace = Namespace.open(netns) if isinstance(netns, str) else netns
        try:
            link = cls(*_open_inside(namespace, settings), namespace)
        except BaseException:
            if namespace is not netns:
                namespace.close()
            raise
        link._owns_namespace = namespace is not netns
        return link

    def send(self, frame: bytes) -> None:
        try:
            os.write(self._fd, frame)
        except OSError:  # EIO: interface down; EBADFD: interface gone; ENOBUFS, EAGAIN: no memory
            self.dropped += 1

    def receive(self) -> bytes | None:
        """The next frame, or None. Raises TapError when the interface is gone."""
        try:
            return os.read(self._fd, self._size)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno in (EBADFD, EIO):
                raise TapError(f"TAP {self.name} was removed while in use: start anew", error.errno) from None
            raise

    def fileno(self) -> int:
        return self._fd

    def set_carrier(self, plugged: bool) -> None:
        """Pull the cable, or plug it in again, as the Linux side sees it (NO-CARRIER)."""
        fcntl.ioctl(self._fd, TUNSETCARRIER, struct.pack("i", plugged))

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        if self._owns_namespace and self.namespace is not None:
            self._owns_namespace = False
            self.namespace.close()

    def __enter__(self) -> TapLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_tap(settings: Settings) -> tuple[int, str, int]:
    """Make or attach to a TAP in this process's network namespace: (descriptor, name, mtu), or TapError."""
    pytun = load_pytun()
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise _cannot_open(error) from None
    was_there = _exists(settings.name)
    try:
        device = pytun.TunTapDevice(name=settings.name, flags=pytun.IFF_TAP | pytun.IFF_NO_PI)
    except OSError as error:
        raise _refused(settings.name, error) from None
    try:
        fd = os.dup(device.fileno())  # unlike pytun's, a duplicate closes on exec
        try:
            os.set_blocking(fd, False)
            _set_up(device, settings, was_there)
            return fd, device.name, device.mtu
        except BaseException:
            os.close(fd)
            raise
    finally:
        device.close()


def load_pytun() -> Any:
    """The module pytun; TapError when it is missing, does not load or is another distribution's."""
    try:
        module = importlib.import_module("pytun")
    except ModuleNotFoundError:
        raise TapError("python-pytun is not installed: pip install python-pytun") from None
    except ImportError as error:
        mend = "pip install --force-reinstall python-pytun"
        raise TapError(f"python-pytun does not load ({error}): {mend}") from None
    if not hasattr(module, "TunTapDevice"):
        mend = "pip uninstall pytun, then pip install --force-reinstall python-pytun"
        raise TapError(f"{module.__file__} is not python-pytun: {mend}")
    return module


def _exists(name: str) -> bool:
    try:
        return socket.if_nametoindex(name) > 0
    except OSError:
        return False


def _cannot_open(error: OSError) -> TapError:
    """Why /dev/net/tun cannot be opened."""
    if error.errno in (ENOENT, ENODEV, ENXIO):
        mend = "load the driver with `modprobe tun` (a container needs --device /dev/net/tun)"
    elif isinstance(error, PermissionError):
        mend = f"run as root, or let root run `chmod 0666 {DEVICE}`"
    else:
        mend = "see `netstack doctor`"
    return TapError(f"{DEVICE} cannot be opened ({error.strerror}): {mend}", error.errno)


def _refused(name: str, error: OSError) -> TapError:
    """Why the kernel refused to make or attach (TUNSETIFF)."""
    tap = f"TAP {name}".rstrip()
    known = {
        EBUSY: f"{tap} is in use by another process: end that, or choose another name",
        EPERM: f"no right to make {tap}: run as root, use a namespace of its own (netns new), or have "
        f"root make it for you with `ip tuntap add dev {name or 'tap0'} mode tap user $USER`",
        EINVAL: f"{name} is there and is no TAP: choose another name",
    }
    text = known.get(error.errno or 0, f"{tap} cannot be opened ({error.strerror}): see `ip link`")
    return TapError(text, error.errno)


def _set_up(device: pytun.TunTapDevice, settings: Settings, was_there: bool) -> None:
    """Give the Linux side what it is to have, and set it up; what is as wanted already needs no rights."""
    if not was_there and not settings.ipv6:
        with contextlib.suppress(OSError):  # a read-only /proc, or a kernel without IPv6
            switch = Path(f"/proc/sys/net/ipv6/conf/{device.name}/disable_ipv6")
            switch.write_text("1", encoding="ascii")
    wanted: dict[str, str | int | bytes] = {}
    if settings.mac is not None:
        wanted["hwaddr"] = _mac_bytes(settings.mac)
    if settings.mtu is not None:
        wanted["mtu"] = settings.mtu
    if settings.address is not None:
        address = ipaddress.IPv4Interface(settings.address)
        wanted |= {"addr": str(address.ip), "netmask": str(address.netmask)}
    try:
        for what, value in wanted.items():
            if _current(device, what) != value:
                setattr(device, what, value)
        if not _is_up(device.name):
            device.up()
    except OSError as error:
        problem = f"the Linux side of TAP {device.name} cannot be set up ({error.strerror})"
        raise TapError(f"{problem}: run as root, or have root give it its address", error.errno) from None


def _current(device: pytun.TunTapDevice, what: str) -> object:
    """What an attribute of the Linux side is now; None when it has no value yet."""
    try:
        return getattr(device, what)
    except OSError:
        return None


def _is_up(name: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    (flags,) = struct.unpack_from("16xH", answer)
    return bool(flags & IFF_UP)


def _open_inside(namespace: Namespace, settings: Settings) -> tuple[int, str, int]:
    """As open_tap, in another namespace: a child opens the TAP there and passes its descriptor back."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            argv, environment = python_module("tap.tun", str(theirs.fileno()), json.dumps(asdict(settings)))
            process = namespace.popen(
                argv,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C is for us, not for it
            )
        answer, fds, _, _ = socket.recv_fds(ours, 4096, 1)
        for fd in fds:
            os.set_inheritable(fd, False)
        process.wait()
    opened = answer_or_raise(answer, "the process that opens the TAP")
    return fds[0], opened["name"], opened["mtu"]


def main(control: socket.socket, settings: Settings) -> None:
    """Open a TAP where this process is and pass its descriptor, or an error, to ``control``."""
    try:
        fd, name, mtu = open_tap(settings)
    except TapError as error:
        control.send(json.dumps({"error": str(error), "errno": error.errno}).encode())
        return
    socket.send_fds(control, [json.dumps({"name": name, "mtu": mtu}).encode()], [fd])


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), Settings(**json.loads(sys.argv[2])))
