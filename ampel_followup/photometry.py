"""The light curve in a few numbers, for lists and reasons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ampel_followup.lightcurve import LightCurve
from ampel_followup.plan import Photometry

#: Detections this close to the last one in the same band tell how the brightness changes now [d].
TREND_DAYS = 10.0


def summarise(light_curve: LightCurve) -> Photometry:
    """
    Summarise a light curve.

    Parameters
    ----------
    light_curve : LightCurve
        With at least one detection.

    Returns
    -------
    Photometry
        The trend is the slope of a weighted straight line through the magnitudes of the last `TREND_DAYS` in the band
        with the most points there.
    """
    detected = np.flatnonzero(light_curve.detected)
    mag, mag_err = light_curve.magnitude
    bright = np.flatnonzero(np.isfinite(mag))
    last = bright[-1] if len(bright) else None
    names, counts = np.unique(light_curve.band[detected], return_counts=True)
    time = light_curve.time
    return Photometry(
        n_detections=len(detected),
        n_limits=int(light_curve.upper_limit.sum()),
        first_mjd=float(time[detected[0]]) if len(detected) else np.nan,
        last_mjd=float(time[detected[-1]]) if len(detected) else np.nan,
        last_band=str(light_curve.band[last]) if last is not None else "",
        last_mag=float(mag[last]) if last is not None else np.nan,
        last_mag_err=float(mag_err[last]) if last is not None else np.nan,
        trend=_trend(light_curve, mag, mag_err, bright),
        bands={str(name): int(count) for name, count in zip(names, counts, strict=True)},
    )


def _trend(
    light_curve: LightCurve, mag: NDArray[np.float64], mag_err: NDArray[np.float64], bright: NDArray[np.intp]
) -> float:
    """Slope of the magnitude [mag/d] at the end of the light curve; NaN with less than half a day to measure it on."""
    if len(bright) < 2:
        return np.nan
    recent = bright[light_curve.time[bright] > light_curve.time[bright[-1]] - TREND_DAYS]
    names, counts = np.unique(light_curve.band[recent], return_counts=True)
    points = recent[light_curve.band[recent] == names[counts.argmax()]]
    t = light_curve.time[points]
    if len(points) < 2 or np.ptp(t) < 0.5:
        return np.nan
    weight = 1.0 / np.maximum(mag_err[points], 0.02) ** 2
    t_mean, m_mean = np.average(t, weights=weight), np.average(mag[points], weights=weight)
    return float((weight * (t - t_mean) * (mag[points] - m_mean)).sum() / (weight * (t - t_mean) ** 2).sum())
