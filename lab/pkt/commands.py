"""The commands of a script: what is done to the interface, to memory and to the services beside the
sockets."""

from __future__ import annotations

from lab.pkt.dhcp_calls import run_dhcp
from lab.pkt.dns_calls import run_dns
from lab.pkt.events import Command
from lab.pkt.transcript import Transcript
from netstack.address import format_ip, parse_ip
from netstack.errors import ERR_NAMES, ERR_OK, err_name
from netstack.netif import Netif
from netstack.pool import Pool
from netstack.stack import Stack

_ERRORS = {name: number for number, name in ERR_NAMES.items()}

# In the order of lwIP's memp_std.h
_POOL_ORDER = (
    *("RAW_PCB", "UDP_PCB", "TCP_PCB", "TCP_PCB_LISTEN", "TCP_SEG"),
    *("REASSDATA", "FRAG_PBUF", "ARP_QUEUE", "IGMP_GROUP", "PBUF", "PBUF_POOL"),
)


class Unsupported(Exception):
    """A command asks for something that the stack does not have; the argument says for what."""


def netif_values(netif: Netif, ip: int) -> dict[str, object]:
    """What a ``netif`` probe says of the interface, with ``ip`` as its address."""
    mask, gateway = format_ip(netif.netmask), format_ip(netif.gateway)
    return {"up": int(netif.up), "ip": format_ip(ip), "mask": mask, "gw": gateway}


class Commands:
    """Executes commands on ``stack``, which is set once it is built: its driver asks here from the first
    frame on."""

    stack: Stack

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._hogged_heap: list[int] = []
        self._hogged_pools: dict[str, int] = {}
        self._refusals = 0
        self._refusal = ERR_OK

    def run(self, command: Command) -> None:
        """Execute one command. Raises Unsupported."""
        match command.words:
            case ["end"]:
                self._end()
            case ["stats"]:
                self.stats()
            case ["netif", *rest]:
                self._netif(rest)
            case ["link", state]:
                self.stack.netif.set_link(state == "up")
            case ["arp", *rest]:
                self._arp(rest)
            case ["mem", *rest]:
                self._mem(rest)
            case ["pool", *rest]:
                self._pool(rest)
            case ["txfail", count, err]:
                self._refusals = int(count)
                self._refusal = _ERRORS[err] if err in _ERRORS else int(err)
            case ["igmp", action, group]:
                call = self.stack.igmp.join if action == "join" else self.stack.igmp.leave
                self._transcript.probe("igmp", err=err_name(call(parse_ip(group))))
            case ["dhcp", action]:
                run_dhcp(self.stack.dhcp, action, self._transcript)
            case ["dns", *rest]:
                run_dns(self.stack.dns, rest, self._transcript)

    def refusal(self) -> int:
        """What the driver says to the next frame: ERR_OK, or the err of a ``txfail`` that still has to
        happen."""
        if not self._refusals:
            return ERR_OK
        self._refusals -= 1
        self._transcript.probe("txfail", err=err_name(self._refusal))
        return self._refusal

    def _netif(self, words: list[str]) -> None:
        netif = self.stack.netif
        match words:
            case ["mtu", mtu]:
                netif.mtu = int(mtu)
            case ["addr", ip, mask, gateway]:
                netif.set_addr(parse_ip(ip), parse_ip(mask), parse_ip(gateway))
            case ["up"] if not netif.up:
                # lwIP: the callback comes before the reports that the interface sends
                self._transcript.probe("netif", **netif_values(netif, netif.ip) | {"up": 1})
                netif.set_up(True)
            case ["down"] if netif.up:
                netif.set_up(False)
                self._transcript.probe("netif", **netif_values(netif, netif.ip))

    def _arp(self, words: list[str]) -> None:
        arp = self.stack.arp
        match words:
            case ["query", ip]:
                arp.query(parse_ip(ip))
            case ["request", ip]:
                arp.request(parse_ip(ip))
            case ["static", ip, mac]:
                arp.add_static(parse_ip(ip), bytes.fromhex(mac))
            case ["unstatic", ip]:
                arp.remove_static(parse_ip(ip))
            case ["gratuitous"]:
                arp.gratuitous()
            case ["dump"]:
                for slot, address, entry_mac in arp.dump():
                    self._transcript.probe("arp", slot=slot, ip=format_ip(address), mac=entry_mac.hex())

    def _mem(self, words: list[str]) -> None:
        heap = self.stack.mem.heap
        if words == ["free"]:
            while self._hogged_heap:
                heap.free(self._hogged_heap.pop(0))
            return
        block = heap.malloc(int(words[1]))
        if block >= 0:
            self._hogged_heap.append(block)
        self._transcript.probe("mem", hog="fail" if block < 0 else "ok")

    def _pool(self, words: list[str]) -> None:
        name = words[1]
        pool = self._pools().get(name)
        if pool is None:
            raise Unsupported(f"pool {name}: there is no such pool (known: {' '.join(self._pools())})")
        if words[0] == "free":
            pool.give(self._hogged_pools.pop(name, 0))
            return
        count = 0
        while count < int(words[2]) and pool.take():
            count += 1
        self._hogged_pools[name] = self._hogged_pools.get(name, 0) + count
        self._transcript.probe("pool", name, hogged=count)

    def _pools(self) -> dict[str, Pool]:
        pools = {pool.name: pool for pool in self.stack.mem.pools()}
        return {name: pools[name] for name in _POOL_ORDER if name in pools}

    def stats(self) -> None:
        """Write the counters down."""
        tcp = self.stack.stats.tcp
        heap = self.stack.mem.heap
        counters = "xmit recv drop chkerr lenerr memerr proterr".split()
        values: dict[str, object] = {f"tcp_{name}": getattr(tcp, name) for name in counters}
        values |= {"ip_drop": self.stack.stats.ip.drop}
        values |= {"mem_max": heap.max, "mem_used": heap.used, "mem_err": heap.err}
        values |= {f"err_{name}": pool.err for name, pool in self._pools().items() if pool.err}
        self._transcript.probe("stats", **values)

    def _end(self) -> None:
        tcp = self.stack.tcp
        self.stats()
        self._transcript.probe(
            "end", active=len(tcp.active_pcbs), time_wait=len(tcp.tw_pcbs), listen=len(tcp.listen_pcbs)
        )
