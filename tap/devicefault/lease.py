"""A DHCP lease that is lost, or whose news does not get to the program."""

from __future__ import annotations

from collections.abc import Callable

from netstack import dhcp_message as wire
from netstack import ip_header, udp
from netstack.address import format_ip
from netstack.dhcp import BOUND, REBINDING, RENEWING
from netstack.dhcp_output import CLIENT_PORT, SERVER_PORT
from netstack.ethernet import TYPE_IPV4
from netstack.stack import Stack
from tap.devicefault.controller import controller_of
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim

EXPIRED, NAK, CALLBACK = "expired", "nak", "callback"
_BROADCAST = 0xFFFFFFFF
_SERVER_MAC = bytes.fromhex("020000000043")


class DhcpLeaseLost(DeviceFault):
    """The device's lease is lost, once: ``expired``, nobody has renewed it in time (lwIP gives the address up
    and looks for a server again); ``nak``, it asks for more time and a server says no. Or (``callback``) as
    long as the fault lasts nobody on the device is told when DHCP gives an address or takes it away.

    With the address go the connections from it. Without a lease nothing happens.
    """

    def __init__(
        self, device: Victim, how: str = EXPIRED, *, note: Note | None = None, name: str = "dhcp-lease-lost"
    ) -> None:
        super().__init__(device, name, note)
        if how not in (EXPIRED, NAK, CALLBACK):
            raise DeviceFaultError(f"a lease is not lost by {how!r}: take {EXPIRED}, {NAK} or {CALLBACK}")
        self._how = how
        self._deaf: list[Callable[[int], None]] = []  # who is not told

    def _begin(self) -> None:
        dhcp = self.device.stack.dhcp
        if self._how == CALLBACK:
            self._take_ears()
        elif dhcp.state not in (BOUND, RENEWING, REBINDING):
            self.note("none", "there is no lease to lose")
        elif self._how == EXPIRED:
            self.note("expire", f"{format_ip(dhcp.lease.address)} is given up")
            dhcp.stop()
            dhcp.start()
        else:
            dhcp.renew()
            self.note("nak", f"for {format_ip(dhcp.lease.address)}")
            controller_of(self.device).inject(nak(self.device.stack))

    def _end(self) -> None:
        if self._how == CALLBACK:
            self.device.stack.dhcp.on_address[:] = self._deaf

    def _booted(self) -> None:
        if self._how == CALLBACK:
            self._take_ears()

    def _take_ears(self) -> None:
        """Let nobody be told but the journal."""
        listeners = self.device.stack.dhcp.on_address
        self._deaf = list(listeners)
        listeners[:] = [self._told]

    def _told(self, ip: int) -> None:
        self.note("lose", f"that the address is {format_ip(ip)} now")


def nak(stack: Stack) -> bytes:
    """The frame of a DHCPNAK to the client's latest question (RFC 2131 4.3.2)."""
    dhcp = stack.dhcp
    options = {wire.MESSAGE_TYPE: bytes((wire.NAK,)), wire.SERVER_ID: dhcp.lease.server.to_bytes(4, "big")}
    payload = wire.emit(wire.DhcpMessage(wire.BOOTREPLY, dhcp.xid, stack.netif.mac, options))
    size = udp.HEADER_LEN + len(payload)
    datagram = udp.emit(udp.UdpHeader(SERVER_PORT, CLIENT_PORT, size, 0)) + payload  # 0: no checksum
    header = ip_header.build(
        0, ip_header.HEADER_LEN + size, 0, 0, 64, ip_header.PROTO_UDP, dhcp.lease.server, _BROADCAST
    )
    return stack.netif.mac + _SERVER_MAC + TYPE_IPV4.to_bytes(2, "big") + header + datagram
