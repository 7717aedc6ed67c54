"""Ethernet II framing: who gets a received frame, and the header of an outgoing one (RFC 894, IEEE 802.3).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                      destination MAC                          |
    +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                               |          source MAC           |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
    |                                                               |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |           EtherType           |          payload ...
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

No FCS and no padding to 60 bytes: on a device the controller adds both, on a TAP nobody does.
Source: lwIP ``ethernet.c``.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from netstack.core import Core
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.stats import Drop

HEADER_LEN = 14
TYPE_IPV4 = 0x0800
TYPE_ARP = 0x0806
MIN_ARP_FRAME = HEADER_LEN + 28

ETH_SHORT = Drop(
    "eth_short", "etharp", ("proterr", "drop"), "a frame with nothing behind the Ethernet header"
)
ETH_TYPE = Drop("eth_type", "etharp", ("proterr", "drop"), "no layer handles this EtherType")
ETH_NOT_OURS = Drop(
    "eth_not_ours", "link", ("drop",), "a frame to another station's MAC (quirk destination_mac_ignored off)"
)

_HEADER = Struct("!6s6sH")


class EthernetHeader:
    """The three fields of the header; MACs are six bytes."""

    __slots__ = ("dst", "ethertype", "src")

    def __init__(self, dst: bytes, src: bytes, ethertype: int) -> None:
        self.dst = dst
        self.src = src
        self.ethertype = ethertype


def parse(frame: bytes) -> EthernetHeader | None:
    """The header of a frame; None when the frame ends before it does."""
    return EthernetHeader(*_HEADER.unpack_from(frame)) if len(frame) >= HEADER_LEN else None


def emit(header: EthernetHeader) -> bytes:
    """The header as 14 bytes."""
    return _HEADER.pack(header.dst, header.src, header.ethertype)


class Ethernet:
    """The link layer of one interface. Layers above register in ``handlers`` by EtherType and own the Pbuf.

    ``residue`` is what the receive buffer last held: lwIP reads it behind ARP packets that are too short.
    """

    __slots__ = ("_core", "_filter", "_netif", "_transmit", "handlers", "residue")

    def __init__(self, core: Core, netif: Netif, transmit: Callable[[bytes], int]) -> None:
        self._core = core
        self._netif = netif
        self._transmit = transmit
        self._filter = "destination_mac_ignored" not in core.profile.quirks
        self.handlers: dict[int, Callable[[Pbuf], None]] = {}
        self.residue = bytes(MIN_ARP_FRAME)

    def input(self, p: Pbuf) -> None:
        """Hand a frame to its layer, without the header (``ethernet_input``).

        lwIP: the destination MAC is not looked at (quirk destination_mac_ignored).
        """
        frame = p.data
        size = len(frame)
        if size >= MIN_ARP_FRAME:
            self.residue = frame
        else:
            self.residue = frame + self.residue[size:]
            if size <= HEADER_LEN:
                self._core.drop(ETH_SHORT)
                p.free()
                return
        if self._filter and not frame[0] & 1 and frame[:6] != self._netif.mac:
            self._core.drop(ETH_NOT_OURS)
            p.free()
            return
        handler = self.handlers.get(frame[12] << 8 | frame[13])
        if handler is None:
            self._core.drop(ETH_TYPE)
            p.free()
            return
        if p.parts is None:
            p.data = frame[HEADER_LEN:]
        else:
            p.strip(HEADER_LEN)
        handler(p)

    def output(self, dst: bytes, ethertype: int, payload: bytes) -> int:
        """Send ``payload`` to the MAC ``dst``; the err of the driver (``ethernet_output``)."""
        return self._transmit(dst + self._netif.mac + ethertype.to_bytes(2, "big") + payload)
