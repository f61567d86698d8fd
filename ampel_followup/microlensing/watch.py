r"""
Residual watch: whether the newest points depart from one lens, as a planet makes them.

The lens is fitted to what was known before the last one, two or three nights, and carried on into them, with the error
that its parameters leave. Gravity knows no colour: with residuals :math:`d_i`, and :math:`a_i` the flux that the fit
gives the magnified source there,

.. math:: δ = \frac{\sum_i d_i a_i / σ_i^2}{\sum_i a_i^2 / σ_i^2}, \qquad
    \mathrm{Var}\, δ = \frac{r}{\sum_i a_i^2 / σ_i^2}
        + \left( \frac{\sum_i a_i s_i / σ_i^2}{\sum_i a_i^2 / σ_i^2} \right)^2

is the share by which the source is brighter than one lens makes it, where r is the χ² of the fit per degree of freedom,
and :math:`s_i` the error of the prediction, taken as common to all points. One bad point is no planet: two must agree,
and none counts for much more than the second one. Where the parameters are uncertain that is not linear: so the lens
is fitted once more with the last nights, and what they add to χ² in spite of it has to be significant as well
(:math:`\sqrt{2 Δχ^2 / r} - \sqrt{2 n - 1}` for n points, Fisher 1925). The lesser of the two is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.ragged import Floats, Indices, Mask, Points
from ampel_followup.lightcurve import LIMIT_SIGMA
from ampel_followup.microlensing.features import LEAST_POINTS
from ampel_followup.microlensing.fit import PaczynskiFit, fit_paczynski
from ampel_followup.microlensing.flux_points import N_BANDS, FluxPoints
from ampel_followup.microlensing.magnification import point_lens

#: Nights that a departure may have lasted when it is found.
NIGHTS = 3

#: Departures count no farther from the peak than this [t_E].
NEAR = 2.0

# Points further apart than this belong to different nights [d].
_NIGHT_GAP = 0.5

# Two points of the same sign must be beyond so many σ, and none counts for more than so many beyond the lesser of them.
_AGREEING, _BEYOND = 1.0, 3.0

# The scatter about a fit of few points is uncertain: so many more points are taken to have errors that are right.
_USUAL = 5.0

# Before the last nights a lens must have taken away so much χ² from constant light, in units of the misfit: what has
# hardly begun to rise is no event yet, and its rise no departure.
_EVENT = 60.0

# Residuals beyond so many σ count in proportion to their size in the fit, no longer to its square.
_HUBER = 2.5


@dataclass(frozen=True, slots=True)
class Departures:
    """
    Of n objects, the most significant departure in the last nights.

    Parameters
    ----------
    significance : ndarray, shape (n,)
        In σ, positive where brighter than the fit; NaN where nothing can be said: too few points before, or too far
        from the peak.
    magnitude : ndarray, shape (n,)
        Change of the magnified source, negative where brighter [mag].
    nights : ndarray of int, shape (n,)
        Nights that it has lasted.
    points : ndarray of int, shape (n,)
        Points in them.
    start : ndarray, shape (n,)
        Time of its first point, on the clock of the points [d].
    """

    significance: Floats
    magnitude: Floats
    nights: Indices
    points: Indices
    start: Floats


def departures(points: Points) -> Departures:
    """
    Compare the last nights of objects with the lens that fits what was before.

    Parameters
    ----------
    points : Points
        Of n objects.
    """
    n = len(points.segments)
    known = points.select(points.letter >= 0)
    from_last = nights_from_last(known)
    found = Departures(
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.zeros(n, dtype=np.intp),
        np.zeros(n, dtype=np.intp),
        np.full(n, np.nan),
    )
    # An event that rises is hidden below the limits for long: here they are 0 within the limit itself, lest they hold
    # its beginning down.
    used, start = FluxPoints.of(known, LIMIT_SIGMA), None
    for nights in range(NIGHTS, 0, -1):
        one, start = _departures(used, known.detected, from_last < nights, start)
        larger = np.isfinite(one.significance) & ~(np.abs(one.significance) < np.abs(found.significance))
        for name in ("significance", "magnitude", "points", "start"):
            getattr(found, name)[larger] = getattr(one, name)[larger]
        found.nights[larger] = nights
    return found


def nights_from_last(points: Points) -> Indices:
    """Return how many nights each point is before the last one of its object, shape (N,); 0 for the last night."""
    later = np.zeros(len(points.time), dtype=np.intp)
    gap = np.diff(points.time) > _NIGHT_GAP
    same = np.diff(points.segments.index) == 0
    begins = np.concatenate([[False], gap & same]).astype(np.intp) if len(later) else later
    number = np.cumsum(begins)
    last = np.zeros(len(points.segments), dtype=np.intp)
    last[points.segments.index] = number  # of what is written again and again, the last one stays
    return np.asarray(last[points.segments.index] - number)


def robust_fit(points: FluxPoints, detected: Mask, start: Floats | None = None) -> tuple[PaczynskiFit, Floats, Floats]:
    """
    Fit lenses with outliers held down.

    Parameters
    ----------
    points : FluxPoints
    detected : ndarray of bool, shape (N,)
        False at limits.
    start : ndarray, shape (n, 4), optional
        As for `fit_paczynski`.

    Returns
    -------
    fit : PaczynskiFit
    misfit : ndarray, shape (n,)
        Weighted χ² of the detections per degree of freedom, that of few points drawn towards 1.
    weight : ndarray, shape (N,)
        Of the points, in the end.
    """
    fit, weight = fit_paczynski(points, start=start), points.weight
    for _ in range(2):
        flux, _ = fit.predict(points)
        misfit = _misfit(points, detected, flux)
        pull = np.abs(points.flux - flux) * np.sqrt(points.weight / misfit[points.index])
        weight = points.weight * np.minimum(1.0, _HUBER / np.maximum(np.nan_to_num(pull), 1e-9))
        fit = fit_paczynski(_weighted(points, weight), start=np.nan_to_num(fit.parameters))
    flux, _ = fit.predict(points)
    return fit, _misfit(_weighted(points, weight), detected, flux), weight


def _weighted(points: FluxPoints, weight: Floats) -> FluxPoints:
    return FluxPoints(points.n, points.index, points.group, points.time, points.flux, weight, points.scale)


def _misfit(points: FluxPoints, detected: Mask, flux: Floats) -> Floats:
    bands = (points.sum_by_band(detected.astype(np.float64)) > 0).reshape(-1, N_BANDS).sum(axis=1)
    freedom = np.maximum(points.sum(detected.astype(np.float64)) - 2.0 * bands - 3.0, 0.0)
    chi2 = points.sum(np.where(detected, points.weight * (points.flux - np.nan_to_num(flux)) ** 2, 0.0))
    return np.asarray((chi2 + _USUAL) / (freedom + _USUAL))


def _departures(points: FluxPoints, detected: Mask, recent: Mask, start: Floats | None) -> tuple[Departures, Floats]:
    before, now = points.select(~recent), points.select(recent)
    fit, misfit, weight = robust_fit(before, detected[~recent], start)
    held = points.weight.copy()
    held[~recent] = weight
    added = _added(_weighted(points, held), fit)
    flux, variance = fit.predict(now)
    parameters = fit.parameters[now.index]
    moved = (now.time - parameters[:, 0]) * np.exp(-parameters[:, 1])
    magnified = point_lens(np.hypot(np.exp(parameters[:, 2]), moved))[0]
    source = (fit.source.ravel() / np.repeat(points.scale, N_BANDS))[now.group] * magnified
    error2 = misfit[now.index] / now.weight
    total = np.sqrt(error2 + variance)
    # A limit says something only where more than it was to be expected.
    limit = now.weight**-0.5
    seen = np.where(detected[recent], now.flux, limit)
    usable = np.isfinite(total) & (np.nan_to_num(source) > 0) & (np.abs(moved) < NEAR)
    usable &= detected[recent] | (np.nan_to_num(flux) > limit)
    pull = np.where(usable, (seen - flux) / np.where(usable, total, 1.0), 0.0)
    brighter, fainter = (_second_largest(now, sign * pull) for sign in (1.0, -1.0))
    pull = np.clip(pull, -(fainter + _BEYOND)[now.index], (brighter + _BEYOND)[now.index])
    source = np.where(usable, source, 1.0)
    share = np.where(usable, pull * np.where(usable, total, 0.0) / source, 0.0)
    spread = np.sqrt(np.where(usable, variance, 0.0)) / source
    weight = np.where(usable, source**2 / error2, 0.0)
    sums = now.sum(weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        delta = now.sum(weight * share) / sums
        error = np.sqrt(1.0 / sums + (now.sum(weight * spread) / sums) ** 2)
        significance = delta / error
        in_spite = np.sqrt(2.0 * added / misfit) - np.sqrt(
            np.maximum(2.0 * now.sum(usable.astype(np.float64)) - 1.0, 0.0)
        )
        significance = np.sign(delta) * np.minimum(np.abs(significance), np.maximum(in_spite, 0.0))
    agreeing = np.where(delta > 0, brighter, fainter) > _AGREEING
    event = (_constant(before) - np.nan_to_num(fit.chi2)) / misfit > _EVENT
    told = (sums > 0) & (before.count() >= LEAST_POINTS) & event
    significance = np.where(told, np.where(agreeing, significance, 0.0), np.nan)
    begin = np.full(points.n, np.inf)
    np.minimum.at(begin, now.index, now.time)
    found = Departures(
        significance,
        np.where(told, -2.5 * np.log10(np.maximum(1.0 + np.nan_to_num(delta), 1e-3)), np.nan),
        np.zeros(points.n, dtype=np.intp),
        now.count().astype(np.intp),
        np.where(np.isfinite(begin), begin, np.nan),
    )
    return found, np.nan_to_num(fit.parameters)


def _constant(points: FluxPoints) -> Floats:
    """Return χ² of constant light in each band, shape (n,)."""
    s1 = points.sum_by_band(points.weight)
    mean = points.sum_by_band(points.weight * points.flux) / np.where(s1 > 0, s1, 1.0)
    return points.sum(points.weight * (points.flux - mean[points.group]) ** 2)


def _added(points: FluxPoints, before: PaczynskiFit) -> Floats:
    """Return what new points add to χ², shape (n,), when the lens is fitted to all, from where it was and anew."""
    near, anew = fit_paczynski(points, start=np.nan_to_num(before.parameters)), fit_paczynski(points)
    return np.asarray(np.maximum(np.fmin(near.chi2, anew.chi2) - np.nan_to_num(before.chi2), 0.0))


def _second_largest(points: FluxPoints, values: Floats) -> Floats:
    """Return the second largest value of each object, 0 if it is negative or there is none, shape (n,)."""
    order = np.lexsort((values, points.index))
    index = points.index[order]
    second = np.zeros(points.n)
    same = index[1:] == index[:-1]
    second[index[:-1][same]] = values[order][:-1][same]  # of what is written again and again, the last one stays
    return np.maximum(second, 0.0)


def without_last_nights(points: Points, nights: int = NIGHTS) -> NDArray[np.bool_]:
    """Return True at points before the last nights of each object, shape (N,)."""
    return np.asarray(nights_from_last(points) >= nights)
