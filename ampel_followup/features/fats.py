r"""
Time-series features with the names and definitions of FATS (Nun et al. 2015, arXiv:1506.00010), band by band.

They are the features of Astudillo et al. (2020), made for magnitudes of variable stars; of an alert stream they see
the detections above the reference image. Where light-curve (Malanchev et al. 2021, MNRAS 502, 5147) has the same
statistic, it computes it, and a factor turns its sample variance (n − 1) into FATS's variance (n).

Where FATS leaves something open or fails, this is what happens here:

- FluxPercentileRatioMid*, PercentDifferenceFluxPercentile: FATS reads beyond the end of the sorted magnitudes of fewer
  than 20 points; here the last one is taken.
- PeriodLS: frequencies reach at least to 4 per day (`periodogram.LEAST_HIGHEST_FREQUENCY`).
- Psi_CS, Psi_eta: the fold starts at the first point, so that no feature knows the absolute time.
- Points at the same time leave Eta_e and MaxSlope without a value, as in FATS.

Left out: Color, Eta_color, Q31_color, StetsonJ and StetsonL need two bands observed at the same times, which an alert
stream does not have (`early.colour_*` are its colours); CAR_sigma, CAR_tau and CAR_mean are a numerical maximum
likelihood per object that mostly ends at its bounds; SlottedA_length, StetsonK_AC and StructureFunction_index_* take
time ∝ n² and are not among those of Astudillo et al.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.ragged import Floats, Indices, Mask, Segments, stack
from ampel_followup.lightcurve import LightCurve

#: Detections that a band needs, and for all that depends on a period.
MINIMUM, MINIMUM_PERIODIC = 5, 10

#: g-like and r-like, as in the other sets.
LETTERS = "gr"

_FATS = "Nun et al. 2015"
_RICHARDS = "Richards et al. 2011, ApJ 733, 10"
_KIM = "Kim et al. 2011, ApJ 735, 68"
_KIM_2014 = "Kim et al. 2014, A&A 566, A43"
_STETSON = "Stetson 1996, PASP 108, 851"
_WOZNIAK = "Woźniak 2000, AcA 50, 421"

# Name, unit, description, source.
_STATISTICS = (
    ("Amplitude", "mag", "half of: median of the faintest 5 % − median of the brightest 5 %", _RICHARDS),
    ("AndersonDarling", "", "1 / (1 + exp(−10 (A² − 0.3))), A² of Anderson & Darling's test of normality", _KIM),
    ("Autocor_length", "", "lag, in points, at which the autocorrelation falls below 1/e", _KIM),
    ("Beyond1Std", "", "share of points beyond one standard deviation of the weighted mean", _RICHARDS),
    ("Con", "", "share of three successive points that are all beyond 2 σ of the mean", _WOZNIAK),
    ("Eta_e", "", "weighted mean square successive difference / variance, for uneven sampling", _KIM_2014),
    ("FluxPercentileRatioMid20", "", "60th − 40th over 95th − 5th percentile", _RICHARDS),
    ("FluxPercentileRatioMid35", "", "67.5th − 32.5th over 95th − 5th percentile", _RICHARDS),
    ("FluxPercentileRatioMid50", "", "75th − 25th over 95th − 5th percentile", _RICHARDS),
    ("FluxPercentileRatioMid65", "", "82.5th − 17.5th over 95th − 5th percentile", _RICHARDS),
    ("FluxPercentileRatioMid80", "", "90th − 10th over 95th − 5th percentile", _RICHARDS),
    ("Gskew", "mag", "median of the faintest 3 % + median of the brightest 3 % − 2 median", _FATS),
    ("LinearTrend", "mag/d", "slope of a linear fit; negative = brightening", _RICHARDS),
    ("MaxSlope", "mag/d", "largest |slope| between successive points", _RICHARDS),
    ("Mean", "mag", "mean magnitude", _KIM_2014),
    ("Meanvariance", "", "standard deviation / mean of the magnitudes", _KIM),
    ("MedianAbsDev", "mag", "median absolute deviation from the median", _RICHARDS),
    ("MedianBRP", "", "share of points within a tenth of the range from the median", _RICHARDS),
    ("PairSlopeTrend", "", "(rises − falls) / 30 among the last 30 points; positive = fading", _RICHARDS),
    ("PercentAmplitude", "", "largest distance from the median / median", _RICHARDS),
    ("PercentDifferenceFluxPercentile", "", "95th − 5th percentile / median", _RICHARDS),
    ("Q31", "mag", "75th − 25th percentile", _KIM_2014),
    ("Rcs", "", "range of the cumulative sum of (mag − mean) / (n σ)", _KIM),
    ("Skew", "", "skewness of the magnitudes; negative for an outburst", _RICHARDS),
    ("SmallKurtosis", "", "excess kurtosis of a small sample", _RICHARDS),
    ("Std", "mag", "standard deviation", _RICHARDS),
    ("StetsonK", "", "kurtosis of the scaled residuals: 0.8 for Gaussian noise", _STETSON),
)

_PERIODIC = (
    ("PeriodLS", "d", "period of most power in the Lomb–Scargle periodogram", _KIM),
    ("Period_fit", "", "false-alarm probability of that peak", _KIM),
    ("Psi_CS", "", "`Rcs` of the magnitudes folded with twice the period", _KIM),
    ("Psi_eta", "", "mean square successive difference / variance of the folded magnitudes", _KIM_2014),
    *(
        (
            f"Freq{k + 1}_harmonics_amplitude_{h}",
            "mag",
            f"amplitude of {h + 1} × the frequency of most power" + (f", {k} others subtracted" if k else ""),
            _RICHARDS,
        )
        for k in range(3)
        for h in range(4)
    ),
    *(
        (
            f"Freq{k + 1}_harmonics_rel_phase_{h}",
            "rad",
            "its phase (modulo π) minus that of the first harmonic" + ("" if h else ": 0, as in FATS"),
            _RICHARDS,
        )
        for k in range(3)
        for h in range(4)
    ),
)

# Lower and upper percentile of FluxPercentileRatioMid*.
_RATIOS = {20: (0.40, 0.60), 35: (0.325, 0.675), 50: (0.25, 0.75), 65: (0.175, 0.825), 80: (0.10, 0.90)}

# Phases that differ by less are the same but for rounding.
_SAME_PHASE = 1e-9


def statistics(segments: Segments, time: Floats, mag: Floats, mag_err: Floats) -> dict[str, Floats]:
    """
    Compute the features that need no period.

    Parameters
    ----------
    segments : Segments
        The n objects.
    time, mag, mag_err : ndarray, shape (N,)
        Points of the objects one after the other, each in order of time [d, mag, mag].

    Returns
    -------
    dict of str to ndarray, shape (n,)
        By FATS's name; NaN with fewer than `MINIMUM` points.
    """
    enough = segments.counts >= MINIMUM
    keep = enough[segments.index]
    segments, time, mag, mag_err = Segments.from_counts(segments.counts[enough]), time[keep], mag[keep], mag_err[keep]
    found: dict[str, Floats] = {}
    if len(segments):
        n = segments.counts
        library = _library_statistics(segments, time, mag, mag_err)
        mean, std = library.pop("Mean"), library["Std"]
        found = library | {
            "Mean": mean,
            "Meanvariance": std / mean,
            "Autocor_length": _autocorrelation_length(segments, mag - mean[segments.index]),
            "Beyond1Std": _beyond_one_std(segments, mag, mag_err),
            "Con": _consecutive(segments, np.abs(mag - mean[segments.index]) > 2.0 * std[segments.index]) / (n - 2),
            "PairSlopeTrend": _pair_slope_trend(segments, mag),
            **_order_statistics(segments, mag),
        }
    columns = {name: np.full(len(enough), np.nan) for name, *_ in _STATISTICS}
    for name, values in found.items():
        columns[name][enough] = values
    return columns


def periodic(segments: Segments, time: Floats, mag: Floats) -> dict[str, Floats]:
    """
    Compute the features that depend on a period: milliseconds per object, against microseconds for `statistics`.

    Parameters
    ----------
    segments : Segments
        The n objects.
    time, mag : ndarray, shape (N,)
        Points of the objects one after the other, each in order of time [d, mag].

    Returns
    -------
    dict of str to ndarray, shape (n,)
        By FATS's name; NaN with fewer than `MINIMUM_PERIODIC` points.
    """
    from ampel_followup.features.periodogram import periodicity

    values = np.full((len(segments), len(_PERIODIC)), np.nan)
    for i in np.flatnonzero(segments.counts >= MINIMUM_PERIODIC):
        rows = slice(segments.offsets[i], segments.offsets[i + 1])
        found = periodicity(time[rows], mag[rows])
        period = 1.0 / found.frequency[0]
        psi = _folded(time[rows] - time[rows][0], mag[rows], period) if np.isfinite(period) else (np.nan, np.nan)
        values[i] = (period, found.false_alarm, *psi, *found.amplitude.ravel(), *found.rel_phase.ravel())
    return dict(zip((name for name, *_ in _PERIODIC), values.T, strict=True))


def _folded(time: Floats, mag: Floats, period: float) -> tuple[float, float]:
    """Psi_CS and Psi_eta of one object."""
    phase = time / (2.0 * period) % 1.0
    # A point whole turns after the first (the grid of frequencies hangs on the time span) is at its phase, whatever the
    # rounding says: just below 1 it would come last.
    folded = mag[np.argsort(np.where(phase > 1.0 - _SAME_PHASE, 0.0, phase), kind="stable")]
    deviation, n = folded - folded.mean(), len(folded)
    variance = float(np.mean(deviation**2))
    total = np.cumsum(deviation) / (n * np.sqrt(variance))
    return float(np.ptp(total)), float(np.sum(np.diff(folded) ** 2) / ((n - 1) * variance))


@lru_cache(maxsize=1)
def _extractor() -> Any:
    import light_curve

    return light_curve.Extractor(
        light_curve.AndersonDarlingNormal(),
        light_curve.Cusum(),
        light_curve.EtaE(),
        light_curve.Kurtosis(),
        light_curve.LinearTrend(),
        light_curve.MaximumSlope(),
        light_curve.Mean(),
        light_curve.MedianAbsoluteDeviation(),
        light_curve.Skew(),
        light_curve.StandardDeviation(),
        light_curve.StetsonK(),
    )


def _library_statistics(segments: Segments, time: Floats, mag: Floats, mag_err: Floats) -> dict[str, Floats]:
    """Those that light-curve knows, by FATS's name; every object has at least `MINIMUM` points."""
    extractor, offsets = _extractor(), segments.offsets
    curves = [(time[a:b], mag[a:b], mag_err[a:b]) for a, b in pairwise(offsets)]
    values = extractor.many(curves, sorted=True, check=False, n_jobs=1, fill_value=np.nan)
    found: dict[str, Floats] = dict(zip(extractor.names, values.T, strict=True))
    n = segments.counts.astype(np.float64)
    inflation = n / (n - 1.0)  # sample variance / variance
    anderson = found["anderson_darling_normal"] / (1.0 + 4.0 / n - 25.0 / n**2)
    bias = 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0))
    return {
        "AndersonDarling": 1.0 / (1.0 + np.exp(-10.0 * (anderson - 0.3))),
        "Eta_e": found["eta_e"] / inflation,
        "LinearTrend": found["linear_trend"],
        "MaxSlope": found["maximum_slope"],
        "Mean": found["mean"],
        "MedianAbsDev": found["median_absolute_deviation"],
        "Rcs": found["cusum"] * np.sqrt(inflation),
        "Skew": found["skew"] * (n - 1.0) * (n - 2.0) / n**2 * inflation**1.5,
        "SmallKurtosis": (found["kurtosis"] + bias) * inflation**2 - bias,
        "Std": found["standard_deviation"] / np.sqrt(inflation),
        "StetsonK": found["stetson_K"],
    }


def _order_statistics(segments: Segments, mag: Floats) -> dict[str, Floats]:
    """All that follows from the sorted magnitudes."""
    index, start, n = segments.index, segments.offsets[:-1], segments.counts
    # Many short sorts are several times faster than one of all the points.
    ordered = np.concatenate([np.sort(mag[a:b]) for a, b in pairwise(segments.offsets)])

    def rank(share: float) -> Floats:
        """FATS's percentile: no interpolation, the first rank not below."""
        at: Floats = ordered[start + np.minimum(np.ceil(share * n).astype(np.intp), n - 1)]
        return at

    def percentile(share: float) -> Floats:
        """NumPy's percentile, linear between the ranks."""
        position = share * (n - 1)
        below = np.floor(position).astype(np.intp)
        low, high = ordered[start + below], ordered[start + np.minimum(below + 1, n - 1)]
        return np.asarray(low + (high - low) * (position - below))

    def median(first: Indices, count: Indices) -> Floats:
        """Median of `count` sorted magnitudes, from the one of rank `first`."""
        low = start + first
        return np.asarray(0.5 * (ordered[low + (count - 1) // 2] + ordered[low + count // 2]))

    none = np.zeros_like(n)
    middle = median(none, n)
    brightest, faintest = ordered[start], ordered[start + n - 1]
    tail = np.ceil(0.05 * n).astype(np.intp)
    n_bright = segments.count(ordered <= percentile(0.03)[index])
    n_faint = segments.count(ordered >= percentile(0.97)[index])
    spread = rank(0.95) - rank(0.05)
    near = np.abs(mag - middle[index]) < (0.1 * (faintest - brightest))[index]
    return {
        "Amplitude": 0.5 * (median(n - tail, tail) - median(none, tail)),
        "Gskew": median(none, n_bright) + median(n - n_faint, n_faint) - 2.0 * middle,
        "MedianBRP": segments.count(near) / n,
        "PercentAmplitude": np.maximum(faintest - middle, middle - brightest) / middle,
        "PercentDifferenceFluxPercentile": spread / middle,
        "Q31": percentile(0.75) - percentile(0.25),
        **{f"FluxPercentileRatioMid{k}": (rank(high) - rank(low)) / spread for k, (low, high) in _RATIOS.items()},
    }


def _beyond_one_std(segments: Segments, mag: Floats, mag_err: Floats) -> Floats:
    # Weights relative to the smallest error: extreme ones neither overflow nor vanish.
    weight = (segments.minimum(mag_err)[segments.index] / mag_err) ** 2
    deviation = mag - (segments.sum(weight * mag) / segments.sum(weight))[segments.index]
    std = np.sqrt(segments.sum(deviation**2) / (segments.counts - 1))
    return np.asarray(segments.count(np.abs(deviation) > std[segments.index]) / segments.counts)


def _consecutive(segments: Segments, outlier: Mask) -> Indices:
    """Count the points that begin three outliers in a row, shape (n,)."""
    index = segments.index
    begins = outlier[:-2] & outlier[1:-1] & outlier[2:] & (index[:-2] == index[2:])
    return np.bincount(index[:-2][begins], minlength=len(segments)).astype(np.intp)


def _pair_slope_trend(segments: Segments, mag: Floats) -> Floats:
    index = segments.index
    among_last = np.arange(len(mag)) >= np.maximum(segments.offsets[1:] - 30, segments.offsets[:-1])[index]
    pair = among_last[:-1] & (index[:-1] == index[1:])
    sign = np.where(mag[1:] > mag[:-1], 1.0, -1.0)[pair]
    return np.asarray(np.bincount(index[:-1][pair], weights=sign, minlength=len(segments)) / 30.0)


def _autocorrelation_length(segments: Segments, deviation: Floats) -> Floats:
    """First lag at which the autocorrelation is below 1/e; NaN where nothing varies."""
    index, end = segments.index, segments.offsets[1:]
    threshold = segments.sum(deviation**2) / np.e
    length = np.full(len(segments), np.nan)
    searching = threshold > 0
    points = np.flatnonzero(searching[index])
    lag = 0
    while searching.any():
        lag += 1
        points = points[points + lag < end[index[points]]]
        covariance = np.bincount(
            index[points], weights=deviation[points] * deviation[points + lag], minlength=len(segments)
        )
        found = searching & (covariance < threshold)
        length[found] = lag
        searching &= ~found
        points = points[searching[index[points]]]
    return length


def _columns(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    everything = stack(light_curves)
    columns: dict[str, Floats] = {}
    for letter in LETTERS:
        points = everything.select(everything.positive & everything.in_band(letter))
        found = statistics(points.segments, points.time, points.mag, points.mag_err)
        found |= periodic(points.segments, points.time, points.mag)
        columns |= {f"{name}_{letter}": values for name, values in found.items()}
    return columns


FATS = FeatureSet(
    name="fats",
    version="1",
    columns=_columns,
    features=tuple(
        Feature(f"{name}_{letter}", unit, description, f"{letter} > 0", minimum, source)
        for letter in LETTERS
        for group, minimum in ((_STATISTICS, MINIMUM), (_PERIODIC, MINIMUM_PERIODIC))
        for name, unit, description, source in group
    ),
)
