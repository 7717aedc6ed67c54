"""Lets a bench run to its end and says of each expectation whether it held."""

from __future__ import annotations

from collections.abc import Callable

from lab.scenario.bench import Bench
from lab.scenario.injector import schedule_devices, schedule_wires
from lab.scenario.plan import Expectation
from lab.scenario.pools import leaked
from lab.scenario.units import seconds, time_of
from tap.clock import SECOND

AFTERMATH = 1800 * SECOND  # how long connections have to end when all sockets are closed
STEP = 10 * SECOND

Judgement = tuple[str, bool, str]


class Judge:
    """One expectation and what has been found of it so far."""

    def __init__(self, expectation: Expectation, bench: Bench) -> None:
        self.expectation = expectation
        self.verdict: tuple[bool, str] | None = None
        self._bench = bench
        if expectation.at is not None:
            bench.clock.call_at(expectation.at, self._decide)
        elif expectation.within is not None:
            bench.clock.call_at(expectation.within, self._decide)

    @property
    def is_pending(self) -> bool:
        """Whether it may come true at any moment."""
        return self.expectation.within is not None and self.verdict is None

    @property
    def is_of_the_end(self) -> bool:
        """Whether ``aftermath`` decides it."""
        return self.expectation.statement.is_of_the_end

    def look(self) -> None:
        """Of one with ``within``: see whether it is true now."""
        if self.expectation.statement.is_true(self._bench):
            self._decide()

    def _decide(self) -> None:
        if self.verdict is None:
            holds, detail = self.expectation.statement.evaluate(self._bench)
            self.verdict = holds, f"{detail} (at {seconds(self._bench.clock.now())})"

    def close(self) -> Judgement:
        """The run is over."""
        expectation = self.expectation
        if self.verdict is None and expectation.at is not None:
            now, at = seconds(self._bench.clock.now()), seconds(expectation.at)
            self.verdict = False, f"the run ended at {now}, before {at}: give [run] a later stop"
        if self.verdict is None:
            self.verdict = expectation.statement.evaluate(self._bench)
        return (expectation.text, *self.verdict)


def play(bench: Bench, begun: Callable[[], object] | None = None) -> list[Judgement]:
    """Run to the end. What the scenario expects, and what it did not have to say: programs end well.

    ``begun`` is called when the devices are on and no program has had its turn.
    """
    begin(bench)
    if begun is not None:
        begun()
    judges = [Judge(expectation, bench) for expectation in bench.scenario.plan.expectations]
    _run(bench, judges)
    bench.note_waits()
    return [judge.close() for judge in judges if not judge.is_of_the_end] + _programs(bench)


def begin(bench: Bench) -> None:
    """Switch the devices on, start the programs, arrange for the faults. Those of the wire come first: what
    a device says when it is switched on may be struck, too.
    """
    schedule_wires(bench)
    bench.net.switch_on()
    bench.note_bases()
    for program in bench.scenario.plan.programs:
        bench.start(program, program.at)
    schedule_devices(bench)


def _run(bench: Bench, judges: list[Judge]) -> None:
    run, scheduler, clock = bench.scenario.file.run, bench.net.scheduler, bench.clock
    is_fixed = run.stop is not None or not scheduler.awaited
    settle = time_of(run.settle)
    over = False
    looks_at = 0  # when it is to be seen again whether all is over, 0: when all programs have ended

    def finish() -> None:
        nonlocal over
        over = True

    def finished() -> bool:
        nonlocal looks_at
        bench.guard.check()
        for judge in judges:
            if judge.is_pending:
                judge.look()
        if bench.conditions:
            _begin_faults(bench)
        if not is_fixed and not scheduler.awaited:
            if not bench.is_quiet:
                looks_at = 0
            elif not looks_at:
                looks_at = clock.now() + settle
                clock.call_at(looks_at, _nothing)
            return over or 0 < looks_at <= clock.now()
        return over

    clock.call_at(time_of(run.stop or run.limit), finish)
    bench.net.run(finished)


def _begin_faults(bench: Bench) -> None:
    """Begin the faults whose conditions have come true."""
    waiting = bench.conditions
    bench.conditions = []
    for condition, begin in waiting:
        if condition():
            begin()
        else:
            bench.conditions.append((condition, begin))


def _programs(bench: Bench) -> list[Judgement]:
    """Of programs that no expectation speaks of: whether they ended well."""
    named = set().union(*(one.statement.programs() for one in bench.scenario.plan.expectations))
    return [
        (f"program {outcome.name} ends well", False, outcome.state)
        for outcome in bench.outcomes.values()
        if outcome.name not in named and not outcome.is_well
    ]


def aftermath(bench: Bench) -> list[Judgement]:
    """Close all sockets, let all connections end, and say what of the memory did not come back."""
    last = [one for one in bench.scenario.plan.expectations if one.statement.is_of_the_end]
    if not last:
        return []
    devices = sorted(set().union(*(one.statement.devices_of_the_end() for one in last)))
    bench.net.scheduler.kill()
    for device in bench.devices.values():
        device.soft_reset()
    until = bench.clock.now() + AFTERMATH
    while bench.clock.now() < until and any(
        leaked(bench.device(name), bench.bases[name]) for name in devices
    ):
        bench.guard.check()
        step = bench.clock.now() + STEP
        bench.clock.call_at(step, _nothing)  # something is due: that nobody does anything is no deadlock
        bench.net.run(step)
    return [(one.text, *one.statement.evaluate(bench)) for one in last]


def _nothing() -> None:
    """Time has come, nothing is to be done."""
