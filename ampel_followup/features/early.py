"""
What the first few detections can tell, in any survey.

Bands are told apart by letter alone (`ragged.LETTERS`), whatever the survey. **ATLAS's c and o stand in for g and r;
its colour c − o is not the g − r of ZTF: use a model on the survey that it was trained on.**
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.ragged import LETTERS, Floats, Mask, Points, Segments, stack
from ampel_followup.features.slopes import common_slope, gaps, joined_groups, ratio
from ampel_followup.lightcurve import LightCurve

#: Detections further apart than this belong to different nights [d].
NIGHT_GAP = 0.5

#: Least time base of a rate in mag/d [d]: what changes within a night has features of its own.
LEAST_SPAN = 0.5

#: Least time base of a rate within a night: 5 minutes [d].
LEAST_SPAN_IN_NIGHT = 5.0 / 1440.0

# Those of all slopes, in their order: in all bands, within a night, in flux, and in g and r.
_LEAST_SPANS = np.array([LEAST_SPAN, LEAST_SPAN_IN_NIGHT, LEAST_SPAN, LEAST_SPAN, LEAST_SPAN])

#: Detections in two bands this close make a colour [d].
COLOUR_GAP = 1.0

# Centroids: a floor from the astrometric calibration, and the seeing over the signal-to-noise ratio [arcsec].
_CENTROID_FLOOR = 0.1
_SEEING_SIGMA = 2.0 / 2.355
# No centroid is limited by a signal-to-noise ratio beyond this.
_MAX_SIGNAL = 1e4


def _columns(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    return columns_of(stack(light_curves))


def columns_of(everything: Points) -> dict[str, Floats]:
    """
    Compute the features from points.

    Parameters
    ----------
    everything : Points
        Of n objects, or of n parts of objects from their first points on.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Where values are beyond all bounds they may be infinite.
    """
    points = everything.select(everything.detected)
    positive = points.select(points.positive)
    gap, interior = gaps(points)
    return (
        _counts(points, gap)
        | _times(everything, points, positive, gap, interior)
        | _limits(everything, points, positive)
        | _brightness(points, positive)
        | _rates(points, positive)
        | _colours(positive)
        | _position(points)
        | _scores(points)
    )


def _counts(points: Points, gap: Floats) -> dict[str, Floats]:
    segments = points.segments
    nights = segments.count(gap > NIGHT_GAP) + (segments.counts > 0)
    columns: dict[str, Floats] = {
        f"n_{letter}": segments.count(points.in_band(letter)).astype(np.float64) for letter in "gri"
    }
    return columns | {"n_detections": segments.counts.astype(np.float64), "n_nights": nights.astype(np.float64)}


def _times(everything: Points, points: Points, positive: Points, gap: Floats, interior: Mask) -> dict[str, Floats]:
    first, last = points.segments.first(points.time), points.segments.last(points.time)
    end = everything.segments.last(everything.time)
    between = points.segments.select(interior)
    return {
        "duration": last - first,
        "time_since_first": end - first,
        "time_since_last": end - last,
        "time_since_peak": last - positive.segments.at_maximum(positive.flux, positive.time),
        "median_gap": between.median(gap[interior]),
        "max_gap": between.maximum(gap[interior]),
    }


def _limits(everything: Points, points: Points, positive: Points) -> dict[str, Floats]:
    segments, time = everything.segments, everything.time
    first = points.segments.first(points.time)
    before = ~everything.detected & (time < first[segments.index])
    after = ~everything.detected & (time > first[segments.index])
    wait = first - segments.last_where(before, time)
    depth = segments.last_where(before, everything.limit) - positive.segments.first(positive.mag)
    limits_after = segments.count(after)
    return {
        "n_limits_before": segments.count(before).astype(np.float64),
        "n_limits_after": limits_after.astype(np.float64),
        "detected_fraction": ratio(points.segments.counts, points.segments.counts + limits_after),
        "days_since_limit": wait,
        "limit_depth": depth,
        "limit_rise_rate": ratio(depth, _at_least(LEAST_SPAN, wait)),
    }


def _brightness(points: Points, positive: Points) -> dict[str, Floats]:
    signal = np.abs(points.flux) / points.flux_err
    segments = points.segments
    peak = positive.segments.minimum(positive.mag)
    return {
        "first_mag": positive.segments.first(positive.mag),
        "last_mag": positive.segments.last(positive.mag),
        "peak_mag": peak,
        "amplitude_mag": positive.segments.maximum(positive.mag) - peak,
        "negative_fraction": ratio(segments.counts - positive.segments.counts, segments.counts),
        "snr_first": segments.first(signal),
        "snr_last": segments.last(signal),
        "snr_mean": segments.mean(signal),
        "snr_max": segments.maximum(signal),
    }


def _rates(points: Points, positive: Points) -> dict[str, Floats]:
    n, width = len(points.segments), len(LETTERS) + 1
    band = positive.segments.index * width + positive.letter + 1
    night = np.cumsum(gaps(positive)[0] > NIGHT_GAP) * n * width + band
    all_bands = points.segments.index * width + points.letter + 1
    own = positive.band_by_band("gr")
    # All slopes at once: of one object each costs as much as all of them.
    slopes, errors = common_slope(
        np.concatenate([positive.time, positive.time, points.time, own.time]),
        np.concatenate([positive.mag, positive.mag, points.flux, own.mag]),
        np.concatenate([positive.mag_err, positive.mag_err, points.flux_err, own.mag_err]),
        joined_groups(band, night, all_bands, own.segments.index),
        Segments.joined(positive.segments, positive.segments, points.segments, own.segments),
        _LEAST_SPANS.repeat(n),
    )
    slope, in_night, flux_slope, *in_band = slopes.reshape(5, n)
    columns = {
        "mag_slope": slope,
        "mag_slope_significance": ratio(slope, errors[:n]),
        "flux_slope": ratio(flux_slope, points.segments.maximum(np.abs(points.flux))),
        "intranight_slope": in_night,
        "intranight_significance": ratio(np.abs(in_night), errors[n : 2 * n]),
    }
    segments, time, mag = own.segments, own.time, own.mag
    peak_time, peak = segments.at_maximum(-mag, time), segments.minimum(mag)
    rise = _at_least(LEAST_SPAN, peak_time - segments.first(time))
    decline = _at_least(LEAST_SPAN, segments.last(time) - peak_time)
    rise_rate, decline_rate = ratio(segments.first(mag) - peak, rise), ratio(segments.last(mag) - peak, decline)
    for k, letter in enumerate("gr"):
        rows = slice(k * n, (k + 1) * n)
        columns[f"rise_rate_{letter}"], columns[f"decline_rate_{letter}"] = rise_rate[rows], decline_rate[rows]
        columns[f"mag_slope_{letter}"] = in_band[k]
    return columns


def _colours(positive: Points) -> dict[str, Floats]:
    segments, time, mag = positive.segments, positive.time, positive.mag
    is_g, is_r = positive.in_band("g"), positive.in_band("r")
    position = np.arange(len(time))
    # The r point nearest in time to each g point is the one before it or the one after it.
    before = np.maximum.accumulate(np.where(is_r, position, -1))
    after = np.minimum.accumulate(np.where(is_r, position, len(time))[::-1])[::-1]
    has_before = before >= segments.offsets[:-1][segments.index]
    has_after = after < segments.offsets[1:][segments.index]
    before, after = np.where(has_before, before, position), np.where(has_after, after, position)
    wait_before = np.where(has_before, time - time[before], np.inf)
    wait_after = np.where(has_after, time[after] - time, np.inf)
    nearest = np.where(wait_before <= wait_after, before, after)
    paired = is_g & (np.minimum(wait_before, wait_after) <= COLOUR_GAP)
    colour, epoch = mag - mag[nearest], 0.5 * (time + time[nearest])
    error = np.hypot(positive.mag_err, positive.mag_err[nearest])
    pairs, colour, epoch = segments.select(paired), colour[paired], epoch[paired]
    first, last = pairs.first(colour), pairs.last(colour)
    span = pairs.last(epoch) - pairs.first(epoch)
    return {
        "colour_first": first,
        "colour_last": last,
        "colour_last_err": pairs.last(error[paired]),
        "colour_slope": ratio(last - first, _at_least(LEAST_SPAN, span)),
    }


def _position(points: Points) -> dict[str, Floats]:
    points = points.select(np.isfinite(points.ra) & np.isfinite(points.dec))
    if len(points.time) == 0:
        unknown = np.full(len(points.segments), np.nan)
        return {"position_scatter": unknown, "position_chi2": unknown}
    segments = points.segments
    signal = np.minimum(np.abs(points.flux) / points.flux_err, _MAX_SIGNAL)
    weight = signal**2 / (_SEEING_SIGMA**2 + (_CENTROID_FLOOR * signal) ** 2)
    # Offsets from the first point, with right ascension wrapped, so that they are small numbers.
    ra0, dec0 = segments.first(points.ra)[segments.index], segments.first(points.dec)[segments.index]
    x = ((points.ra - ra0 + 180.0) % 360.0 - 180.0) * np.cos(np.radians(dec0)) * 3600.0
    y = (points.dec - dec0) * 3600.0
    total = segments.sum(weight)
    square = np.zeros(len(segments))
    for offset in (x, y):
        mean = ratio(segments.sum(weight * offset), total)
        square += segments.sum(weight * (offset - mean[segments.index]) ** 2)
    free = np.where(segments.counts > 1, 2.0 * (segments.counts - 1), np.nan)
    return {"position_scatter": np.sqrt(ratio(square, total) + 0.0 * free), "position_chi2": square / free}


def _scores(points: Points) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for name, score in (("rb", points.rb), ("drb", points.drb)):
        known = np.isfinite(score)
        if not known.any():
            columns |= dict.fromkeys(
                [f"{name}_last", f"{name}_mean", f"{name}_max"], np.full(len(points.segments), np.nan)
            )
            continue
        segments, score = points.segments.select(known), score[known]
        columns[f"{name}_last"] = segments.last(score)
        columns[f"{name}_mean"] = segments.mean(score)
        columns[f"{name}_max"] = segments.maximum(score)
    return columns


def _at_least(least: float, span: Floats) -> Floats:
    """Return `span`, NaN where it is too short to divide by."""
    return np.where(span >= least, span, np.nan)


_ALERCE = "Sánchez-Sáez et al. 2021, AJ 161, 141"
_FINK = "Leoni et al. 2022, A&A 663, A13"
_RB = "Mahabal et al. 2019, PASP 131, 038002"
_DRB = "Duev et al. 2019, MNRAS 489, 3582"
_OWN = "this package"

EARLY = FeatureSet(
    name="early",
    version="1",
    columns=_columns,
    features=(
        Feature("n_detections", "", "detections of either sign", "detections", 0, _ALERCE),
        Feature("n_g", "", "detections in a g-like band (g, ATLAS c)", "detections", 0, _ALERCE),
        Feature("n_r", "", "detections in an r-like band (r, ATLAS o)", "detections", 0, _ALERCE),
        Feature("n_i", "", "detections in an i band", "detections", 0, _ALERCE),
        Feature("n_nights", "", "runs of detections with gaps of at most 0.5 d", "detections", 0, _OWN),
        Feature("duration", "d", "last detection minus first", "detections", 1, _ALERCE),
        Feature("time_since_first", "d", "last point, limits included, minus first detection", "all points", 1, _OWN),
        Feature("time_since_last", "d", "last point, limits included, minus last detection", "all points", 1, _OWN),
        Feature("time_since_peak", "d", "last detection minus that of most flux", "detections > 0", 1, _OWN),
        Feature("median_gap", "d", "median time between successive detections", "detections", 2, _OWN),
        Feature("max_gap", "d", "longest time between successive detections", "detections", 2, _OWN),
        Feature("n_limits_before", "", "upper limits before the first detection", "limits", 0, _ALERCE),
        Feature("n_limits_after", "", "upper limits after the first detection", "limits", 0, _ALERCE),
        Feature("detected_fraction", "", "detections / (detections + later limits)", "detections, limits", 1, _OWN),
        Feature("days_since_limit", "d", "first detection minus last limit before", "detections, limits", 1, _ALERCE),
        Feature(
            "limit_depth",
            "mag",
            "last limit before the first detection minus first magnitude, any bands: large = risen steeply",
            "detections > 0, limits",
            1,
            _ALERCE,
        ),
        Feature(
            "limit_rise_rate",
            "mag/d",
            "`limit_depth` / `days_since_limit`, if at least 0.5 d: it rose at least that fast",
            "detections > 0, limits",
            1,
            _OWN,
        ),
        Feature("first_mag", "mag", "magnitude of the first positive detection", "detections > 0", 1, _ALERCE),
        Feature("last_mag", "mag", "magnitude of the last positive detection", "detections > 0", 1, _ALERCE),
        Feature("peak_mag", "mag", "brightest magnitude so far", "detections > 0", 1, _ALERCE),
        Feature("amplitude_mag", "mag", "faintest minus brightest magnitude, any band", "detections > 0", 1, _ALERCE),
        Feature("negative_fraction", "", "share of detections below the reference", "detections", 1, _ALERCE),
        Feature("snr_first", "", "|flux| / error of the first detection", "detections", 1, _OWN),
        Feature("snr_last", "", "of the last", "detections", 1, _OWN),
        Feature("snr_mean", "", "mean of all", "detections", 1, _OWN),
        Feature("snr_max", "", "largest", "detections", 1, _OWN),
        Feature(
            "mag_slope",
            "mag/d",
            "slope common to all bands, an offset for each; negative = brightening; over at least 0.5 d in a band",
            "detections > 0",
            2,
            _FINK,
        ),
        Feature("mag_slope_significance", "", "`mag_slope` / its error", "detections > 0", 2, _OWN),
        Feature(
            "flux_slope",
            "1/d",
            "the same in flux, relative to the largest |flux|; positive = brightening",
            "detections",
            2,
            _FINK,
        ),
        Feature(
            "intranight_slope",
            "mag/d",
            "slope common to all bands and nights, an offset for each; over at least 5 min in a night",
            "detections > 0",
            2,
            _OWN,
        ),
        Feature("intranight_significance", "", "|`intranight_slope`| / its error", "detections > 0", 2, _OWN),
        *(
            feature
            for letter in "gr"
            for feature in (
                Feature(
                    f"rise_rate_{letter}",
                    "mag/d",
                    f"first minus brightest magnitude in {letter}, per day between them; at least 0.5 d",
                    f"{letter} > 0",
                    2,
                    _FINK,
                ),
                Feature(
                    f"decline_rate_{letter}",
                    "mag/d",
                    f"last minus brightest magnitude in {letter}, per day between them; at least 0.5 d",
                    f"{letter} > 0",
                    2,
                    _FINK,
                ),
                Feature(
                    f"mag_slope_{letter}",
                    "mag/d",
                    f"weighted linear fit in {letter}; negative = brightening; over at least 0.5 d",
                    f"{letter} > 0",
                    2,
                    _FINK,
                ),
            )
        ),
        Feature("colour_first", "mag", "g − r of the first pair within 1 d", "g > 0, r > 0", 2, _FINK),
        Feature("colour_last", "mag", "g − r of the last pair within 1 d", "g > 0, r > 0", 2, _FINK),
        Feature("colour_last_err", "mag", "its error", "g > 0, r > 0", 2, _OWN),
        Feature(
            "colour_slope",
            "mag/d",
            "change of g − r per day from first to last pair, at least 0.5 d apart; positive = reddening",
            "g > 0, r > 0",
            3,
            _FINK,
        ),
        Feature("position_scatter", "arcsec", "weighted rms of the offsets from their mean", "positions", 2, _OWN),
        Feature(
            "position_chi2",
            "",
            "their reduced χ², for centroid errors of 0.1″ ⊕ 0.85″ / (S/N): above 1 = it moves, or is no point",
            "positions, S/N",
            2,
            _OWN,
        ),
        *(
            Feature(f"{score}_{which}", "", f"{text} {score} (1 = real) of the detections", score, 1, source)
            for score, source in (("rb", _RB), ("drb", _DRB))
            for which, text in (("last", "last"), ("mean", "mean"), ("max", "largest"))
        ),
    ),
)
