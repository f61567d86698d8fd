"""What a classifier that looks at a whole light curve says, and where it looked: plain Python, for plans and stores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ampel_followup.errors import FollowupError
from ampel_followup.records import Record

# What is kept: 10⁻⁴ d are 9 s, and no glyph shows less than a ten-thousandth.
_PROBABILITY_DIGITS, _TIME_DIGITS, _ATTENTION_DIGITS = 5, 4, 5

# By how much sums of shares may miss 1: single precision, and rounding of each point.
_TOLERANCE, _TOLERANCE_PER_POINT = 1e-3, 1e-5


@dataclass(frozen=True, slots=True)
class AttentionScores(Record):
    """
    Class probabilities of one object, and how much each point of its light curve counted for them.

    Parameters
    ----------
    class_names : tuple of str, length k
        In the order of the classifier.
    probabilities : tuple of float, length k
        They sum to 1; empty where there are too few points to say anything.
    times : tuple of float, length m
        The points of the light curve that were looked at [MJD, UTC], ascending; empty without probabilities.
    attention : tuple of float, length m
        Weight of each point, 0 or more; they sum to 1.

    Raises
    ------
    FollowupError
        If lengths do not fit, times are out of order, or weights or probabilities are negative or do not sum to 1.
    """

    class_names: tuple[str, ...]
    probabilities: tuple[float, ...] = ()
    times: tuple[float, ...] = ()
    attention: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        k, m = len(self.class_names), len(self.times)
        if len(self.attention) != m or len(self.probabilities) not in (0, k) or (m > 0 and not self.probabilities):
            raise FollowupError(
                f"attention of {len(self.attention)} points and {len(self.probabilities)} probabilities do not fit "
                f"{m} times and {k} classes; give one each"
            )
        if any(later < earlier for earlier, later in zip(self.times, self.times[1:], strict=False)):
            raise FollowupError("the times of attention are out of order; sort the light curve first")
        for name, values in (("probabilities", self.probabilities), ("weights of attention", self.attention)):
            # "Not above" holds for NaN, too.
            tolerance = _TOLERANCE + _TOLERANCE_PER_POINT * len(values)
            if values and not (min(values) >= 0.0 and abs(math.fsum(values) - 1.0) <= tolerance):
                raise FollowupError(f"{name} sum to {math.fsum(values):g}, least {min(values):g}; they must be shares")

    @classmethod
    def of(
        cls,
        class_names: Sequence[str],
        probabilities: Iterable[float],
        times: Iterable[float],
        attention: Iterable[float],
    ) -> Self:
        """
        Return what a classifier gave for one light curve, rounded to what is worth keeping.

        Parameters
        ----------
        class_names : sequence of str, length k
        probabilities : iterable of float, shape (k,)
        times : iterable of float, shape (m,)
            Points of the light curve [MJD, UTC], ascending.
        attention : iterable of float, shape (m,)
            Weight of each point; scaled to a sum of 1 here.

        Raises
        ------
        FollowupError
            As for the class, or if all weights are 0.
        """
        weights = [float(weight) for weight in attention]
        total = math.fsum(weights)
        if weights and not total > 0.0:
            raise FollowupError(f"weights of attention sum to {total:g}; at least one point must count")
        return cls(
            class_names=tuple(class_names),
            probabilities=tuple(round(float(p), _PROBABILITY_DIGITS) for p in probabilities),
            times=tuple(round(float(time), _TIME_DIGITS) for time in times),
            attention=tuple(round(weight / total, _ATTENTION_DIGITS) for weight in weights),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """
        Rebuild from `to_dict`; unknown keys are ignored, so that a newer writer can be read.

        What was kept was checked when it was made. To check it again, number by number, would make up a quarter of what
        reading a plan takes.

        Raises
        ------
        FollowupError
            If lengths do not fit.
        """
        kept = {name: tuple(data.get(name) or ()) for name in cls.__slots__}
        if len(kept["times"]) != len(kept["attention"]) or len(kept["probabilities"]) not in (
            0,
            len(kept["class_names"]),
        ):
            return cls(**kept)  # which says what is wrong
        made = object.__new__(cls)
        for name, values in kept.items():
            object.__setattr__(made, name, values)
        return made

    @property
    def known(self) -> bool:
        """Something could be said."""
        return bool(self.probabilities)

    @property
    def class_now(self) -> str:
        """The most probable class, the first of equals; empty where nothing could be said."""
        if not self.probabilities:
            return ""
        return self.class_names[max(range(len(self.class_names)), key=self.probabilities.__getitem__)]
