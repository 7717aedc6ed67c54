"""Lines of a TOML text, against hand-counted ones and against a text that was made line by line."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from lab.scenario.errors import Path
from lab.scenario.places import lines

TEXT = '''\
# [not.a.table]
[run]
seed = 1  # [x]
text = """
a = [1]
"""
[device.client]
options = { tcp_mss = 536, "a b" = 1 }
x.y = 2
[[fault]]
do = "a # b"
list = [
  "x", # foo ]
  { a = 1 },
]
[[fault]]
do = 'b"'
[fault.sub]
k = 1979-05-27 07:32:00
[device."ser ver"]
'''


def test_lines() -> None:
    tomllib.loads(TEXT)
    assert lines(TEXT) == {
        (): 1,
        ("run",): 2, ("run", "seed"): 3, ("run", "text"): 4,
        ("device",): 7, ("device", "client"): 7, ("device", "client", "options"): 8,
        ("device", "client", "options", "tcp_mss"): 8, ("device", "client", "options", "a b"): 8,
        ("device", "client", "x"): 9, ("device", "client", "x", "y"): 9,
        ("fault",): 10, ("fault", 0): 10, ("fault", 0, "do"): 11, ("fault", 0, "list"): 12,
        ("fault", 0, "list", 0): 13, ("fault", 0, "list", 1): 14, ("fault", 0, "list", 1, "a"): 14,
        ("fault", 1): 16, ("fault", 1, "do"): 17, ("fault", 1, "sub"): 18, ("fault", 1, "sub", "k"): 19,
        ("device", "ser ver"): 20,
    }  # fmt: skip


VALUES = st.sampled_from([
    "1", '"a # ] \\" b"', "'c = 1'", "true", "1.5", "[1, 2]", "[ # x\n 1,\n 'y' ]", "{ a = 1, b = [1] }",
    '"""\n[x]\n"""', "'''''y'''''", "2020-01-01", "[]", "{}",
])  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["table", "array", "key", "blank"]), VALUES), max_size=20))
def test_every_key_is_where_it_was_written(parts: list[tuple[str, str]]) -> None:
    text, expected = "", dict[Path, int]()
    table: Path = ()
    elements = 0
    for number, (kind, value) in enumerate(parts):
        line = text.count("\n") + 1
        if kind == "table":
            table = (f"t{number}",)
            text += f"[t{number}] # {value.splitlines()[0]}\n"
        elif kind == "array":
            table = ("array", elements)
            elements += 1
            text += " [[ array ]]\n"
        elif kind == "key":
            text += f"k{number}= {value}\n"
            expected[*table, f"k{number}"] = line
        else:
            text += "  \n"
            continue
        expected.setdefault(table, line) if kind != "key" else None
    tomllib.loads(text)
    got = lines(text)
    assert {path: got.get(path) for path in expected} == expected
