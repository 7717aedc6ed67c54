"""Printer of the trace language: event objects to lines. Printing what was parsed gives the same bytes."""

from __future__ import annotations

from lab.pkt.events import (
    Argument,
    Call,
    Command,
    Comment,
    Default,
    Eth,
    Event,
    Icmp,
    Inbound,
    IntList,
    Item,
    Modifier,
    Option,
    OptionLine,
    Outbound,
    Packet,
    Probe,
    Script,
    SocketAddress,
    Tcp,
    Udp,
)
from netstack.address import format_ip


def format_script(script: Script) -> str:
    """The text of a whole file."""
    return "".join(format_item(item) + "\n" for item in script.items)


def format_item(item: Item) -> str:
    """One line, without its end."""
    if isinstance(item, Comment):
        return "" if item.text is None else f"//{item.text}"
    if isinstance(item, OptionLine):
        return f"--{item.name}={item.value}"
    return f"{format_time(item.time)} {format_action(item)}"


def format_time(ms: int) -> str:
    """Milliseconds as seconds with three digits."""
    return f"{ms // 1000}.{ms % 1000:03}"


def format_action(event: Event) -> str:
    """An event without its time."""
    if isinstance(event, Inbound):
        return "< " + format_packet(event.packet, ", ")
    if isinstance(event, Outbound):
        return "> " + format_packet(event.packet, ",")
    if isinstance(event, Call):
        call = f"{event.name}({', '.join(_argument(arg) for arg in event.args)})"
        return call if event.result is None else f"{call} = {event.result}"
    if isinstance(event, Command):
        return f"`{' '.join(event.words)}`"
    assert isinstance(event, Probe)
    return "%{" + " ".join(event.words) + "}%"


def _argument(arg: Argument) -> str:
    if isinstance(arg, Default):
        return "..."
    if isinstance(arg, SocketAddress):
        ip = format_ip(arg.ip)
        return f'{{sa_family = AF_INET, sin_port = htons({arg.port}), sin_addr = inet_addr("{ip}")}}'
    if isinstance(arg, IntList):
        return f"[{arg.value}]"
    return str(arg)


def format_packet(packet: Packet, separator: str = ",") -> str:
    """A packet; ``separator`` stands between modifiers (inbound lines write ', ', outbound lines ',')."""
    if isinstance(packet, Eth):
        return f"eth {packet.frame.hex()} {packet.json}" if packet.json else f"eth {packet.frame.hex()}"
    head = f"[{separator.join(_modifier(m) for m in packet.modifiers)}] " if packet.modifiers else ""
    if isinstance(packet, Tcp):
        return head + _tcp(packet)
    if isinstance(packet, Udp):
        return f"{head}udp {_ports(packet.ports)}({packet.length})"
    mtu = "" if packet.mtu is None else f" mtu {packet.mtu}"
    return f"{head}icmp unreachable {packet.code}{mtu} [{_ports(packet.quoted)}{_span(packet)}]"


def _modifier(modifier: Modifier) -> str:
    value = modifier.value
    if value is None:
        return modifier.name
    if isinstance(value, bytes):
        return f"{modifier.name} {value.hex()}"
    if modifier.name in ("src", "dst"):
        return f"{modifier.name} {format_ip(value)}"
    return f"tos 0x{value:02x}" if modifier.name == "tos" else f"{modifier.name} {value}"


def _ports(ports: tuple[int, int] | None) -> str:
    return "" if ports is None else f"{ports[0]} > {ports[1]} "


def _span(packet: Tcp | Icmp) -> str:
    return f"{packet.seq}:{packet.end}({packet.length})"


def _tcp(packet: Tcp) -> str:
    text = f"{_ports(packet.ports)}{packet.flags} {_span(packet)}"
    if packet.ack is not None:
        text += f" ack {packet.ack}"
    if packet.win is not None:
        text += f" win {packet.win}"
    if packet.urg is not None:
        text += f" urg {packet.urg}"
    if packet.options is not None:
        text += f" <{','.join(_option(option) for option in packet.options)}>"
    return text


def _option(option: Option) -> str:
    numbers = option.numbers
    if option.name == "TS":
        return f"TS val {numbers[0]} ecr {numbers[1]}"
    if option.name == "sack":
        return "sack " + " ".join(
            f"{left}:{right}" for left, right in zip(numbers[::2], numbers[1::2], strict=True)
        )
    if option.name == "kind":
        return f"kind {numbers[0]} {option.data.hex() or '-'}"
    if option.name == "raw":
        return f"raw {option.data.hex()}"
    return " ".join([option.name, *map(str, numbers)])
