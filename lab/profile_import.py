"""Makes a profile of a firmware's option file: ``lwipopts.h``, ESP-IDF's ``sdkconfig``, or a ``.config``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.profile_file import Line, profile_text, read_text
from lab.profile_import_kconfig import looks_like_kconfig, read_kconfig
from lab.profile_import_names import OPT_H_OFF, not_emulated, translate, without_effect
from lab.profile_import_result import Found
from netstack.options import OPTIONS, ProfileError
from netstack.profile import Profile
from netstack.profiles import named
from netstack.sanity import RULES, TCP_RULES


@dataclass(slots=True)
class Imported:
    """The profile, its file as text, and what the reader of it should know: lines of (name, remark)."""

    profile: Profile
    text: str
    base: str
    lines: list[Line]
    translated: list[tuple[str, str]] = field(default_factory=list)
    not_emulated: list[tuple[str, str]] = field(default_factory=list)
    without_effect: dict[str, list[str]] = field(default_factory=dict)  # names by topic
    unknown: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)
    not_found: dict[str, str] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    elsewhere: int = 0


def import_profile(
    path: Path,
    folders: Sequence[Path] = (),
    defines: Sequence[tuple[str, str]] = (),
    given: dict[str, Any] | None = None,
    name: str | None = None,
) -> Imported:
    """Read an option file of any kind. ``given`` are options by lower-case name that override the file.

    Raises ProfileError with one line naming the file, the line and the mend.
    """
    given = given or {}
    if not str(path).isprintable():
        raise ProfileError(f"{str(path)!r}: a file name that cannot be printed: rename it")
    text = read_text(path)
    if looks_like_kconfig(text) and path.suffix != ".h":
        if folders or defines:
            raise ProfileError(f"{path}: a .config has no includes and no macros: leave -I and -D out")
        found = read_kconfig(path, text)
    elif path.suffix == ".h" or re.search(r"(?m)^\s*#\s*(define|include)\b", text):
        from lab.profile_import_c import read_lwipopts  # only here: the preprocessor takes a while to import

        found = read_lwipopts(path, text, folders, defines, given)
    else:
        raise ProfileError(
            f"{path}: neither C (#define TCP_MSS 1460) nor a .config (CONFIG_LWIP_TCP_MSS=1460)"
        )
    return _import(path, found, given, name or _name(path))


def short(place: str) -> str:
    """A place without its folder: ``lwipopts.h:12``."""
    return place.rpartition("/")[2]


def _name(path: Path) -> str:
    """A profile's name for a file: its folder says more than ``lwipopts`` or ``sdkconfig``."""
    stem = path.name.lstrip(".").split(".")[0]
    folder = path.resolve().parent.name
    generic = stem.lower() in ("lwipopts", "sdkconfig", "config", "prj")
    name = folder if generic and folder else stem
    return re.sub(r"[^\w.-]+", "-", name) or "my-board"


def _import(path: Path, found: Found, given: dict[str, Any], name: str) -> Imported:
    lines = {option: Line(option, value, "set on the command line") for option, value in given.items()}
    for option, value in found.options.items():
        if option not in lines:
            lines[option] = _checked(option, value, found)
    version = given.get("lwip_version", "2.2.1")
    numbers = {other: value for other, value in found.others.items() if value is not None}
    translated = translate(numbers, {option: line.value for option, line in lines.items()}, version)
    for new in translated:
        if new.option not in given:
            lines[new.option] = Line(
                new.option, new.value, f"{short(found.places[new.cause])} {new.cause}: {new.reason}"
            )
    if found.micropython and "api" not in lines:
        lines["api"] = Line("api", "modlwip", "it includes MicroPython's py/mpconfig.h")
    if found.base == "lwip-default":
        for option, off in OPT_H_OFF.items():
            lines.setdefault(option, Line(option, off, "opt.h"))
    ordered = [lines[option] for option in OPTIONS if option in lines]
    profile = _profile(path, found, name, ordered)
    imported = Imported(
        profile,
        profile_text(name, f"imported from {path.name}", found.base, ordered),
        found.base,
        ordered,
        unknown={name: short(place) for name, place in found.unknown.items()},
        assumed={name: short(place) for name, place in found.assumed.items()},
        not_found={name: short(place) for name, place in found.not_found.items()},
        elsewhere=found.elsewhere,
    )
    _remark(
        imported,
        found,
        [(new.cause, f"{OPTIONS[new.option].label}={new.value}: {new.reason}") for new in translated],
    )
    return imported


def _checked(option: str, value: int, found: Found) -> Line:
    """An option of the file, refused at its place when it is out of range."""
    row = OPTIONS[option]
    place = found.places.get(row.label, "")
    try:
        return Line(option, row.parse(bool(value) if row.unit == "bool" else value), short(place))
    except ProfileError as error:
        raise ProfileError(f"{place}: {error}") from None


def _profile(path: Path, found: Found, name: str, lines: list[Line]) -> Profile:
    """The profile, or the line of the file that breaks one of lwIP's rules."""
    options: dict[str, Any] = {line.name: line.value for line in lines}
    base = named(found.base)
    try:
        return base.replace(name=name, **options)
    except ProfileError as error:
        broken = base.replace(name=name, check=False, **options)
        rule = next(rule for rule in (*RULES, *TCP_RULES) if rule.broken(broken))
        labels = [OPTIONS[option].label for option in rule.names.split()]
        places = [found.places[label] for label in labels if label in found.places]
        others = f" (see {', '.join(places[1:])})" if places[1:] else ""
        raise ProfileError(f"{places[0] if places else path}: {error}{others}") from None


def _remark(imported: Imported, found: Found, translated: list[tuple[str, str]]) -> None:
    """Sort the names that are no options by what is to be said of them."""
    imported.translated = translated
    causes = {cause for cause, _ in translated}
    for name, value in found.others.items():
        remark = not_emulated(name, value)
        if name == "DHCP_DOES_ARP_CHECK" and "lwip_dhcp_does_acd_check" in found.options:
            continue  # for both versions of lwIP
        if remark is not None and (name not in causes or name == "LWIP_IPV6"):
            imported.not_emulated.append((name, f"{short(found.places[name])}: {remark}"))
        elif (topic := without_effect(name)) is not None and name not in causes:
            imported.without_effect.setdefault(topic, []).append(name)
    if imported.profile.api == "modlwip" and "poll_interval_ms" not in imported.profile.explicit:
        imported.hints.append(
            "MicroPython's ports look at the timers every 64 ms (rp2) or 128 ms (stm32, mimxrt), which this"
            " file does not say: --set poll_interval_ms=64"
        )
