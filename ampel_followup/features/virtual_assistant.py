"""
The features of the ATLAS Virtual Research Assistant (Stevance et al. 2025), under the names of its tables.

The tables state no formulas; these follow from their rows:

- day 0 is that of the first alert. What ends in ``_min5d`` counts from 5 d before it. Everything of the first table
  stays as it was on entry in all later rows.
- ``DET_mag_median`` and ``NON_mag_median`` are medians of one night, not of all so far; ``max_mag`` is the brightest
  of the former. The totals run from 5 d before the first alert; a night without detections (limits) has neither the
  median nor the total of detections (limits).
- Standard deviations are those of a sample (n − 1). That of right ascension is of the coordinate, not of the angle on
  the sky: it grows as 1 / cos δ.

**Models do not carry over from ATLAS to ZTF, though the names do.** ATLAS takes four or more exposures of a field in a
night and lets an object in with three detections; ZTF takes two and lets it in with one: its first night has few
points, and many of these columns are not measurable. ATLAS knows the limit of every exposure; packets of ZTF carry
those of 30 d. ATLAS gives magnitudes of detections below the reference a negative sign; here they have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.ragged import Floats, Indices, Mask, Points, Segments, stack
from ampel_followup.features.slopes import gaps
from ampel_followup.lightcurve import LightCurve

#: Points further apart than this belong to different nights [d].
NIGHT_GAP = 0.5

#: Counts and scatter begin this long before the first detection [d].
BEFORE_FIRST = 5.0

#: The nearest PS1 source is a galaxy, and may be the host, if its star/galaxy score is below this.
GALAXY_BELOW = 0.5

_CATALOGUE_FIELDS = ("z", "photoz", "ebv_sfd", "CV")


@dataclass(frozen=True, slots=True)
class Nights:
    """
    The points of n objects by night.

    Parameters
    ----------
    segments : Segments
        m nights, each with a point or more, those of an object one after the other.
    object_index : ndarray of int, shape (m,)
        The object of each.
    first : ndarray, shape (n,)
        First detection of each object [d since its first point]; NaN if there is none.
    entry : ndarray of int, shape (n,)
        The night of that; −1 if there is none.
    day : ndarray, shape (m,)
        Begin of each night since the first detection [d]: 0 for the night of entry, negative before.
    """

    segments: Segments
    object_index: Indices
    first: Floats
    entry: Indices
    day: Floats

    @classmethod
    def of(cls, points: Points) -> Nights:
        """Tell the nights of `points` apart: a gap of more than `NIGHT_GAP` ends one, limits counting as points."""
        gap, interior = gaps(points)
        starts = np.flatnonzero(~interior | (gap > NIGHT_GAP))
        segments = Segments.from_counts(np.diff(starts, append=len(points.time)))
        objects = points.segments
        first = objects.first_where(points.detected, points.time)
        position = objects.first_where(points.detected, segments.index.astype(np.float64))
        entry = np.where(np.isfinite(position), position, -1.0).astype(np.intp)
        index = objects.index[starts]
        day = points.time[starts] - first[index]
        # The night of entry may begin with limits.
        day[entry[entry >= 0]] = 0.0
        return cls(segments, index, first, entry, day)


def day1_columns(light_curves: Sequence[LightCurve], points: Points, nights: Nights) -> dict[str, Floats]:
    """
    Return what is known on entry: at the end of the night of the first detection.

    Parameters
    ----------
    light_curves : sequence of LightCurve
        n objects.
    points : Points
        All their points.
    nights : Nights
        The nights of those.

    Returns
    -------
    dict of str to ndarray, shape (n,)
    """
    entered = points.select(nights.segments.index <= nights.entry[points.segments.index])
    detections = entered.select(entered.detected)
    since = entered.select(entered.time >= (nights.first - BEFORE_FIRST)[entered.segments.index])
    recent = since.select(since.detected)
    limits = since.segments.counts - recent.segments.counts
    magnitudes, recent_positive = detections.select(detections.positive), recent.select(recent.positive)
    # Packets of ZTF have rb of all detections, but drb of the latest alone: to mix them would mix two scales.
    score = np.where(np.isfinite(recent.rb), recent.rb, recent.drb)
    known = np.isfinite(score)
    return (
        _limits_between(entered)
        | {
            "magdet_std": _sample_std(magnitudes.segments, magnitudes.mag),
            "DET_Nsince_min5d": recent.segments.counts.astype(np.float64),
            "NON_Nsince_min5d": np.where(nights.entry >= 0, limits, np.nan),
        }
        | _scatter(recent)
        | {
            "DET_mag_median_min5d": recent_positive.segments.median(recent_positive.mag),
            "rb_pix": recent.segments.select(known).mean(score[known]),
        }
        | _catalogue(light_curves)
    )


def _limits_between(points: Points) -> dict[str, Floats]:
    """Mean and standard deviation of the number of limits between successive detections."""
    so_far = np.cumsum(~points.detected)[points.detected]
    detections = points.select(points.detected)
    _, interior = gaps(detections)
    between = np.diff(so_far, prepend=0)[interior].astype(np.float64)
    segments = detections.segments.select(interior)
    return {"Nnondet_std": _sample_std(segments, between), "Nnondet_mean": segments.mean(between)}


def _scatter(detections: Points) -> dict[str, Floats]:
    """Logarithms of the scatter of the coordinates [deg]; NaN where they are all the same."""
    placed = detections.select(np.isfinite(detections.ra) & np.isfinite(detections.dec))
    segments = placed.segments
    # Offsets from the first point, with right ascension wrapped, so that they are small numbers.
    ra = (placed.ra - segments.first(placed.ra)[segments.index] + 180.0) % 360.0 - 180.0
    dec = placed.dec - segments.first(placed.dec)[segments.index]
    return {
        "log10_std_ra_min5d": np.log10(_sample_std(segments, ra)),
        "log10_std_dec_min5d": np.log10(_sample_std(segments, dec)),
    }


def _catalogue(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    def context(name: str) -> Floats:
        return np.array([lc.meta.get(name, np.nan) for lc in light_curves], dtype=np.float64)

    separation = np.where(context("sgscore1") < GALAXY_BELOW, context("distpsnr1"), np.nan)
    return {
        "ra": np.array([lc.ra for lc in light_curves], dtype=np.float64),
        "dec": np.array([lc.dec for lc in light_curves], dtype=np.float64),
        "log10_sep_arcsec": np.log10(separation),
    } | {name: context(name) for name in _CATALOGUE_FIELDS}


def _sample_std(segments: Segments, values: Floats) -> Floats:
    deviation = values - segments.mean(values)[segments.index]
    return np.sqrt(segments.sum(deviation**2) / np.where(segments.counts > 1, segments.counts - 1, np.nan))


def day_n_columns(points: Points, nights: Nights, night: Indices) -> dict[str, Floats]:
    """
    Return what later visits add.

    Parameters
    ----------
    points : Points
        All points of n objects.
    nights : Nights
        The nights of those.
    night : ndarray of int, shape (v,)
        The night of each visit, not before that of the first detection; a visit sees the points until its end.

    Returns
    -------
    dict of str to ndarray, shape (v,)
    """
    recent = points.time >= (nights.first - BEFORE_FIRST)[points.segments.index]
    positive, limits = points.positive, recent & ~points.detected
    day = np.rint(nights.day)
    median = nights.segments.select(positive).median(points.mag[positive])
    brightest = _brightest_so_far(median, nights.object_index)
    columns = {
        "dayN": day,
        "DET_mag_median": median,
        "DET_N_total": _total(points.detected, points.segments, nights),
        "NON_mag_median": nights.segments.select(limits).median(points.limit[limits]),
        "NON_N_total": _total(limits, points.segments, nights),
        "max_mag": median[brightest],
        "max_mag_day": np.where(np.isfinite(median[brightest]), day[brightest], np.nan),
    }
    return {name: values[night] for name, values in columns.items()}


def _total(mask: Mask, objects: Segments, nights: Nights) -> Floats:
    """Count what `mask` marks, from the first point of the object to the end of each night; NaN for nights without."""
    so_far = np.concatenate([[0], np.cumsum(mask)])
    total = so_far[nights.segments.offsets[1:]] - so_far[objects.offsets[:-1]][nights.object_index]
    return np.where(nights.segments.count(mask) > 0, total, np.nan)


def _brightest_so_far(median: Floats, object_index: Indices) -> Indices:
    """Return which of the nights of the object until each has the smallest median, the first of equal ones."""
    order = np.argsort(median, kind="stable")  # NaN last
    place = np.empty(len(median), dtype=np.intp)
    place[order] = np.arange(len(median))
    # Any place of a later object counts as less than any of an earlier one: one running minimum serves them all.
    later = (object_index[-1] - object_index) * len(median) if len(median) else object_index
    return np.asarray(order[np.minimum.accumulate(place + later) - later])


def _on_entry(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    points = stack(light_curves)
    return day1_columns(light_curves, points, Nights.of(points))


def _at_last_visit(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    points = stack(light_curves)
    nights = Nights.of(points)
    entered = np.flatnonzero(nights.entry >= 0)
    last = np.searchsorted(nights.object_index, entered, side="right") - 1
    columns = {}
    for name, values in day_n_columns(points, nights, last).items():
        columns[name] = np.full(len(light_curves), np.nan)
        columns[name][entered] = values
    return columns


_VRA = "Stevance et al. 2025"
_LIMITS = "detections, limits"
_ON_ENTRY = "detections on entry"

DAY1 = FeatureSet(
    name="day1",
    version="1",
    columns=_on_entry,
    features=(
        Feature("Nnondet_std", "", "standard deviation of the number of limits between detections", _LIMITS, 3, _VRA),
        Feature("Nnondet_mean", "", "mean number of limits between successive detections", _LIMITS, 2, _VRA),
        Feature("magdet_std", "mag", "standard deviation of the magnitudes, any band", "detections > 0", 2, _VRA),
        Feature(
            "DET_Nsince_min5d", "", "detections from 5 d before the first to the end of its night", _ON_ENTRY, 0, _VRA
        ),
        Feature("NON_Nsince_min5d", "", "limits in the same time", _LIMITS, 1, _VRA),
        Feature(
            "log10_std_ra_min5d",
            "log deg",
            "logarithm of the standard deviation of right ascension, not multiplied with cos δ",
            "positions on entry",
            2,
            _VRA,
        ),
        Feature("log10_std_dec_min5d", "log deg", "the same of declination", "positions on entry", 2, _VRA),
        Feature("DET_mag_median_min5d", "mag", "median magnitude, any band", "detections > 0 on entry", 1, _VRA),
        Feature("ra", "deg", "right ascension, mean of all detections of the packet", "position", 1, _VRA),
        Feature("dec", "deg", "declination, likewise", "position", 1, _VRA),
        Feature(
            "rb_pix",
            "",
            "mean real/bogus score of the detections on entry: ZTF's rb, or drb where it has none",
            "rb, drb",
            1,
            _VRA,
        ),
        Feature("z", "", "spectroscopic redshift of the host; packets of ZTF have none", "catalogue", 1, _VRA),
        Feature("photoz", "", "photometric redshift of the host; packets of ZTF have none", "catalogue", 1, _VRA),
        Feature("ebv_sfd", "mag", "E(B − V) of the Milky Way; packets of ZTF have none", "catalogue", 1, _VRA),
        Feature(
            "log10_sep_arcsec",
            "log arcsec",
            "logarithm of the distance of the host: ZTF's nearest PS1 source if `sgscore1` < 0.5; ATLAS's by Sherlock",
            "catalogue",
            1,
            _VRA,
        ),
        Feature(
            "CV", "", "1 if catalogued as a cataclysmic variable; packets of ZTF do not tell", "catalogue", 1, _VRA
        ),
    ),
)

DAYN = FeatureSet(
    name="dayN",
    version="1",
    columns=_at_last_visit,
    features=(
        Feature(
            "dayN", "d", "begin of the last night with points since the first detection, rounded", _LIMITS, 1, _VRA
        ),
        Feature("DET_mag_median", "mag", "median magnitude of the last night, any band", "detections > 0", 1, _VRA),
        Feature("DET_N_total", "", "detections so far; NaN if the last night has none", "detections", 1, _VRA),
        Feature("NON_mag_median", "mag", "median limit of the last night, if it has limits", _LIMITS, 1, _VRA),
        Feature(
            "NON_N_total",
            "",
            "limits so far, from 5 d before the first detection; NaN if the last night has none",
            _LIMITS,
            1,
            _VRA,
        ),
        Feature("max_mag", "mag", "the brightest median magnitude of a night so far", "detections > 0", 1, _VRA),
        Feature("max_mag_day", "d", "when that was, as `dayN`", "detections > 0", 1, _VRA),
    ),
)
