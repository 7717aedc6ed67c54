"""The data in a page: nothing is lost, nothing can break out of its element."""

import base64
import gzip
import json
import re

from lab.report.data import COMPRESSED_FROM, RunData, Text, decode, encode, script_element
from tests.lab.report import runs


def test_a_run_comes_back_as_it_was() -> None:
    run = runs.transfer()
    header, events = decode(json.loads(json.dumps(encode(run))))
    assert header == json.loads(json.dumps(run.header))
    for event, told in zip(events, run.events, strict=True):
        text = run.texts.get(told["i"])  # type: ignore[call-overload]
        expected = dict(told) if text is None else {**told, "text": text.text, "source": text.source}
        assert event == json.loads(json.dumps(expected))


def test_shapes_make_it_small() -> None:
    run = runs.transfer()
    plain = len(json.dumps(run.events, separators=(",", ":")))
    packed = len(json.dumps(encode(run._replace(texts={})), separators=(",", ":")))
    assert packed < 0.7 * plain


def test_text_cannot_end_the_element() -> None:
    evil = RunData(
        {"title": "</script><script>alert(1)</script>"}, [{"i": 0, "kind": "boot"}], {0: Text("<!--")}
    )
    element = script_element([evil])
    assert element.count("<") == 2
    content = re.fullmatch(r"<script [^>]*>(.*)</script>", element, re.S)
    assert content is not None
    data = json.loads(content[1])
    assert data["runs"][0]["header"]["title"] == evil.header["title"]
    assert data["difference"] is None


def test_long_data_are_compressed_and_alike_each_time() -> None:
    run = runs.transfer("long", 60_000, ())
    element = script_element([run])
    assert 'data-encoding="gzip"' in element
    packed = element.partition(">")[2].partition("<")[0]
    text = gzip.decompress(base64.b64decode(packed)).decode()
    assert len(text) > COMPRESSED_FROM
    assert decode(json.loads(text)["runs"][0])[1][3]["kind"] == run.events[3]["kind"]
    assert script_element([run]) == element
