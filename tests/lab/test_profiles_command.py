"""``netstack profiles``: the list, one device, and what --plain prints is what --set reads."""

from __future__ import annotations

import pytest

from netstack import profiles
from netstack.options import OPTIONS
from netstack.profile import Profile, parse_setting
from tests.lab.commands import netstack


def test_the_list_has_every_profile_with_its_key_numbers() -> None:
    done = netstack("profiles")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    for name in profiles.names():
        numbers, summary = [line for line in lines if line[:1] == [name]]
        profile = profiles.named(name)
        assert numbers[1:] == [
            str(value)
            for value in (
                profile.tcp_mss,
                profile.tcp_wnd,
                profile.tcp_snd_buf,
                profile.memp_num_tcp_pcb,
                profile.mem_size,
                profile.api,
            )
        ]
        assert " ".join(summary[1:]) == profiles.PROFILES[name].summary


def test_one_profile_explains_every_option_and_marks_the_differences() -> None:
    done = netstack("profiles", "micropython", "--set", "TCP_WND=1600")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("micropython: ")
    for row in OPTIONS.values():
        (line,) = [line for line in lines if line[2:].split()[:1] == [row.label]]
        assert row.doc.split()[0] in line
    (window,) = [line for line in lines if " TCP_WND " in line]
    assert window.split()[:4] == ["*", "TCP_WND", "1600", "byte"]
    (same,) = [line for line in lines if line.split()[:1] == ["MEMP_NUM_TCP_PCB"]]
    assert same.startswith("  ")


@pytest.mark.parametrize("name", ["lwip-default", "micropython", "full"])
def test_plain_lines_are_settings(name: str) -> None:
    done = netstack("profiles", name, "--plain")
    assert done.returncode == 0
    settings = dict(parse_setting(line) for line in done.stdout.splitlines())
    assert Profile.from_options(settings).options() == profiles.named(name).options()


def test_mistakes() -> None:
    done = netstack("profiles", "micropyton")
    assert done.returncode == 2
    assert done.stderr == "netstack: unknown profile micropyton (did you mean micropython?)\n"
    done = netstack("profiles", "--plain")
    assert done.returncode == 2
    assert done.stderr.startswith("netstack profiles: --set and --plain need the NAME of a profile")
