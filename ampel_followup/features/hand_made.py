r"""
Hand-made features of light curves at any age, from photometry alone: what forests see, and networks beside epochs.

They are those of `early` and `early_ia`, without those of the host. A network sees each as

.. math:: z = \operatorname{asinh}((x - c) / s)

with the median c and the scatter s of its training objects, 0 where it cannot be measured, and besides whether that is
so. Survey, position, date and scores of alerts are forgotten before: what depends on them cannot be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features import early, early_ia
from ampel_followup.features.early import EARLY
from ampel_followup.features.early_ia import EARLY_IA
from ampel_followup.features.featureset import table
from ampel_followup.features.hosts import OF_THE_HOST, Hosts, host_columns
from ampel_followup.features.ragged import LETTERS, Floats, Points, magnitudes

#: Names of the features, in the order of the columns.
HAND_MADE = (*EARLY.names, *(name for name in EARLY_IA.names if name not in OF_THE_HOST))

#: The same, and behind them what is known of the host.
WITH_HOST = (*HAND_MADE, *OF_THE_HOST)

#: Versions of the feature sets: a network is good for those it was trained on.
VERSIONS: Mapping[str, str] = {one.name: one.version for one in (EARLY, EARLY_IA)}

# Transformed features are cut there: what is beyond tells no more.
_LARGEST = 5.0

_PEAK_MAG = HAND_MADE.index("rainbow_peak_mag")

# The place of each of `LETTERS` in the alphabet.
_ALPHABETICAL = np.array([sorted(LETTERS).index(letter) for letter in LETTERS])

# Percentiles whose distance is two standard deviations of a normal distribution.
_SCATTER = (16.0, 84.0)


def hand_made_features(points: Points) -> Floats:
    """
    Compute the features of n objects.

    Parameters
    ----------
    points : Points
        Of n objects, in bands of `LETTERS`.

    Returns
    -------
    ndarray, shape (n, k)
        Columns as in `HAND_MADE`; NaN where a feature cannot be measured.
    """
    n = len(points.segments)
    parts = [np.empty((0, len(HAND_MADE)))]
    for begin in range(0, n, early_ia.CHUNK):
        rows = np.arange(begin, min(begin + early_ia.CHUNK, n))
        chunk = points if len(rows) == n else points.beginnings(rows, points.segments.counts[rows])
        known = _photometry(chunk)
        with np.errstate(all="ignore"):  # values beyond all bounds overflow and end as NaN
            parts.append(table(HAND_MADE, early.columns_of(known) | early_ia.columns_of(known)))
    return np.concatenate(parts)


def with_host(x: Floats, hosts: Hosts) -> Floats:
    """
    Put what is known of the hosts behind the features; the fit of all bands, which takes longest, is measured already.

    Parameters
    ----------
    x : ndarray, shape (..., n, k)
        `hand_made_features` of light curves of n objects, at any ages.
    hosts : Hosts
        Of the n objects.

    Returns
    -------
    ndarray, shape (..., n, k + 3)
        Columns as in `WITH_HOST`; NaN where no redshift is known, or no peak was fitted.
    """
    of_the_host = host_columns(hosts, x[..., _PEAK_MAG])
    return np.concatenate([x, *(of_the_host[name][..., None] for name in OF_THE_HOST)], axis=-1)


def _photometry(points: Points) -> Points:
    """
    Return points without position and scores, whose clock begins at the first one, with magnitudes as the fluxes.

    Simultaneous points are in the order of their bands' letters: that of the surveys' names would tell the survey.
    """
    order = np.lexsort((_ALPHABETICAL[points.letter], points.time, points.segments.index))
    if (order[1:] < order[:-1]).any():
        points = points.ordered(order)
    segments, flux, flux_err = points.segments, points.flux, points.flux_err
    mag, mag_err = magnitudes(flux, flux_err, points.detected)
    nothing = np.full(len(flux), np.nan)
    return Points(
        segments=segments,
        time=points.time - segments.first(points.time)[segments.index],
        letter=points.letter,
        flux=flux,
        flux_err=flux_err,
        mag=mag,
        mag_err=mag_err,
        limit=points.limit,
        detected=points.detected,
        ra=nothing,
        dec=nothing,
        rb=nothing,
        drb=nothing,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FeatureScale:
    """
    What turns features into numbers of order 1.

    Parameters
    ----------
    centre, scale : ndarray, shape (k,)
        c and s of each feature, in its unit; s > 0.
    """

    centre: Floats
    scale: Floats

    @classmethod
    def of(cls, x: Floats) -> FeatureScale:
        """
        Return the median and half the distance of the 16th and 84th percentiles.

        Parameters
        ----------
        x : ndarray, shape (n, k)
            Features of training objects; one that is never measured gets 0 and 1.
        """
        centre, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
        for j, column in enumerate(x.T):
            known = column[np.isfinite(column)]
            if len(known):
                centre[j] = np.median(known)
                low, high = np.percentile(known, _SCATTER)
                # Counts, and what is nearly always the same, may have no scatter by that measure.
                scale[j] = 0.5 * (high - low) or known.std() or 1.0
        return cls(centre, scale)

    def __call__(self, x: Floats) -> NDArray[np.float32]:
        """Return what a network sees, shape (n, 2 k): the z, and then 1 for each feature that cannot be measured."""
        missing = ~np.isfinite(x)
        z = np.arcsinh((np.where(missing, self.centre, x) - self.centre) / self.scale)
        return np.concatenate([np.clip(z, -_LARGEST, _LARGEST), missing], axis=1).astype(np.float32)
