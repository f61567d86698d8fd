"""
The shape of a light curve once a band has five detections.

All statistics are of the signed difference flux: magnitudes would lose the negative half of what variable stars do.
Those that are in the literature come from the light-curve package (Malanchev et al. 2021, MNRAS 502, 5147).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.ragged import Floats, Points, Segments, stack
from ampel_followup.features.slopes import ratio
from ampel_followup.lightcurve import LIMIT_SIGMA, LightCurve

#: Detections that a band needs.
MINIMUM = 5

#: g-like and r-like, as in the early features.
LETTERS = "gr"

_DISANTO = "D'Isanto et al. 2016, MNRAS 457, 3119"
_KIM = "Kim et al. 2014, A&A 566, A43"
_STETSON = "Stetson 1996, PASP 108, 851"
_SANCHEZ = "Sánchez et al. 2017, ApJ 849, 110"
_LIGHT_CURVE = "Malanchev et al. 2021, MNRAS 502, 5147"
_OWN = "this package"

# Our name, light-curve's name, unit, description, source.
_STATISTICS = (
    ("amplitude", "amplitude", "µJy", "half the range of the flux", _DISANTO),
    ("weighted_mean", "weighted_mean", "µJy", "mean flux, weighted with 1/error²", _LIGHT_CURVE),
    ("std", "standard_deviation", "µJy", "standard deviation of the flux", _DISANTO),
    ("skew", "skew", "", "sample skewness of the flux: positive for an outburst", _DISANTO),
    ("mad", "median_absolute_deviation", "µJy", "median absolute deviation from the median", _DISANTO),
    ("eta", "eta", "", "mean square successive difference / variance: small for a smooth curve", _KIM),
    ("stetson_k", "stetson_K", "", "kurtosis of the scaled residuals: 0.8 for Gaussian noise", _STETSON),
    ("beyond_1_std", "beyond_1_std", "", "share of the points beyond one standard deviation", _DISANTO),
    ("percentile_range_50", "inter_percentile_range_25", "µJy", "75th minus 25th percentile", _LIGHT_CURVE),
    ("percentile_ratio", "magnitude_percentage_ratio_40_5", "", "60th − 40th over 95th − 5th percentile", _DISANTO),
    ("excess_variance", "excess_variance", "", "(variance − mean error²) / mean²", _SANCHEZ),
    ("chi2", "chi2", "", "reduced χ² of a constant flux", _LIGHT_CURVE),
    ("linear_slope", "linear_fit_slope", "µJy/d", "slope of a weighted linear fit", _LIGHT_CURVE),
    ("linear_slope_err", "linear_fit_slope_sigma", "µJy/d", "its error", _LIGHT_CURVE),
    ("linear_chi2", "linear_fit_reduced_chi2", "", "its reduced χ²", _LIGHT_CURVE),
)


@lru_cache(maxsize=1)
def _extractor() -> tuple[Any, list[int]]:
    """Return light-curve's extractor, and which of its outputs are `_STATISTICS`."""
    import light_curve

    extractor = light_curve.Extractor(
        light_curve.Amplitude(),
        light_curve.BeyondNStd(1.0),
        light_curve.Eta(),
        light_curve.ExcessVariance(),
        light_curve.InterPercentileRange(0.25),
        light_curve.LinearFit(),
        light_curve.MagnitudePercentageRatio(0.4, 0.05),
        light_curve.MedianAbsoluteDeviation(),
        light_curve.ReducedChi2(),
        light_curve.Skew(),
        light_curve.StandardDeviation(),
        light_curve.StetsonK(),
        light_curve.WeightedMean(),
    )
    return extractor, [extractor.names.index(theirs) for _, theirs, *_ in _STATISTICS]


def _columns(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    everything = stack(light_curves)
    columns: dict[str, Floats] = {}
    for letter in LETTERS:
        band = everything.select(everything.in_band(letter))
        detected = band.select(band.detected)
        enough = np.where(detected.segments.counts >= MINIMUM, 1.0, np.nan)
        found = _statistics(detected) | _rise_and_decline(band, detected)
        columns |= {f"{name}_{letter}": enough * values for name, values in found.items()}
    return columns


def _statistics(points: Points) -> dict[str, Floats]:
    extractor, order = _extractor()
    offsets = points.segments.offsets
    rows = np.flatnonzero(points.segments.counts >= MINIMUM)
    values = np.full((len(points.segments), len(order)), np.nan)
    if len(rows):
        columns = (points.time, points.flux, points.flux_err)
        curves = [[column[offsets[i] : offsets[i + 1]] for column in columns] for i in rows]
        # One after the other: `many` takes as long, and starts a thread, which costs more than one object does.
        found = [extractor(*curve, sorted=True, check=False, fill_value=np.nan) for curve in curves]
        values[rows] = np.array(found)[:, order]
    return dict(zip((name for name, *_ in _STATISTICS), values.T, strict=True))


def _rise_and_decline(band: Points, detected: Points) -> dict[str, Floats]:
    """
    Peak, and the times between peak and half of it, by linear interpolation between the points.

    Upper limits deeper than half the peak count as points without flux: they bound the rise and the decline.
    """
    peak = detected.segments.maximum(detected.flux)
    half = 0.5 * np.where(peak > 0, peak, np.nan)
    deep = LIMIT_SIGMA * band.flux_err < half[band.segments.index]
    points = band.select(band.detected | deep)
    segments, time, flux = points.segments, points.time, points.flux
    peak_time = detected.segments.at_maximum(detected.flux, detected.time)
    below = flux < half[segments.index]
    before, after = below & (time < peak_time[segments.index]), below & (time > peak_time[segments.index])
    position = np.arange(len(time), dtype=np.float64)
    last_before, first_after = segments.last_where(before, position), segments.first_where(after, position)
    return {
        "peak_time": peak_time - detected.segments.first(detected.time),
        "peak_over_mean": ratio(peak, np.abs(detected.segments.mean(detected.flux))),
        "rise_time": peak_time - _crossing(time, flux, last_before, 1, half, segments),
        "decline_time": _crossing(time, flux, first_after, -1, half, segments) - peak_time,
    }


def _crossing(time: Floats, flux: Floats, position: Floats, step: int, level: Floats, segments: Segments) -> Floats:
    """Time at which the flux, on its way from `position` to the next point in direction `step`, passes `level`."""
    result = np.full(len(segments), np.nan)
    found = np.flatnonzero(np.isfinite(position))
    i = position[found].astype(np.intp)
    j = i + step
    result[found] = time[i] + (level[found] - flux[i]) / (flux[j] - flux[i]) * (time[j] - time[i])
    return result


TIMESERIES = FeatureSet(
    name="timeseries",
    version="1",
    columns=_columns,
    features=tuple(
        Feature(f"{name}_{letter}", unit, description, letter, MINIMUM, source)
        for letter in LETTERS
        for name, unit, description, source in (
            *((name, unit, description, source) for name, _, unit, description, source in _STATISTICS),
            ("peak_time", "d", "time of most flux, since the first detection in the band", _OWN),
            ("peak_over_mean", "", "largest flux / |mean flux|", _OWN),
            ("rise_time", "d", "from half the peak flux to the peak; limits below that count as 0", _OWN),
            ("decline_time", "d", "from the peak to half its flux; limits below that count as 0", _OWN),
        )
    ),
)
