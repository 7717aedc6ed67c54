"""The controller: it comes with the first fault that needs it, and goes with the last one."""

from __future__ import annotations

from tap.clock import MS, SECOND
from tap.devicefault.controller import Controller, controller_of
from tests.tap.devicefault.rig import added, pattern, rig, sends


def test_it_comes_and_goes_with_the_faults() -> None:
    with rig() as made:
        made.serve()
        device = made.client
        plain = device.host.link
        first, second = added(device, "tx-double"), added(device, "rx-ring size=8")
        controller = device.host.link
        assert isinstance(controller, Controller)
        assert controller.mtu == 1500
        made.run(sends(3000))
        device.faults.remove(first)
        assert device.host.link is controller
        device.faults.remove(second)
        assert device.host.link is plain
        made.run(sends(3000))
        made.advance(30 * SECOND)
        assert made.received == 2 * pattern(3000)


def test_what_waits_in_it_is_not_lost_when_the_last_fault_goes() -> None:
    with rig() as made:
        made.serve()
        plain = made.server.host.link
        for text in ("rx-ring size=20", "cpu-stall length=1s"):
            added(made.server, text)
        program = made.start(sends(1000))
        made.advance(300 * MS)
        assert not program.finished
        for fault in made.server.faults:
            made.server.faults.remove(fault)
        made.advance(MS)
        made.advance(30 * SECOND)
        assert made.received == pattern(1000)
        assert made.server.host.link is plain
        assert made.server.clock.now() == made.now


def test_a_frame_can_be_put_in() -> None:
    with rig() as made:
        before = made.client.stack.stats.link.drop
        with made.client.host.lock:
            controller_of(made.client).inject(b"x" * 20)
        made.advance(MS)
        assert made.client.stack.stats.link.drop == before
        assert made.client.stack.stats.etharp.drop == 1
        assert not isinstance(made.client.host.link, Controller)
