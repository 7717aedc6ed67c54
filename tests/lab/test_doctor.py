"""``netstack doctor`` finds out by trying."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import why_no_tap
from tests.lab.commands import netstack, without_tap


def test_it_says_what_this_machine_allows() -> None:
    done = netstack("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    (tap,) = [line for line in lines if "a TAP in a namespace of its own" in line]
    assert tap.startswith("yes" if why_no_tap() is None else "no ")
    for number, line in enumerate(lines):
        if line.startswith("no "):
            assert lines[number + 1].startswith("     mend: ")


def test_without_a_tap_it_names_the_mend() -> None:
    done = netstack("doctor", launcher=without_tap())
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    (number,) = [n for n, line in enumerate(lines) if "a TAP in a namespace of its own" in line]
    assert lines[number].startswith("no   a TAP in a namespace of its own: /dev/net/tun cannot be opened")
    assert lines[number + 1].startswith("     mend: load the driver with `modprobe tun`")
    assert lines[-1].startswith("No TAP can be had")


def test_programs_that_are_missing_are_named_with_their_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab import doctor

    monkeypatch.setattr(doctor, "PATH", str(tmp_path))
    missing = {found.what: found.mend for found in doctor.findings() if not found.works}
    assert missing["curl"] == "apt-get install curl"
    assert missing["ping"] == "apt-get install iputils-ping"
