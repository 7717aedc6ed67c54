"""What a question is played on: the same steps on lwIP and on a stack that does what the RFCs say.

Both have the same options; the second has no quirk of lwIP. So up to the question both ladders are alike, and
where the answers differ it is because lwIP differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.exam.reno import Reno
from lab.exercises.stand import Stand, roomy
from lab.ladder import RIGHT, Step, render
from netstack.tcp.states import STATE_NAMES
from netstack.tcp.tcb import Tcb
from tap.clock import MS

LWIP, RFC = "lwIP 2.2.1", "RFC"


@dataclass(frozen=True)
class Question:
    """One question. ``answers``: (whose, what): one where both stacks do the same. ``before`` is the ladder
    up to the question, ``after`` what came then.
    """

    title: str
    setting: str
    before: str
    ask: str
    answers: tuple[tuple[str, str], ...]
    why: str
    after: str
    points: int


class Scene(Stand):
    """One run. ``ask`` marks where the question is put; what follows is the answer."""

    def __init__(self, *, strict: bool, **options: int) -> None:
        super().__init__(seed=1)
        profile = roomy(**options)
        self.profile = profile.replace(name="strict", quirks=()) if strict else profile
        self.strict = strict
        self.notes: dict[str, object] = {}  # numbers of the run, for the text of the question
        self._asked: int | None = None

    def begin(self, *, iss: int = 1_000_000, mss: int = 1000, connect: bool = True) -> None:
        """The device listens; the peer connects."""
        self.open(self.profile, iss=iss, mss=mss)
        tcp = self.device.stack.tcp
        tcp.iss_hook = lambda: 5_000_000
        if self.strict:
            tcp.parts.congestion = Reno()
        if connect:
            self.connect()

    @property
    def pcb(self) -> Tcb:
        """The connection."""
        tcp = self.device.stack.tcp
        return next(iter([*tcp.active_pcbs, *tcp.tw_pcbs]))

    @property
    def state(self) -> str:
        """Its state; CLOSED when it is gone."""
        tcp = self.device.stack.tcp
        found = [*tcp.active_pcbs, *tcp.tw_pcbs]
        return STATE_NAMES[found[0].state].replace("_", "-") if found else "CLOSED"

    def ticks(self, *, slow: bool) -> str:
        """When the next three ticks of TCP's timer come, which must be running; every second one is slow."""
        stack = self.device.stack
        due = stack.next_deadline()
        assert due is not None
        interval = stack.profile.tcp_tmr_interval * MS
        if slow:
            due += interval * (stack.tcp.timer_runs & 1)
            interval *= 2
        return ", ".join(f"{(due + i * interval) / 1e9:.3f}" for i in range(3)) + " s and so on"

    def ask(self) -> None:
        """The question is put here."""
        self._asked = len(self.wire)

    def before(self) -> list[Step]:
        """The steps before the question."""
        return self.wire.steps(0)[: self._asked]

    def after(self) -> list[Step]:
        """Those behind it."""
        return self.wire.steps(0)[self._asked :]

    def sent(self) -> list[Step]:
        """What the device has sent since the question."""
        return [step for step in self.after() if step.direction == RIGHT]


def seconds(time: int) -> str:
    """A time as an answer has it."""
    return f"{time / 1e9:.3f} s"


Play = Callable[[Scene], str]  # the steps; returns the answer


def question(
    title: str, setting: str, ask: str, why: str, play: Play, *, points: int = 5, **options: int
) -> Question:
    """Play it on both stacks. What stands in braces in ``setting`` and ``why`` are ``scene.notes``."""
    scenes, answers, after = [], [], []
    for strict in (False, True):
        scene = Scene(strict=strict, **options)
        scenes.append(scene)
        answers.append(play(scene))
        after.append(render(scene.after()))  # before the device says good-bye
        scene.close()
    before = render(scenes[0].before())
    assert before == render(scenes[1].before()), f"{title}: the stacks differ before the question"
    if answers[0] == answers[1]:
        shown: tuple[tuple[str, str], ...] = (("", answers[0]),)
        then = after[0]
    else:
        shown = ((LWIP, answers[0]), (RFC, answers[1]))
        then = after[0] if after[0] == after[1] else f"{LWIP}:\n{after[0]}\n\n{RFC}:\n{after[1]}"
    notes = scenes[0].notes
    return Question(title, setting.format(**notes), before, ask, shown, why.format(**notes), then, points)
