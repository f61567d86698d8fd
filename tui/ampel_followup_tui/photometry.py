"""The points of a light curve as they are drawn, in magnitude or in flux."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ampel_followup.lightcurve import LIMIT_SIGMA, LightCurve

# A limit this much brighter than the brightest detection comes from clouds, and would flatten the picture.
_SHALLOW = 1.5

# Limits from long before the first detection say nothing about the rise [d].
_LIMITS_BEFORE = 20.0


@dataclass(frozen=True, slots=True)
class Point:
    """
    One point of the picture.

    Parameters
    ----------
    time : float
        MJD, UTC [d].
    band : str
        Name of the band.
    value, error : float
        What is drawn, and its standard deviation [mag, or µJy]; for a limit the limit, and 0.
    limit : bool
        True if nothing was detected.
    """

    time: float
    band: str
    value: float
    error: float
    limit: bool


def points(curve: LightCurve, *, in_flux: bool) -> list[Point]:
    """
    Return what can be drawn of a light curve.

    Parameters
    ----------
    curve : LightCurve
        Fluxes are signed.
    in_flux : bool
        True for fluxes [µJy]; False for AB magnitudes, where negative differences have no place and are left out.

    Returns
    -------
    list of Point
        In time order; limits only from 20 days before the first detection on, and only those deep enough to matter.
    """
    detected = curve.detected
    if in_flux:
        value, error = curve.flux, curve.flux_err
        limit = LIMIT_SIGMA * curve.flux_err
    else:
        value, error = curve.magnitude
        limit = curve.limiting_magnitude
    value, error = np.where(detected, value, limit), np.where(detected, error, 0.0)
    telling = np.ones(len(curve), dtype=np.bool_)
    if detected.any():
        brightest = np.abs(curve.flux[detected]).max()
        telling = detected | (
            (curve.time >= curve.time[detected].min() - _LIMITS_BEFORE)
            & (LIMIT_SIGMA * curve.flux_err <= _SHALLOW * brightest)
        )
    drawn = np.flatnonzero(np.isfinite(value) & telling)
    columns = (curve.time, curve.band, value, error, curve.upper_limit)
    return [Point(*row) for row in zip(*(column[drawn].tolist() for column in columns), strict=True)]


def n_negative(curve: LightCurve) -> int:
    """Count the detections that are fainter than the reference image."""
    return int((curve.detected & (curve.flux <= 0)).sum())


def best_in_flux(curve: LightCurve) -> bool:
    """Return whether magnitudes would hide most of what was detected."""
    return 2 * n_negative(curve) > int(curve.detected.sum())
