"""The prompt of a device."""

from __future__ import annotations

import io
import sys

import pytest

from tests.usocket.support import two_devices
from usocket.console import Input
from usocket.repl import Repl, banner
from usocket.script import Program, run_program


def typed(text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """(exit status, what is shown behind the banner) for what is typed."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    monkeypatch.setattr("usocket.console.stdin", Input())

    def course(program: Program) -> int | None:
        return Repl(program).run()

    with two_devices() as pair:
        status = run_program(pair.client, ["", "x"], [""], [], course)
    shown = capsys.readouterr().out
    with two_devices():
        assert shown.startswith(banner() + "\n")
        return status, shown.removeprefix(banner() + "\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x = 3\nx + 1\n_ * 2\n", ">>> >>> 4\n>>> 8\n>>> \n"),
        ("None\n\n", ">>> >>> >>> \n"),
        ("if 1:\n  print('a')\n  'b'\n\n", ">>> ... ... ... a\n>>> \n"),
        ("(1 +\n2)\n", ">>> ... 3\n>>> \n"),
        ('"""a\nb"""\n', ">>> ... 'a\\nb'\n>>> \n"),
        ("b'%s' % 'x'\n", ">>> b'x'\n>>> \n"),
        ("import sys; sys.argv\n", ">>> ['', 'x']\n>>> \n"),
        ("import usocket\nusocket.AF_INET\n", ">>> >>> 2\n>>> \n"),
    ],
)
def test_lines(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(text, monkeypatch, capsys) == (0, shown)


def test_errors_are_shown_and_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, shown = typed("1/0\nfoo bar\nraise KeyboardInterrupt\n7\n", monkeypatch, capsys)
    assert shown.split(">>> ")[1:] == [
        'Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\n'
        "ZeroDivisionError: division by zero\n",
        'Traceback (most recent call last):\n  File "<stdin>", line 1\nSyntaxError: invalid syntax\n',
        'Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\nKeyboardInterrupt: \n',
        "7\n",
        "\n",
    ]


def test_leaving_and_resetting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, shown = typed(
        "x = 1\nimport machine; machine.soft_reset()\nx\nraise SystemExit(4)\n", monkeypatch, capsys
    )
    assert status == 4
    assert "MPY: soft reboot\n" in shown
    assert "NameError: name 'x' is not defined" in shown


def test_the_machines_builtins_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import builtins

    typed("5\n", monkeypatch, capsys)
    assert not hasattr(builtins, "_")
    assert not hasattr(builtins, "__repl_print__")
