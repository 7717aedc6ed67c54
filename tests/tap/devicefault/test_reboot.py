"""Resets: what a device remembers, what its peer and its programs see."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.reboot import Reboot
from tests.tap.devicefault.rig import PORT, SERVER, added, errno_of, rig, sends
from usocket import time
from usocket.errno import ECONNRESET
from usocket.machine import PWRON_RESET, WDT_RESET


def ports_and_isns(mode: str) -> tuple[list[int], list[int]]:
    """Those of two connections, with a reset in between."""
    with rig() as made:
        made.serve()
        ports, isns = [], []

        def connect() -> None:
            sock = usocket.socket()
            sock.connect((SERVER, PORT))
            pcb = sock._layer.pcb  # type: ignore[attr-defined]
            ports.append(pcb.local_port)
            isns.append(pcb.lastack)
            sock.close()
            time.sleep(20)

        for _ in range(2):
            made.run(connect)
            if len(ports) < 2:
                added(made.client, f"reboot {mode}")
        return ports, isns


def test_cold_the_first_connection_is_as_after_the_first_boot() -> None:
    ports, isns = ports_and_isns("mode=cold")
    assert ports[0] == ports[1]
    assert isns[0] == isns[1]


def test_warm_it_goes_on_where_it_was() -> None:
    ports, isns = ports_and_isns("mode=warm")
    assert ports[1] == ports[0] + 1
    assert isns[1] > isns[0]


def test_some_is_kept() -> None:
    ports, isns = ports_and_isns("mode=cold keep=port")
    assert ports[1] == ports[0] + 1
    assert isns[1] == isns[0]
    ports, isns = ports_and_isns("mode=warm keep=isn")
    assert ports[1] == ports[0]
    assert isns[1] > isns[0]


@pytest.mark.parametrize(
    ("text", "kept"), [("mode=cold", False), ("mode=cold keep=rtc", True), ("mode=warm", True)]
)
def test_the_day(text: str, kept: bool) -> None:
    with rig() as made:
        made.client.rtc_offset = 5 * SECOND
        added(made.client, f"reboot {text}")
        assert made.client.rtc_offset == (5 * SECOND if kept else 0)
        assert made.client.reset_cause == (WDT_RESET if "warm" in text else PWRON_RESET)


def test_the_peer_learns_of_it_when_it_sends() -> None:
    with rig() as made:
        made.serve()

        def work() -> object:
            sock = usocket.socket()
            sock.connect((SERVER, PORT))
            sock.send(b"before")
            time.sleep(2)
            made.server.faults.add("reboot mode=cold")
            time.sleep(1)
            sock.send(b"after")
            return sock.recv(1)

        assert errno_of(made.run(work)) == ECONNRESET


def test_it_is_deaf_and_dumb_while_it_is_off() -> None:
    with rig() as made:
        made.serve()
        made.run(sends(100))
        added(made.server, "reboot down=10s restart=false")
        assert not made.server.is_on
        sent = made.server.stack.stats.link.xmit

        def connect() -> None:
            usocket.socket().connect((SERVER, PORT))

        program = made.start(connect)
        made.advance(9 * SECOND)
        assert made.server.stack.stats.link.xmit == sent == 0
        assert not program.finished
        made.advance(3 * SECOND)
        assert made.server.is_on
        assert made.server.stack.stats.link.xmit > 0
        made.advance(20 * SECOND)
        assert errno_of(program.result) == ECONNRESET


def test_programs_begin_anew_even_those_that_catch_everything() -> None:
    with rig() as made:
        log: list[tuple[str, int]] = []

        def stubborn() -> None:
            log.append(("begins", made.now))
            sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
            sock.bind(("", 7))
            while True:
                try:
                    sock.recv(10)
                except BaseException as error:
                    log.append((type(error).__name__, made.now))

        def tidy() -> None:
            try:
                time.sleep(100)
            finally:
                log.append(("cleans up", made.now))

        made.start(stubborn, daemon=True)
        made.start(tidy)
        made.advance(SECOND)
        added(made.client, "reboot mode=warm down=500ms")
        made.advance(SECOND)
        begins = [when for what, when in log if what == "begins"]
        assert begins == [0, 1500 * MS]
        assert ("cleans up", SECOND) in log
        assert len(made.net.scheduler.programs) == 2
        assert made.client.stack.mem.udp_pcb.used == 1
        made.client.faults.add("reboot restart=false")
        assert made.net.scheduler.programs == []
        assert made.net.run()


def test_a_program_that_starts_while_it_is_off_waits() -> None:
    with rig() as made:
        added(made.client, "reboot down=3s")
        made.run(lambda: time.sleep(1))
        assert made.now == 4 * SECOND


def test_again_and_again_until_it_is_removed() -> None:
    with rig() as made:
        fault = added(made.client, "reboot every=10s down=1s")
        made.advance(35 * SECOND)
        made.client.faults.remove(fault)
        assert fault.counts == {"reboot": 4}
        made.advance(60 * SECOND)
        assert fault.counts == {"reboot": 4}
        assert made.client.is_on


def test_removed_while_it_is_off_it_comes_back_all_the_same() -> None:
    with rig() as made:
        fault = added(made.client, "reboot down=3s")
        made.client.faults.remove(fault)
        assert not made.client.is_on
        made.advance(3 * SECOND)
        assert made.client.is_on


def test_mistakes() -> None:
    with rig() as made:
        for values, says in (
            ({"mode": "hot"}, "take cold or warm"),
            ({"keep": ("ram",)}, "keep port, isn, rtc, or less"),
            ({"down": 5, "every": 5}, "give a longer every"),
        ):
            with pytest.raises(DeviceFaultError, match=says):
                Reboot(made.client, **values)  # type: ignore[arg-type]
