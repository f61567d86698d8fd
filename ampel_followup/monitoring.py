"""What objects that are known for long do that was not to be expected: brighten again, or fade suddenly."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ampel_followup.features.ragged import LETTERS, Floats, Mask, Points, Segments, stack
from ampel_followup.lightcurve import LightCurve, flux_from_magnitude, magnitude_from_flux

#: An anomaly is at least so many σ, and so many magnitudes, from what was to be expected.
LEAST_SIGMA, LEAST_CHANGE = 4.5, 0.5

#: A trend takes so many nights with detections in one band after its peak, over so many days; no point of it is older
#: than the window [d].
LEAST_NIGHTS, LEAST_SPAN, WINDOW = 4, 8.0, 30.0

#: No trend is carried on for longer than it was followed, nor for more than this [d].
LONGEST_GAP = 20.0

#: Points further apart than this belong to different nights [d].
_NIGHT_GAP = 0.5

# How well light curves follow a straight line at all: at once, and per day that it is carried on [mag]. Declines bend:
# type Ia supernovae have a second maximum in the red, all flatten as they approach the tail of cobalt.
_SCATTER, _BEND = 0.05, 0.015

# Residuals beyond so many σ count in proportion to their size, no longer to its square (Huber 1964, Ann. Math. Stat.
# 35, 73).
_HUBER = 1.5
_ITERATIONS = 5

_EPOCH = datetime.date(1858, 11, 17)


@dataclass(frozen=True, slots=True)
class _Trends:
    """Straight lines in magnitude, one per band of each object (n × 6); NaN where there is none."""

    until: Floats
    mean_time: Floats
    mean_mag: Floats
    slope: Floats
    mean_variance: Floats
    slope_variance: Floats

    def expected(self, group: np.ndarray, time: Floats) -> tuple[Floats, Floats]:
        """Magnitude and its error at a time, for rows of groups."""
        ahead = time - self.mean_time[group]
        mag = self.mean_mag[group] + self.slope[group] * ahead
        bend = _BEND * (time - self.until[group])
        variance = self.mean_variance[group] + self.slope_variance[group] * ahead**2 + _SCATTER**2 + bend**2
        return mag, np.sqrt(variance)


def anomalies(light_curves: Sequence[LightCurve]) -> list[str]:
    """
    Say of each object in what its last night differs from what its decline led to expect.

    A robust straight line through the magnitudes of a band since its peak is carried on to the last night, and
    compared with the flux there, limits counting as zero flux. If several bands can tell, they must agree.

    Parameters
    ----------
    light_curves : sequence of LightCurve, n of them

    Returns
    -------
    list of str, n of them
        Such as "brighter by 0.8 mag in r than its decline until 2026-11-03 led to expect (7σ)"; empty where nothing
        is remarkable, or no trend could be measured.
    """
    if not light_curves:
        return []
    points = stack(light_curves)
    n = len(light_curves)
    known = points.letter >= 0
    points = points.select(known)
    group = points.segments.index * len(LETTERS) + points.letter
    last_night = points.time > points.segments.last(points.time)[points.segments.index] - _NIGHT_GAP
    trends = _trends(points, group, last_night)

    rows = np.flatnonzero(last_night & np.isfinite(trends.slope[group]))
    change, sigma = _changes(points, trends, group, rows, n)
    strongest = np.argmax(np.nan_to_num(np.abs(sigma), nan=-1.0), axis=1)
    every = np.arange(n)
    found, size = sigma[every, strongest], change[every, strongest]
    agreeing = np.nan_to_num(sigma * np.sign(found)[:, None], nan=np.inf).min(axis=1) > LEAST_SIGMA / 3.0
    remarkable = (np.abs(found) >= LEAST_SIGMA) & (np.abs(size) >= LEAST_CHANGE) & agreeing
    words = [""] * n
    for i in np.flatnonzero(remarkable).tolist():
        letter = int(strongest[i])
        until = float(light_curves[i].time[0] + trends.until[i * len(LETTERS) + letter])
        words[i] = _in_words(size[i], found[i], LETTERS[letter], until)
    return words


def _in_words(change: float, sigma: float, letter: str, until: float) -> str:
    date = _EPOCH + datetime.timedelta(days=int(until))
    direction, size = ("brighter", -change) if sigma > 0 else ("fainter", change)
    amount = f"{size:.1f} mag" if np.isfinite(size) else "more than can be measured"
    return (
        f"{direction} by {amount} in {letter} than its decline until {date.isoformat()} led to expect "
        f"({abs(sigma):.0f}σ)"
    )


def _trends(points: Points, group: np.ndarray, last_night: Mask) -> _Trends:
    """Fit the bands of n objects, robustly; `group` is band and object of each point."""
    n_groups = len(points.segments) * len(LETTERS)
    usable = points.positive & ~last_night
    order = np.flatnonzero(usable)[np.argsort(group[usable], kind="stable")]
    segments = Segments.from_counts(np.bincount(group[order], minlength=n_groups).astype(np.intp))
    time, mag = points.time[order], points.mag[order]
    variance = points.mag_err[order] ** 2 + _SCATTER**2
    peak, until = segments.at_maximum(-mag, time), segments.last(time)
    declining = (time >= peak[segments.index]) & (time >= until[segments.index] - WINDOW)
    segments, time, mag, variance = segments.select(declining), time[declining], mag[declining], variance[declining]

    index = segments.index
    gap = np.diff(time, prepend=-np.inf)
    gap[segments.offsets[:-1][segments.counts > 0]] = np.inf
    span = segments.last(time) - segments.first(time)
    fitted = (segments.count(gap > _NIGHT_GAP) >= LEAST_NIGHTS) & (span >= LEAST_SPAN)
    weight = 1.0 / variance
    with np.errstate(invalid="ignore", divide="ignore"):  # groups without points have no mean
        for _ in range(_ITERATIONS):
            total = segments.sum(weight)
            mean_time, mean_mag = segments.sum(weight * time) / total, segments.sum(weight * mag) / total
            t = time - mean_time[index]
            spread = segments.sum(weight * t * t)
            slope = segments.sum(weight * t * mag) / spread
            pull = np.abs(mag - mean_mag[index] - slope[index] * t) / np.sqrt(variance)
            weight = np.minimum(1.0, _HUBER / np.maximum(pull, 1e-9)) / variance
        # Where points scatter more than their errors say, so does the line.
        excess = np.maximum(segments.sum(weight * variance * pull**2) / np.maximum(segments.counts - 2, 1), 1.0)
        return _Trends(until, mean_time, mean_mag, np.where(fitted, slope, np.nan), excess / total, excess / spread)


def _changes(points: Points, trends: _Trends, group: np.ndarray, rows: np.ndarray, n: int) -> tuple[Floats, Floats]:
    """Change [mag] and its significance, positive if brighter, in the last night: of n objects in each band, (n, 6)."""
    group, time = group[rows], points.time[rows]
    reach = time - trends.until[group]
    near = (reach <= LONGEST_GAP) & (reach <= WINDOW)
    rows, group, time = rows[near], group[near], time[near]
    mag, mag_err = trends.expected(group, time)
    expected, expected_err = flux_from_magnitude(mag, mag_err)
    weight = points.flux_err[rows] ** -2.0
    counts = np.bincount(group, minlength=n * len(LETTERS))
    segments = Segments.from_counts(counts.astype(np.intp))
    order = np.argsort(group, kind="stable")
    total = segments.sum(weight[order])
    with np.errstate(invalid="ignore", divide="ignore"):
        measured = segments.sum((weight * points.flux[rows])[order]) / total
        predicted = segments.sum((weight * expected)[order]) / total
        error = np.hypot(segments.sum((weight * expected_err)[order]) / total, total**-0.5)
        sigma = np.where(counts > 0, (measured - predicted) / error, np.nan)
        # What is not seen any more is fainter by at least as much as the limit is.
        seen = np.maximum(measured, 3.0 * total**-0.5)
        change = magnitude_from_flux(seen, 1.0)[0] - magnitude_from_flux(predicted, 1.0)[0]
    return change.reshape(n, -1), sigma.reshape(n, -1)
