"""json as on a board."""

from __future__ import annotations

import io

import pytest

from usocket import json


def test_there_and_back() -> None:
    value = {"a": [1, 2.5, None, True], "é\n": "ü"}
    assert json.dumps(value) == '{"a": [1, 2.5, null, true], "é\\n": "ü"}'
    assert json.loads(json.dumps(value)) == value
    assert json.loads(b'{"a": 1}') == json.loads(bytearray(b' {"a": 1} ')) == {"a": 1}
    assert json.dumps([1, {"a": 2}], separators=(",", ":")) == '[1,{"a":2}]'


def test_what_json_has_no_form_for() -> None:
    assert json.dumps({2: (1,)}) == '{"2": [1]}'
    assert json.dumps(b"ab") == '"ab"'


def test_streams() -> None:
    stream = io.StringIO()
    json.dump({"a": 1}, stream)
    stream.seek(0)
    assert json.load(stream) == {"a": 1}
    assert json.load(io.BytesIO(b"[1]")) == [1]


@pytest.mark.parametrize("text", ["", "{", "1 2", "{'a': 1}", "[1"])
def test_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"^syntax error in JSON$"):
        json.loads(text)
