"""What a link is: the one thing between a stack and whatever carries its frames.

A link carries whole Ethernet frames (no preamble, no FCS) and never blocks. Faults, capture and delay are
links that wrap another link (``LinkWrapper``); the stack's ``transmit`` goes to the outermost one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tap.netns import Namespace


class TapError(OSError):
    """Something outside (a device, a right, a package) is not as needed: one line that ends with the mend."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class Link(Protocol):
    """One end of something that carries Ethernet frames."""

    @property
    def mtu(self) -> int:
        """Largest IP packet in bytes (the frame has 14 more)."""

    def send(self, frame: bytes) -> None:
        """Put a frame on the wire. Never blocks; a frame that cannot be sent is lost, as on a real wire."""

    def receive(self) -> bytes | None:
        """The next frame that has arrived, or None. Never blocks."""

    def fileno(self) -> int | None:
        """A descriptor that is readable when a frame has arrived; None for a link without one."""

    def close(self) -> None:
        """Let go of the link; twice is as good as once."""


class LinkWrapper:
    """A link around another link that passes everything on; subclasses change ``send`` or ``receive``."""

    def __init__(self, inner: Link) -> None:
        self.inner = inner

    @property
    def mtu(self) -> int:
        return self.inner.mtu

    def send(self, frame: bytes) -> None:
        self.inner.send(frame)

    def receive(self) -> bytes | None:
        return self.inner.receive()

    def fileno(self) -> int | None:
        return self.inner.fileno()

    @property
    def namespace(self) -> Namespace | None:
        """The network namespace of a TAP (``tap.tun.TapLink``), wherever in the chain that is."""
        return getattr(self.inner, "namespace", None)

    def notify(self, callback: Callable[[], None]) -> None:
        """Pass it on to a link that tells when a frame has arrived (``tap.cable.Port``)."""
        tell = getattr(self.inner, "notify", None)
        if tell is not None:
            tell(callback)

    def close(self) -> None:
        self.inner.close()


def foreign_package() -> str | None:
    """Where a package ``tap`` that is not this project's was found; None when the right one is there.

    The distributions tap.py and typed-argument-parser install a package of the same name, and pip overwrites
    its ``__init__.py`` silently.
    """
    package = sys.modules["tap"]
    if getattr(package, "__netstack__", False):
        return None
    return str(getattr(package, "__file__", None) or "an unknown place")
