"""What programs see of faults inside their device: MicroPython's errors, and only those."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import usocket
from tap.clock import MS, SECOND
from tests.tap.devicefault.rig import PORT, SERVER, Rig, added, errno_of, pattern, rig, sends
from usocket import time
from usocket.errno import (
    EAGAIN,
    ECONNABORTED,
    ECONNRESET,
    EHOSTUNREACH,
    ENOBUFS,
    ENOMEM,
    ETIMEDOUT,
    MicroPythonError,
)


def stream() -> object:
    return usocket.socket().close()


def datagram() -> object:
    return usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM).close()


def raw() -> object:
    return usocket.socket(usocket.AF_INET, usocket.SOCK_RAW, 1).close()


def listen() -> object:
    sock = usocket.socket()
    sock.bind(("", PORT))
    try:
        sock.listen(1)
    finally:
        sock.close()
    return None


def connect() -> object:
    sock = usocket.socket()
    try:
        sock.connect((SERVER, PORT))
    finally:
        sock.close()
    return None


def say() -> object:
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    try:
        return sock.sendto(b"x" * 100, (SERVER, 7))
    finally:
        sock.close()


@pytest.mark.parametrize(
    ("fault", "program", "number"),
    [
        ("pool-fail pool=TCP_PCB nth=1 persistent=true", stream, ENOMEM),
        ("pool-fail pool=UDP_PCB nth=1", datagram, ENOMEM),
        ("pool-fail pool=RAW_PCB nth=1", raw, ENOMEM),
        ("pool-fail pool=TCP_PCB_LISTEN nth=1", listen, ENOMEM),
        ("pool-fail pool=TCP_SEG nth=1", connect, ENOMEM),
        ("heap-fail nth=1", connect, ENOMEM),
        ("heap-fail nth=1", say, ENOMEM),
        ("pool-cap pool=HEAP size=100", say, ENOMEM),
        ("pool-cap pool=UDP_PCB size=0", datagram, ENOMEM),
        ("tx-refuse", say, ENOMEM),
        ("tx-refuse err=buf", say, ENOBUFS),
        ("tx-refuse err=if", say, -1),
        ("tx-refuse err=timeout", say, EAGAIN),
        ("rx-ring size=1 stall=forever", connect, ECONNABORTED),
    ],
)
def test_a_call_fails_with_the_boards_number_and_works_afterwards(
    fault: str, program: Callable[[], object], number: int
) -> None:
    with rig() as made:
        made.serve()
        made.run(say)
        made.advance(SECOND)  # the neighbour is known
        if "rx-ring" in fault:
            made.client.faults.add("cpu-stall length=10ms")  # two frames wait for one descriptor
            made.run(flooded(made))
        bad = added(made.client, fault)
        if "rx-ring" in fault:
            made.run(flooded(made))
        result = made.run(program)
        assert isinstance(result, MicroPythonError)
        assert errno_of(result) == number
        made.client.faults.remove(bad)
        made.advance(30 * SECOND)
        assert not isinstance(made.run(program), OSError)


def flooded(made: Rig) -> Callable[[], None]:
    """The client gets three datagrams at once."""

    def shout() -> None:
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        for _ in range(3):
            sock.sendto(b"x", ("10.0.0.2", 9))
        sock.close()
        time.sleep_ms(50)

    def start() -> None:
        made.start(shout, made.server)
        time.sleep_ms(100)

    return start


@pytest.mark.parametrize(
    ("fault", "number"),
    [("pool-fail pool=TCP_PCB nth=1 persistent=true", ENOBUFS), ("pool-fail pool=UDP_PCB nth=1", ENOBUFS)],
)
def test_an_esp32_has_other_numbers(fault: str, number: int) -> None:
    with rig(profile="micropython-esp32") as made:
        bad = added(made.client, fault)
        result = made.run(stream if "TCP" in fault else datagram)
        assert errno_of(result) == made.client.port.errno[number]
        made.client.faults.remove(bad)
        assert made.run(stream) is None


@pytest.mark.parametrize(("send_nomem", "seconds"), [("board", 10), ("enobufs", 0), ("eagain", 0)])
@pytest.mark.parametrize("fault", ["pool-fail pool=TCP_SEG", "heap-fail"])
def test_a_send_without_memory_waits_and_lies_or_says_so(fault: str, send_nomem: str, seconds: int) -> None:
    with rig(send_nomem=send_nomem) as made:
        made.serve()

        def work() -> int:
            sock = usocket.socket()
            sock.connect((SERVER, PORT))
            made.client.faults.add(fault)
            begun = time.ticks_ms()
            try:
                sent = sock.send(b"lost")
            except OSError as error:
                sent = -int(error.args[0])
            assert time.ticks_diff(time.ticks_ms(), begun) == seconds * 1000
            return sent

        sent = made.run(work)
        made.advance(SECOND)
        assert made.received == b""
        assert sent == {"board": 4, "enobufs": -ENOBUFS, "eagain": -EAGAIN}[send_nomem]
        assert dict(made.client.oddities) == ({"send-lost": 1} if send_nomem == "board" else {})


def test_a_send_that_the_driver_refuses_fails_but_is_queued_all_the_same() -> None:
    with rig() as made:
        made.serve()

        def work() -> object:
            sock = usocket.socket()
            sock.connect((SERVER, PORT))
            with made.client.faults.add("tx-refuse"), pytest.raises(OSError) as caught:
                sock.send(b"once")
            time.sleep(10)
            sock.close()
            return caught.value

        assert errno_of(made.run(work)) == ENOMEM
        made.advance(SECOND)
        assert made.received == b"once"
        assert made.client.oddities == {}


def test_a_peer_that_is_reset_resets_or_is_silent() -> None:
    with rig() as made:
        made.serve()

        def ask(sends_first: bool) -> Callable[[], object]:
            def work() -> object:
                sock = usocket.socket()
                sock.connect((SERVER, PORT))
                sock.settimeout(5)
                time.sleep(1)
                made.server.faults.add("reboot")
                time.sleep(1)
                if sends_first:
                    sock.send(b"x")
                return sock.recv(1)

            return work

        assert errno_of(made.run(ask(True))) == ECONNRESET
        assert errno_of(made.run(ask(False))) == ETIMEDOUT


def test_a_second_device_with_the_address_resets_connections_and_the_device_hears_nothing() -> None:
    with rig() as made:
        made.serve()
        outcome: list[object] = []

        def lonely() -> None:
            listener = usocket.socket()
            listener.bind(("", 81))
            listener.listen(1)
            connection, _ = listener.accept()
            connection.settimeout(20)
            try:
                connection.recv(10)
            except OSError as error:
                outcome.append(error.args[0])

        def work() -> object:
            sock = usocket.socket()
            sock.connect((SERVER, 81))
            made.server.faults.add("duplicate-ip")
            time.sleep(1)
            sock.send(b"x")
            return sock.recv(1)

        made.start(lonely, made.server)
        assert errno_of(made.run(work)) == ECONNRESET
        made.advance(30 * SECOND)
        assert outcome == [ETIMEDOUT]


def test_time_outs_by_a_wrong_clock_a_stalled_cpu_and_a_step() -> None:
    def wait() -> object:
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.bind(("", 9))
        sock.settimeout(2)
        try:
            return sock.recv(1)
        finally:
            sock.close()

    for text, lasts in (
        ("clock drift=1000000ppm", 1000 * MS),
        ("cpu-stall length=3s", 3000 * MS),
        ("clock tick=1500ms", 3000 * MS),
        ("app-stall pause=700ms nth=3", 2700 * MS),
    ):
        with rig() as made:
            added(made.client, text)
            assert errno_of(made.run(wait)) == ETIMEDOUT
            assert abs(made.now - lasts) <= 2 * MS, text
    with rig() as made:
        made.net.clock.call_at(SECOND // 2, lambda: made.client.faults.add("clock-step by=10s"))
        assert errno_of(made.run(wait)) == ETIMEDOUT
        assert made.now == SECOND // 2


def test_ticks_wrap_under_a_program() -> None:
    with rig() as made:
        added(made.client, "tick-wrap before=500ms")

        def work() -> tuple[bool, int]:
            begun = time.ticks_ms()
            time.sleep(1)
            return time.ticks_ms() > begun, time.ticks_diff(time.ticks_ms(), begun)

        assert made.run(work) == (False, 1000)


def test_a_slow_cpu_and_forgotten_neighbours_only_cost_time() -> None:
    for text in (
        "cpu frame=20ms",
        "arp-flush every=300ms",
        "tx-double every=2",
        "leak pool=HEAP size=50 every=1s until=1000",
    ):
        with rig() as made:
            made.serve()
            made.run(sends(100))
            made.advance(10 * SECOND)
            fault = added(made.client, text)
            assert made.run(sends(9000)) == 9000
            made.advance(60 * SECOND)
            assert made.received == pattern(100) + pattern(9000)
            assert fault.counts
            assert made.client.oddities == {}


def test_a_lost_lease() -> None:
    with rig() as made:
        made.client.stack.netif.set_addr(0, 0, 0)  # as after a lease has been given up
        assert errno_of(made.run(connect)) == EHOSTUNREACH
        assert errno_of(made.run(say)) == EHOSTUNREACH


def test_a_watchdog_ends_a_program_that_waits_and_a_script_begins_anew() -> None:
    with rig() as made:
        begins: list[int] = []

        def work() -> None:
            begins.append(made.now)
            if len(begins) < 3:
                listen_for_ever()

        def listen_for_ever() -> None:
            sock = usocket.socket()
            sock.bind(("", PORT))
            sock.listen(1)
            sock.accept()

        added(made.client, "watchdog timeout=5s")
        made.start(work)
        made.net.run()
        assert begins == [0, 5 * SECOND, 10 * SECOND]


def test_on_a_device_by_itself_a_reset_ends_the_program_that_waits() -> None:
    from tests.usocket.support import listening, two_devices

    with two_devices() as pair:
        listener = listening(pair.server)
        pair.clock.call_at(2 * SECOND, lambda: pair.server.faults.add("reboot mode=warm"))
        with pytest.raises(SystemExit):
            listener.accept()
        assert pair.clock.now() == 2 * SECOND
        assert pair.server.stack.mem.tcp_pcb_listen.used == 0
