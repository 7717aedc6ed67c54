"""The grid that --set spans, and the jobs of a campaign."""

from __future__ import annotations

import pytest

from lab.campaign import CampaignError, Job, sweep
from lab.campaign.sweep import axis, grid


def test_every_seed_with_every_point() -> None:
    jobs = sweep("text", "a.toml", range(3, 5), ["x=1,2", "y=a,b"])
    assert jobs[:3] == [
        Job("text", "a.toml", 3, ("x=1", "y=a")),
        Job("text", "a.toml", 4, ("x=1", "y=a")),
        Job("text", "a.toml", 3, ("x=1", "y=b")),
    ]
    assert len(jobs) == len(set(jobs)) == 8


def test_without_settings_there_is_one_point() -> None:
    assert grid([]) == [()]
    assert [job.seed for job in sweep("text", None, [7, 9])] == [7, 9]


@pytest.mark.parametrize(
    ("setting", "points"),
    [
        ("a.b=1", ["a.b=1"]),
        ("a = 1 , 2", ["a=1", "a=2"]),
        ('a=["loss rate=1%", "x"],[]', ['a=["loss rate=1%", "x"]', "a=[]"]),
        ('a="x,y",z', ['a="x,y"', "a=z"]),
        ("a={x = 1, y = 2}", ["a={x = 1, y = 2}"]),
        ("a=send bytes=1k to=server:5000", ["a=send bytes=1k to=server:5000"]),
        ("a=", ["a="]),
    ],
)
def test_commas_part_values_but_not_inside_of_one(setting: str, points: list[str]) -> None:
    assert axis(setting) == points


@pytest.mark.parametrize("settings", [["a"], ["=1"], ["a=1,"], ["a=1,1"], ["a=1", "a=2"]])
def test_what_cannot_be_meant_is_refused_with_the_mend(settings: list[str]) -> None:
    with pytest.raises(CampaignError, match=r"^--set .*: (write|leave|give)"):
        grid(settings)


def test_the_reproduction_is_what_a_shell_takes() -> None:
    job = Job("text", "my file.toml", 17, ('link.wire.forth=["loss rate=1%"]', "run.stop=5s"))
    assert job.reproduction == (
        "netstack scenario 'my file.toml' --seed 17"
        " --set 'link.wire.forth=[\"loss rate=1%\"]' --set run.stop=5s"
    )
