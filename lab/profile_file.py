"""Profile files: a device of one's own as a few lines of TOML, which ``--profile ./my-board.toml`` takes.

    name = "my-board"            # optional, like all of these; the file's name is the default
    summary = "one line"
    base = "pico-sdk"            # a named profile that the options below change; default lwip-default
    quirks_off = ["iss_from_ticks"]

    [options]
    TCP_MSS = 1460

Every mistake raises ProfileError with one line that names the file, the line in it and the mend. The core
reads no files; this is where they are read.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from netstack.options import OPTIONS, ProfileError, lookup, suggest
from netstack.profile import Profile
from netstack.profiles import PROFILES, named
from netstack.quirks import checked

MAX_SIZE = 1 << 20  # of a file, in characters: an option file has some thousand

_KEYS = ("name", "summary", "base", "quirks_on", "quirks_off", "options")


class ProfileFile(NamedTuple):
    """A file's profile, with what the profile itself does not say."""

    profile: Profile
    summary: str
    base: str


def is_file_name(text: str) -> bool:
    """Whether ``text`` means a file rather than a named profile: it ends in .toml or has a folder."""
    return text.endswith(".toml") or os.sep in text


def find_profile(text: str) -> Profile:
    """A named profile, or that of the file ``text``. Raises ProfileError."""
    if is_file_name(text):
        return load_profile(Path(text))
    if text not in PROFILES:
        mend = "`netstack profiles` lists them, and a file is written ./NAME.toml"
        raise ProfileError(f"unknown profile {text}{suggest(text, PROFILES)}; {mend}")
    return named(text)


def load_profile(path: Path) -> Profile:
    """The profile of a TOML file. Raises ProfileError."""
    return read_profile_file(path).profile


def read_profile_file(path: Path) -> ProfileFile:
    """A TOML file with all that it says. Raises ProfileError."""
    text = read_text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(_syntax_error(path, error)) from None
    file = _File(path, text)
    for key in table:
        if key not in _KEYS:
            mend = suggest(key, _KEYS) or f" (there are {', '.join(_KEYS)})"
            if key.lower() in OPTIONS:
                mend = " (an option: write it below [options])"
            raise file.mistake(key, f"unknown key {key}{mend}")
    base = file.string(table, "base", "lwip-default")
    if base not in PROFILES:
        mend = suggest(base, PROFILES) or " (`netstack profiles` lists them)"
        raise file.mistake("base", f"unknown profile {base}{mend}")
    options = file.options(table.get("options", {}))
    name = file.string(table, "name", path.stem)
    try:
        profile = named(base).replace(name=name, **options)
    except ProfileError as error:
        first = next((row for row in options if f"{OPTIONS[row].label}=" in str(error)), "options")
        raise file.mistake(first, str(error)) from None
    quirks = profile.quirks - file.quirks(table, "quirks_off") | file.quirks(table, "quirks_on")
    if quirks != profile.quirks:
        profile = profile.replace(quirks=quirks)
    return ProfileFile(profile, file.string(table, "summary", f"from {path}"), base)


def read_text(path: Path) -> str:
    """The text of a file of the user's. Raises ProfileError when it cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_SIZE + 1)
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ProfileError(f"{path}: a folder; name a file in it") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{path}: not a text in UTF-8; save it as that") from None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(text) > MAX_SIZE:
        raise ProfileError(f"{path}: larger than {MAX_SIZE >> 20} MiB, so no file of options")
    return text


def _syntax_error(path: Path, error: tomllib.TOMLDecodeError) -> str:
    """Python's message, with its place put where we put places."""
    message = str(error)
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    place, what = (f"{path}:{found[2]}", found[1]) if found else (str(path), message)
    return f"{place}: not TOML: {what} (an option is written TCP_MSS = 1460, a text with quotes)"


class _File:
    """Reads a file's values and says on which line what is wrong."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def mistake(self, key: str, message: str) -> ProfileError:
        """An error about ``key``, at the line where it stands."""
        pattern = re.compile(
            rf"\s*[\"']?{re.escape(key)}[\"']?\s*=|\s*\[\s*{re.escape(key)}\s*\]", re.IGNORECASE
        )
        for number, line in enumerate(self._lines, 1):
            if pattern.match(line):
                return ProfileError(f"{self._path}:{number}: {message}")
        return ProfileError(f"{self._path}: {message}")

    def string(self, table: Mapping[str, Any], key: str, default: str) -> str:
        """A printable text of one line."""
        value = table.get(key, default)
        if not isinstance(value, str) or not value.isprintable() or not value:
            raise self.mistake(key, f'{key} must be a text of one line (write {key} = "TEXT")')
        return value

    def quirks(self, table: Mapping[str, Any], key: str) -> frozenset[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self.mistake(key, f'{key} must be a list of names (write {key} = ["no_paws"])')
        try:
            return checked(value)
        except ProfileError as error:
            raise self.mistake(key, str(error)) from None

    def options(self, table: Any) -> dict[str, Any]:
        """The [options], by lower-case name, each checked against its range."""
        if not isinstance(table, dict):
            raise self.mistake("options", "options must be a table (write [options], then TCP_MSS = 1460)")
        options: dict[str, Any] = {}
        for key, value in table.items():
            try:
                row = lookup(key)
                if row.name in options:
                    raise ProfileError(f"option {row.label} is given twice")
                if not isinstance(value, int | str):
                    raise ProfileError(f"{row.label}={value}: must be a whole number or a text")
                options[row.name] = row.parse(value)
            except ProfileError as error:
                raise self.mistake(key, str(error)) from None
        return options


class Line(NamedTuple):
    """One option of a file to be written, with where its value comes from."""

    name: str
    value: int | str
    comment: str


def profile_text(name: str, summary: str, base: str, lines: Iterable[Line]) -> str:
    """A profile file as text; ``read_profile_file`` reads it back."""
    out = [
        f"# `netstack profiles ./{name}.toml` shows all of it, `--profile ./{name}.toml` uses it.",
        f"name = {_quoted(name)}",
        f"summary = {_quoted(summary)}",
        f"base = {_quoted(base)}",
        "",
        "[options]",
    ]
    for line in lines:
        row = OPTIONS[line.name]
        value = row.format(line.value)
        setting = f"{row.label} = {value if value.isdigit() else _quoted(value)}"
        out.append(f"{setting:<34} # {line.comment}" if line.comment else setting)
    return "\n".join(out) + "\n"


def _quoted(text: str) -> str:
    """A printable text as a TOML string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
