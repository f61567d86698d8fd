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
is fitted once more with the last nights, and what they add to χ² in spite of it counts
(:math:`\sqrt{2 Δχ^2 / r} - \sqrt{2 n - 1}` for n points, Fisher 1925), but for no more than twice the significance of
δ, which the uncertainty of the prediction makes a cautious one.

How much that means depends on the lens, hardly risen or long past, on how many points, and on whether it looked like a
lens until then. `ampel_followup.microlensing.departure_features` measures it for trees, which tell planets from the
rest: single lenses, supernovae, variables.

The priors on ln t_E and ln u₀ are those of the lenses that surveys find: broader ones let a lens that has hardly risen
follow whatever comes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ampel_followup.features.ragged import Floats, Indices, Mask, Points
from ampel_followup.lightcurve import LIMIT_SIGMA
from ampel_followup.microlensing.departure_features import (
    DEPARTURE_FEATURES,
    FEATURES_OF_COURSE,
    FEATURES_OF_LENS,
    FEATURES_OF_NIGHTS,
    NIGHTS,
    colours,
    course,
    run_up,
    second_largest,
)
from ampel_followup.microlensing.features import LEAST_POINTS
from ampel_followup.microlensing.fit import PaczynskiFit, fit_paczynski
from ampel_followup.microlensing.flux_points import N_BANDS, FluxPoints
from ampel_followup.microlensing.magnification import point_lens
from ampel_followup.microlensing.projection import LENS_SCATTER

#: Departures count no farther from the peak than this [t_E].
NEAR = 2.0

# Points further apart than this belong to different nights, and no night is longer than a day: telescopes all around
# the Earth leave no gap [d].
_NIGHT_GAP, _LONGEST_NIGHT = 0.5, 1.0

# Two points of the same sign must be beyond so many σ, and none counts for more than so many beyond the lesser of them.
_AGREEING, _BEYOND = 0.5, 3.0

# One point that is so many times as far off as any other in its direction is a bad one.
_LONE = 4.0

# The scatter about a fit of few points is uncertain: so many more points are taken to have errors that are right.
_USUAL = 5.0

# Before the last nights a lens must have taken away so much χ² from constant light, in units of the misfit: what has
# hardly begun to rise is no event yet, and its rise no departure.
_EVENT = 20.0

# The significance of a departure is no more than so many times that against the prediction.
_CAUTION = 2.0

# Residuals beyond so many σ count in proportion to their size in the fit, no longer to its square.
_HUBER = 2.5


# Those of the lens that are taken when all but the last night is known; the others are of before the last three.
_OF_LAST_NIGHT = ("phase", "log_detections", "gap")


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
    lone : ndarray of bool, shape (n,)
        One point is so much farther off than all others that it may be a bad one.
    features : ndarray, shape (n, k)
        `DEPARTURE_FEATURES`; NaN where not measurable.
    """

    significance: Floats
    magnitude: Floats
    nights: Indices
    points: Indices
    start: Floats
    lone: Mask
    features: Floats


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
        np.zeros(n, dtype=np.bool_),
        np.full((n, len(DEPARTURE_FEATURES)), np.nan),
    )
    # An event that rises is hidden below the limits for long: here they are 0 within the limit itself, lest they hold
    # its beginning down.
    used, start = FluxPoints.of(known, LIMIT_SIGMA), None
    for nights in range(NIGHTS, 0, -1):
        one, start = _departures(used, known.detected, from_last, nights, start)
        names = (*FEATURES_OF_NIGHTS, *FEATURES_OF_LENS, *FEATURES_OF_COURSE)
        for name, column in zip(names, one.features.T, strict=True):
            if name in FEATURES_OF_NIGHTS:
                found.features[:, DEPARTURE_FEATURES.index(f"{name}_{nights}")] = column
            elif nights == (1 if name in _OF_LAST_NIGHT else NIGHTS):
                found.features[:, DEPARTURE_FEATURES.index(name)] = column
        larger = np.isfinite(one.significance) & ~(np.abs(one.significance) < np.abs(found.significance))
        for name in ("significance", "magnitude", "points", "start", "lone"):
            getattr(found, name)[larger] = getattr(one, name)[larger]
        found.nights[larger] = nights
    return found


def nights_from_last(points: Points) -> Indices:
    """Return how many nights each point is before the last one of its object, shape (N,); 0 for the last night."""
    number = nights_of(points.time, points.segments.index)
    last = np.zeros(len(points.segments), dtype=np.intp)
    last[points.segments.index] = number  # of what is written again and again, the last one stays
    return np.asarray(last[points.segments.index] - number)


def nights_of(time: Floats, index: Indices) -> Indices:
    """
    Return the number of the night of each point.

    Parameters
    ----------
    time : ndarray, shape (N,)
        In order within each object [d].
    index : ndarray of int, shape (N,)
        The object of each point, in order.

    Returns
    -------
    ndarray of int, shape (N,)
        Rises by one from a night to the next, and does not fall from an object to the next.
    """
    if not len(time):
        return np.zeros(0, dtype=np.intp)
    run = np.append(0, np.cumsum((np.diff(time) > _NIGHT_GAP) | (np.diff(index) != 0)))
    begin = time[np.flatnonzero(np.append(1, np.diff(run)))]
    day = np.floor((time - begin[run]) / _LONGEST_NIGHT)
    return np.append(0, np.cumsum((np.diff(run) != 0) | (np.diff(day) != 0))).astype(np.intp)


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
    fit, weight = fit_paczynski(points, start=start, scatter=LENS_SCATTER), points.weight
    for _ in range(2):
        flux, _ = fit.predict(points)
        misfit = _misfit(points, detected, flux)
        pull = np.abs(points.flux - flux) * np.sqrt(points.weight / misfit[points.index])
        weight = points.weight * np.minimum(1.0, _HUBER / np.maximum(np.nan_to_num(pull), 1e-9))
        again = np.nan_to_num(fit.parameters)
        fit = fit_paczynski(_weighted(points, weight), start=again, scatter=LENS_SCATTER)
    flux, _ = fit.predict(points)
    return fit, _misfit(_weighted(points, weight), detected, flux), weight


def _weighted(points: FluxPoints, weight: Floats) -> FluxPoints:
    return FluxPoints(points.n, points.index, points.group, points.time, points.flux, weight, points.scale)


def _misfit(points: FluxPoints, detected: Mask, flux: Floats) -> Floats:
    bands = (points.sum_by_band(detected.astype(np.float64)) > 0).reshape(-1, N_BANDS).sum(axis=1)
    freedom = np.maximum(points.sum(detected.astype(np.float64)) - 2.0 * bands - 3.0, 0.0)
    chi2 = points.sum(np.where(detected, points.weight * (points.flux - np.nan_to_num(flux)) ** 2, 0.0))
    return np.asarray((chi2 + _USUAL) / (freedom + _USUAL))


def _departures(
    points: FluxPoints, detected: Mask, from_last: Indices, nights: int, start: Floats | None
) -> tuple[Departures, Floats]:
    recent = from_last < nights
    before, now = points.select(~recent), points.select(recent)
    fit, misfit, weight = robust_fit(before, detected[~recent], start)
    event = (_constant(before) - np.nan_to_num(fit.chi2)) / misfit
    known = (before.count() >= LEAST_POINTS) & (event > _EVENT)
    held = points.weight.copy()
    held[~recent] = weight
    added, left_in_refit = _added(_weighted(points, held), fit, known)
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
    brighter, fainter = (second_largest(now, sign * pull) for sign in (1.0, -1.0))
    pull_of_all = pull
    pull = np.clip(pull, -(fainter + _BEYOND)[now.index], (brighter + _BEYOND)[now.index])
    source = np.where(usable, source, 1.0)
    share = np.where(usable, pull * np.where(usable, total, 0.0) / source, 0.0)
    spread = np.sqrt(np.where(usable, variance, 0.0)) / source
    weight = np.where(usable, source**2 / error2, 0.0)
    sums, n_usable = now.sum(weight), now.sum(usable.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        delta = now.sum(weight * share) / sums
        error = np.sqrt(1.0 / sums + (now.sum(weight * spread) / sums) ** 2)
        against = delta / error
        in_spite = np.sqrt(2.0 * added / misfit) - np.sqrt(np.maximum(2.0 * n_usable - 1.0, 0.0))
        significance = np.sign(delta) * np.minimum(_CAUTION * np.abs(against), np.maximum(in_spite, 0.0))
    second = np.where(delta > 0, brighter, fainter)
    told = known & (sums > 0)
    significance = np.where(told, np.where(second > _AGREEING, significance, 0.0), np.nan)
    begin, end = np.full(points.n, np.inf), np.full(points.n, -np.inf)
    np.minimum.at(begin, now.index, now.time)
    np.maximum.at(end, before.index, before.time)
    largest = np.zeros(points.n)
    np.maximum.at(largest, now.index, np.abs(pull_of_all))
    left = share - np.nan_to_num(delta)[now.index]
    with np.errstate(invalid="ignore", divide="ignore"):
        features = (
            np.abs(delta),
            np.abs(against),
            np.maximum(in_spite, 0.0),
            second,
            largest,
            now.sum(weight * left**2) / n_usable,
            n_usable,
            now.sum(weight * spread) / sums,
            against,
            *colours(now, weight, share, delta),
            second_largest(now, np.sign(np.nan_to_num(delta))[now.index] * left_in_refit[recent] * usable),
            run_up(before, detected[~recent], fit, misfit) * np.sign(delta),
            np.log(event),
            np.log(misfit),
            fit.parameters[:, 2],
            fit.parameters[:, 1],
            np.sqrt(fit.covariance[:, 1, 1]),
            np.sqrt(fit.covariance[:, 0, 0]) * np.exp(-fit.parameters[:, 1]),
            (begin - fit.parameters[:, 0]) * np.exp(-fit.parameters[:, 1]),
            np.log1p(before.sum(detected[~recent].astype(np.float64))),
            begin - end,
            *course(now, weight, share, np.sign(delta), from_last[recent]),
        )
    measured = np.where(told[:, None], np.stack(features, axis=1), np.nan)
    found = Departures(
        significance,
        np.where(told, -2.5 * np.log10(np.maximum(1.0 + np.nan_to_num(delta), 1e-3)), np.nan),
        np.zeros(points.n, dtype=np.intp),
        now.count().astype(np.intp),
        np.where(np.isfinite(begin), begin, np.nan),
        largest > _LONE * second,
        np.where(np.isfinite(measured), measured, np.nan),
    )
    return found, np.nan_to_num(fit.parameters)


def _constant(points: FluxPoints) -> Floats:
    """Return χ² of constant light in each band, shape (n,)."""
    s1 = points.sum_by_band(points.weight)
    mean = points.sum_by_band(points.weight * points.flux) / np.where(s1 > 0, s1, 1.0)
    return points.sum(points.weight * (points.flux - mean[points.group]) ** 2)


def _added(points: FluxPoints, before: PaczynskiFit, chosen: Mask) -> tuple[Floats, Floats]:
    """
    Return what new points add to χ² when the lens is fitted to all, from where it was and anew, and what that leaves.

    Returns
    -------
    added : ndarray, shape (n,)
    left : ndarray, shape (N,)
        Pulls of the points about the better one of these fits. Both are zero for objects that are not chosen.
    """
    added, left = np.zeros(points.n), np.zeros(len(points.time))
    if chosen.any():
        part, start = points.among(chosen), np.nan_to_num(before.parameters[chosen])
        near = fit_paczynski(part, start=start, scatter=LENS_SCATTER)
        anew = fit_paczynski(part, scatter=LENS_SCATTER)
        added[chosen] = np.maximum(np.fmin(near.chi2, anew.chi2) - np.nan_to_num(before.chi2[chosen]), 0.0)
        nearer = near.chi2 <= anew.chi2
        flux = np.where(nearer[part.index], near.predict(part)[0], anew.predict(part)[0])
        left[chosen[points.index]] = np.nan_to_num((part.flux - flux) * np.sqrt(part.weight))
    return added, left


def without_last_nights(points: Points, nights: int = NIGHTS) -> NDArray[np.bool_]:
    """Return True at points before the last nights of each object, shape (N,)."""
    return np.asarray(nights_from_last(points) >= nights)
