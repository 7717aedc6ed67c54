"""Profile: all the numbers and quirks that make a device, as one plain immutable value.

A profile is the set of option values of a ``lwipopts.h`` (see ``options.py``) and the quirks of the lwIP
version it imitates (see ``quirks.py``). The packet path reads its attributes: ``profile.tcp_wnd``. It
remembers which options were given, so that ``replace`` derives the others anew, as a compiler would from a
changed ``lwipopts.h``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netstack import sanity
from netstack.options import OPTIONS, Options, ProfileError, is_option, lookup, parse_setting
from netstack.quirks import checked, quirks_of

__all__ = ["Profile", "ProfileError", "is_option", "parse_setting"]


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False, kw_only=True)
class Profile(Options):
    """Option values (ints, two strings), ``name``, ``quirks``, and ``explicit``: the options that were given.

    Made by ``make``, ``replace``, ``from_options`` or ``profiles.named``; compares and hashes by identity.
    """

    name: str
    quirks: frozenset[str]
    explicit: frozenset[str]

    def __init__(self) -> None:
        raise TypeError("use Profile.make(...), Profile.from_options(...) or netstack.profiles.named(...)")

    @classmethod
    def make(
        cls,
        name: str = "custom",
        *,
        check: bool = True,
        quirks: Iterable[str] | None = None,
        **options: int | str,
    ) -> Profile:
        """A profile of the given options; the others get their default, derived as in opt.h.

        ``quirks`` None means all quirks of the lwIP version. ``check`` False skips lwIP's sanity rules (for
        replaying recordings of sets that were compiled all the same); names and ranges are always checked.
        Raises ProfileError.
        """
        return cls._build(name, _parse(options), quirks, check)

    @classmethod
    def from_options(
        cls,
        settings: Mapping[str, int | str],
        name: str = "custom",
        *,
        check: bool = True,
        quirks: Iterable[str] | None = None,
    ) -> Profile:
        """As ``make``, from a mapping: names in either case, values as numbers or text (``.options``).

        Raises ProfileError for a name that is no option (ask ``is_option`` first) and for one given twice
        (``TCP_WND`` and ``tcp_wnd``).
        """
        return cls._build(name, _parse(settings), quirks, check)

    def replace(
        self,
        *,
        name: str | None = None,
        check: bool = True,
        quirks: Iterable[str] | None = None,
        **options: int | str,
    ) -> Profile:
        """A copy with some options changed; options that were never given are derived anew.

        Quirks stay, unless given, or unless they were all those of a version that changes. Raises
        ProfileError.
        """
        given = {key: getattr(self, key) for key in self.explicit} | _parse(options)
        if quirks is None and self.quirks != quirks_of(self.lwip_version):
            quirks = self.quirks
        return self._build(self.name if name is None else name, given, quirks, check)

    @classmethod
    def _build(
        cls, name: str, given: dict[str, int | str], quirks: Iterable[str] | None, check: bool
    ) -> Profile:
        profile: Profile = object.__new__(cls)
        for row in OPTIONS.values():
            value = given.get(row.name, row.default)
            object.__setattr__(profile, row.name, value(profile) if callable(value) else value)
        version_quirks = quirks_of(profile.lwip_version)
        object.__setattr__(profile, "name", name)
        object.__setattr__(profile, "quirks", version_quirks if quirks is None else checked(quirks))
        object.__setattr__(profile, "explicit", frozenset(given))
        if check:
            sanity.check(profile)
        return profile

    def options(self) -> dict[str, int | str]:
        """All option values by lower-case name, in the order of the table."""
        return {name: getattr(self, name) for name in OPTIONS}

    def settings(self) -> list[str]:
        """All options as ``NAME=VALUE`` lines that ``parse_setting`` reads back."""
        return [f"{row.label}={row.format(getattr(self, row.name))}" for row in OPTIONS.values()]

    @property
    def heap_block_header(self) -> int:
        """Bytes of lwIP's ``struct mem`` in front of each heap block.

        Two offsets and a flag: in a heap over 64000 bytes the offsets are 32 instead of 16 bits wide
        (``mem_size_t``, lwIP mem.h), which makes 12 bytes instead of 8.
        """
        return self.align(self.sizeof_heap_header + (4 if self.mem_size > 64000 else 0))

    def __repr__(self) -> str:
        changed = "".join(f", {name}={getattr(self, name)!r}" for name in OPTIONS if name in self.explicit)
        return f"Profile({self.name!r}{changed})"


def _parse(settings: Mapping[str, int | str]) -> dict[str, int | str]:
    """Checked values by lower-case name."""
    given: dict[str, int | str] = {}
    for key, value in settings.items():
        row = lookup(key)
        if row.name in given:
            raise ProfileError(f"option {row.label} is given twice")
        given[row.name] = row.parse(value)
    return given
