"""What one segment costs in the whole stack, from the frame that comes in to the frame that goes out:
microseconds.

    python benchmarks/packet_path.py [--profile NAME] [--segments N] [--repeat N]

One connection of the device is driven by frames made beforehand; the wire takes what is sent and does
nothing. Each figure is the best and the median of the repetitions (the machine is never quiet). Budgets: docs
of the project, 12, 12 and 5 µs.

received segment   Ethernet, ARP table, IPv4, TCP, the receive callback that consumes, and the ACK of every
second segment
    sent segment       tcp_write of one full segment and tcp_output down to the frame; its ACK is not counted
    pure ACK received  one that acknowledges a segment in flight, which is freed
    pure ACK sent      an ACK without data, by itself

The last line repeats a loop of plain Python beside them, so that runs on different machines can be compared
as ratios.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import thread_time_ns as cpu_ns

from netstack.address import parse_ip
from netstack.checksum import finish, residue
from netstack.errors import ERR_OK
from netstack.pbuf import Pbuf
from netstack.profiles import named
from netstack.stack import Stack
from netstack.tcp.control import send_empty_ack
from netstack.tcp.header import ACK, PSH, SYN, emit
from netstack.tcp.tcb import TF_NODELAY, Tcb

LOCAL, PEER = parse_ip("10.0.0.1"), parse_ip("10.0.0.2")
MAC, PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
ISS = 5000


def frame(seq: int, ack: int, flags: int, data: bytes = b"", options: bytes = b"") -> bytes:
    """A frame from the peer, port 40000, to port 80."""
    segment = emit(PEER, LOCAL, 40000, 80, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, flags, 65535, options, data)
    start = bytes.fromhex("45000000000000004006") + bytes(2)
    header = bytearray(start + PEER.to_bytes(4, "big") + LOCAL.to_bytes(4, "big"))
    header[2:4] = (20 + len(segment)).to_bytes(2, "big")
    header[10:12] = finish(residue(header)).to_bytes(2, "big")
    return MAC + PEER_MAC + b"\x08\x00" + bytes(header) + segment


class Device:
    """A stack with one established connection that consumes what it gets."""

    def __init__(self, profile: str) -> None:
        self.sent: list[bytes] = []
        self.profile = named(profile)
        self.stack = Stack(
            self.profile,
            mac=MAC,
            ip=LOCAL,
            netmask=parse_ip("255.255.255.0"),
            transmit=self._transmit,
            iss=lambda: ISS,
        )
        self.stack.arp.add_static(PEER, PEER_MAC)
        pcb = self.stack.tcp.new()
        assert pcb is not None
        assert self.stack.tcp.bind(pcb, 0, 80) == ERR_OK
        listener, _ = self.stack.tcp.listen(pcb)
        assert listener is not None
        listener.accept = self._accept
        self.pcb: Tcb
        self.stack.receive(frame(0, 0, SYN, options=b"\x02\x04\x05\xb4"), 0)  # MSS 1460
        self.stack.receive(frame(1, ISS + 1, ACK), 0)
        self.mss = min(self.pcb.mss, self.profile.tcp_mss)
        self.pcb.flags |= TF_NODELAY

    def _transmit(self, out: bytes) -> int:
        self.sent.append(out)
        return ERR_OK

    def _accept(self, pcb: Tcb | None, err: int) -> int:
        assert pcb is not None
        self.pcb = pcb
        pcb.recv = self._recv
        return err

    def _recv(self, pcb: Tcb, p: Pbuf | None, err: int) -> int:
        if p is not None:
            self.stack.tcp.recved(pcb, len(p))
            p.free()
        return ERR_OK


def received(device: Device, count: int) -> float:
    """µs per full segment received in order."""
    data = bytes(device.profile.tcp_mss)
    frames = [frame(1 + i * len(data), ISS + 1, ACK | PSH, data) for i in range(count)]
    receive = device.stack.receive
    start = cpu_ns()
    for one in frames:
        receive(one, 0)
    elapsed = cpu_ns() - start
    assert device.pcb.rcv_nxt == 1 + count * len(data)
    assert len(device.sent) >= count // 2
    return elapsed / count / 1000


BATCH = 40  # segments in flight at a time: what every profile's window and memory allow after the start


def _fill(device: Device, count: int, data: bytes) -> int:
    """Write and send ``count`` segments; returns the ns it took."""
    tcp, pcb = device.stack.tcp, device.pcb
    start = cpu_ns()
    for _ in range(count):
        tcp.write(pcb, data)
        tcp.output(pcb)
    return cpu_ns() - start


def _drain(device: Device, size: int) -> int:
    """Acknowledge what is in flight, segment by segment; returns the ns it took."""
    stack, pcb = device.stack, device.pcb
    acks = [frame(1, ack, ACK) for ack in range(pcb.lastack + size, pcb.snd_nxt + 1, size)]
    start = cpu_ns()
    for one in acks:
        stack.receive(one, 0)
    elapsed = cpu_ns() - start
    assert not pcb.unacked
    return elapsed


def _pump(device: Device, count: int) -> tuple[int, int, int]:
    """Send about ``count`` segments in batches, as large as the device allows; (segments, ns sending, ns of
    their ACKs).
    """
    size = device.mss
    data = bytes(size)
    batch = min(BATCH, device.profile.tcp_snd_buf // size)
    for _ in range(batch):  # open the congestion window
        _fill(device, min(batch, device.pcb.cwnd // size), data)
        _drain(device, size)
    done = sending = acknowledging = 0
    while done < count:
        device.sent.clear()
        sending += _fill(device, batch, data)
        assert len(device.sent) == batch
        acknowledging += _drain(device, size)
        done += batch
    return done, sending, acknowledging


def sent(device: Device, count: int) -> float:
    """µs per full segment written and sent."""
    done, sending, _ = _pump(device, count)
    return sending / done / 1000


def ack_received(device: Device, count: int) -> float:
    """µs per pure ACK that acknowledges one segment."""
    done, _, acknowledging = _pump(device, count)
    return acknowledging / done / 1000


def ack_sent(device: Device, count: int) -> float:
    """µs per pure ACK sent."""
    tcp, pcb = device.stack.tcp, device.pcb
    start = cpu_ns()
    for _ in range(count):
        send_empty_ack(tcp, pcb, "second-segment")
    elapsed = cpu_ns() - start
    return elapsed / count / 1000


def plain_python(device: Device, count: int) -> float:
    """µs for a hundred additions in a loop: the yardstick."""
    start = cpu_ns()
    for _ in range(count):
        total = 0
        for i in range(100):
            total += i
    return (cpu_ns() - start) / count / 1000


FIGURES: tuple[tuple[str, Callable[[Device, int], float]], ...] = (
    ("received segment", received),
    ("sent segment", sent),
    ("pure ACK received", ack_received),
    ("pure ACK sent", ack_sent),
    ("100 additions", plain_python),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="What one segment costs in the whole stack.")
    parser.add_argument("--profile", default="full", help="profile of the device (default: full)")
    parser.add_argument("--segments", type=int, default=4000, help="segments a repetition (default: 4000)")
    parser.add_argument("--repeat", type=int, default=7, help="repetitions (default: 7)")
    args = parser.parse_args()
    results: dict[str, list[float]] = {name: [] for name, _ in FIGURES}
    for _ in range(args.repeat):  # side by side: a slow moment of the machine hits all of them
        for name, measure in FIGURES:
            results[name].append(measure(Device(args.profile), args.segments))
    print(
        f"profile {args.profile}, MSS {Device(args.profile).mss}, "
        f"{args.segments} segments, {args.repeat} times"
    )
    print(f"{'':20}{'best':>8}{'median':>8}  µs")
    for name, values in results.items():
        print(f"{name:20}{min(values):8.2f}{statistics.median(values):8.2f}")


if __name__ == "__main__":
    main()
