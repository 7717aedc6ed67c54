"""The command line's frame: quick answers, and one line with the mend for every mistake."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import pytest

from lab import __version__
from lab.cli import COMMANDS, main
from tests.lab.commands import ROOT, netstack


@pytest.fixture
def mistake(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Calls the command line; returns the one line that a mistake gets."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["netstack", *arguments])
        monkeypatch.setattr("lab.interrupt.install", lambda: None)  # pytest's handlers stay
        monkeypatch.setattr("lab.interrupt.ignore", lambda: None)
        with pytest.raises(SystemExit) as leaving:
            main()
        out, err = capfd.readouterr()
        assert (leaving.value.code, out) == (2, "")
        assert len(err.splitlines()) == 1, err
        return err.strip()

    return call


def test_the_version_answers_at_once() -> None:
    best = 10.0
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = netstack("--version")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # The time it computed, not the time that passed: other work on the machine does not count.
        best = min(best, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert (done.stdout, done.stderr, done.returncode) == (f"netstack {__version__}\n", "", 0)
    assert best < 0.3


def test_the_version_imports_neither_the_stack_nor_slow_libraries() -> None:
    code = "import sys, lab.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"netstack", "tap", "usocket", "rich", "scapy", "pytun", "asyncio"} & set(done.stdout.split())


def test_help_lists_every_command_with_what_it_does() -> None:
    done = netstack("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [command]]
        assert len(line.split()) > 3, line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_has_help(command: str) -> None:
    from lab.cli import group

    found = group.get_command(None, command)  # type: ignore[arg-type]
    assert found is not None
    assert found.help
    for parameter in found.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None), f"{command} {parameter.opts}"
    assert netstack(command, "--help").returncode == 0


def test_a_mistake_ends_the_process_with_status_2_and_one_line() -> None:
    done = netstack("up", "--profile", "pico")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("netstack up: Invalid value for '--profile': unknown profile pico")


def test_a_command_that_does_not_exist(mistake: Callable[..., str]) -> None:
    assert mistake("prfiles") == "netstack: there is no command prfiles: did you mean profiles?"
    assert mistake("xyzzy").startswith("netstack: there is no command xyzzy: there are demo, up, run")


def test_an_option_that_does_not_exist(mistake: Callable[..., str]) -> None:
    message = mistake("profiles", "--plian")
    assert message.startswith("netstack profiles: No such option '--plian'")
    assert "--plain" in message


def test_an_argument_that_is_missing(mistake: Callable[..., str]) -> None:
    assert mistake("exec") == "netstack exec: Missing argument 'COMMAND...' (see `netstack exec --help`)"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--profile", "micropyton"], "unknown profile micropyton (did you mean micropython?)"),
        (["--profile", "zzz"], "unknown profile zzz; `netstack profiles` lists them"),
        (["--set", "TCP_WDN=8192"], "unknown option TCP_WDN (did you mean TCP_WND?)"),
        (["--set", "TCP_WND"], "TCP_WND needs a value (write TCP_WND=VALUE; must be"),
        (["--set", "TCP_WND=much"], "TCP_WND=much: not a number; must be"),
        (["--set", "TCP_WND=99999"], "If you want to use TCP, TCP_WND must fit in an u16_t"),
        (["--ip", "10.0.0.2"], "10.0.0.2: give the address with the length of its prefix (1..30)"),
        (["--ip", "10.0.0.2/33"], "10.0.0.2/33: give the address with the length of its prefix (1..30)"),
        (["--ip", "10.0.0.256/24"], "not an IPv4 address: '10.0.0.256'"),
        (["--ip", "10.0.0.255/24"], "10.0.0.255 is the first or last of its subnet: choose another, like"),
        (["--ip", "224.0.0.1/24"], "224.0.0.1 is no device's address"),
        (["--ip", "127.0.0.1/8"], "127.0.0.1 is no device's address"),
        (["--gateway", "10.0.1.1"], "10.0.1.1 is not another host of 192.168.7.2/24: choose one"),
        (["--gateway", "192.168.7.2"], "192.168.7.2 is not another host of 192.168.7.2/24: choose one"),
        (["--mac", "02:00:00"], "not a MAC address: '02:00:00'"),
        (["--mac", "01:00:00:00:00:01"], "01:00:00:00:00:01 is a group address: the first byte must be even"),
        (["--seed", "-1"], "-1 is not in the range"),
        (["--pcap", "."], "File '.' is a directory"),
        (["--pcap", "no/folder/x.pcapng"], "no/folder/x.pcapng cannot be written (No such file"),
        (["--netns", "old"], "unknown network namespace 'old': give new, pid:NUMBER"),
        (["--tap", "a-name-too-long-"], "TAP name 'a-name-too-long-' is longer than 15 characters"),
        (["no_such_script.py"], "no_such_script.py"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_the_mend(
    mistake: Callable[..., str], given: list[str], told: str
) -> None:
    assert told in mistake("up", *given)


def test_output_into_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m lab.cli profiles full | head -n 1"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("full: ")
