"""One list of wishes, several telescopes: who takes which object, until the time of each is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import StrategyError
from ampel_followup.observing.exposure import exposure_time, time_on_target
from ampel_followup.observing.instruments import Instrument

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Telescope:
    """
    What a telescope has to give to learning in one night.

    Parameters
    ----------
    name : str
    seconds : float
        Its budget [s]; infinite where only the number of spectra counts.
    faintest : float
        Fainter objects are not taken [mag].
    instrument : Instrument, optional
        Tells what a spectrum costs, by magnitude (`ampel_followup.observing.exposure`), for a target at airmass 1 in
        the instrument's usual sky and seeing; without one every spectrum costs `fixed_cost`.
    fixed_cost : float
        [s]
    """

    name: str
    seconds: float = float("inf")
    faintest: float = float("inf")
    instrument: Instrument | None = None
    fixed_cost: float = 0.0

    def __post_init__(self) -> None:
        if not self.seconds > 0.0:
            raise StrategyError(f"telescope {self.name} has a budget of {self.seconds:g} s; give it some time")
        if not self.fixed_cost >= 0.0:
            raise StrategyError(f"telescope {self.name}: a spectrum costs {self.fixed_cost:g} s; give 0 or more")

    def costs(self, mag: ArrayLike) -> Array:
        """
        Return what the spectrum of each object costs, acquisition and read-out included.

        Parameters
        ----------
        mag : array_like, shape (n,)
            [mag]; NaN = not known, taken only where there is no limit and every spectrum costs the same.

        Returns
        -------
        ndarray, shape (n,)
            [s]; infinite where the telescope does not take it.
        """
        mag = np.asarray(mag, dtype=np.float64)
        bright_enough = mag <= self.faintest if np.isfinite(self.faintest) else np.ones(mag.shape, dtype=np.bool_)
        if self.instrument is None:
            return np.where(bright_enough, self.fixed_cost, np.inf)
        return np.where(bright_enough, time_on_target(self.instrument, exposure_time(self.instrument, mag)), np.inf)


@dataclass(frozen=True, slots=True)
class Allotment:
    """
    What is taken in one night, in the order of the wishes.

    Parameters
    ----------
    objects : ndarray of int, shape (k,)
    telescopes : ndarray of int, shape (k,)
        Which telescope takes each.
    seconds : ndarray, shape (k,)
        What each costs there [s].
    """

    objects: NDArray[np.intp]
    telescopes: NDArray[np.intp]
    seconds: Array

    def __len__(self) -> int:
        return len(self.objects)


def allot(order: NDArray[np.intp], costs: Array, budgets: ArrayLike, most: int | None = None) -> Allotment:
    """
    Go down the list; each object goes to the telescope where it costs least of those with time for it, or is passed by.

    Parameters
    ----------
    order : ndarray of int, shape (k,)
        Objects, the best first.
    costs : ndarray, shape (n, m)
        Of all n objects at m telescopes [s]; infinite where an object cannot be taken.
    budgets : array_like, shape (m,)
        [s]
    most : int, optional
        Spectra of the night altogether.

    Returns
    -------
    Allotment
    """
    left = np.array(budgets, dtype=np.float64)
    taken: list[tuple[int, int, float]] = []
    for i in order[np.isfinite(costs[order]).any(axis=1)].tolist():
        if most is not None and len(taken) == most:
            break
        fitting = np.where(costs[i] <= left, costs[i], np.inf)
        best = int(np.argmin(fitting))
        if not np.isfinite(fitting[best]):
            continue
        left[best] -= fitting[best]
        taken.append((i, best, float(fitting[best])))
    objects, telescopes, seconds = (np.array([row[j] for row in taken]) for j in range(3))
    return Allotment(objects.astype(np.intp), telescopes.astype(np.intp), seconds.astype(np.float64))


def costs_of(telescopes: Sequence[Telescope], mag: ArrayLike) -> Array:
    """Return the costs of n objects of these magnitudes at m telescopes, shape (n, m) [s]."""
    return np.column_stack([telescope.costs(mag) for telescope in telescopes])
