"""Reads a ``lwipopts.h`` as a compiler would: includes, conditions, macros, arithmetic.

pcpp is the preprocessor; the values are then evaluated as ``opt.h`` sees them, after all of the file: a macro
may use another that is defined below it, or an option that the file leaves to its default.
"""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, NoReturn, cast

from pcpp import Action, OutputDirective, Preprocessor

from lab.profile_file import read_text
from lab.profile_import_names import OPT_H, OPT_H_OFF, is_known
from lab.profile_import_result import Found
from netstack.options import OPTIONS, Options, ProfileError, suggest

if TYPE_CHECKING:
    from pcpp import Macro, Token

_MAX_DEPTH = 64  # of includes in one another: headers without a guard include themselves for ever

# What lwIP's own headers define for the use of lwipopts.h.
_LWIP_MACROS = (
    "LWIP_MEM_ALIGN_SIZE(size) (((size) + MEM_ALIGNMENT - 1U) & ~(MEM_ALIGNMENT - 1U))",
    "LWIP_MIN(x, y) (((x) < (y)) ? (x) : (y))",
    "LWIP_MAX(x, y) (((x) > (y)) ? (x) : (y))",
    "LWIP_DBG_ON 0x80U",
    "LWIP_DBG_OFF 0x00U",
)
# What a compiler for a small 32-bit CPU defines, for headers that ask.
_COMPILER_MACROS = (
    "__STDC__ 1",
    "__STDC_VERSION__ 199901L",
    "__GNUC__ 12",
    "__CHAR_BIT__ 8",
    "__SIZEOF_INT__ 4",
    "__SIZEOF_LONG__ 4",
    "__SIZEOF_POINTER__ 4",
    "__ORDER_LITTLE_ENDIAN__ 1234",
    "__ORDER_BIG_ENDIAN__ 4321",
    "__BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__",
)
_TYPES = frozenset(
    "u8_t s8_t u16_t s16_t u32_t s32_t size_t mem_size_t tcpwnd_size_t uint8_t int8_t uint16_t int16_t"
    " uint32_t int32_t unsigned signed char short int long".split()
)
_LWIP_LIKE = re.compile(
    r"(LWIP|MEM|MEMP|TCP|UDP|IP|ICMP|IGMP|ARP|ETHARP|ETH|DHCP|DNS|AUTOIP|ACD|PBUF|SO|RAW|TCPIP|CHECKSUM)_\w+"
)


def _place(source: str, line: int) -> str:
    """``lwipopts.h:12``, from pcpp's name of the file, which climbs out of the working folder by ``..``."""
    return f"{Path(source).resolve() if source.startswith('..') else source}:{line}"


class _Preprocessor(Preprocessor):
    """Finds what a file defines, and remembers what it had to do without."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.includes: list[str] = []
        self.not_found: dict[str, str] = {}  # file: where it is included
        self.assumed: dict[str, str] = {}  # name taken as 0: where
        self.asked: set[str] = set()  # names that a condition asks for with defined(): they may be missing
        self.used: set[str] = set()  # names that other macros or conditions mention
        self._place = str(path)

    @property
    def place(self) -> str:
        """Where the preprocessor is: ``lwipopts.h:12``."""
        return self._place

    def on_directive_handle(
        self, directive: Token, toks: Sequence[Token], ifpassthru: bool, precedingtoks: Sequence[Token]
    ) -> bool | None:
        self._place = _place(directive.source, directive.lineno)
        skipped = 1 if directive.value in ("define", "undef") else 0
        names = [tok.value for tok in toks if tok.type == self.t_ID]
        self.used.update(names[skipped:])
        return super().on_directive_handle(directive, toks, ifpassthru, precedingtoks)

    def on_directive_unknown(
        self, directive: Token, toks: Sequence[Token], ifpassthru: bool, precedingtoks: Sequence[Token]
    ) -> bool | None:
        if directive.value == "error":
            text = "".join(tok.value for tok in toks).strip()
            mend = "-D defines what it asks for"
            raise ProfileError(f"{self._place}: the file refuses: #error {text} ({mend})")
        return True  # warnings, pragmas

    def on_file_open(self, is_system_include: bool, includepath: str) -> io.StringIO:
        if not Path(includepath).is_file():
            raise FileNotFoundError(includepath)
        if self.include_depth > _MAX_DEPTH:
            raise ProfileError(f"{self._place}: included {_MAX_DEPTH} deep: a header that includes itself?")
        self.includes.append(Path(includepath).name)
        return io.StringIO(read_text(Path(includepath)))

    def on_include_not_found(
        self, is_malformed: bool, is_system_include: bool, curdir: str, includepath: str
    ) -> NoReturn:
        if is_malformed:
            raise ProfileError(f"{self._place}: #include of {includepath}, which is no file name")
        self.includes.append(includepath)
        self.not_found.setdefault(includepath, self._place)
        raise OutputDirective(Action.IgnoreAndRemove)

    def on_unknown_macro_in_defined_expr(self, tok: Token) -> bool:
        self.asked.add(tok.value)
        return False

    def on_unknown_macro_in_expr(self, ident: str) -> int:
        self.assumed.setdefault(ident, self._place)
        return 0

    def on_unknown_macro_function_in_expr(self, ident: str) -> Callable[[int], int]:
        self.on_unknown_macro_in_expr(ident)
        return lambda _: 0

    def on_error(self, file: str, line: int, msg: str) -> None:
        place = _place(file, line) if msg.startswith("Unterminated") else self._place
        found = re.search(r"\(passed to evaluator: '(.*)'\)$", msg, re.DOTALL)
        raise ProfileError(f"{place}: {f'{found[1]} has no value' if found else msg.strip()}")


class _Values:
    """Values of names as opt.h would have them; its attributes are the options, for derived defaults."""

    def __init__(self, preprocessor: _Preprocessor) -> None:
        self._preprocessor = preprocessor
        self._active: list[str] = []

    def __getattr__(self, name: str) -> int:
        return self.value(name.upper())

    def align(self, size: int) -> int:
        return Options.align(cast(Options, self), size)

    def value(self, name: str) -> int:
        """The value of a macro or an option. Raises ProfileError where it has none."""
        if name in self._active:
            raise ProfileError(f"{self.place(name)}: {name} is defined by itself")
        self._active.append(name)
        try:
            return self._evaluate(name)
        finally:
            self._active.pop()

    def place(self, name: str) -> str:
        """Where a macro is defined: ``lwipopts.h:12``."""
        macro = self._preprocessor.macros[name]
        source = getattr(macro, "source", None)  # of a line of a file
        return _place(source, macro.lineno) if source else "-D"

    def _evaluate(self, name: str) -> int:
        row = OPTIONS.get(name.lower())
        macro = self._preprocessor.macros.get(name)
        if macro is not None and macro.arglist is None:
            return self._macro(name, macro)
        if name == "PBUF_LINK_HLEN":
            return 14 + self.value("ETH_PAD_SIZE")
        if name == "PBUF_IP_HLEN":
            return 40 if self.value("LWIP_IPV6") else 20
        if row is not None:
            default = OPT_H_OFF.get(row.name, row.default)
            return int(default(cast(Options, self)) if callable(default) else default)
        if name in OPT_H:
            return OPT_H[name]
        option = self._active[0]
        raise ProfileError(
            f"{self.place(option)}: {option} needs {name}, which is not defined: give it with"
            f" -D {name}=VALUE, the folder of its header with -I, or --set {option}=VALUE"
        )

    def _macro(self, name: str, macro: Macro) -> int:
        preprocessor = self._preprocessor
        if not macro.value:
            raise ProfileError(
                f"{self.place(name)}: {name} is defined without a value: write a number behind it"
            )
        tokens = preprocessor.expand_macros([copy.copy(token) for token in macro.value])
        tokens = _without_casts([token for token in tokens if token.type not in preprocessor.t_WS])
        if all(token.value != "sizeof" for token in tokens):
            for token in tokens:
                if token.type == preprocessor.t_ID:  # no macro, so opt.h must know it
                    token.type, token.value = preprocessor.t_INTEGER, str(self.value(token.value))
            try:
                return int(preprocessor.evalexpr(tokens)[0])
            except ProfileError:
                pass
        text = shorten("".join(token.value for token in macro.value), 60)
        raise ProfileError(f"{self.place(name)}: {name} is {text}, which is no number: --set {name}=VALUE")


def _without_casts(tokens: list[Token]) -> list[Token]:
    """``(u16_t)(8 * 1460)`` to ``(8 * 1460)``. What a cast would cut off is refused later, out of range."""
    out: list[Token] = []
    index = 0
    while index < len(tokens):
        end = index + 1
        if tokens[index].value == "(":
            while end < len(tokens) and tokens[end].value in _TYPES:
                end += 1
            if end > index + 1 and end < len(tokens) and tokens[end].value == ")":
                index = end + 1
                continue
        out.append(tokens[index])
        index += 1
    return out


def read_lwipopts(
    path: Path,
    text: str,
    folders: Sequence[Path] = (),
    defines: Sequence[tuple[str, str]] = (),
    given: dict[str, int | str] | None = None,
) -> Found:
    """What a lwipopts.h says. ``folders`` are searched for includes, ``defines`` are there before the first
    line, ``given`` are options whose value is known whatever the file says. Raises ProfileError.
    """
    preprocessor = _Preprocessor(path)
    for folder in folders:
        preprocessor.add_path(str(folder))
    for macro in (*_LWIP_MACROS, *_COMPILER_MACROS, *(f"{name} {value}" for name, value in defines)):
        preprocessor.define(macro)
    predefined = set(preprocessor.macros) - {name for name, _ in defines}
    try:
        preprocessor.parse(text, str(path))
        while preprocessor.token() is not None:
            pass
    except ProfileError:
        raise
    except Exception:  # pcpp's answer to a malformed directive is whatever Python says first
        raise ProfileError(f"{preprocessor.place}: the preprocessor cannot read this line") from None
    for option, value in (given or {}).items():
        if not OPTIONS[option].own:
            preprocessor.define(f"{OPTIONS[option].label} {value}")
    values = _Values(preprocessor)
    return _collect(path, preprocessor, values, predefined)


def _collect(path: Path, preprocessor: _Preprocessor, values: _Values, predefined: set[str]) -> Found:
    assumed = {name: place for name, place in preprocessor.assumed.items() if name not in preprocessor.asked}
    found = Found(assumed=assumed, not_found=preprocessor.not_found)
    found.micropython = "py/mpconfig.h" in preprocessor.includes or "mpconfig.h" in preprocessor.includes
    for name, macro in preprocessor.macros.items():
        row = OPTIONS.get(name.lower())
        if row is not None and not row.own and name == row.label and macro.arglist is None:
            found.options[row.name] = values.value(name)
            found.places[name] = values.place(name)
        elif name not in predefined and not name.startswith("__"):
            _other(path, found, name, macro, preprocessor, values)
    return found


def _other(
    path: Path, found: Found, name: str, macro: Macro, preprocessor: _Preprocessor, values: _Values
) -> None:
    """A name that is no option: a helper of this file's, or lwIP's business all the same."""
    if is_known(name):
        found.places[name] = values.place(name)
        found.others[name] = _number(values, name) if macro.arglist is None and macro.value else None
    elif macro.value and macro.arglist is None and name not in preprocessor.used:
        own = values.place(name).rpartition(":")[0] == str(path)
        if _LWIP_LIKE.fullmatch(name) or own:
            near = suggest(name, [row.label for row in OPTIONS.values()])
            found.unknown[name] = f"{values.place(name)}{near}"


def _number(values: _Values, name: str) -> int | None:
    """The value of a name that may have none."""
    try:
        return values.value(name)
    except ProfileError:
        return None
