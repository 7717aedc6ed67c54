"""A device in a storm: random frames, valid and not, calls of an application that takes, keeps and refuses
data, pauses of microseconds and of minutes, all from one seed.

    storm = Storm("full", seed=1)
    storm.rage(2_000)
    storm.calm()            # the application ends everything, and time passes
    storm.log               # what left the device, with its times, and what the application heard

From the command line, ``python -m tests.netstack.storm PROFILE SEED STEPS`` prints the digest of the log.
Frames are built by the stack's own functions, since here nobody checks their format.
"""

from __future__ import annotations

import hashlib
import sys
from random import Random
from struct import pack

from netstack import ip_header
from netstack.address import parse_ip
from netstack.checksum import finish, residue
from netstack.core import MS
from netstack.errors import ERR_ABRT, ERR_IF, ERR_MEM, ERR_OK
from netstack.pbuf import Pbuf
from netstack.profiles import named
from netstack.raw import RawPcb
from netstack.stack import Stack
from netstack.tcp import header
from netstack.tcp.header import ACK, FIN, PSH, RST, SYN
from netstack.tcp.states import CLOSED, SYN_SENT, TIME_WAIT
from netstack.tcp.tcb import SOF_KEEPALIVE, TF_NODELAY, ListenTcb, Tcb
from netstack.trace import TraceHook
from netstack.udp import UdpPcb

OURS, OTHER = parse_ip("10.0.0.1"), parse_ip("10.0.0.9")
PEERS = [parse_ip(f"10.0.0.{host}") for host in (2, 3, 4)] + [parse_ip("192.168.7.7")]
MASK, GATEWAY = parse_ip("255.255.255.0"), parse_ip("10.0.0.254")
GROUPS = [parse_ip("224.0.0.251"), parse_ip("239.1.2.3")]
OUR_MAC = bytes.fromhex("020000000001")
PORTS = (80, 81, 5353, 68, 7)

SEGMENT_FLAGS = (ACK, PSH | ACK, PSH | ACK, PSH | ACK, ACK | FIN, SYN, SYN | ACK, RST, FIN, PSH, 0x3F, 0)
OPTIONS = (
    b"",
    b"",
    b"",
    b"\x02\x04\x01\x00",
    b"\x03\x03\x02\x01",
    b"\x04\x02\x01\x01",
    b"\x01\x01\x08\x0a" + bytes(8),
)


def mac_of(ip: int) -> bytes:
    return b"\x02\x00" + ip.to_bytes(4, "big")


class Storm:
    """One device and all that happens to it."""

    def __init__(self, profile: str, seed: int, trace: TraceHook | None = None) -> None:
        self.random = Random(seed)
        self.now = 0
        self.log: list[str] = []
        self.pcbs: list[Tcb] = []
        self.listeners: list[ListenTcb] = []
        self.udp: list[UdpPcb] = []
        self.raw: list[RawPcb] = []
        self.held: list[tuple[Tcb | None, Pbuf]] = []
        self.stack = Stack(
            named(profile),
            mac=OUR_MAC,
            ip=OURS,
            netmask=MASK,
            gateway=GATEWAY,
            transmit=self._transmit,
            seed=seed,
            trace=trace,
        )
        self.stack.dns.set_server(0, PEERS[0])
        self.base = self.used()

    def used(self) -> dict[str, int]:
        """How much of each pool and of the heap is taken."""
        mem = self.stack.mem
        return {pool.name: pool.used for pool in mem.pools()} | {"HEAP": mem.heap.used}

    def digest(self) -> str:
        """All that was seen, and all counters, in 64 digits."""
        text = "\n".join([*self.log, *map(str, self.stack.stats.items()), str(self.stack.stats.drops)])
        return hashlib.sha256(text.encode()).hexdigest()

    def rage(self, steps: int) -> None:
        """So many random things happen."""
        self._listen(80)
        for _ in range(steps):
            self._pass_time()
            chance = self.random.random()
            if chance < 0.72:
                self.receive(self._frame())
            else:
                self._call()

    def calm(self) -> None:
        """The application ends everything; then four minutes pass, in which all that lives by time ends."""
        for pcb in (*self.stack.tcp.active_pcbs, *self.stack.tcp.tw_pcbs, *self.pcbs):
            self._let_go(pcb)
            if pcb.state != CLOSED:
                self.stack.tcp.abort(pcb)
        for listener in self.listeners:
            self.stack.tcp.close(listener)
        for udp in self.udp:
            self.stack.udp.remove(udp)
        for raw in self.raw:
            self.stack.raw.remove(raw)
        for group in GROUPS:
            while self.stack.igmp.leave(group) == ERR_OK:
                pass
        for _, p in self.held:
            p.free()
        self._run_to(self.now + 240_000 * MS)

    # Frames

    def receive(self, frame: bytes) -> None:
        """One frame reaches the device."""
        self.stack.receive(frame, self.now)

    def _transmit(self, frame: bytes) -> int:
        err = ERR_IF if self.random.random() < 0.02 else ERR_OK
        self.log.append(f"{self.now} > {frame.hex()} {err}")
        return err

    def _frame(self) -> bytes:
        random = self.random
        src = random.choice(PEERS)
        builders = (
            self._segment,
            self._segment,
            self._segment,
            self._datagram,
            self._icmp,
            self._igmp,
            self._arp,
        )
        frame = random.choice(builders)(src)
        chance = random.random()
        if chance < 0.06:
            place = random.randrange(len(frame))
            frame = frame[:place] + bytes((frame[place] ^ 1 << random.randrange(8),)) + frame[place + 1 :]
        elif chance < 0.10:
            frame = frame[: random.randrange(len(frame))]
        elif chance < 0.14:
            frame += random.randbytes(random.randrange(50))  # padding, if the length is right
        elif chance < 0.16:
            frame = random.randbytes(random.randrange(100))
        return frame

    def _packet(self, src: int, proto: int, payload: bytes) -> bytes:
        """A frame with an IP packet; sometimes it is only a fragment of it, or for somebody else."""
        random = self.random
        dst = random.choice((*[self.stack.netif.ip] * 12, OURS, OTHER, 0xFFFFFFFF, 0x0A0000FF, *GROUPS))
        options = b"\x01" * 4 if random.random() < 0.03 else b""
        fragment, ident = 0, random.randrange(4)
        if random.random() < 0.08:
            start = random.randrange(0, len(payload) + 8, 8)
            fragment = start >> 3 | random.choice((0, 0x2000))
            payload = payload[start : start + 8 * random.randrange(1, 30)]
        total = 20 + len(options) + len(payload)
        ip = ip_header.build(0, total, ident, fragment, 64, proto, src, dst, options)
        return OUR_MAC + mac_of(src) + b"\x08\x00" + ip + payload

    def _segment(self, src: int) -> bytes:
        """Of a connection, as its peer would send it, or near that; or of none."""
        random = self.random
        pcbs = self.stack.tcp.active_pcbs + self.stack.tcp.tw_pcbs
        data = random.randbytes(random.choice((0, 0, 1, 10, 100, 536, 1460)))
        options = random.choice(OPTIONS)
        window = random.choice((0, 1, 100, 5_000, 65_535, 65_535, 65_535))
        if not pcbs or random.random() < 0.1:
            ip, ports = src, (random.randrange(1, 9), random.choice(PORTS))
            seq, ack = random.getrandbits(32), random.getrandbits(32)
            flags = SYN if random.random() < 0.7 else random.choice(SEGMENT_FLAGS)
        else:
            pcb = random.choice(pcbs)
            ip, ports = pcb.remote_ip, (pcb.remote_port, pcb.local_port)
            seq, ack = pcb.rcv_nxt, pcb.snd_nxt
            if random.random() < 0.7:
                options, window = b"", max(window, 5_000)
                if pcb.state == SYN_SENT:
                    flags, ack, data = SYN | ACK, pcb.lastack + 1, b""
                else:
                    flags = ACK | FIN if random.random() < 0.04 else PSH | ACK if data else ACK
                    ack -= random.choice((0, 0, 0, (pcb.snd_nxt - pcb.lastack & 0xFFFF) // 2))
            else:
                seq += random.choice((0, 0, -1, 1, 10, 600, 5_000, random.getrandbits(32)))
                ack += random.choice((0, 0, -1, -500, 1, random.getrandbits(32)))
                flags = random.choice(SEGMENT_FLAGS)
        segment = header.emit(
            ip, self.stack.netif.ip, *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, flags, window, options, data
        )
        return self._packet(ip, 6, segment)

    def _datagram(self, src: int) -> bytes:
        random = self.random
        data = random.randbytes(random.choice((0, 1, 30, 600)))
        ports = random.choice(((53, 49152 + random.randrange(9)), (9, random.choice(PORTS))))
        head = pack("!HHHH", *ports, 8 + len(data), 0)
        total = residue(head + data) + src + self.stack.netif.ip + 17 + 8 + len(data)
        checksum = random.choice((0, finish(total) or 0xFFFF))
        return self._packet(src, 17, head[:6] + pack("!H", checksum) + data)

    def _icmp(self, src: int) -> bytes:
        random = self.random
        body = pack("!BBHI", random.choice((8, 8, 8, 0, 3, 13)), 0, 0, 7) + random.randbytes(
            random.randrange(60)
        )
        return self._packet(src, 1, body[:2] + pack("!H", finish(residue(body))) + body[4:])

    def _igmp(self, src: int) -> bytes:
        random = self.random
        group = random.choice((0, *GROUPS))
        body = pack("!BBHI", random.choice((0x11, 0x11, 0x16, 0x17, 9)), random.randrange(100), 0, group)
        return self._packet(src, 2, body[:2] + pack("!H", finish(residue(body))) + body[4:])

    def _arp(self, src: int) -> bytes:
        random = self.random
        target = random.choice((OURS, OURS, OTHER))
        opcode = random.choice((1, 1, 2, 2, 2, 3))
        body = pack("!HHBBH6sI6sI", 1, 0x0800, 6, 4, opcode, mac_of(src), src, OUR_MAC, target)
        return OUR_MAC + mac_of(src) + b"\x08\x06" + body

    # Time

    def _pass_time(self) -> None:
        random = self.random
        chance = random.random()
        if chance < 0.5:
            pause = 0
        elif chance < 0.9:
            pause = random.randrange(1, 300 * MS)
        else:
            pause = random.randrange(1, 40_000) * MS
        self._run_to(self.now + pause)

    def _run_to(self, end: int) -> None:
        while (due := self.stack.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.stack.run_timers(self.now)
        self.now = end
        self.stack.run_timers(end)

    # The application

    def _call(self) -> None:
        random = self.random
        choice = random.randrange(12)
        netif = self.stack.netif
        if not (netif.up and netif.link_up) and random.random() < 0.3:
            netif.set_up(True)
            netif.set_link(True)
        elif choice < 6 and self.pcbs:
            self._use(random.choice(self.pcbs))
        elif choice == 6:
            self._connect()
        elif choice == 7:
            self._use_udp()
        elif choice == 8:
            self._use_raw()
        elif choice == 9:
            group = random.choice(GROUPS)
            self._note(
                "igmp", self.stack.igmp.join(group) if random.random() < 0.6 else self.stack.igmp.leave(group)
            )
        elif choice == 10:
            name = random.choice(("a.example", "b.example"))
            self._note(
                "dns", self.stack.dns.gethostbyname(name, lambda name, ip: self._note(f"found {name}", ip))
            )
        elif random.random() < 0.1:
            self._use_netif()
        else:
            self._listen(random.choice((80, 81)))

    def _note(self, what: str, result: object) -> None:
        self.log.append(f"{self.now} {what} {result}")

    def _listen(self, port: int) -> None:
        tcp = self.stack.tcp
        pcb = tcp.new()
        if pcb is None:
            return
        if tcp.bind(pcb, 0, port) == ERR_OK:
            listener, _ = tcp.listen(pcb, 3)
            if listener is not None:
                listener.accept = self._accept
                self.listeners.append(listener)
                return
        tcp.close(pcb)

    def _connect(self) -> None:
        pcb = self.stack.tcp.new()
        if pcb is not None:
            self._adopt(pcb)
            err = self.stack.tcp.connect(pcb, self.random.choice(PEERS), self.random.choice(PORTS))
            self._note("connect", err)
            if err != ERR_OK:
                self._close(pcb)

    def _accept(self, pcb: Tcb | None, err: int) -> int:
        self._note("accept", err)
        if pcb is None or self.random.random() < 0.05:
            return ERR_MEM
        self._adopt(pcb)
        return ERR_OK

    def _adopt(self, pcb: Tcb) -> None:
        def lost(err: int) -> None:
            self._note("lost", err)
            self._let_go(pcb)

        self.pcbs.append(pcb)
        pcb.recv = self._recv
        pcb.sent = self._sent
        pcb.errf = lost
        pcb.poll = self._poll if self.random.random() < 0.5 else None
        pcb.pollinterval = self.random.randrange(10)
        if self.random.random() < 0.3:
            pcb.so_options |= SOF_KEEPALIVE
            pcb.keep_idle = self.random.randrange(1_000, 60_000)
        if self.random.random() < 0.3:
            pcb.flags |= TF_NODELAY

    def _recv(self, pcb: Tcb, p: Pbuf | None, err: int) -> int:
        chance = self.random.random()
        if p is None:
            self._note("end of stream", err)
            if chance < 0.5:
                self._close(pcb)
            return ERR_OK
        self._note("recv", p.data.hex())
        if chance < 0.1 and pcb.state != TIME_WAIT:  # there, what is refused is lost for ever, in lwIP, too
            return ERR_MEM  # the stack keeps it
        self.held.append((pcb, p))
        if chance < 0.7:
            self._read(pcb)
        elif chance < 0.74:
            self._close(pcb)
        elif chance < 0.77:
            self._let_go(pcb)
            self.stack.tcp.abort(pcb)
            return ERR_ABRT
        return ERR_OK

    def _sent(self, pcb: Tcb, length: int) -> int:
        self._note("sent", length)
        return ERR_OK

    def _poll(self, pcb: Tcb) -> int:
        self._note("poll", pcb.state)
        return ERR_OK

    def _read(self, pcb: Tcb) -> None:
        mine = [p for owner, p in self.held if owner is pcb]
        self.held = [(owner, p) for owner, p in self.held if owner is not pcb]
        for p in mine:
            self.stack.tcp.recved(pcb, len(p))
            p.free()

    def _let_go(self, pcb: Tcb) -> None:
        """The application forgets a connection, and the data it holds of it."""
        if pcb in self.pcbs:
            self.pcbs.remove(pcb)
        for owner, p in self.held:
            if owner is pcb:
                p.free()
        self.held = [(owner, p) for owner, p in self.held if owner is not pcb]
        pcb.recv = pcb.sent = pcb.poll = pcb.errf = None

    def _close(self, pcb: Tcb) -> None:
        self._let_go(pcb)
        self._note("close", self.stack.tcp.close(pcb))

    def _use(self, pcb: Tcb) -> None:
        tcp, random = self.stack.tcp, self.random
        chance = random.random()
        if pcb.state == CLOSED:  # lwIP: a half-closed connection vanishes from TIME_WAIT without a word
            self._let_go(pcb)
        elif chance < 0.5:
            self._note(
                "write", tcp.write(pcb, random.randbytes(random.choice((1, 50, 700, 4_000))), chance < 0.1)
            )
            if random.random() < 0.9:
                tcp.output(pcb)
        elif chance < 0.8:
            self._read(pcb)
        elif chance < 0.9:
            self._close(pcb)
        elif chance < 0.95:
            self._note("shutdown", tcp.shutdown(pcb, rx=False, tx=True))
        else:
            self._let_go(pcb)
            tcp.abort(pcb)

    def _use_udp(self) -> None:
        udp, random = self.stack.udp, self.random
        if len(self.udp) < 3:
            pcb = udp.new()
            if pcb is not None:
                self.udp.append(pcb)
                self._note("udp bind", udp.bind(pcb, 0, random.choice(PORTS)))
                pcb.recv = self._received
        elif random.random() < 0.3:
            udp.remove(self.udp.pop(0))
        else:
            data = random.randbytes(random.choice((0, 5, 1_472, 4_000)))
            self._note(
                "udp send", udp.sendto(random.choice(self.udp), data, random.choice((*PEERS, *GROUPS)), 9)
            )

    def _received(self, pcb: UdpPcb, p: Pbuf, ip: int, port: int) -> None:
        self._note(f"datagram from {ip}:{port}", p.data.hex())
        if self.random.random() < 0.1:
            self.held.append((None, p))
        else:
            p.free()

    def _use_raw(self) -> None:
        raw, random = self.stack.raw, self.random
        if not self.raw:
            pcb = raw.new(random.choice((1, 6, 253)))
            if pcb is not None:
                self.raw.append(pcb)
                pcb.recv = self._seen
        elif random.random() < 0.5:
            raw.remove(self.raw.pop())
        else:
            self._note("raw send", raw.sendto(self.raw[0], random.randbytes(40), random.choice(PEERS)))

    def _seen(self, pcb: RawPcb, p: Pbuf, ip: int) -> bool:
        self._note(f"raw from {ip}", p.data.hex())
        if self.random.random() < 0.5:
            return False
        p.free()
        return True

    def _use_netif(self) -> None:
        netif, chance = self.stack.netif, self.random.random()
        if chance < 0.4:
            netif.set_link(not netif.link_up)
        elif chance < 0.6:
            netif.set_up(not netif.up)
        else:
            netif.set_addr(OTHER if netif.ip == OURS else OURS, MASK, GATEWAY)


def main() -> None:
    storm = Storm(sys.argv[1], int(sys.argv[2]))
    storm.rage(int(sys.argv[3]))
    sys.stdout.write(storm.digest() + "\n")


if __name__ == "__main__":
    main()
