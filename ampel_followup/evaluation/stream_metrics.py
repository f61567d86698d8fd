r"""
How well a learner does on a stream, where every object is classified before it is learned (test-then-train).

With ŷ the class named before the label came (Dawid 1984's prequential principle; Gama, Sebastião & Rodrigues 2013,
Mach. Learn. 90, 317):

- accuracy: share of the objects with ŷ = y, over all that were tested, over the second half of the stream, and over
  those after the change;
- macro recall: mean over classes of the share of its objects with ŷ = y, over the second half;
- recovery: how many objects after the change the accuracy of the last W objects, all of them after the change, is back
  to no less than δ below that of the (at most) 500 objects before the change.

Intervals are bootstrapped over objects and orderings at once: each draw takes objects with replacement, the same for
all learners and orderings, and orderings with replacement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Objects before a change that say how good a learner was.
BEFORE = 500

#: Resamples for an interval, and its level.
N_RESAMPLES, LEVEL = 1000, 0.95

#: Parts of a stream whose accuracy is given.
PARTS = ("accuracy", "second_half", "after_change")


@dataclass(frozen=True, slots=True)
class StreamAnswers:
    """
    What one learner said of one ordering of n objects.

    Parameters
    ----------
    named : ndarray of int, shape (n,)
        Class named before the label came; −1 where nothing was learned yet, or that was not tested.
    y : ndarray of int, shape (n,)
        True class.
    object : ndarray of int, shape (n,)
        Number of the object, 0 to n − 1.
    change : int or None
        The first object after the change.
    """

    named: NDArray[np.intp]
    y: NDArray[np.intp]
    object: NDArray[np.intp]
    change: int | None

    @property
    def right(self) -> NDArray[np.bool_]:
        """Where the right class was named, shape (n,)."""
        return np.asarray(self.named == self.y)

    def part(self, name: str) -> NDArray[np.bool_]:
        """Return the objects of one of `PARTS` that were tested, shape (n,)."""
        place = np.arange(len(self.y))
        if name == "accuracy":
            begin = 0
        elif name == "second_half":
            begin = len(self.y) // 2
        else:
            begin = len(self.y) if self.change is None else self.change
        return np.asarray((place >= begin) & (self.named >= 0))


def accuracies(runs: Sequence[StreamAnswers], part: str) -> Array:
    """Return the accuracy of each ordering over one of `PARTS`, NaN where nothing of it was tested."""
    return np.array([run.right[mask].mean() if (mask := run.part(part)).any() else np.nan for run in runs])


def macro_recalls(runs: Sequence[StreamAnswers], n_classes: int) -> Array:
    """Return the macro recall of each ordering over the second half; classes that are not there do not count."""
    result = []
    for run in runs:
        mask = run.part("second_half")
        total = np.bincount(run.y[mask], minlength=n_classes)
        right = np.bincount(run.y[mask & run.right], minlength=n_classes)
        result.append((right[total > 0] / total[total > 0]).mean())
    return np.array(result)


def moving_accuracy(run: StreamAnswers, window: int) -> Array:
    """Return the accuracy of the last `window` tested objects after each object, (n,); NaN where there are less."""
    tested = run.named >= 0
    right = np.concatenate([[0], np.cumsum(run.right & tested)]).astype(np.float64)
    since = np.cumsum(tested)
    result = np.full(len(run.y), np.nan)
    ends = np.flatnonzero(tested & (since >= window))
    starts = np.searchsorted(since, since[ends] - window + 1)
    result[ends] = (right[ends + 1] - right[starts]) / window
    return result


def recovery(run: StreamAnswers, window: int, within: float) -> tuple[float, float, int | None]:
    """
    Follow the accuracy after the change.

    Parameters
    ----------
    run : StreamAnswers
        With a change.
    window : int
        W.
    within : float
        δ.

    Returns
    -------
    before : float
        Accuracy of the tested ones among the 500 objects before the change.
    just_after : float
        Of the first W objects after it.
    n_objects : int or None
        After the change, until the accuracy was back; at least W. None if it never was.
    """
    assert run.change is not None
    earlier = slice(max(run.change - BEFORE, 0), run.change)
    tested = run.named[earlier] >= 0
    before = float(run.right[earlier][tested].mean()) if tested.any() else float("nan")
    after = moving_accuracy(run, window)[run.change + window - 1 :]
    if not len(after):
        return before, float("nan"), None
    back = np.flatnonzero(after >= before - within)
    return before, float(after[0]), int(back[0]) + window if len(back) else None


def resampled(runs: Mapping[str, Sequence[StreamAnswers]], part: str, seed: int) -> dict[str, Array]:
    """
    Draw the mean accuracy over one of `PARTS` again and again.

    Parameters
    ----------
    runs : mapping of str to sequence of StreamAnswers
        Of each learner, on the same orderings.
    part : str
    seed : int

    Returns
    -------
    dict of str to ndarray, shape (N_RESAMPLES,)
        The same objects and orderings in each draw of all learners.
    """
    rng = np.random.default_rng([seed, 3])
    first = next(iter(runs.values()))
    n, n_orderings = len(first[0].y), len(first)
    objects = rng.multinomial(n, np.full(n, 1.0 / n), size=N_RESAMPLES).astype(np.float64)
    orderings = rng.multinomial(n_orderings, np.full(n_orderings, 1.0 / n_orderings), size=N_RESAMPLES)
    result = {}
    for name, all_ in runs.items():
        means = []
        for run in all_:
            mask = run.part(part)
            counted, right = objects[:, run.object[mask]], run.right[mask]
            means.append(counted @ right / counted.sum(axis=1))
        result[name] = (np.array(means).T * orderings).sum(axis=1) / n_orderings
    return result


def interval(draws: Array) -> tuple[float, float]:
    """Return the central interval of `LEVEL`."""
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(draws, [tail, 100.0 - tail])
    return float(low), float(high)
