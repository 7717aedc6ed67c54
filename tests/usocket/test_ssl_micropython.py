"""MicroPython's own tests of asyncio's streams and of TLS with two instances, both on our devices."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tap.clock import MS, RealClock
from tap.wire import wire
from tests.usocket.micropython_tree import expected, micropython, same_style
from tests.usocket.support import two_devices
from usocket import Device
from usocket.script import Program, run_script

__all__ = ["micropython"]

STREAMS = """
    asyncio_tcp_close_write asyncio_tcp_readall asyncio_tcp_readexactly asyncio_tcp_readinto
    asyncio_tcp_server_client asyncio_tls_server_client asyncio_tls_server_client_cert_required_error
    asyncio_tls_server_client_readline asyncio_tls_server_client_verify_error
""".split()

# Not sslcontext_verify_time_error: its server has the key of another certificate, which OpenSSL refuses.
TLS = """
    ssl_cert_ec ssl_cert_rsa sslcontext_check_hostname_error sslcontext_getpeercert sslcontext_server_client
    sslcontext_server_client_ciphers sslcontext_server_client_files sslcontext_verify_callback
    sslcontext_verify_error
""".split()

ALONE = """
    ssl_basic ssl_cadata ssl_ioctl ssl_keycert ssl_keycert_pkcs8 ssl_poll ssl_sslcontext
    ssl_sslcontext_verify_mode ssl_sslcontext_verify_mode2 tls_sslcontext_ciphers tls_sslcontext_micropython
""".split()

PATIENCE = 15  # s


class Meeting:
    """What the two instances tell each other."""

    def __init__(self) -> None:
        self.shared: dict[str, Any] = {}
        self.ready = threading.Event()
        self.said: set[str] = set()
        self.changed = threading.Condition()


class Instance:
    """One of the two, and its ``multitest``."""

    def __init__(self, number: int, device: Device, library: list[Path], meeting: Meeting) -> None:
        self.output = ""
        self._number, self._device, self._meeting = number, device, meeting
        self._library = library

    def run(self, source: str) -> None:
        with self._device.use():
            folders = [self._device.files.folder(folder) for folder in self._library]
            program = Program(["main.py"], ["", *folders])
            self._globals = vars(program.modules.main)
            self._globals["multitest"] = self
            program.modules.builtins["print"] = self._print
            program.run(f"{source}\ninstance{self._number}()\n", "main.py")
            program.modules.close()

    def _print(self, *values: object, **_: Any) -> None:
        self.output += " ".join(map(str, values)) + "\n"

    def get_network_ip(self) -> str:
        return f"10.0.0.{self._number + 1}"

    def globals(self, **values: Any) -> None:
        self._meeting.shared |= values

    def next(self) -> None:
        if self._number == 0:
            self._meeting.ready.set()
        else:
            assert self._meeting.ready.wait(PATIENCE)
            self._globals.update(self._meeting.shared)

    def broadcast(self, message: str) -> None:
        with self._meeting.changed:
            self._meeting.said.add(message)
            self._meeting.changed.notify_all()

    def wait(self, message: str) -> None:
        with self._meeting.changed:
            assert self._meeting.changed.wait_for(lambda: message in self._meeting.said, PATIENCE)


def together(test: Path, library: list[Path]) -> str:
    """What both print, as MicroPython's runner writes it down."""
    clock = RealClock()
    ends = wire(clock, delay=MS // 10)
    meeting = Meeting()
    with (
        Device(address="10.0.0.1/24", link=ends[0], clock=clock, name="one", service=True) as one,
        Device(address="10.0.0.2/24", link=ends[1], clock=clock, name="two") as two,
    ):
        both = [Instance(number, device, library, meeting) for number, device in enumerate((one, two))]
        threads = [threading.Thread(target=each.run, args=(test.read_text(),)) for each in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    return "".join(f"--- instance{number} ---\n{each.output}" for number, each in enumerate(both))


@pytest.mark.parametrize("whose", ["ours", "theirs"])
@pytest.mark.parametrize("name", STREAMS)
def test_streams(
    micropython: Path, name: str, whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asyncio").symlink_to(micropython / "extmod" / "asyncio")
    test = micropython / "tests" / "multi_net" / f"{name}.py"
    monkeypatch.chdir(test.parent)  # keys and certificates are there
    assert together(test, [tmp_path] if whose == "theirs" else []) == expected(test)


@pytest.mark.parametrize("name", TLS)
def test_tls(micropython: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    test = micropython / "tests" / "multi_net" / f"{name}.py"
    monkeypatch.chdir(test.parent)
    assert together(test, []) == expected(test)


@pytest.mark.parametrize("name", ALONE)
def test_without_a_network(micropython: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    test = micropython / "tests" / "extmod" / f"{name}.py"
    with two_devices() as pair:
        assert run_script(pair.server, test) == 0
    assert same_style(capsys.readouterr().out) == same_style(expected(test))
