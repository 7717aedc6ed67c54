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
ETH_OWN_SOURCE = Drop(
    "eth_own_source", "link", ("drop",), "a frame from our own MAC (quirk own_source_mac_accepted off)"
)
ETH_LONG = Drop(
    "eth_long",
    "link",
    ("lenerr", "drop"),
    "a frame longer than the MTU allows (quirk oversized_frame_accepted off)",
)

_HEADER = Struct("!6s6sH")
_FILTERS = frozenset(
    {
        "destination_mac_ignored",
        "link_broadcast_accepted",
        "own_source_mac_accepted",
        "oversized_frame_accepted",
    }
)


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
    ``to_group``: the frame under way was sent to a group of stations (only known where that matters: quirk
    link_broadcast_accepted off).
    """

    __slots__ = ("_core", "_filters", "_netif", "_quirks", "_transmit", "handlers", "residue", "to_group")

    def __init__(self, core: Core, netif: Netif, transmit: Callable[[bytes], int]) -> None:
        self._core = core
        self._netif = netif
        self._transmit = transmit
        self._quirks = core.profile.quirks
        self._filters = bool(_FILTERS - self._quirks)
        self.to_group = False
        self.handlers: dict[int, Callable[[Pbuf], None]] = {}
        self.residue = bytes(MIN_ARP_FRAME)

    def input(self, p: Pbuf) -> None:
        """Hand a frame to its layer, without the header (``ethernet_input``).

        lwIP: neither the MACs nor the length are looked at (quirks of ``_FILTERS``).
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
        if self._filters:
            reason = self._why_not(frame)
            if reason is not None:
                self._core.drop(reason)
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

    def _why_not(self, frame: bytes) -> Drop | None:
        """Why a frame is refused, without lwIP's quirks; None if it is not."""
        quirks = self._quirks
        mac = self._netif.mac
        group = bool(frame[0] & 1)
        self.to_group = group and "link_broadcast_accepted" not in quirks
        if not group and frame[:6] != mac and "destination_mac_ignored" not in quirks:
            return ETH_NOT_OURS
        if frame[6:12] == mac and "own_source_mac_accepted" not in quirks:
            return ETH_OWN_SOURCE
        mtu = self._netif.mtu
        if mtu and len(frame) > HEADER_LEN + mtu and "oversized_frame_accepted" not in quirks:
            return ETH_LONG
        return None

    def output(self, dst: bytes, ethertype: int, payload: bytes) -> int:
        """Send ``payload`` to the MAC ``dst``; the err of the driver (``ethernet_output``)."""
        return self._transmit(_HEADER.pack(dst, self._netif.mac, ethertype) + payload)
