"""
What tells a young type Ia supernova from others in a handful of points, in any number of bands.

Most of it is one fit of all bands (`ampel_followup.features.rainbow`); the rest is how the light curve departs from it,
and what is known of the host. Of the light curve counts what is not older than `LOOK_BACK` before the first significant
detection. Nothing here is known only afterwards, and nothing is spectroscopic: **the redshift is the host's photometric
one, where the alert carries it.**
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ampel_followup.features.featureset import Feature, FeatureSet
from ampel_followup.features.hosts import Hosts, host_columns
from ampel_followup.features.ragged import LETTERS, Floats, Indices, Mask, Points, stack
from ampel_followup.features.rainbow import fit_rainbow
from ampel_followup.features.slopes import common_slope, ratio
from ampel_followup.lightcurve import ZERO_POINT, LightCurve

#: A detection counts as one of the transient from this signal-to-noise ratio on.
SIGNIFICANT = 4.0

#: Points longer than this before the first significant detection tell of the reference image, not of the transient [d].
LOOK_BACK = 30.0

#: Slopes are of the last significant detections within this time [d].
RECENT = 8.0

# Least time base of a slope [d].
_LEAST_SPAN = 0.5

#: Objects computed together: their points stay in the processor's cache.
CHUNK = 100


def _columns(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    chunks = [_of_chunk(light_curves[i : i + CHUNK]) for i in range(0, len(light_curves), CHUNK)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _of_chunk(light_curves: Sequence[LightCurve]) -> dict[str, Floats]:
    columns = columns_of(stack(light_curves))
    return columns | host_columns(Hosts.of(light_curves), columns["rainbow_peak_mag"])


def columns_of(everything: Points) -> dict[str, Floats]:
    """
    Compute the features from points, without those of the host.

    Parameters
    ----------
    everything : Points
        Of n objects; `CHUNK` at a time are fastest.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Where values are beyond all bounds they may be infinite.
    """
    points = _of_the_transient(everything.select(everything.letter >= 0))
    significant = points.select(_significant(points))
    fit = fit_rainbow(points)
    parameters, errors = fit.parameters.T, fit.errors.T
    first, last = significant.segments.first(significant.time), significant.segments.last(significant.time)
    end = points.segments.last(points.time)
    bands = np.bincount(_cells(significant), minlength=len(points.segments) * len(LETTERS)) > 0
    columns = {
        "n_significant": significant.segments.counts.astype(np.float64),
        "n_significant_bands": bands.reshape(-1, len(LETTERS)).sum(axis=1, dtype=np.float64),
        "significance_max": significant.segments.maximum(significant.flux / significant.flux_err),
        "significant_for": last - first,
        "age": end - first,
        "rainbow_phase": end - fit.peak_time,
        "rainbow_peak_mag": ZERO_POINT - 2.5 * np.log10(fit.peak_flux),
        "rainbow_peak_mag_err": 2.5 / np.log(10.0) * errors[0],
        "rainbow_start": parameters[1] - first,
        "rainbow_chi2": fit.chi2 / points.segments.counts,
    }
    for j, name in ((2, "ln_rise_time"), (3, "ln_fall_time"), (4, "ln_temperature"), (5, "cooling")):
        columns[f"rainbow_{name}"] = parameters[j]
        columns[f"rainbow_{name}_err"] = errors[j]
    return columns | _departures(points, fit.model) | _slopes(significant, last)


def _cells(points: Points) -> Indices:
    """Return the number of each point's band among those of all objects, one object after the other."""
    return points.segments.index * len(LETTERS) + points.letter


def _significant(points: Points) -> Mask:
    return np.asarray(points.detected & (points.flux >= SIGNIFICANT * points.flux_err))


def _of_the_transient(points: Points) -> Points:
    first = points.segments.first_where(_significant(points), points.time)
    return points.select(points.time >= first[points.segments.index] - LOOK_BACK)


def _departures(points: Points, model: Floats) -> dict[str, Floats]:
    """Compare each band with the black body: by how much its points are fainter, scaled as one."""
    cells, n_cells = _cells(points), len(points.segments) * len(LETTERS)
    weight = model / (points.flux_err**2 + (0.05 * model) ** 2)
    expected = np.bincount(cells, weight * model, n_cells)
    scale = ratio(np.bincount(cells, weight * points.flux, n_cells), expected)
    known = expected > 4.0  # the scale is good to 0.5
    departure = np.where(known, -2.5 * np.log10(np.maximum(scale, 0.05)), np.nan).reshape(-1, len(LETTERS))
    return {f"departure_{letter}": departure[:, j] for j, letter in enumerate(LETTERS)}


def _slopes(significant: Points, last: Floats) -> dict[str, Floats]:
    recent = significant.select(significant.time >= last[significant.segments.index] - RECENT)
    slope, error = common_slope(
        recent.time,
        recent.mag,
        recent.mag_err,
        _cells(recent),
        recent.segments,
        _LEAST_SPAN,
    )
    peak = significant.segments.at_maximum(significant.flux / significant.flux_err, significant.time)
    return {
        "recent_slope": slope,
        "recent_slope_significance": ratio(slope, error),
        "since_most_significant": last - peak,
    }


_RUSSEIL = "Russeil et al. 2024, A&A 683, A251"
_BAZIN = "Bazin et al. 2009, A&A 499, 653"
_LEONI = "Leoni et al. 2022, A&A 663, A13"
_OURS = "here"
_LIGHT = "points of the transient"

FEATURES = (
    Feature("n_significant", "", f"detections of at least {SIGNIFICANT:g} σ, positive", "detections", 0, _LEONI),
    Feature("n_significant_bands", "", "bands (by letter) with such a detection", "detections", 0, _OURS),
    Feature("significance_max", "", "the largest flux / error", "detections", 1, _LEONI),
    Feature("significant_for", "d", "from the first significant detection to the last", "detections", 1, _OURS),
    Feature("age", "d", "from the first significant detection to the last point of any kind", _LIGHT, 1, _OURS),
    Feature("rainbow_phase", "d", "from the fitted maximum to the last point; negative = rising", _LIGHT, 1, _BAZIN),
    Feature("rainbow_peak_mag", "mag", "fitted maximum at 6200 Å", _LIGHT, 1, _RUSSEIL),
    Feature("rainbow_peak_mag_err", "mag", "uncertainty of the fitted amplitude", _LIGHT, 1, _OURS),
    Feature("rainbow_start", "d", "fitted t₀ after the first significant detection", _LIGHT, 1, _BAZIN),
    Feature("rainbow_chi2", "", "χ² of the fit per point", _LIGHT, 1, _LEONI),
    Feature("rainbow_ln_rise_time", "ln d", "logarithm of the fitted rise time", _LIGHT, 1, _BAZIN),
    Feature("rainbow_ln_rise_time_err", "ln d", "its uncertainty; 0.6 = nothing but the prior", _LIGHT, 1, _OURS),
    Feature("rainbow_ln_fall_time", "ln d", "logarithm of the fitted time of decline", _LIGHT, 1, _BAZIN),
    Feature("rainbow_ln_fall_time_err", "ln d", "its uncertainty; 0.6 = nothing but the prior", _LIGHT, 1, _OURS),
    Feature("rainbow_ln_temperature", "ln K", "logarithm of the fitted temperature at t₀", _LIGHT, 1, _RUSSEIL),
    Feature("rainbow_ln_temperature_err", "ln K", "its uncertainty; 0.4 = nothing but the prior", _LIGHT, 1, _OURS),
    Feature("rainbow_cooling", "", "half of the fall of ln T; positive = cooling", _LIGHT, 1, _RUSSEIL),
    Feature("rainbow_cooling_err", "", "its uncertainty; 0.25 = nothing but the prior", _LIGHT, 1, _OURS),
    *(
        Feature(
            f"departure_{letter}", "mag", f"{letter} minus the fitted black body; positive = fainter", _LIGHT, 1, _OURS
        )
        for letter in LETTERS
    ),
    Feature(
        "recent_slope",
        "mag/d",
        f"common slope of all bands in the last {RECENT:g} d; positive = fading",
        "detections",
        2,
        _OURS,
    ),
    Feature("recent_slope_significance", "", "that slope over its error", "detections", 2, _OURS),
    Feature(
        "since_most_significant",
        "d",
        "from the detection of most significance to the last one",
        "detections",
        1,
        _OURS,
    ),
    Feature("host_photoz", "", "photometric redshift of the host", "catalogue", 1, _OURS),
    Feature("host_photoz_err", "", "its uncertainty", "catalogue", 1, _OURS),
    Feature(
        "rainbow_absolute_mag",
        "mag",
        "`rainbow_peak_mag` less the distance modulus of `host_photoz`, without K correction",
        "points, catalogue",
        1,
        _OURS,
    ),
)

EARLY_IA = FeatureSet("early_ia", "1", FEATURES, _columns)
