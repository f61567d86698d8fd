"""The fit that stands on a picture of a light curve: each band through its last points, and on to the coming night."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ampel_followup.bands import BANDS
from ampel_followup.brightness import LOOK_BACK, brightness_course
from ampel_followup.lightcurve import LightCurve
from ampel_followup.trend import MODEL, TrendModel

#: Steps of the fit between its first point and the night: finer than a terminal shows.
STEPS = 120


@dataclass(frozen=True, slots=True)
class BandFit:
    """
    The fit in one band.

    Parameters
    ----------
    band : str
        Name of the band.
    time : tuple of float
        MJD, UTC, in order; the last is the moment that was asked about.
    mag, mag_err : tuple of float
        Difference magnitude, AB, and half the width of its 68 % interval [mag].
    last : float
        Last detection in any band [MJD]: what comes later is extrapolated.
    """

    band: str
    time: tuple[float, ...]
    mag: tuple[float, ...]
    mag_err: tuple[float, ...]
    last: float

    @property
    def tonight(self) -> tuple[float, float]:
        """Magnitude and error at the moment that was asked about [mag]."""
        return self.mag[-1], self.mag_err[-1]


@dataclass(frozen=True, slots=True)
class LightCurveFit:
    """
    The fits of one light curve.

    Parameters
    ----------
    bands : tuple of BandFit
        Of the bands with a detection above the reference image within `LOOK_BACK` of the last one; that of the last
        detection first.
    reason : str
        In words, why there is none; empty if there is one.
    """

    bands: tuple[BandFit, ...]
    reason: str = ""


def fit_light_curve(light_curve: LightCurve, until: float, *, model: TrendModel = MODEL) -> LightCurveFit:
    """
    Fit the last points of a light curve and extrapolate them, by `ampel_followup.brightness`.

    Parameters
    ----------
    light_curve : LightCurve
    until : float
        Moment in the coming night, MJD, UTC; points after it are not used.
    model : TrendModel, optional

    Returns
    -------
    LightCurveFit
    """
    bright = light_curve.detected & (light_curve.flux > 0) & (light_curve.time <= until)
    times, names = light_curve.time[bright], light_curve.band[bright]
    if len(times) == 0:
        return LightCurveFit((), "no detection above the reference image")
    last = float(times[-1])
    recent = [str(name) for name in names[times >= last - LOOK_BACK][::-1]]
    when = np.linspace(last - LOOK_BACK, until, STEPS)
    # The points themselves too, lest the fit begins a step after the first of them.
    when = np.unique(np.concatenate([when, times[times >= last - LOOK_BACK], [until]]))
    fits, reason = [], ""
    for band in dict.fromkeys(recent):
        if band not in BANDS:
            continue
        course = brightness_course(light_curve, when, band=band, model=model)
        known = np.isfinite(course.mag)
        if not known[-1]:
            reason = course.reason[-1] or ""
            break
        time, mag, mag_err = (tuple(column[known].tolist()) for column in (when, course.mag, course.mag_err))
        fits.append(BandFit(band, time, mag, mag_err, last))
    if not fits and not reason:
        reason = "no band of the last points is known"
    return LightCurveFit(tuple(fits), reason)
