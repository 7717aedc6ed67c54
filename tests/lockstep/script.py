"""A conversation as a script of the trace language, and its events in the form both stacks are fed with.

The language is lab's, with raw-API calls in place of socket calls (``tcp_write(1, 100, 4)``;
docs/lockstep.md lists them). Relative numbers become real ones here, once, from the frames of the stack
under test; both stacks then get the same bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import replace

from lab.pkt.decode import FrameDecoder
from lab.pkt.events import Argument, Call, Command, Eth, Event, Inbound, Packet, SocketAddress
from lab.pkt.format import format_item
from lab.pkt.frames import Addressing, FrameBuilder, IssTable
from lab.pkt.language import parse_action
from lab.pkt.scanner import Scanner
from netstack.address import parse_ip
from netstack.errors import ERR_NAMES
from tests.lockstep.wire import Config, Op

LOCAL_MAC = bytes.fromhex("020000000001")
PEER_MAC = bytes.fromhex("020000000002")
LOCAL_IP = parse_ip("10.0.0.1")
PEER_IP = parse_ip("10.0.0.2")
GATEWAY = parse_ip("10.0.0.254")
LOCAL_PORT = 80
PEER_PORT = 40000

# Words of tcp_policy(slot, recv, fin, accept, sent, poll, interval, connected); app.c has the same enums.
POLICY_WORDS: tuple[tuple[str, ...], ...] = (
    ("HOLD", "CONSUME", "REFUSE", "ECHO", "ABORT", "CLOSE", "HALF"),
    ("IGNORE", "CLOSE", "SHUTDOWN_TX", "ABORT"),
    ("OK", "ERROR", "ABORT", "GREET"),
    ("IGNORE", "WRITE", "CLOSE"),
    ("NONE", "IGNORE", "WRITE", "CLOSE", "ABORT", "ABORT_CLOSED"),
    (),
    ("IGNORE", "WRITE", "ABORT"),
)
DEFAULT_SLOT = 255  # tcp_policy(255, ...): for connections to come

OPTION_WORDS = ("NODELAY", "KEEPALIVE", "KEEPIDLE", "KEEPINTVL", "KEEPCNT", "PRIO", "TTL", "TOS")

_OUTPUT = 4  # flag of tcp_write: tcp_output follows
_ERR_NUMBERS = {name: number for number, name in ERR_NAMES.items()}


def arp_reply(ip: int, to: int) -> Eth:
    """The answer of host ``ip`` to the stack at address ``to``; MACs end like addresses, as in lab's frames
    (RFC 826).
    """
    mac = PEER_MAC[:5] + bytes([ip & 0xFF])
    body = struct.pack("!HHBBH6sI6sI", 1, 0x0800, 6, 4, 2, mac, ip, LOCAL_MAC, to)
    return Eth(LOCAL_MAC + mac + b"\x08\x06" + body, "")


class Codec:
    """Events to operations, frames to packets; keeps the ISNs in between."""

    def __init__(self, config: Config, peer_iss: int) -> None:
        isses = IssTable()
        addressing = Addressing(config.ip, LOCAL_MAC, LOCAL_PORT, PEER_IP, PEER_MAC, PEER_PORT, peer_iss)
        self._builder = FrameBuilder(addressing, isses)
        self._decoder = FrameDecoder(addressing, isses, "tcp")

    def encode(self, event: Event) -> tuple[Op, bytes]:
        """The operation and its arguments (``oracle.h: enum op``)."""
        if isinstance(event, Inbound):
            return Op.FRAME, self._builder.build(event.packet)
        if isinstance(event, Call):
            return _encode_call(event.name, event.args)
        assert isinstance(event, Command), "not a stimulus"
        return _encode_command(event.words)

    def decode(self, frame: bytes) -> Packet:
        """What a frame of the stack says."""
        return self._decoder.decode(frame)[0]


def _encode_call(name: str, args: list[Argument]) -> tuple[Op, bytes]:
    numbers = [arg for arg in args if isinstance(arg, int)]
    if name == "tcp_listen":
        return Op.LISTEN, struct.pack("<HBB", *numbers)
    if name == "tcp_connect":
        to = args[1]
        assert isinstance(to, SocketAddress)
        return Op.CONNECT, struct.pack("<HIH", numbers[0], to.ip, to.port)
    if name == "tcp_write":
        return Op.WRITE, struct.pack("<BHB", *numbers)
    if name == "tcp_recved":
        return Op.RECVED, struct.pack("<BH", *numbers)
    if name == "tcp_policy":
        values = [
            arg if isinstance(arg, int) else words.index(str(arg))
            for arg, words in zip(args[1:], POLICY_WORDS, strict=True)
        ]
        return Op.POLICY, bytes([numbers[0], *values, 0])
    if name == "tcp_option":
        return Op.OPTION, struct.pack("<BBI", numbers[0], OPTION_WORDS.index(str(args[1])), numbers[1])
    ops = {"tcp_output": Op.OUTPUT, "tcp_close": Op.CLOSE, "tcp_shutdown": Op.SHUTDOWN, "tcp_abort": Op.ABORT}
    return ops[name], bytes(numbers)


def _encode_command(words: list[str]) -> tuple[Op, bytes]:
    match words:
        case ["end"]:
            return Op.NOP, b""
        case ["txfail", count, err]:
            return Op.TXFAIL, struct.pack("<Bb", int(count), _ERR_NUMBERS[err])
        case ["heap", "fail", count]:
            return Op.HEAPFAIL, bytes([int(count)])
        case ["netif", "mtu", mtu]:
            return Op.MTU, struct.pack("<H", int(mtu))
        case ["netif", "addr", *addresses]:
            return Op.ADDR, struct.pack("<III", *map(parse_ip, addresses))
        case ["netif", state]:
            return Op.NETIF, bytes([state == "up"])
        case ["link", state]:
            return Op.LINK, bytes([state == "up"])
    raise ValueError(f"no such command: {' '.join(words)}")


# ---- text ----

_CALL = re.compile(r"(tcp_[a-z]+)\((.*)\)")
_ARGUMENT = re.compile(r"{[^}]*}|[^, ]+")
_ADDRESS = re.compile(r'{sa_family = AF_INET, sin_port = htons\((\d+)\), sin_addr = inet_addr\("([\d.]+)"\)}')
_EVENT = re.compile(r"(\d+)\.(\d{3}) (.*)")

# Option lines: lab's names for the world of a script, lwIP's for sizes of pools.
_OPTION_LINES = {
    "iss": "iss",
    "iss_step": "iss_step",
    "ephemeral_first": "ephemeral_first",
    "clock_start": "clock_start",
    "mtu": "mtu",
    "poll_interval_ms": "poll_ms",
    "MEMP_NUM_TCP_PCB": "tcp_pcb",
    "MEMP_NUM_TCP_PCB_LISTEN": "tcp_pcb_listen",
    "MEMP_NUM_TCP_SEG": "tcp_seg",
}


def format_options(config: Config, peer_iss: int) -> str:
    """The option lines of a script: where the world is not the usual one."""
    usual = Config()
    lines = ["--stack=lwip-2.1.3"]
    lines += [
        f"--{name}={getattr(config, field)}"
        for name, field in _OPTION_LINES.items()
        if getattr(config, field) != getattr(usual, field)
    ]
    if peer_iss:
        lines.append(f"--peer_iss={peer_iss}")
    return "".join(line + "\n" for line in lines)


def format_events(events: Iterable[Event]) -> str:
    """One line per event, in the trace language."""
    return "".join(format_item(event) + "\n" for event in events)


def parse_script(text: str) -> tuple[Config, int, list[Event]]:
    """Configuration, the peers' ISN and the stimuli of a script; what the stack did and comments are skipped.

    Raises ValueError or lab's ScriptError for what is no script.
    """
    fields: dict[str, int] = {}
    peer_iss = 0
    events: list[Event] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("--") and "=" in line:
            name, value = line[2:].split("=", 1)
            if name == "peer_iss":
                peer_iss = int(value)
            elif name in _OPTION_LINES:
                fields[_OPTION_LINES[name]] = int(value)
        elif (found := _EVENT.fullmatch(line)) and not found[3].startswith(("> ", "%{")):
            events.append(_parse_event(number, found))
    return replace(Config(), **fields), peer_iss, events


def _parse_event(number: int, found: re.Match[str]) -> Event:
    time = int(found[1] + found[2])
    text = found[3]
    call = _CALL.fullmatch(text)
    event: Event
    if text.startswith("`"):
        event = Command(number, time, text.strip("`").split(" "))
    elif call is not None:
        event = Call(number, time, call[1], [_parse_argument(word) for word in _ARGUMENT.findall(call[2])])
    else:
        return parse_action(Scanner("<script>", number, text), time)
    try:
        _encode_call(event.name, event.args) if isinstance(event, Call) else _encode_command(event.words)
    except (AssertionError, LookupError, ValueError, struct.error):
        raise ValueError(f"line {number}: not understood: {text}") from None
    return event


def _parse_argument(word: str) -> Argument:
    address = _ADDRESS.fullmatch(word)
    if address is not None:
        return SocketAddress(parse_ip(address[2]), int(address[1]))
    return int(word) if word.isdigit() else word
