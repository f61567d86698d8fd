"""
Has the world changed? Told by how often a classifier is wrong on labelled objects as they come.

The adaptive window of Bifet & Gavaldà (2007, SIAM Data Mining, 443; ADWIN): the latest errors (wrong or not) are kept,
and where the window can be cut into an older and a younger part of which one has too many of the wrong answers to be
chance, the older part is dropped. Where the error fell, the learner has learned, and the window just forgets; where it
rose, the world has changed.

Too many is told by Fisher's exact test: of w wrong answers among n, the younger part of n₁ has by chance k or more with
the probability of the hypergeometric distribution. (The paper's bound holds for any bounded numbers, and asks for
changes half as large again.) A cut is made if that is below δ/(2K), K being the number of cuts tried: those where the
younger part has 30, 40, 53, 71 … answers, so that K grows with the logarithm of the window only, and a change is dated
to a quarter of its age.

Of a stream without labels, `ampel_followup.drift` says which features have moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from ampel_followup.errors import TrainingError

Array = NDArray[np.float64]

# Errors of the smaller part, at least; and how much larger the younger part is at each further cut.
_SMALLEST, _RATIO = 30, 4.0 / 3.0


@dataclass(frozen=True, slots=True)
class Change:
    """
    The error has risen.

    Parameters
    ----------
    before, after : float
        Share of wrong answers in the older and in the younger part of the window, 0 to 1.
    n_since : int
        Objects since then.
    """

    before: float
    after: float
    n_since: int


@dataclass(slots=True)
class ErrorDrift:
    """
    The adaptive window on the errors of a classifier.

    Parameters
    ----------
    confidence : float
        δ, the probability at most of a false alarm each time one looks, 0 to 1.
    longest : int
        Errors kept, at most.

    Raises
    ------
    TrainingError
        If a setting is out of bounds.
    """

    confidence: float = 0.02
    longest: int = 2000
    window: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise TrainingError(f"a confidence of {self.confidence} is no probability; give one between 0 and 1")
        if self.longest < 2 * _SMALLEST:
            raise TrainingError(f"a window of {self.longest} errors cannot be cut; give {2 * _SMALLEST} or more")

    def update(self, wrong: Sequence[bool] | NDArray[np.bool_]) -> Change | None:
        """
        Take in whether the next objects, shape (n,), were classified wrongly, and look once.

        Returns
        -------
        Change or None
            The latest rise of the error, if there is one.
        """
        self.window = np.concatenate([self.window, np.asarray(wrong, dtype=np.bool_)])[-self.longest :]
        found = None
        while (change := self._cut()) is not None:
            self.window = self.window[-change.n_since :]
            # What falls by chance within the younger part does not undo that the error rose before it.
            if change.after > change.before:
                found = change
        return found

    def _cut(self) -> Change | None:
        """Return the cut that chance explains worst, if it explains it badly enough."""
        n = len(self.window)
        younger = cuts(n)
        if len(younger) == 0:
            return None
        wrong = int(self.window.sum())
        wrong_after = np.cumsum(self.window[::-1])[younger - 1]
        rise = hypergeom.sf(wrong_after - 1, n, wrong, younger)
        fall = hypergeom.cdf(wrong_after, n, wrong, younger)
        chance = np.minimum(rise, fall)
        best = int(chance.argmin())
        if chance[best] >= self.confidence / (2 * len(younger)):
            return None
        after, n_after = int(wrong_after[best]), int(younger[best])
        return Change((wrong - after) / (n - n_after), after / n_after, n_after)


def cuts(n: int) -> NDArray[np.intp]:
    """Return where a window of n errors is cut: the sizes of the younger part, increasing; none below 60 errors."""
    largest = n - _SMALLEST
    if largest < _SMALLEST:
        return np.empty(0, dtype=np.intp)
    n_cuts = int(math.log(largest / _SMALLEST) / math.log(_RATIO)) + 1
    return np.unique((_SMALLEST * _RATIO ** np.arange(n_cuts)).astype(np.intp))
