"""Runs a script: builds the stack its options describe, feeds the stimuli in virtual time, writes down what
happens.

The stack is entered as anywhere else: ``Stack.receive`` for frames, ``Stack.run_timers`` for time, the socket
layer for calls. In one millisecond all timers due run first, in the order they are due, then the script's
events in file order; whatever an event causes follows it, the changed control blocks (``tcb``) last.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.pkt.commands import Commands, Unsupported, netif_values
from lab.pkt.decode import FrameDecoder
from lab.pkt.events import (
    Call,
    Command,
    Comment,
    Eth,
    Event,
    Inbound,
    Item,
    OptionLine,
    Probe,
    Script,
    is_stimulus,
)
from lab.pkt.frames import FrameBuilder, IssTable
from lab.pkt.script_options import ScriptOptions
from lab.pkt.sockets import Sockets
from lab.pkt.tcb import TcbTracker, info_words
from lab.pkt.transcript import Transcript
from netstack.core import MS
from netstack.errors import ERR_OK
from netstack.profile import Profile
from netstack.stack import Stack

FrameHook = Callable[[int, bytes, bool], None]  # time in ns, frame, outbound?

_U32 = 0xFFFFFFFF
_ARP_TYPE = b"\x08\x06"


class Counter:
    """The numbers a script fixes: ``first`` + n * ``step``, modulo 2^32."""

    def __init__(self, first: int, step: int) -> None:
        self._next = first
        self._step = step

    def draw(self) -> int:
        """The next number."""
        value, self._next = self._next, (self._next + self._step) & _U32
        return value


class Runner:
    """One run of a script on a stack of its own."""

    def __init__(
        self,
        script: Script,
        options: ScriptOptions,
        profile: Profile,
        on_frame: FrameHook | None = None,
    ) -> None:
        self.script = script
        self.options = options
        self._on_frame = on_frame
        self.transcript = Transcript()
        addressing = self.options.addressing()
        isses = IssTable()
        self._isses = isses
        self._addressing = addressing
        self._decoder = FrameDecoder(addressing, isses, self.options.view)
        self._builder = FrameBuilder(addressing, isses)
        self._arp_hidden = self.options.arp == "static" and self.options.view == "tcp"
        self._new_addresses: list[dict[str, object]] = []
        self._randoms = Counter(self.options.rand, self.options.rand_step)
        self._commands = Commands(self.transcript)
        self.stack = self._build(profile, options)
        self._commands.stack = self.stack
        self.sockets = Sockets(self.stack, addressing, isses, self.transcript)
        self._tracker = TcbTracker(self.stack, self.sockets, self.transcript)

    def _build(self, profile: Profile, options: ScriptOptions) -> Stack:
        stack = Stack(
            profile,
            mac=options.local_mac,
            ip=options.local_ip,
            netmask=options.netmask,
            gateway=options.gateway,
            transmit=self._transmit,
            iss=Counter(options.iss, options.iss_step).draw,
            rand=self._rand,
            ephemeral_first=options.ephemeral_first,
            clock_start=options.clock_start,
            up=bool(options.netif_up),
        )
        if options.arp == "static":
            stack.arp.add_static(options.peer_ip, options.peer_mac)
            stack.arp.add_static(options.gateway, options.peer_mac[:5] + b"\xfe")
        stack.netif.on_address.append(self._address_changes)
        stack.netif.on_report.append(self._tell_addresses)
        stack.dhcp.hostname = options.hostname
        return stack

    # What the stack does

    def _transmit(self, frame: bytes) -> int:
        err = self._commands.refusal()
        if err != ERR_OK:
            return err
        if self._on_frame is not None:
            self._on_frame(self.transcript.time * MS, frame, True)
        packet, fault = self._decoder.decode(frame)
        if not (self._arp_hidden and isinstance(packet, Eth) and frame[12:14] == _ARP_TYPE):
            self.transcript.sent(packet, fault)
        return ERR_OK

    def _rand(self) -> int:
        value = self._randoms.draw()
        self.transcript.probe("rand", value=f"0x{value:08x}")
        return value

    def _address_changes(self, old: int, new: int) -> None:
        """lwIP's status callback comes once the address is set, with mask and gateway as they are now."""
        netif = self.stack.netif
        self._new_addresses.append(netif_values(netif, new))
        if not (netif.up and netif.link_up and new):  # else once it has been reported to the neighbours
            self._tell_addresses()

    def _tell_addresses(self) -> None:
        for values in self._new_addresses:
            self.transcript.probe("netif", **values)
        self._new_addresses.clear()

    # The script

    def run(self) -> Script:
        """Run all stimuli. What came of it has the script's options at its head and its comments in
        between."""
        items: list[Item] = []
        events = self.transcript.events
        started = ended = False
        for item in self.script.items:
            if isinstance(item, Comment | OptionLine):
                if started:
                    items += events
                    events.clear()
                items.append(item)
            elif is_stimulus(item) and not ended:
                started = True
                self._stimulus(item)
                ended = isinstance(item, Command) and item.words == ["end"]
            elif isinstance(item, Probe) and item.kind == "stats" and not ended:
                # recorded without the command that asked for them
                self._pass_time(item.time)
                self._commands.stats()
        items += events
        return Script(self.script.path, items)

    def _stimulus(self, event: Event) -> None:
        self._pass_time(event.time)
        transcript = self.transcript
        transcript.line = event.line
        stack = self.stack
        if isinstance(event, Inbound):
            transcript.events.append(event)
            self._receive(self._builder.build(event.packet), event.time * MS)
        elif isinstance(event, Call):
            call = Call(event.line, event.time, event.name, event.args)
            transcript.events.append(call)
            self.sockets.call(call)
        elif isinstance(event, Command):
            transcript.events.append(event)
            try:
                self._commands.run(event)
            except Unsupported as reason:
                raise Unsupported(f"{self.script.path}:{event.line}: {reason}") from None
        elif isinstance(event, Probe):
            fd = int(event.words[1])
            words = info_words(stack, fd, self.sockets.descriptors.get(fd), self._addressing, self._isses)
            transcript.events.append(Probe(event.line, event.time, words))
        self._tracker.look()

    def _receive(self, frame: bytes, now: int) -> None:
        drops = self.stack.stats.drops
        before = drops.get("pbuf_pool", 0)
        if self._on_frame is not None:
            self._on_frame(now, frame, False)
        self.stack.receive(frame, now)
        if drops.get("pbuf_pool", 0) != before:
            self.transcript.probe("rxdrop", reason="pbuf_pool", len=len(frame))

    def _pass_time(self, until: int) -> None:
        """Run every timer at its time, up to and including ``until`` (ms)."""
        stack = self.stack
        transcript = self.transcript
        end = until * MS
        while (due := stack.next_deadline()) is not None and due <= end:
            transcript.time = due // MS
            stack.run_timers(due)
            self._tracker.look()
        transcript.time = until
        stack.run_timers(end)
