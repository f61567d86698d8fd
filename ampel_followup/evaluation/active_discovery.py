"""
Active anomaly discovery on the same objects as ours, for comparison; needs coniferest.

The forest is grown on the training part without the class, as ours is, and learns from the same number of verdicts,
asked a few at a time on what it shows first (Das et al. 2017, arXiv:1708.09441; Kornilov et al. 2025,
arXiv:2410.17142). Features are normal scores; what was not measured lies far below them.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from ampel_followup.models.scaling import QuantileScaling

Array = NDArray[np.float64]

# Where what was not measured lies among normal scores.
_MISSING = -5.0

_TREES, _SUBSAMPLE = 100, 256


def has_active_discovery() -> bool:
    """Return whether coniferest is installed."""
    return importlib.util.find_spec("coniferest") is not None


def active_order(
    training: Array, pool: Array, wanted: NDArray[np.bool_], seed: int, *, verdicts: int, batch: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    Ask for verdicts on what active anomaly discovery shows first, and order the objects after all of them.

    Parameters
    ----------
    training, pool : ndarray, shape (m, k) and (n, k)
        Features; NaN = not measured.
    wanted : ndarray of bool, shape (n,)
        What the verdicts call interesting.
    seed : int
        Of the forest.
    verdicts, batch : int
        How many are asked, and how many at a time.

    Returns
    -------
    asked, order : ndarray of int
        Rows of the pool that were judged, in the order in which they were asked; and all rows after that.
    """
    from coniferest.aadforest import AADForest

    varied = [j for j, c in enumerate(training.T) if len(np.unique(c[np.isfinite(c)])) > 1]
    scaling = QuantileScaling.fit(training[:, varied])
    grown, shown = (_filled(scaling.transform(x[:, varied])) for x in (training, pool))
    forest = AADForest(_TREES, min(_SUBSAMPLE, len(grown)), n_jobs=1, random_seed=seed).fit(grown)
    asked = np.empty(0, dtype=np.intp)
    order = np.argsort(forest.score_samples(shown), kind="stable")
    while len(asked) < min(verdicts, len(pool)):
        fresh = order[~np.isin(order, asked)][: min(batch, verdicts - len(asked))]
        asked = np.concatenate([asked, fresh])
        # coniferest calls what is anomalous −1, and gives it the lowest scores.
        forest.fit_known(grown, np.ascontiguousarray(shown[asked]), np.where(wanted[asked], -1, 1))
        order = np.argsort(forest.score_samples(shown), kind="stable")
    return asked, order


def _filled(x: Array) -> Array:
    return np.ascontiguousarray(np.where(np.isfinite(x), x, _MISSING))
