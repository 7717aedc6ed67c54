"""DHCP client: an address for the interface, for as long as a server lends it (RFC 2131 4.4).

    INIT -> SELECTING -> REQUESTING -> CHECKING -> BOUND -> RENEWING -> REBINDING
              DISCOVER     REQUEST     conflicts?              T1           T2

A message that gets no answer is repeated after 2, 4, 8 ... 60 s, on a tick of 500 ms. Once bound, a tick of
a minute counts the lease: at T1 its server is asked to prolong it, at T2 everybody, and at the end the
address is released and all begins anew. When a cable is plugged in again the old address is confirmed
(REBOOTING). Before a new address is used, conflict detection (``acd.py``) looks 6 to 9 s whether it is free.

lwIP: both ticks are on a grid fixed at boot, so every time is shorter by up to one tick; renewals and
rebindings are only repeated by the tick of a minute; after a NAK the old lease goes on being counted; an ACK
may come from any server; cookie, addresses and times of a reply are believed.
Source: lwIP ``dhcp.c``. The wire format is in ``dhcp_message.py``, the counting in ``dhcp_lease.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack import acd
from netstack import dhcp_message as wire
from netstack.acd import Acd, AcdClient
from netstack.address import IP_ANY, IP_BROADCAST
from netstack.arp import Arp
from netstack.arp_packet import REPLY, ArpPacket
from netstack.autoip import AutoIp
from netstack.core import Core
from netstack.dhcp_input import DHCP_UNEXPECTED, read_reply
from netstack.dhcp_lease import EXPIRED, REBIND, RENEW, Lease
from netstack.dhcp_message import DhcpMessage
from netstack.dhcp_output import DhcpOutput
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_VAL
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.stats import Drop
from netstack.udp import Udp, UdpPcb

COARSE_TICK_MS = 60_000
FINE_TICK_MS = 500
REQUEST_TRIES = 6
REBOOT_TRIES = 2
DECLINE_WAIT_MS = 10_000  # RFC 2131 3.1, step 5
CHECK_WAIT_MS = 500  # for the answer to an ARP query (quirk dhcp_arp_check)
MIN_MTU = 576  # what every client must be able to take (RFC 2131 2)

# States, with lwIP's numbers (prot/dhcp.h)
OFF, REQUESTING, INIT, REBOOTING, REBINDING, RENEWING, SELECTING, INFORMING, CHECKING = range(9)
BOUND, BACKING_OFF = 10, 12
_HAS_ADDRESS = (BOUND, RENEWING, REBINDING)
_ASKS_FOR_ADDRESS = (REQUESTING, REBOOTING)
_ASKS_FOR_TIME = (RENEWING, REBINDING)

_TELLS_ADDRESS = (wire.INFORM, wire.DECLINE, wire.RELEASE)  # in ciaddr; and requests for time

# lwIP's struct dhcp and struct acd, which live in the heap from the first start on (on a 32-bit CPU)
_SIZEOF_DHCP, _SIZEOF_ACD = 52, 24


class Dhcp:
    """The DHCP client of one interface; ``state`` and ``lease`` may be looked at.

    ``hostname`` goes along in messages, as much of it as they have room for (LWIP_NETIF_HOSTNAME).
    ``on_address`` are told every address that DHCP gives the interface, and 0 when it takes it away, once
    that is done. ``on_dns_server(slot, address)`` gets the name servers of every ACK.
    """

    __slots__ = (
        "_acd",
        "_acd_client",
        "_arp",
        "_block",
        "_checks_replies",
        "_core",
        "_drawn_xid",
        "_holds_pcb",
        "_netif",
        "_output",
        "_queries_arp",
        "_request_timeout",
        "_tries",
        "autoip",
        "hostname",
        "lease",
        "on_address",
        "on_dns_server",
        "state",
        "xid",
    )

    def __init__(self, core: Core, netif: Netif, udp: Udp, arp: Arp, acd: Acd) -> None:
        self._core = core
        self._netif = netif
        self._output = DhcpOutput(core, netif, udp, self._recv)
        self._arp = arp
        self._acd = acd
        profile = core.profile
        checks = bool(profile.lwip_dhcp_does_acd_check and profile.lwip_acd)
        self._queries_arp = checks and "dhcp_arp_check" in profile.quirks
        self._acd_client = AcdClient(self._on_conflict) if checks and not self._queries_arp else None
        self._checks_replies = "dhcp_reply_unchecked" not in profile.quirks
        self._block: int | None = None  # of struct dhcp
        self._drawn_xid = 0  # the last one
        self.hostname = ""
        self.autoip: AutoIp | None = None  # steps in when no server answers (LWIP_DHCP_AUTOIP_COOP)
        self.on_address: list[Callable[[int], None]] = []
        self.on_dns_server: Callable[[int, int], None] | None = None
        self._clear()
        if profile.lwip_dhcp:
            netif.on_link.append(self._on_link)
            core.timers.cyclic("dhcp_coarse", COARSE_TICK_MS, self._on_coarse_tick, self._coarse_idle)
            core.timers.cyclic("dhcp_fine", FINE_TICK_MS, self._on_fine_tick, self._fine_idle)
            if self._queries_arp:
                arp.on_arp.append(self._on_arp)

    def _clear(self) -> None:
        self.state = OFF
        self.lease = Lease()
        self.xid = 0
        self._tries = 0
        self._request_timeout = 0  # fine ticks until something is repeated; 0: nothing is
        self._holds_pcb = False
        if self._acd_client is not None:
            self._acd_client.clear()

    @property
    def supplied_address(self) -> bool:
        """Whether the interface has its address from DHCP (``dhcp_supplied_address``)."""
        return self.state in _HAS_ADDRESS

    # Calls

    def start(self) -> int:
        """Begin, or begin anew, to look for a server, as soon as there is a link (``dhcp_start``).

        ERR_ARG: the interface is down; ERR_MEM: no heap, no UDP pcb, or an MTU below 576; ERR_VAL: LWIP_DHCP
        is 0.
        """
        core = self._core
        if not core.profile.lwip_dhcp:
            return ERR_VAL
        if not self._netif.up:
            return ERR_ARG
        if self._netif.mtu < MIN_MTU:
            return ERR_MEM
        if self._block is None:
            block = core.mem.heap.malloc(_SIZEOF_DHCP + (_SIZEOF_ACD if self._acd_client is not None else 0))
            if block < 0:
                return ERR_MEM
            self._block = block
        elif self._holds_pcb:
            self._output.close()
        self._clear()
        if self._acd_client is not None:
            self._acd.add(self._acd_client)
        if not self._output.open():
            return ERR_MEM
        self._holds_pcb = True
        if self._netif.link_up:
            self._discover()
        else:
            self._set_state(INIT)
        return ERR_OK

    def stop(self) -> None:
        """Give the address back, if there is one, and do nothing any more (``dhcp_release_and_stop``)."""
        if self.state == OFF:
            return
        server = self.lease.server
        self.lease = Lease()
        had_address = self.supplied_address
        self._set_state(OFF)
        if had_address:
            self._send(wire.RELEASE, {wire.SERVER_ID: _quad(server)}, self._netif.ip, server)
            self._set_address(IP_ANY, IP_ANY, IP_ANY)
        if self._acd_client is not None:
            self._acd.remove(self._acd_client)
        if self._holds_pcb:
            self._holds_pcb = False
            self._output.close()

    def release(self) -> int:
        """The same as ``stop`` (``dhcp_release``)."""
        self.stop()
        return ERR_OK

    def cleanup(self) -> None:
        """Stop, and give back the heap that the client takes from its first start on (``dhcp_cleanup``)."""
        self.stop()
        if self._block is not None:
            self._core.mem.heap.free(self._block)
            self._block = None

    def renew(self) -> int:
        """Ask the server now to prolong the lease; the err of sending, ERR_VAL while off (``dhcp_renew``).

        lwIP: not repeated before the next tick of the lease, if that has any.
        """
        if self.state == OFF:
            return ERR_VAL
        self._set_state(RENEWING)
        return self._request(self._output.max_size(), self._netif.ip, self.lease.server)

    def inform(self) -> int:
        """Tell the servers an address that was set by hand; the err of sending, ERR_VAL without LWIP_DHCP
        (``dhcp_inform``).
        """
        if not self._core.profile.lwip_dhcp:
            return ERR_VAL
        if not self._output.open():
            return ERR_MEM
        err = self._send(wire.INFORM, self._output.max_size(), self._netif.ip)
        self._output.close()
        return err

    # Steps of the state machine

    def _set_state(self, state: int) -> None:
        if state != self.state:
            self.state = state
            self._tries = 0
            self._request_timeout = 0

    def _discover(self) -> None:
        """Look for servers (``dhcp_discover``)."""
        if self.autoip is not None and self._tries >= self._core.profile.lwip_dhcp_autoip_coop_tries:
            self.autoip.start()
        self.lease.address = IP_ANY
        self._set_state(SELECTING)
        self._send(wire.DISCOVER, self._output.discover_options(self.hostname), IP_ANY)
        self._repeat_exponentially()

    def _select(self) -> None:
        """Ask for the address that was offered (``dhcp_select``)."""
        self._set_state(REQUESTING)
        lease = self.lease
        asked = {wire.REQUESTED_IP: _quad(lease.address), wire.SERVER_ID: _quad(lease.server)}
        self._request(self._output.max_size() | asked, IP_ANY)
        self._repeat_exponentially()

    def _reboot(self) -> None:
        """Ask whether the address is still right (``dhcp_reboot``)."""
        self._set_state(REBOOTING)
        asked = {wire.REQUESTED_IP: _quad(self.lease.address)}
        self._request(self._output.max_size(MIN_MTU) | asked, self._netif.ip)
        self._count_try()
        self._repeat_in(min(self._tries, 10) * 1000)

    def _rebind(self) -> None:
        """Ask any server to prolong the lease (``dhcp_rebind``)."""
        self._set_state(REBINDING)
        self._request(self._output.max_size(), self._netif.ip)

    def _check(self) -> None:
        """Look whether the address is free (``dhcp_check``)."""
        self._set_state(CHECKING)
        if self._acd_client is not None:
            self._acd.start(self._acd_client, self.lease.address)
        else:
            self._arp.query(self.lease.address)
            self._count_try()
            self._repeat_in(CHECK_WAIT_MS)

    def _bind(self) -> None:
        """Use the address (``dhcp_bind``)."""
        lease = self.lease
        lease.start()
        self._set_state(BOUND)
        self._set_address(lease.address, lease.mask, lease.gateway)

    def _decline(self) -> None:
        """Tell the server that the address is in use (``dhcp_decline``)."""
        self._set_state(BACKING_OFF)
        options = {wire.REQUESTED_IP: _quad(self.lease.address)}
        if "dhcp_decline_without_server" not in self._core.profile.quirks:
            options[wire.SERVER_ID] = _quad(self.lease.server)
        self._send(wire.DECLINE, options, IP_ANY)

    def _set_address(self, ip: int, netmask: int, gateway: int) -> None:
        changes = ip != self._netif.ip
        self._netif.set_addr(ip, netmask, gateway)
        if changes:
            for listener in self.on_address:
                listener(ip)

    # What makes it go on: time

    def _coarse_idle(self) -> bool:
        return self.state == OFF or not self.lease.counts

    def _on_coarse_tick(self) -> None:
        event = self.lease.tick()
        if event == EXPIRED:
            self.stop()
            self.start()
        elif event == REBIND and self.state in (REQUESTING, *_HAS_ADDRESS):
            self._rebind()
            self.lease.rebound_in_vain()
        elif event == RENEW and self.state in (REQUESTING, BOUND, RENEWING):
            self.renew()
            self.lease.renewed_in_vain()

    def _fine_idle(self) -> bool:
        return not self._request_timeout

    def _on_fine_tick(self) -> None:
        self._request_timeout -= 1
        if not self._request_timeout:
            self._on_timeout()

    def _on_timeout(self) -> None:
        """No answer, or the pause is over (``dhcp_timeout``)."""
        if self.state == REQUESTING:
            if self._tries < REQUEST_TRIES:
                self._select()
            else:
                self.stop()
                self.start()
        elif self.state == REBOOTING and self._tries < REBOOT_TRIES:
            self._reboot()
        elif self.state == CHECKING:
            if self._tries <= 1:
                self._check()
            else:
                self._bind()
        else:
            self._discover()

    def _count_try(self) -> None:
        self._tries = min(self._tries + 1, 255)

    def _repeat_in(self, ms: int) -> None:
        self._request_timeout = -(-ms // FINE_TICK_MS)

    def _repeat_exponentially(self) -> None:
        self._count_try()
        self._repeat_in(1000 * (1 << self._tries if self._tries < 6 else 60))

    # What makes it go on: the network

    def _on_link(self) -> None:
        """The cable is plugged in, maybe in another network (``dhcp_network_changed_link_up``)."""
        if self.state == OFF:
            return
        self._tries = 0
        if self.state in (REBOOTING, *_HAS_ADDRESS):
            self._reboot()
        else:
            self._discover()

    def _on_conflict(self, event: int) -> None:
        """What conflict detection found out (``dhcp_conflict_callback``)."""
        if event == acd.IP_OK:
            self._bind()
        elif event == acd.DECLINE:
            self._set_address(IP_ANY, IP_ANY, IP_ANY)
            self._decline()
        else:
            self._set_state(BACKING_OFF)
            self._repeat_in(DECLINE_WAIT_MS)

    def _on_arp(self, packet: ArpPacket) -> None:
        """Somebody answers for the address that is being checked (2.1.3: ``dhcp_arp_reply``)."""
        if packet.opcode == REPLY and self.state == CHECKING and packet.sender_ip == self.lease.address:
            self._decline()
            self._count_try()
            self._repeat_in(DECLINE_WAIT_MS)

    def _recv(self, _pcb: UdpPcb, p: Pbuf, _ip: int, _port: int) -> None:
        """A datagram from a server's port (``dhcp_recv``)."""
        asked = self.lease.server if self.state in (REQUESTING, RENEWING) else IP_ANY
        server = asked if self._checks_replies else None
        reply = read_reply(p, self._netif.mac, self.xid, server) if self._holds_pcb else DHCP_UNEXPECTED
        reason = reply if isinstance(reply, Drop) else self._input(reply)
        p.free()
        if reason is not None:
            self._core.drop(reason)

    def _input(self, reply: DhcpMessage) -> Drop | None:
        state, kind = self.state, reply.type
        if kind == wire.ACK and state in (*_ASKS_FOR_ADDRESS, *_ASKS_FOR_TIME):
            self._on_ack(reply)
        elif kind == wire.NAK and state in (*_ASKS_FOR_ADDRESS, *_ASKS_FOR_TIME):
            self._set_state(BACKING_OFF)
            self._set_address(IP_ANY, IP_ANY, IP_ANY)
            self._discover()
        elif kind == wire.OFFER and state == SELECTING and wire.SERVER_ID in reply.options:
            self.lease.server = reply.number(wire.SERVER_ID) or IP_ANY
            self.lease.address = reply.yiaddr
            self._select()
        else:
            return DHCP_UNEXPECTED
        return None

    def _on_ack(self, ack: DhcpMessage) -> None:
        """The lease is ours; but its address may have to be checked first (``dhcp_handle_ack``)."""
        self.lease.take(ack, self._output.max_dns_servers)
        if self.on_dns_server is not None:
            for slot, address in enumerate(self.lease.dns_servers):
                self.on_dns_server(slot, address)
        if self.state in _ASKS_FOR_ADDRESS and (self._acd_client is not None or self._queries_arp):
            self._check()
        else:
            self._bind()

    # Messages

    def _request(self, options: dict[int, bytes], src: int, dst: int = IP_BROADCAST) -> int:
        return self._send(wire.REQUEST, self._output.request_options(options, self.hostname), src, dst)

    def _send(self, kind: int, options: dict[int, bytes], src: int, dst: int = IP_BROADCAST) -> int:
        """Send a message; the err of sending, ERR_MEM without heap for it (``dhcp_create_msg``)."""
        if not self._output.has_memory():
            return ERR_MEM
        tells_address = kind in _TELLS_ADDRESS or self.state in _ASKS_FOR_TIME
        message = DhcpMessage(
            wire.BOOTREQUEST,
            self._transaction(kind),
            self._netif.mac,
            {wire.MESSAGE_TYPE: bytes((kind,))} | options,
            ciaddr=self._netif.ip if tells_address else IP_ANY,
        )
        return self._output.send(message, src, dst)

    def _transaction(self, kind: int) -> int:
        """The xid of a message: that of the offer for requests, else a new one unless it is a repetition."""
        if kind == wire.INFORM:
            self._drawn_xid = self._core.rand()
            return self._drawn_xid
        if kind != wire.REQUEST or self.state == REBOOTING:
            if not self._tries:
                self._drawn_xid = self._core.rand()
            self.xid = self._drawn_xid
        return self.xid


def _quad(address: int) -> bytes:
    return address.to_bytes(4, "big")
