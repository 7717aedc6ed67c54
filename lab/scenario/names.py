"""The names of a scenario that statements, rules and programs refer to, and what is said of a wrong one."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.scenario.errors import Mistake, instead
from lab.scenario.model import File
from lab.scenario.streams import Route
from netstack.address import parse_ip


@dataclass(frozen=True)
class Way:
    """One direction of a link: from its first end (``forth``) or to it."""

    link: str
    is_forth: bool

    @property
    def name(self) -> str:
        return f"{self.link}.{'forth' if self.is_forth else 'back'}"


@dataclass
class Names:
    """What there is in a scenario."""

    devices: dict[str, str | None] = field(default_factory=dict)  # name -> address (None: of DHCP)
    links: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> names of its ends
    programs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def device(self, name: str) -> str:
        """The name of a device. Raises Mistake."""
        if name not in self.devices:
            raise Mistake(f"there is no device {name!r}: {instead(name, self.devices)}")
        return name

    def program(self, name: str) -> str:
        """The name of a program. Raises Mistake."""
        if name not in self.programs:
            raise Mistake(f"there is no program {name!r}: {instead(name, self.programs)}")
        return name

    def fault(self, name: str) -> str:
        """The name of a fault. Raises Mistake."""
        if name not in self.faults:
            raise Mistake(f"there is no fault {name!r}: {instead(name, self.faults)}")
        return name

    def link(self, name: str) -> str:
        """The name of a link. Raises Mistake."""
        if name not in self.links:
            raise Mistake(f"there is no link {name!r}: {instead(name, self.links)}")
        return name

    def way(self, text: str) -> Way:
        """The direction that ``client>server`` or ``wire.forth`` means. Raises Mistake."""
        link, dot, side = text.partition(".")
        if dot and side in ("forth", "back"):
            return Way(self.link(link), side == "forth")
        ways = self._ways()
        found = ways.get(text, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise Mistake(f"{text} is on {len(found)} links: write {found[0].name} or {found[1].name}")
        if ">" not in text:
            raise Mistake(f"{text!r} is no direction: {instead(text, ways)}")
        raise Mistake(f"no link goes {text}: {instead(text, ways)}")

    def _ways(self) -> dict[str, list[Way]]:
        ways: dict[str, list[Way]] = {}
        for link, (one, other) in self.links.items():
            ways.setdefault(f"{one}>{other}", []).append(Way(link, True))
            ways.setdefault(f"{other}>{one}", []).append(Way(link, False))
        return ways

    def route(self, text: str) -> Route:
        """The streams that ``client>server:5000`` means. Raises Mistake."""
        source, arrow, target = text.partition(">")
        if not arrow:
            raise Mistake(f"{text!r} names no streams: write them as client>server or client>server:5000")
        one, other = (self._end(end) for end in (source, target))
        return Route(*one, *other)

    def _end(self, text: str) -> tuple[str, int | None]:
        name, colon, port = text.partition(":")
        if colon and not (port.isdigit() and 0 < int(port) < 1 << 16):
            raise Mistake(f"{port!r} is no port: give a number from 1 to 65535")
        return self.device(name), int(port) if colon else None

    def address(self, text: str) -> str:
        """The IPv4 address that a device's name, or itself, means. Raises Mistake."""
        if text in self.devices:
            address = self.devices[text]
            if address is None:
                raise Mistake(f"{text} gets its address from DHCP: give the address itself")
            return address.partition("/")[0]
        try:
            parse_ip(text)
        except ValueError:
            mend = instead(text, self.devices)
            raise Mistake(f"{text!r} is neither a device nor an address: {mend}") from None
        return text


def names_of(file: File) -> Names:
    """The devices and links of a file."""
    return Names(
        {name: None if device.dhcp else device.address for name, device in file.device.items()},
        {
            name: (link.between[0].partition(" ")[0], link.between[1].partition(" ")[0])
            for name, link in file.link.items()
        },
    )
