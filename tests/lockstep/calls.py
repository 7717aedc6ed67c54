"""What an application and the world around do in a random conversation: calls of the raw API, failures,
address changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from lab.pkt.events import Call, Command, Event, Inbound, SocketAddress
from netstack.address import format_ip
from tests.lockstep.moods import Mood
from tests.lockstep.script import (
    DEFAULT_SLOT,
    GATEWAY,
    LOCAL_IP,
    LOCAL_PORT,
    PEER_IP,
    PEER_PORT,
    POLICY_WORDS,
    arp_reply,
)
from tests.lockstep.slots import Slots

WRITES = (1, 1, 10, 100, 100, 500, 1459, 1460, 1461, 2920, 3000, 5000, 10000, 30000, 65535)

_OPTION_VALUES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("NODELAY", (0, 1)),
    ("NODELAY", (1,)),
    ("KEEPALIVE", (1, 1, 0)),
    ("KEEPIDLE", (1000, 10_000, 60_000)),
    ("KEEPINTVL", (500, 1000, 75_000)),
    ("KEEPCNT", (1, 2, 9)),
    ("PRIO", (1, 32, 64, 65, 127)),
    ("TTL", (1, 64, 255)),
    ("TOS", (0, 0x10, 0xB8)),
)


class CallActions:
    """The actions that are no segments; ``time`` is the virtual time in ms, ``local_ip`` the stack's
    address.
    """

    def __init__(self, rng: Random, mood: Mood, slots: Slots) -> None:
        self.rng = rng
        self.mood = mood
        self.slots = slots
        self.time = 0
        self.local_ip = LOCAL_IP

    def _call(self, name: str, *args: int | str | SocketAddress) -> Event:
        return Call(0, self.time, name, list(args))

    def _policy(self, slot: int) -> Event:
        words = [self._draw(POLICY_WORDS[i], self.mood.policies[i]) for i in range(7) if i != 5]
        return self._call("tcp_policy", slot, *words[:5], self.rng.choice((0, 1, 2, 4, 20)), words[5])

    def _draw(self, words: Sequence[str], weights: Sequence[float]) -> str:
        return self.rng.choices(words, weights)[0]

    def _do_connect(self) -> list[Event]:
        rng = self.rng
        ip = PEER_IP + (rng.randrange(3) if rng.random() < self.mood.peers else 0)
        local = 0 if rng.random() < 0.7 else rng.choice((1234, 1235, LOCAL_PORT))
        return [self._call("tcp_connect", local, SocketAddress(ip, rng.choice((7, 80, PEER_PORT))))]

    def _do_listen(self) -> list[Event]:
        return [
            self._call(
                "tcp_listen",
                self.rng.choice((LOCAL_PORT, 81, 82)),
                self.rng.choice((0, 1, 3)),
                self.rng.randrange(2),
            )
        ]

    def _slot(self) -> int:
        return self.slots.pick(self.rng)

    def _do_write(self) -> list[Event]:
        rng = self.rng
        slot = self._slot()
        length = rng.choice(WRITES)
        flags = rng.choice((4, 4, 4, 4, 0, 2, 6))
        return [self._call("tcp_write", slot, length, flags) for _ in range(rng.choice((1, 1, 1, 2, 5)))]

    def _do_finish(self) -> list[Event]:
        """A last write and the end of the stream, in one breath."""
        slot = self._slot()
        write = self._call("tcp_write", slot, self.rng.choice((100, 500, 1000, 1460)), 0)
        if self.rng.random() < 0.5:
            return [write, self._call("tcp_close", slot)]
        return [write, self._call("tcp_shutdown", slot, 0, 1)]

    def _do_output(self) -> list[Event]:
        return [self._call("tcp_output", self._slot())]

    def _do_recved(self) -> list[Event]:
        return [
            self._call("tcp_recved", self._slot(), self.rng.choice((1, 100, 536, 1460, 5840, 20000, 65535)))
        ]

    def _do_close(self) -> list[Event]:
        return [self._call("tcp_close", self._slot())]

    def _do_shutdown(self) -> list[Event]:
        rx, tx = self.rng.choice(((0, 1), (0, 1), (1, 0), (1, 1), (0, 0)))
        return [self._call("tcp_shutdown", self._slot(), rx, tx)]

    def _do_abort(self) -> list[Event]:
        return [self._call("tcp_abort", self._slot())]

    def _do_policy(self) -> list[Event]:
        return [self._policy(DEFAULT_SLOT if self.rng.random() < 0.2 else self._slot())]

    def _do_option(self) -> list[Event]:
        rng = self.rng
        word, values = rng.choice(_OPTION_VALUES)
        return [self._call("tcp_option", self._slot(), word, rng.choice(values))]

    def _do_keepalive(self) -> list[Event]:
        """Keep-alive with short times on one connection; the peer may answer, or be silent to the end."""
        rng = self.rng
        slot = self._slot()
        settings = {
            "KEEPIDLE": rng.choice((500, 1000, 4000)),
            "KEEPINTVL": rng.choice((500, 1000)),
            "KEEPCNT": rng.choice((0, 1, 3)),
        }
        return [
            self._call("tcp_option", slot, word, value)
            for word, value in {**settings, "KEEPALIVE": 1}.items()
        ]

    # The world around

    def _command(self, *words: str) -> Event:
        return Command(0, self.time, list(words))

    def _do_txfail(self) -> list[Event]:
        rng = self.rng
        return [
            self._command(
                "txfail",
                str(rng.choice((1, 1, 2, 5))),
                rng.choice(("ERR_MEM", "ERR_BUF", "ERR_IF", "ERR_RTE")),
            )
        ]

    def _do_heapfail(self) -> list[Event]:
        return [self._command("heap", "fail", str(self.rng.choice((1, 1, 2, 3, 10))))]

    def _do_netif(self) -> list[Event]:
        """The interface or its link goes down, and comes up later."""
        what = self.rng.choice(("netif", "link"))
        down = self._command(what, "down")
        self.time += self.rng.choice((0, 1, 600, 5000))
        return [down, self._command(what, "up")]

    def _do_mtu(self) -> list[Event]:
        return [self._command("netif", "mtu", self.rng.choice(("1500", "1500", "576", "296", "1400")))]

    def _do_address(self) -> list[Event]:
        self.local_ip = LOCAL_IP if self.local_ip != LOCAL_IP else LOCAL_IP + 8
        return [self._command("netif", "addr", format_ip(self.local_ip), "255.255.255.0", format_ip(GATEWAY))]

    def _answer(self, ip: int) -> Event:
        return Inbound(0, self.time, arp_reply(ip, self.local_ip))
