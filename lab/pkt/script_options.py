"""The options of a script: its profile's ``.options`` file first, then its own ``--NAME=VALUE`` lines.

Names that are lwIP's (TCP_WND) or a socket layer's (api, udp_rxq) make the Profile; the others say who is who
in the script, where numbers start and how frames are shown. Every option of the second kind has a default, so
a script needs none.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

from lab.pkt.events import OptionLine, Script
from lab.pkt.frames import Addressing
from lab.pkt.scanner import ScriptError
from netstack.address import parse_ip, parse_mac
from netstack.options import ProfileError
from netstack.profile import Profile, is_option
from netstack.profiles import named

DEFAULT_PROFILE = "lwip-default"


@dataclass(slots=True)
class ScriptOptions:
    """The options that are not the Profile's. ``unknown`` lists names nobody knows; they change nothing."""

    profile: str = DEFAULT_PROFILE
    view: str = "tcp"
    arp: str = "static"
    local_ip: int = parse_ip("10.0.0.1")
    netmask: int = parse_ip("255.255.255.0")
    gateway: int = parse_ip("10.0.0.254")
    local_mac: bytes = parse_mac("020000000001")
    local_port: int = 80
    peer_ip: int = parse_ip("10.0.0.2")
    peer_mac: bytes = parse_mac("020000000002")
    peer_port: int = 40000
    peer_iss: int = 0
    iss: int = 1_000_000
    iss_step: int = 100_000
    rand: int = 0x12345678
    rand_step: int = 0
    clock_start: int = 0
    ephemeral_first: int = 49153
    netif_up: int = 1
    hostname: str = ""
    stack: str = "lwip-2.2.1"
    unknown: list[str] = field(default_factory=list)

    def addressing(self) -> Addressing:
        """The part that frames are built and decoded with."""
        return Addressing(
            self.local_ip,
            self.local_mac,
            self.local_port,
            self.peer_ip,
            self.peer_mac,
            self.peer_port,
            self.peer_iss,
        )


def _number(limit: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text, 0)
        except ValueError:
            raise ValueError(f"not a number: {text!r}") from None
        if not 0 <= value <= limit:
            raise ValueError(f"{text} is not between 0 and {limit}")
        return value

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be {' or '.join(choices)}, not {text!r}")
        return text

    return parse


_U32 = _number(0xFFFFFFFF)
_PORT = _number(0xFFFF)
_PARSERS: dict[str, Callable[[str], object]] = {
    "profile": str,
    "view": _choice("tcp", "eth"),
    "arp": _choice("static", "none"),
    "local_ip": parse_ip,
    "netmask": parse_ip,
    "gateway": parse_ip,
    "local_mac": parse_mac,
    "local_port": _PORT,
    "peer_ip": parse_ip,
    "peer_mac": parse_mac,
    "peer_port": _PORT,
    "peer_iss": _U32,
    "iss": _U32,
    "iss_step": _U32,
    "rand": _U32,
    "rand_step": _U32,
    "clock_start": _U32,
    "ephemeral_first": _PORT,
    "netif_up": _number(1),
    "hostname": str,
    "stack": str,
}
assert set(_PARSERS) == {f.name for f in fields(ScriptOptions)} - {"unknown"}


def resolve(script: Script) -> tuple[ScriptOptions, Profile]:
    """Everything the options of ``script`` say. Raises ScriptError naming file and place."""
    file = _profile_file(script)
    lines = [] if file is None else [(str(file), line) for line in read_options(file)]
    lines += [(script.path, line) for line in script.options]
    merged = {line.name: (path, line) for path, line in lines}
    options = ScriptOptions() if file is None else ScriptOptions(profile=file.stem)
    profile_settings: dict[str, tuple[str, OptionLine]] = {}
    for name, (path, line) in merged.items():
        if name in _PARSERS:
            try:
                setattr(options, name, _PARSERS[name](line.value))
            except ValueError as failure:
                raise ScriptError(path, line.line, line.column, f"{name}: {failure}") from None
        elif is_option(name):
            profile_settings[name] = (path, line)
        elif path == script.path and not name.isupper():
            raise ScriptError(path, line.line, 3, _unknown(name))
        else:
            options.unknown.append(name)
    return options, _profile(script, options, profile_settings)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _PARSERS, 1)
    return f"unknown option {name}" + (f" (did you mean {near[0]}?)" if near else "")


def _profile_file(script: Script) -> Path | None:
    """``<profile>.options`` in the script's folder, above it, or above that (beside the profile's folder).

    Without a ``--profile`` line the folders' names count. None when the profile is only known by its name.
    """
    asked = next((line.value for line in script.options if line.name == "profile"), None)
    folders = list(Path(script.path).absolute().parents)[:3]
    if asked is not None:
        candidates = [folder / f"{asked}.options" for folder in folders]
    else:
        candidates = [folder.with_name(f"{folder.name}.options") for folder in folders[:2] if folder.name]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def read_options(path: Path) -> list[OptionLine]:
    """The NAME=VALUE lines of an ``.options`` file; empty lines and ``//`` comments are allowed. Raises
    ScriptError."""
    lines: list[OptionLine] = []
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as failure:
        raise ScriptError(str(path), 1, 1, f"cannot be read: {failure}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("//"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name:
            raise ScriptError(str(path), number, 1, f"expected NAME=VALUE, found {line!r}")
        lines.append(OptionLine(number, name, value, len(name) + 2))
    return lines


def _profile(script: Script, options: ScriptOptions, settings: dict[str, tuple[str, OptionLine]]) -> Profile:
    """The Profile of the settings; where no ``.options`` file gave them, on top of the named profile."""
    values: dict[str, int | str] = {}
    for name, (path, line) in settings.items():
        try:
            Profile.from_options({name: line.value}, check=False)
        except ProfileError as failure:
            raise ScriptError(path, line.line, line.column, str(failure)) from None
        values[name.lower()] = line.value
    from_file = any(path != script.path for path, _ in settings.values())
    chosen = from_file or any(line.name == "stack" for line in script.options)
    if chosen and options.stack.startswith("lwip-"):  # else the named profile knows its version and quirks
        values.setdefault("lwip_version", options.stack.removeprefix("lwip-"))
    try:
        if from_file:
            return Profile.from_options(values, options.profile, check=False)
        known = named(options.profile)
        base = {name: getattr(known, name) for name in known.explicit}
        quirks = None if "lwip_version" in values else known.quirks
        return Profile.from_options(base | values, options.profile, check=False, quirks=quirks)
    except ProfileError as failure:
        place = next((line for line in script.options if line.name in ("profile", "stack")), None)
        line_number, column = (place.line, place.column) if place else (1, 1)
        raise ScriptError(script.path, line_number, column, str(failure)) from None
