"""A second device with the same address: somebody set it by hand, or a DHCP server lent it twice."""

from __future__ import annotations

from netstack.address import MAC_BROADCAST, format_ip
from netstack.arp_packet import REPLY, REQUEST, ArpPacket
from netstack.errors import ERR_OK
from netstack.profiles import named
from netstack.stack import Stack
from tap.clock import MS
from tap.devicefault.controller import Controller, controller_of
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim

TWIN_MAC = bytes.fromhex("020000d0b1e0")


class DuplicateIp(DeviceFault):
    """A device with the MAC ``mac`` beside this one says that it has the same address: it answers who asks
    for it by ARP, ``delay`` ns later than it hears, so that its answer comes last and is believed. With
    ``announce`` it tells everybody at once (gratuitous ARP), and with ``every`` again and again.

    It has a stack of its own (lwIP), on which nobody listens: what it gets of others' connections it resets.
    """

    def __init__(
        self,
        device: Victim,
        mac: bytes = TWIN_MAC,
        announce: bool = True,
        every: int | None = None,
        delay: int = MS,
        *,
        note: Note | None = None,
        name: str = "duplicate-ip",
    ) -> None:
        super().__init__(device, name, note)
        if every is not None and (every < 1 or not announce):
            raise DeviceFaultError("every is that of announcements: give announce=true every=30s")
        self._mac, self._announces, self._every, self._delay = mac, announce, every, delay
        self._is_made = False  # what the stack says before that is not heard
        self._zero = 0  # the network's time when the twin was switched on
        self.stack: Stack
        self._controller: Controller

    def _begin(self) -> None:
        device = self.device
        self._controller = controller_of(device)
        netif = device.stack.netif
        ip, mask = (netif.ip, netif.netmask) if netif.ip else (device.ip, device.netmask)
        self._is_made = False
        self._zero = self.now
        self.stack = Stack(
            named("lwip-default"),
            mac=self._mac, ip=ip, netmask=mask, gateway=netif.gateway, mtu=netif.mtu, transmit=self._transmit,
        )  # fmt: skip
        self._is_made = True
        self._controller.filters.append(self._heard_from_outside)
        self._controller.copies.append(self._heard_from_device)
        self.note("appear", f"{self._mac.hex(':')} has {format_ip(ip)}, too")
        if self._announces:
            self._announce()

    def _end(self) -> None:
        self._controller.filters.remove(self._heard_from_outside)
        self._controller.copies.remove(self._heard_from_device)
        self._controller.settle()

    def _announce(self) -> None:
        """Gratuitous ARP, as a request and as a reply (RFC 5944 4.6)."""
        self._run()
        ip, arp = self.stack.netif.ip, self.stack.arp
        arp.send(MAC_BROADCAST, ArpPacket(REQUEST, self._mac, ip, bytes(6), ip))
        arp.send(MAC_BROADCAST, ArpPacket(REPLY, self._mac, ip, MAC_BROADCAST, ip))
        self.note("announce", format_ip(ip))
        if self._every is not None:
            self.at(self.now + self._every, self._announce)

    # Its wire

    def _transmit(self, frame: bytes) -> int:
        if self._is_made:
            self.at(self.now + self._delay, lambda: self._put(frame))
        return ERR_OK

    def _put(self, frame: bytes) -> None:
        """On the wire: the device hears it, too."""
        to_all = frame[0] & 1
        if to_all or frame[:6] == self.device.mac:
            self._controller.inject(frame)
        if to_all or frame[:6] != self.device.mac:
            self._controller.inner.send(frame)

    def _heard_from_outside(self, frame: bytes) -> bool:
        """Whether a frame that has come ends here."""
        mine = frame[:6] == self._mac
        if mine or frame[0] & 1:
            self._hear(frame)
        if mine:
            self.note("take", f"a frame of {len(frame)} bytes that was for the device")
        return mine

    def _heard_from_device(self, frame: bytes) -> int:
        if frame[:6] == self._mac or frame[0] & 1:
            self._hear(frame)
        return 0

    # Its stack

    def _hear(self, frame: bytes) -> None:
        self._run()
        self.stack.receive(frame, self.stack.now)
        self._plan()

    def _run(self) -> None:
        self.stack.run_timers(self.now - self._zero)

    def _plan(self) -> None:
        due = self.stack.next_deadline()
        if due is not None:
            self.at(self._zero + due, self._tick)

    def _tick(self) -> None:
        self._run()
        self._plan()
