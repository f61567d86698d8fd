"""When targets can be observed in each of the coming nights."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ampel_followup.errors import NightError
from ampel_followup.observing import sky
from ampel_followup.observing.airmass import airmass
from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.margins import CHUNK, least_margin, moon_cosines, useful_time
from ampel_followup.observing.night import Night, night_at


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """
    What can be seen of n targets in each of k nights. Times are MJD, UTC.

    Parameters
    ----------
    dates : list of datetime.date, length k
        Evening dates at the site.
    refused : list of (str or None), length k
        Why there is no night at that date; None if there is one.
    observable : ndarray of bool, shape (n, k)
        True if the target is within all limits for long enough; False where there is no night.
    hours : ndarray, shape (n, k)
        Time within the limits, all stretches together [h].
    start, end : ndarray, shape (n, k)
        First and last moment within the limits; NaN if not observable.
    min_airmass : ndarray, shape (n, k)
        Least airmass within the limits; NaN if not observable.
    """

    dates: list[dt.date]
    refused: list[str | None]
    observable: NDArray[np.bool_]
    hours: NDArray[np.float64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    min_airmass: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.observable)


def windows(
    ra: ArrayLike, dec: ArrayLike, night: Night, limits: ObservingLimits | None = None, nights: int = 30
) -> Windows:
    """
    Find when targets can be observed in the nights to come, the Moon of each night included.

    A night and target agree with `ampel_followup.observing.visibility.visibility` of that night.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        ICRS [deg]. A position that is NaN, infinite or off the sky is never observable.
    night : Night
        The first night; its site, twilight and UT1 − UTC hold for all.
    limits : ObservingLimits, optional
    nights : int
        How many, `night` included; 1 or more.

    Returns
    -------
    Windows
    """
    limits = limits or ObservingLimits()
    ra, dec = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (ra, dec)))
    known = np.flatnonzero(np.isfinite(ra) & (np.abs(dec) <= 90.0))
    shape = (len(ra), nights)
    found = Windows(
        dates=[night.date + dt.timedelta(days=k) for k in range(nights)],
        refused=[None] * nights,
        observable=np.zeros(shape, dtype=np.bool_),
        hours=np.zeros(shape),
        start=np.full(shape, np.nan),
        end=np.full(shape, np.nan),
        min_airmass=np.full(shape, np.nan),
    )
    for k, date in enumerate(found.dates):
        try:
            that = night if k == 0 else night_at(night.site, date, twilight=night.twilight, delta_ut1=night.delta_ut1)
        except NightError as error:
            found.refused[k] = str(error)
            continue
        for first in range(0, len(known), CHUNK):
            rows = known[first : first + CHUNK]
            _fill(found, k, rows, ra[rows], dec[rows], that, limits)
    return found


def _fill(
    found: Windows,
    k: int,
    rows: NDArray[np.intp],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    night: Night,
    limits: ObservingLimits,
) -> None:
    """Write the windows of some targets in night `k` into `found`."""
    stars = sky.cirs_directions(ra, dec, night.midnight)
    sine = stars @ sky.zenith(night.site, night.times, night.delta_ut1).T
    margin = least_margin(stars, sine, moon_cosines(sky.directions(ra, dec), night), night, limits)
    some = np.flatnonzero(margin.max(axis=1) >= 0.0)
    rows, margin, sine = rows[some], margin[some], sine[some]
    hours, start, end = useful_time(margin, night.times)
    found.hours[rows, k] = hours

    enough = np.flatnonzero(hours >= limits.min_hours)
    rows, margin, sine = rows[enough], margin[enough], sine[enough]
    highest = np.where(margin >= 0.0, sine, -1.0).max(axis=1)
    found.observable[rows, k] = True
    found.start[rows, k], found.end[rows, k] = start[enough], end[enough]
    found.min_airmass[rows, k] = airmass(np.degrees(np.arcsin(np.minimum(highest, 1.0))))
