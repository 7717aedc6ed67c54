"""Makes the faults of a scenario happen: at their times, for as long as they last, again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.scenario.faults import DeviceFaultPlan, FaultPlan, ImpairmentPlan, PullPlan, RulePlan, When
from lab.scenario.impairments import stages

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

Stop = Callable[[], object]
Start = Callable[[], Stop]


def schedule_wires(bench: Bench) -> None:
    """Arrange for the faults on links."""
    for plan in bench.scenario.plan.faults:
        if not isinstance(plan, DeviceFaultPlan):
            _arrange(bench, plan.when, _starter(bench, plan))


def schedule_devices(bench: Bench) -> None:
    """Arrange for the faults inside devices, which are on."""
    for plan in bench.scenario.plan.faults:
        if isinstance(plan, DeviceFaultPlan):
            _arrange(bench, plan.when, _starter(bench, plan))


def _arrange(bench: Bench, when: When, start: Start) -> None:
    """Have ``start`` called when its time or its condition has come, and what it returns at its end."""
    clock = bench.clock

    def begin() -> None:
        begun = clock.now()
        stop = start()
        if when.lasting is not None:
            clock.call_at(begun + when.lasting, stop)  # type: ignore[arg-type]
        if when.every is not None:
            clock.call_at(begun + when.every, begin)

    condition = when.condition
    if condition is not None:
        condition.prepare(bench)
        bench.conditions.append((lambda: clock.now() >= when.at and condition.is_true(bench), begin))
    elif when.at <= clock.now():
        begin()
    else:
        clock.call_at(when.at, begin)


def _starter(bench: Bench, plan: FaultPlan) -> Start:
    match plan:
        case RulePlan():
            return _rule(bench, plan)
        case ImpairmentPlan():
            return _impairment(bench, plan)
        case PullPlan():
            return _pull(bench, plan)
        case DeviceFaultPlan():
            return _device_fault(bench, plan)
    raise AssertionError(plan)


def _rule(bench: Bench, plan: RulePlan) -> Start:
    direction = bench.direction(plan.way)

    def start() -> Stop:
        rule = direction.rules.add(plan.text, name=plan.name)
        return lambda: direction.rules.remove(rule)

    return start


def _impairment(bench: Bench, plan: ImpairmentPlan) -> Start:
    directions = [bench.direction(way) for way in plan.ways]
    made = [  # once, so that it goes on with its random numbers when it comes again
        (direction, stage)
        for direction in directions
        for stage in stages(plan.text, bench.net, direction.name, plan.name)
    ]

    def start() -> Stop:
        for direction, stage in made:
            direction.add(stage)
        return stop

    def stop() -> None:
        for direction, stage in made:
            direction.remove(stage)

    return start


def _pull(bench: Bench, plan: PullPlan) -> Start:
    cable = bench.cables[plan.link]
    do, undo = (cable.plug, cable.pull) if plan.plugs else (cable.pull, cable.plug)

    def start() -> Stop:
        bench.frames.hit(plan.name)
        do()
        return undo

    return start


def _device_fault(bench: Bench, plan: DeviceFaultPlan) -> Start:
    device = bench.device(plan.device)

    def start() -> Stop:
        fault = device.faults.add(plan.text, name=plan.name)
        return lambda: device.faults.remove(fault)

    return start
