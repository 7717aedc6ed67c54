"""Loss: independent, in bursts, and by the four-state model; the models themselves and the stages of them.

Gilbert-Elliott (Gilbert 1960, Elliott 1963): a good and a bad state; a frame's fate is decided by the state
before the step to the next one, as in netem. Four states (Salsano et al., "Definition of a general and
intuitive loss model", 2012): 1 received, 3 lost in a burst, 2 received within a burst, 4 lost alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

from tap.cable import Note, PassOn
from tap.impair.correlation import correlated
from tap.impair.draws import draws
from tap.impair.ecn import mark_ce
from tap.impair.units import ONE, ImpairmentError, probability, shown, threshold
from tap.streams import Stream


class LossStage(ABC):
    """What the loss models share: ``lost`` decides. With ``ecn`` a lost packet that can be is
    marked instead.
    """

    def __init__(self, name: str, ecn: bool) -> None:
        self.name = name
        self.ecn = ecn

    @abstractmethod
    def lost(self) -> bool:
        """Whether the next frame is lost."""

    def without_chance(self) -> None:  # noqa: B027 - the same for all
        """Nothing is left of it (``tap.verdicts``)."""

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if not self.lost():
            pass_on(frame, now)
        elif self.ecn and (marked := mark_ce(frame)) is not None:
            note("mark", "ce")
            pass_on(marked, now)
        else:
            note("drop", self.name)


class Loss(LossStage):
    """Each frame is lost with probability ``rate``. With ``correlation`` > 0 (0 .. 1) losses come together,
    and the rate stays what it is; ``how="netem"`` correlates as netem does, and the rate does not stay.
    """

    def __init__(
        self,
        rate: float | Fraction,
        *,
        stream: Stream,
        correlation: float | Fraction = 0,
        how: str = "keep",
        ecn: bool = False,
        name: str = "loss",
    ) -> None:
        super().__init__(name, ecn)
        self._below = threshold(rate, "loss rate")
        self._draw = correlated(draws(stream), correlation, how)

    def lost(self) -> bool:
        return self._draw() < self._below


class GilbertElliott(LossStage):
    """Losses in bursts: ``loss`` is their mean rate (0 .. 1), ``burst`` the mean number of frames lost in a
    row.

    The rate is kept whatever the burst. ``of`` takes the model's own probabilities.
    """

    def __init__(
        self,
        loss: float | Fraction,
        burst: float | Fraction,
        *,
        stream: Stream,
        ecn: bool = False,
        name: str = "gilbert-elliott",
    ) -> None:
        mean = probability(loss, "mean loss")
        length = Fraction(burst) if burst >= 1 else Fraction(0)
        if not length:
            raise ImpairmentError(
                f"a burst of {shown(burst)} frames is none: give a mean length of 1 or more"
            )
        if mean == 1:
            raise ImpairmentError("a mean loss of 1 leaves nothing between bursts: take a blackhole")
        if mean > length * (1 - mean):
            least = float(mean / (1 - mean))
            raise ImpairmentError(
                f"bursts of {shown(burst)} frames cannot lose {float(mean):.3g} of all: "
                f"give {least:.3g} frames or more"
            )
        self._become(mean / (1 - mean) / length, 1 / length, Fraction(1), Fraction(0), stream, name, ecn)

    @classmethod
    def of(
        cls,
        p: float | Fraction,
        r: float | Fraction,
        bad_loss: float | Fraction = 1,
        good_loss: float | Fraction = 0,
        *,
        stream: Stream,
        ecn: bool = False,
        name: str = "gilbert-elliott",
    ) -> GilbertElliott:
        """By the probabilities of going bad (``p``) and good again (``r``), and of loss in either state
        (netem's 1-h and 1-k). The mean loss is p/(p+r) * bad_loss + r/(p+r) * good_loss.
        """
        self = cls.__new__(cls)
        self._become(p, r, bad_loss, good_loss, stream, name, ecn)
        return self

    def _become(
        self,
        p: float | Fraction,
        r: float | Fraction,
        bad_loss: float | Fraction,
        good_loss: float | Fraction,
        stream: Stream,
        name: str,
        ecn: bool,
    ) -> None:
        super().__init__(name, ecn)
        self._worse, self._better = threshold(p, "gilbert-elliott p"), threshold(r, "gilbert-elliott r")
        self._bad_loss, self._good_loss = (
            threshold(bad_loss, "loss when bad"),
            threshold(good_loss, "loss when good"),
        )
        self._chance = any(0 < at < ONE for at in (self._bad_loss, self._good_loss))
        self._bad = False
        self._draw = draws(stream)

    def lost(self) -> bool:
        bad = self._bad
        if self._draw() < (self._better if bad else self._worse):
            self._bad = not bad
        at = self._bad_loss if bad else self._good_loss
        return (self._draw() if self._chance else 0) < at


class FourState(LossStage):
    """The four-state model by its probabilities of going from one state to another: ``p13``, ``p31``,
    ``p32``, ``p23``, ``p14`` (p41 is 1). Defaults as in netem: p31 = 1 - p13, p32 = 0, p23 = 1, p14 = 0.

    The mean loss is (p13/p31 + p14) / (1 + p14 + p13/p31 * (1 + p32/p23)).
    """

    def __init__(
        self,
        p13: float | Fraction,
        p31: float | Fraction | None = None,
        p32: float | Fraction = 0,
        p23: float | Fraction = 1,
        p14: float | Fraction = 0,
        *,
        stream: Stream,
        ecn: bool = False,
        name: str = "four-state",
    ) -> None:
        super().__init__(name, ecn)
        burst = probability(p13, "p13")
        again = 1 - burst if p31 is None else probability(p31, "p31")
        if burst + probability(p14, "p14") > 1:
            raise ImpairmentError(
                f"p13 {shown(burst)} and p14 {shown(p14)} are over 1 together: both leave state 1"
            )
        if again + probability(p32, "p32") > 1:
            raise ImpairmentError(
                f"p31 {shown(again)} and p32 {shown(p32)} are over 1 together: both leave state 3"
            )
        self._p14 = threshold(p14)
        self._p14_p13 = self._p14 + threshold(burst)
        self._p32 = threshold(p32)
        self._p32_p31 = self._p32 + threshold(again)
        self._p23 = threshold(p23, "p23")
        self._state = 1
        self._draw = draws(stream)

    def lost(self) -> bool:
        drawn, state = self._draw(), self._state
        if state == 1:
            self._state = 4 if drawn < self._p14 else 3 if drawn < self._p14_p13 else 1
        elif state == 3:
            self._state = 2 if drawn < self._p32 else 1 if drawn < self._p32_p31 else 3
        elif state == 2:
            self._state = 3 if drawn < self._p23 else 2
        else:
            self._state = 1
        return self._state >= 3
