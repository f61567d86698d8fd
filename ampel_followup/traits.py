"""Labels that people trust: how fast, how luminous, with how many peaks, and how sure each of them is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import erfc

from ampel_followup.assistant_scores import Trait
from ampel_followup.cosmology import distance_modulus
from ampel_followup.durations import Duration, durations
from ampel_followup.features.ragged import LETTERS, Floats, Indices, Points, Segments, stack
from ampel_followup.lightcurve import LightCurve

#: A label less probable than this is `UNKNOWN`.
SURE_ENOUGH = 0.7
UNKNOWN = "unknown"

#: χ² per point beyond which a light curve follows no single rise and fall: nothing is said of its speed.
MISFIT = 8.0

# Share of objects that do what no simple shape foresees: nothing is surer than that.
_UNFORESEEN = 0.06

#: Absolute magnitude at the peak: fainter are the gap transients (Kasliwal 2012, PASA 29, 482), brighter the
#: superluminous supernovae (Gal-Yam 2019, ARA&A 57, 305).
FAINT, BRIGHT = -16.0, -20.0

#: Error of a photometric redshift that comes without one, over 1 + z (Beck et al. 2021, MNRAS 500, 1633).
PHOTOMETRIC_REDSHIFT_ERROR = 0.03

#: Motions of galaxies among one another, as a redshift (300 km/s).
PECULIAR_REDSHIFT = 0.001

#: A_band / E(B−V) by letter, for R_V = 3.1 (Schlafly & Finkbeiner 2011, ApJ 737, 103, table 6).
_EXTINCTION = dict(zip(LETTERS, (4.239, 3.303, 2.285, 1.698, 1.263, 1.088), strict=True))

# K correction and colour: what a magnitude in one band leaves open of an absolute one [mag].
_COLOUR_ERROR = 0.15

# Quantiles of a normal distribution that stand for an uncertain redshift.
_QUANTILES: Floats = np.array([-1.5932, -0.9674, -0.5895, -0.2822, 0.0, 0.2822, 0.5895, 0.9674, 1.5932])

# Share of explosions with an early peak that a well-sampled light curve shows: IIb and Ib/c with extended envelopes.
_PRIOR_OF_TWO_PEAKS = 0.05
# Depth of a dip that counts, as a share of the lower peak, and error of the photometry beyond what is stated.
_LEAST_DIP, _SYSTEMATIC = 0.15, 0.03
# To see one peak only, so many points of a band, with gaps of no more than so many days before the peak.
_LEAST_POINTS, _LONGEST_GAP = 5, 4.0


def traits(light_curves: Sequence[LightCurve]) -> list[tuple[Trait, ...]]:
    """
    Return speed, luminosity and structure of each object, in this order.

    - ``speed``: ``fast`` (t₁/₂ < 12 d), ``normal`` or ``slow`` (> 45 d), from `ampel_followup.durations`.
    - ``luminosity``: ``faint`` (M > −16), ``normal`` or ``bright`` (M < −20) at the peak, with a redshift: ``z`` or
      ``photoz`` (with ``photoz_err``) of the light curve's `meta`; ``ebv_sfd`` there corrects for Galactic dust.
    - ``structure``: ``early peak + main peak`` or ``single peak``: is there a minimum between two maxima of one band,
      given that every point of the band could have been one?

    Parameters
    ----------
    light_curves : sequence of LightCurve, n of them

    Returns
    -------
    list of tuple of Trait, n of three
        ``unknown`` with `sure` NaN where no label reaches `SURE_ENOUGH`.
    """
    if not light_curves:
        return []
    points = stack(light_curves)
    duration = durations(points)
    columns = (
        ("speed", ("fast", "normal", "slow"), _speed(duration)),
        ("luminosity", ("faint", "normal", "bright"), _luminosity(light_curves, points, duration)),
        ("structure", ("early peak + main peak", "single peak"), _structure(points)),
    )
    return list(zip(*(_labelled(*column) for column in columns), strict=True))


def _labelled(name: str, labels: tuple[str, ...], probability: Floats) -> list[Trait]:
    best = np.argmax(np.nan_to_num(probability, nan=-1.0), axis=1)
    sure = probability[np.arange(len(best)), best]
    return [
        Trait(name, labels[k], round(p, 4)) if p >= SURE_ENOUGH else Trait(name, UNKNOWN, np.nan)
        for k, p in zip(best.tolist(), sure.tolist(), strict=True)
    ]


def _speed(duration: Duration) -> Floats:
    """Probabilities of fast, normal and slow, shape (n, 3)."""
    probability = np.stack([duration.fast, duration.normal, duration.slow], axis=1)
    probability = (1.0 - _UNFORESEEN) * probability + _UNFORESEEN / 3.0
    probability[duration.misfit > MISFIT] = np.nan
    return probability


def _luminosity(light_curves: Sequence[LightCurve], points: Points, duration: Duration) -> Floats:
    """
    Probabilities of faint, normal and bright, shape (n, 3): M = m − A − μ(z) + 2.5 log₁₀(1 + z).

    The convention of Perley et al. (2020, ApJ 904, 35, section 3.2). The peak is as much brighter than the brightest
    point as the duration's fit says.
    """
    redshift, redshift_err = _redshifts(light_curves)
    ebv = np.nan_to_num(_catalogued(light_curves, "ebv_sfd", "ebv"))
    extinction = np.array([*_EXTINCTION.values(), 0.0])[points.letter] * ebv[points.segments.index]
    seen = points.positive & (points.letter >= 0)
    key = np.where(seen, -(points.mag - extinction), -np.inf)
    mag = -points.segments.maximum(key) - duration.brightening
    mag_err = np.sqrt(
        points.segments.at_maximum(key, points.mag_err) ** 2 + duration.brightening_err**2 + _COLOUR_ERROR**2
    )
    nodes = np.clip(redshift[:, None] + redshift_err[:, None] * _QUANTILES, 0.1 * redshift[:, None], 4.0)
    absolute = mag[:, None] - distance_modulus(nodes) + 2.5 * np.log10(1.0 + nodes)
    fainter = _normal_tail((FAINT - absolute) / mag_err[:, None]).mean(axis=1)
    brighter = _normal_tail((absolute - BRIGHT) / mag_err[:, None]).mean(axis=1)
    return np.stack([fainter, 1.0 - fainter - brighter, brighter], axis=1)


def _redshifts(light_curves: Sequence[LightCurve]) -> tuple[Floats, Floats]:
    """Redshift and its error, spectroscopic if there is one; NaN without a redshift above 0."""
    spectroscopic = _catalogued(light_curves, "z")
    photometric = _catalogued(light_curves, "photoz")
    error = _catalogued(light_curves, "photoz_err")
    error = np.where(error > 0, error, PHOTOMETRIC_REDSHIFT_ERROR * (1.0 + photometric))
    measured = spectroscopic > 0
    redshift = np.where(measured, spectroscopic, photometric)
    redshift_err = np.where(measured, PECULIAR_REDSHIFT, np.hypot(error, PECULIAR_REDSHIFT))
    return np.where((redshift > 0) & (redshift < 4.0), redshift, np.nan), redshift_err


def _catalogued(light_curves: Sequence[LightCurve], *names: str) -> Floats:
    """Return the first of the catalogue entries `names` that is known, shape (n,)."""
    value = np.full(len(light_curves), np.nan)
    for name in names:
        given = np.array([lc.meta.get(name, np.nan) for lc in light_curves], dtype=np.float64)
        value = np.where(np.isnan(value), given, value)
    return value


def _normal_tail(z: Floats) -> Floats:
    """Return the probability that a standard normal deviate is above `z`."""
    return np.asarray(0.5 * erfc(z / np.sqrt(2.0)))


def _structure(points: Points) -> Floats:
    """
    Probabilities of two peaks and of one, shape (n, 2).

    A point is a minimum as significantly as the weaker of its two sides: the brightest point before it and the
    brightest after it, of its band. Of k points each pair could be such a side by chance, p = 1 − (1 − p₁)^{k²}, which
    is weighed against the share π of objects with two peaks: π (1 − p) / (π (1 − p) + (1 − π) p). What goes up and down
    more often, or is fainter than its reference at times, varies: nothing is said of it.
    """
    n = len(points.segments)
    positive = points.select(points.positive & (points.letter >= 0))
    order = np.lexsort((positive.time, positive.letter, positive.segments.index))
    band = (positive.segments.index * len(LETTERS) + positive.letter)[order]
    segments = Segments.from_counts(np.bincount(band, minlength=n * len(LETTERS)).astype(np.intp))
    time, flux = positive.time[order], positive.flux[order]
    variance = positive.flux_err[order] ** 2 + (_SYSTEMATIC * flux) ** 2

    dip = _dip_significance(segments, flux, variance)
    strongest = segments.maximum(dip)
    lowest = segments.at_maximum(dip, np.arange(len(dip), dtype=np.float64))
    # On either side of the deepest minimum there must not be another one.
    side = np.where(np.arange(len(dip)) < lowest[segments.index], 0, 1)
    halves = Segments.from_counts(np.bincount(2 * segments.index + side, minlength=2 * len(segments)).astype(np.intp))
    again = halves.maximum(_dip_significance(halves, flux, variance)).reshape(-1, 2)
    chance, *chances_again = (_by_chance(z, segments.counts) for z in (strongest, *again.T))
    once = np.fmin(*chances_again) > 0.05
    odds = _PRIOR_OF_TWO_PEAKS * (1.0 - chance)
    two = odds / (odds + (1.0 - _PRIOR_OF_TWO_PEAKS) * chance)
    two = np.where((segments.counts >= _LEAST_POINTS) & once, two, np.nan)

    one = np.where(chance > 0.5, _seen_as_one(segments, time, flux), np.nan)
    two_peaks, one_peak = (Segments.from_counts(np.full(n, len(LETTERS), dtype=np.intp)).maximum(p) for p in (two, one))
    # A band that shows two peaks outvotes those that show one.
    one_peak = np.where(two_peaks > SURE_ENOUGH, 1.0 - two_peaks, one_peak)
    probability = np.stack([two_peaks, one_peak], axis=1)
    varies = points.segments.count(points.detected & (points.flux < -3.0 * points.flux_err)) > 0
    varies |= np.any((~once & (chance < 0.05)).reshape(n, -1), axis=1)
    probability[varies] = np.nan
    return probability


def _dip_significance(segments: Segments, flux: Floats, variance: Floats) -> Floats:
    """By how many σ each point is below the brightest point before it and that after it: the lesser of the two."""
    before = _running_brightest(segments, flux)
    after = len(flux) - 1 - _running_brightest(segments.reversed(), flux[::-1])[::-1]
    lower = np.minimum(flux[before], flux[after])
    z = np.minimum(*((flux[k] - flux) / np.sqrt(variance[k] + variance) for k in (before, after)))
    return np.where(flux < (1.0 - _LEAST_DIP) * lower, z, 0.0)


def _by_chance(z: Floats, counts: Indices) -> Floats:
    """Probability that noise makes a dip as significant among so many points; NaN without a point."""
    return -np.expm1(counts**2 * np.log1p(-np.minimum(_normal_tail(z), 1.0 - 1e-12)))


def _running_brightest(segments: Segments, flux: Floats) -> Indices:
    """Index of the brightest point of the segment so far, at each point."""
    by_flux = np.argsort(flux, kind="stable")
    rank = np.empty(len(flux), dtype=np.intp)
    rank[by_flux] = np.arange(len(flux))
    # Ranks of a later segment are above all of an earlier one: the maximum starts anew with each.
    highest = np.maximum.accumulate(rank + segments.index * len(flux))
    return np.asarray(by_flux[highest - segments.index * len(flux)])


def _seen_as_one(segments: Segments, time: Floats, flux: Floats) -> Floats:
    """Probability of one peak where no dip was seen: the prior, less the early peaks that gaps would have hidden."""
    peak = segments.at_maximum(flux, time)
    gap = np.diff(time, prepend=time[:1])
    gap[segments.offsets[:-1][segments.counts > 0]] = 0.0
    rising = time <= peak[segments.index]
    longest = segments.maximum(np.where(rising, gap, 0.0))
    enough = (segments.counts >= _LEAST_POINTS) & (segments.count(rising) >= 3) & (segments.last(time) > peak)
    share_hidden = np.clip(longest / _LONGEST_GAP, 0.0, 1.0)
    seen = 1.0 - _PRIOR_OF_TWO_PEAKS
    return np.where(enough & (longest <= _LONGEST_GAP), seen / (seen + _PRIOR_OF_TWO_PEAKS * share_hidden), np.nan)
