"""What impairments cost a frame: microseconds on top of a direction without stages.

    python benchmarks/impair.py [--frames N] [--repeat N]

Each stage is called as a cable calls it, with a ``pass_on`` and a ``note`` that do nothing; in a chain one
stage hands on to the next at once. The figure is the best of the repetitions less the same loop without a
stage. Aim: an active chain adds 1.5 µs or less. The last line is a direction of a cable without stages, which
calls the far port and nothing else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from time import thread_time_ns as cpu_ns

from tap.cable import Direction, Port, Stage
from tap.clock import MS, VirtualClock
from tap.impair.codel import CoDel
from tap.impair.corrupt import Corrupt
from tap.impair.delay import Delay
from tap.impair.duplicate import Duplicate
from tap.impair.loss import FourState, GilbertElliott, Loss
from tap.impair.netem import parse
from tap.impair.rate import Rate
from tap.impair.reorder import Reorder
from tap.impair.slots import Slots
from tap.streams import Stream, stream

FRAME = bytes(1514)
GAP = 125_000  # ns between frames: 97 % of 100 Mbit/s

Run = Callable[[int], None]


def numbers(purpose: str) -> Stream:
    """The stream for a purpose."""
    return stream(1, purpose)


def chain(stages: Sequence[Stage]) -> Run:
    """Run frames through stages as a direction does, except that time need not come for what is later."""

    def note(action: str, detail: str) -> None:
        pass

    def end(frame: bytes, at: int) -> None:
        pass

    def link(stage: Stage, onward: Callable[[bytes, int], None]) -> Callable[[bytes, int], None]:
        handle = stage.handle

        def pass_on(frame: bytes, at: int) -> None:
            handle(frame, at, onward, note)

        return pass_on

    entry: Callable[[bytes, int], None] = end
    for stage in reversed(stages):
        entry = link(stage, entry)

    def run(frames: int) -> None:
        now = 0
        for _ in range(frames):
            now += GAP
            entry(FRAME, now)

    return run


def best(run: Run, frames: int, repeat: int) -> float:
    """µs a frame, the best of the repetitions."""
    times = []
    for _ in range(repeat):
        start = cpu_ns()
        run(frames)
        times.append(cpu_ns() - start)
    return min(times) / frames / 1000


def netem(words: str) -> list[Stage]:
    """netem's stages for these words."""
    return parse(words).stages(numbers)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=50_000)
    options.add_argument("--repeat", type=int, default=5)
    given = options.parse_args()
    clock = VirtualClock()
    cases: dict[str, list[Stage]] = {
        "loss 1 %": [Loss(0.01, stream=numbers("a"))],
        "loss 1 %, correlated": [Loss(0.01, stream=numbers("a"), correlation=0.5)],
        "gilbert-elliott": [GilbertElliott(0.02, 4, stream=numbers("a"))],
        "four-state": [FourState(0.01, 0.3, 0.1, 0.5, 0.01, stream=numbers("a"))],
        "delay": [Delay(80 * MS)],
        "delay, uniform jitter": [Delay(80 * MS, 20 * MS, stream=numbers("a"))],
        "delay, normal jitter": [Delay(80 * MS, 20 * MS, "normal", stream=numbers("a"))],
        "delay, correlated jitter": [Delay(80 * MS, 20 * MS, "normal", stream=numbers("a"), correlation=0.5)],
        "duplicate 1 %": [Duplicate(0.01, stream=numbers("a"))],
        "corrupt 1 %": [Corrupt(0.01, stream=numbers("a"))],
        "reorder 1 %": [Reorder(0.01, 3, stream=numbers("a"), clock=clock)],
        "rate, droptail": [Rate(100_000_000, 100)],
        "slots": [Slots(MS, 2 * MS, 5, stream=numbers("a"))],
        "netem delay loss": netem("delay 80ms 20ms loss gemodel 1% 10%"),
        "netem, all but slots": netem(
            "delay 80ms 20ms distribution normal loss 1% duplicate 1% corrupt 1% reorder 1% "
            "rate 100mbit limit 9000"
        ),
        "chain: loss, delay": [
            GilbertElliott(0.02, 4, stream=numbers("a")),
            Delay(80 * MS, 20 * MS, "normal", stream=numbers("b")),
        ],
        "chain: loss, duplicate, corrupt, rate": [
            Loss(0.01, stream=numbers("a")),
            Duplicate(0.01, stream=numbers("b")),
            Corrupt(0.01, stream=numbers("c")),
            Rate(100_000_000, 100),
        ],
    }
    nothing = best(chain([]), given.frames, given.repeat)
    for name, stages in cases.items():
        print(f"{best(chain(stages), given.frames, given.repeat) - nothing:6.2f} µs  {name}")
    print(
        f"{best(with_clock(clock), given.frames, given.repeat) - nothing:6.2f} µs  codel, its events included"
    )
    far = Port("far", handler=lambda frame: None)
    plain = Direction("near>far", clock, far)
    print(
        f"{best(lambda count: sends(plain, count), given.frames, given.repeat):6.2f} µs  no stage, whole send"
    )


def with_clock(clock: VirtualClock) -> Run:
    """CoDel at half load, time passing."""
    stage = CoDel(2 * 8 * len(FRAME) * 10**9 // GAP, clock=clock)

    def nothing(frame: bytes, at: int) -> None:
        pass

    def note(action: str, detail: str) -> None:
        pass

    def run(frames: int) -> None:
        for _ in range(frames):
            stage.handle(FRAME, clock.now(), nothing, note)
            clock.wait(clock.now() + GAP)
            clock.run_due()

    return run


def sends(direction: Direction, frames: int) -> None:
    """Send frames."""
    for _ in range(frames):
        direction.send(FRAME)


if __name__ == "__main__":
    main()
