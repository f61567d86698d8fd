"""
How far within each limit targets are through a night, and for how long.

A margin is positive within its limit and smooth where it crosses zero, so that the moment of the crossing is found
between two steps of the night's grid by a straight line, and so that the smallest of several margins is positive within
all limits.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing import sky
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night

#: Targets followed through a night together: tables of so few (0.6 MB each) stay in the processor's cache, and their
#: memory is used again, which costs less than having it from the system anew.
CHUNK = 500


def altitude_margin(sine: NDArray[np.float64], limits: ObservingLimits) -> NDArray[np.float64]:
    """
    Give the margin over the lowest altitude, shape (n, t): sin(altitude) minus that of the limit.

    Parameters
    ----------
    sine : ndarray, shape (n, t)
        Sine of the altitude.
    limits : ObservingLimits
    """
    return np.asarray(sine - math.sin(math.radians(limits.lowest_altitude)))


def hour_angle_margin(stars: NDArray[np.float64], night: Night, limits: ObservingLimits) -> NDArray[np.float64] | None:
    """
    Give the margin within the largest hour angle, ``cos δ (cos H − cos H_max)``; None if any hour angle will do.

    At the pole, where an equatorial mount need not turn, the margin is 0: within the limit.

    Parameters
    ----------
    stars : ndarray, shape (n, 3)
        Directions in the CIRS.
    night : Night
        Of t times.
    limits : ObservingLimits

    Returns
    -------
    ndarray, shape (n, t), or None
    """
    if limits.max_hour_angle >= 12.0:
        return None
    overhead = sky.zenith(night.site, night.times, night.delta_ut1)[:, :2]
    meridian = overhead / np.linalg.norm(overhead, axis=1, keepdims=True)
    reach = np.hypot(stars[:, 0], stars[:, 1]) * math.cos(math.radians(15.0 * limits.max_hour_angle))
    return np.asarray(stars[:, :2] @ meridian.T - reach[:, np.newaxis])


def zenith_margin(sine: NDArray[np.float64], limits: ObservingLimits) -> NDArray[np.float64] | None:
    """Give the margin below the highest altitude, shape (n, t), from the sine of the altitude; None without a limit."""
    if limits.max_altitude >= 90.0:
        return None
    return np.asarray(math.sin(math.radians(limits.max_altitude)) - sine)


def moon_margin(moon_cosine: NDArray[np.float64], limits: ObservingLimits) -> NDArray[np.float64]:
    """Give the margin of the distance from the Moon, shape (n, t), from its cosine; meant for when the Moon is up."""
    return np.asarray(math.cos(math.radians(limits.min_moon_separation)) - moon_cosine)


def moon_cosines(directions: NDArray[np.float64], night: Night) -> NDArray[np.float64]:
    """
    Give the cosine of the angle between targets and the Moon.

    Parameters
    ----------
    directions : ndarray, shape (n, 3)
        Unit vectors along the axes of the ICRS.
    night : Night
        Of t times.

    Returns
    -------
    ndarray, shape (n, t)
    """
    return np.asarray(directions @ sky.directions(night.moon_ra, night.moon_dec).T)


def least_margin(
    stars: NDArray[np.float64],
    sine: NDArray[np.float64],
    moon_cosine: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> NDArray[np.float64]:
    """
    Give the smallest of all margins.

    Parameters
    ----------
    stars : ndarray, shape (n, 3)
        Directions in the CIRS.
    sine : ndarray, shape (n, t)
        Sine of the altitude at the times of the night.
    moon_cosine : ndarray, shape (n, t)
        Cosine of the angle to the Moon.
    night : Night
    limits : ObservingLimits

    Returns
    -------
    ndarray, shape (n, t)
    """
    margin = altitude_margin(sine, limits)
    for other in (hour_angle_margin(stars, night, limits), zenith_margin(sine, limits)):
        if other is not None:
            np.minimum(margin, other, out=margin)
    # The Moon's ups and downs make at most three stretches: slices are faster than a mask.
    up = night.moon_altitude > sky.HORIZON
    edges = [0, *(np.flatnonzero(up[1:] != up[:-1]) + 1).tolist(), len(up)]
    for first, after in pairwise(edges):
        if up[first]:
            part = margin[:, first:after]
            np.minimum(part, moon_margin(moon_cosine[:, first:after], limits), out=part)
    return margin


def useful_time(
    margin: NDArray[np.float64], times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """
    Find for how long, from when and until when a margin is not negative, taking it as linear between the times.

    Parameters
    ----------
    margin : ndarray, shape (n, t)
    times : ndarray, shape (t,)
        Equal steps [MJD].

    Returns
    -------
    hours : ndarray, shape (n,)
        All stretches together [h].
    start, end : ndarray, shape (n,)
        Of the first and of the last stretch [MJD]; meaningless where the margin is negative throughout.
    """
    n, t = margin.shape
    step = times[1] - times[0]
    useful = margin >= 0.0
    # Few steps have a crossing, and those say all. (`np.nonzero` of the table takes ten times as long.)
    row, column = np.divmod(np.flatnonzero(useful[:, 1:] != useful[:, :-1]), t - 1)
    before, after = margin[row, column], margin[row, column + 1]
    rising = after >= 0.0
    inside = column + rising  # the useful one of the two times
    # Where the line crosses zero, in steps from that time: before it, or after.
    sign = np.where(rising, -1.0, 1.0)
    part = sign * np.maximum(before, after) / np.abs(before - after)
    moment = times[inside] + step * part
    steps = np.bincount(row, weights=sign * (inside + part), minlength=n) + (t - 1) * useful[:, -1]
    start, end = np.full(n, times[0]), np.full(n, times[-1])
    # Of several crossings of a row, the one that is written last stays.
    begins, ends = np.flatnonzero(rising)[::-1], np.flatnonzero(~rising)
    start[row[begins]] = moment[begins]
    end[row[ends]] = moment[ends]
    return steps * (step * 24.0), np.where(useful[:, 0], times[0], start), np.where(useful[:, -1], times[-1], end)
