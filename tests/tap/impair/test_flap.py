"""A link that goes down and up, with and without notice."""

from __future__ import annotations

from tap.clock import MS, SECOND, VirtualClock
from tap.impair.flap import LinkFlap
from tap.network import Network
from tests.tap.impair.rig import Rig, burst, order
from tests.tap.networks import pair


def test_frames_are_lost_while_it_is_down() -> None:
    clock = VirtualClock()
    rig = Rig(LinkFlap(2 * MS, 3 * MS, 10 * MS, clock=clock), clock=clock)
    burst(rig, 15, gap=MS)
    assert order(rig.frames) == [0, 1, 5, 6, 7, 8, 9, 10, 11]
    assert rig.notes == [("drop", "link down")] * 6


def told(until: int, *stage_args: int, notice: int) -> list[tuple[int, bool]]:
    """What the stack is told until ``until`` ms, in ms."""
    clock, found = VirtualClock(), []
    LinkFlap(*stage_args, clock=clock, tell=lambda up: found.append((clock.now() // MS, up)), notice=notice)
    while (event := clock.next_event()) is not None and event <= until * MS:
        clock.wait(None)
        clock.run_due()
    return found


def test_the_stack_is_told() -> None:
    assert told(100, 2 * MS, 3 * MS, notice=0) == [(2, False), (5, True)]
    assert told(100, 2 * MS, 3 * MS, notice=2 * MS) == [(4, False), (7, True)]
    assert told(30, 2 * MS, 3 * MS, 10 * MS, notice=MS) == [
        (3, False), (6, True), (13, False), (16, True), (23, False), (26, True),
    ]  # fmt: skip


def test_a_flap_that_is_over_before_the_notice_stays_unseen() -> None:
    assert told(100, 2 * MS, 3 * MS, notice=5 * MS) == []


def test_the_stack_of_a_device_can_be_told() -> None:
    with Network(1) as net:
        server, _ = pair(net)

        def tell(up: bool) -> None:
            server.host.stack.netif.set_link(up)

        flap = LinkFlap(SECOND, SECOND, clock=net.clock, tell=tell, notice=100 * MS)
        for direction in net.cables["server-client"].directions:
            direction.add(flap)
        seen = []
        for ms in (1050, 1150, 2050, 2150):
            net.run(until=ms * MS)
            seen.append(server.host.stack.netif.link_up)
        assert seen == [True, False, False, True]


def test_by_hand() -> None:
    clock, found = VirtualClock(), []
    stage = LinkFlap(clock=clock, tell=lambda up: found.append((clock.now() // MS, up)), notice=MS)
    rig = Rig(stage, clock=clock)
    clock.call_at(2 * MS, stage.down)
    clock.call_at(4 * MS, stage.up)
    clock.call_at(6 * MS, stage.down)
    clock.call_at(7 * MS, stage.follow)
    burst(rig, 9, gap=MS)
    assert order(rig.frames) == [0, 1, 4, 5, 7, 8]
    assert found == [(3, False), (5, True)], "down at 6, up again at 7 before the notice"
