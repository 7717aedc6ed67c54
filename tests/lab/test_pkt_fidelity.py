"""The generated page: cells, sums and the list of what falls short."""

from __future__ import annotations

from pathlib import Path

from lab.pkt.compare import Difference
from lab.pkt.fidelity import cell, count, main, page
from lab.pkt.replay import DIFFERS, MATCH, UNSUPPORTED, Outcome

GOLDEN = Path(__file__).parents[1] / "golden"


def outcome(path: str, levels: str, **fields: object) -> Outcome:
    status = MATCH if levels == "ABC" else DIFFERS
    return Outcome(path, status, path.split("/", maxsplit=1)[0], levels, **fields)  # type: ignore[arg-type]


def test_a_cell_is_one_number_or_three() -> None:
    assert cell(count([])) == "-"
    assert cell(count([outcome("full/rx/a.pkt", "ABC")])) == "1"
    assert cell(count([outcome("full/rx/a.pkt", "AB"), outcome("full/rx/b.pkt", "A")])) == "2/1/0 of 2"


def test_the_page_sums_up_and_names_every_file_that_falls_short() -> None:
    probe = "0.100 %{tcb 80>1 cwnd=1 rto=6}%"
    text = page([
        outcome("full/rx/a.pkt", "ABC"),
        outcome("full/rx/b.pkt", "AB", difference=Difference(9, [], [probe], [probe.replace("6", "7")])),
        outcome("full/open/c.pkt", "", difference=Difference(4, [], ["0.100 > x"], [])),
        Outcome("esp-like/rx/d.pkt", UNSUPPORTED, "esp-like", reason="d.pkt:1: dns: not supported yet"),
    ])  # fmt: skip
    lines = text.splitlines()
    assert "| open | - | - | - | 0/0/0 of 1 | 0/0/0 of 1 |" in lines
    assert "| rx | - | - | 0/0/0 of 1 | 2/2/1 of 2 | 2/2/1 of 3 |" in lines
    assert "| **all** | - | - | 0/0/0 of 1 | 2/2/1 of 3 | 2/2/1 of 4 |" in lines
    said = "line 9 says `0.100 %{tcb 80>1 rto=6}%`, got `0.100 %{tcb 80>1 rto=7}%`"
    assert f"* `full/rx/b.pkt`: levels A B match; {said}" in lines
    assert "* `full/open/c.pkt`: no level matches; line 4 says `0.100 > x`, got `nothing`" in lines
    assert "* `esp-like/rx/d.pkt`: unsupported: d.pkt:1: dns: not supported yet" in lines
    assert "full/rx/a.pkt" not in text


def test_the_page_of_a_real_folder(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    main(str(GOLDEN / "full" / "rx"), str(target))
    lines = target.read_text().splitlines()
    assert "| rx | - | - | - | 10 | 10 |" in lines
    assert "None." in lines
