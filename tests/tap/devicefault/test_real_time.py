"""Faults of a device on a real TAP in real time, seen by Linux: ping, the neighbour table, a TCP client."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tap.devicefault.controller import Controller
from tap.devicefault.pools import memory_of
from tap.netns import Namespace
from usocket import Device

pytestmark = [pytest.mark.tap, pytest.mark.needs("ping", "ip")]

DEVICE = "192.168.7.2"


@contextmanager
def answering() -> Iterator[tuple[Device, Namespace]]:
    """A device that answers by its service thread; afterwards all its memory is back."""
    with (
        Namespace.open("new") as netns,
        Device(address=f"{DEVICE}/24", netns=netns, tap="tap0", service=True) as device,
    ):
        base = used(device)
        plain = device.host.link
        yield device, netns
        for fault in device.faults:
            device.faults.remove(fault)
        assert ping(netns, 1)
        assert device.host.link is plain
        assert used(device) == base


def used(device: Device) -> dict[str, int]:
    with device.host.lock:
        return {name: pool.used for name, pool in memory_of(device.stack.mem).items()}


def ping(netns: Namespace, count: int, *options: str) -> list[float]:
    """The round-trip times in ms of those that were answered."""
    command = ["ping", "-n", "-c", str(count), "-W", "1", *options, DEVICE]
    done = netns.run(command, capture_output=True, text=True, check=False, timeout=30)
    return [float(found) for found in re.findall(r"time=([\d.]+) ms", done.stdout)]


def test_a_slow_cpu_and_one_that_stands_still() -> None:
    with answering() as (device, netns):
        assert len(ping(netns, 2, "-i", "0.1")) == 2
        with device.faults.add("cpu frame=30ms"):
            assert isinstance(device.host.link, Controller)
            assert min(ping(netns, 3, "-i", "0.2")) >= 30
        with device.faults.add("cpu-stall length=400ms"):
            begun = time.thread_time()
            assert 200 < ping(netns, 1)[0] < 2000
            assert time.thread_time() - begun < 0.2


def test_receive_buffers_and_drivers_that_fail() -> None:
    with answering() as (device, netns):
        for text in ("pool-fail pool=PBUF_POOL", "tx-refuse"):
            assert ping(netns, 1), text
            with device.faults.add(text) as fault:
                assert ping(netns, 1) == [], text
            assert fault.counts, text


def test_a_driver_that_does_not_survive_an_overrun() -> None:
    with answering() as (device, netns), device.faults.add("rx-ring size=1 stall=forever") as fault:
        assert ping(netns, 1)
        with device.faults.add("cpu-stall length=3s"):
            ping(netns, 3, "-i", "0.01")  # they wait for the only descriptor
        device.sleep(0.1)
        assert fault.counts["drop"] >= 2
        assert ping(netns, 1) == []


def test_a_reset_and_a_clock_that_runs_ahead() -> None:
    with answering() as (device, netns):
        device.faults.add("clock drift=1000000ppm")
        begun, local = time.monotonic(), device.clock.now()
        device.sleep(1)
        assert 0.45 < time.monotonic() - begun < 0.95
        assert device.clock.now() - local >= 1_000_000_000
        device.faults.add("reboot down=500ms")
        assert not device.is_on
        assert ping(netns, 1, "-W", "0.3") == []
        time.sleep(0.7)
        assert device.is_on


def test_a_second_device_with_its_address() -> None:
    with answering() as (device, netns):
        assert ping(netns, 1)
        with device.faults.add("duplicate-ip mac=02:00:00:00:00:77"):
            time.sleep(0.2)
            found = netns.run(["ip", "neigh", "show", DEVICE], capture_output=True, text=True).stdout
            assert "02:00:00:00:00:77" in found


def test_a_program_is_held_up_and_ended() -> None:
    with answering() as (device, _):
        ended: list[object] = []
        device.faults.add("app-stall pause=200ms")

        def serve() -> None:
            begun = time.monotonic()
            listener = device.socket()
            assert time.monotonic() - begun >= 0.2
            listener.bind(("", 80))
            listener.listen(1)
            try:
                listener.accept()
            except SystemExit as error:
                ended.append(error)

        thread = threading.Thread(target=serve)
        thread.start()
        time.sleep(1)
        device.faults.add("reboot mode=warm")
        thread.join(5)
        assert not thread.is_alive()
        assert len(ended) == 1
