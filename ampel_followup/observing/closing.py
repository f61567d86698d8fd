"""Until when a target that can be observed tonight can still be observed: the window that closes."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from ampel_followup.observing.limits import ObservingLimits
from ampel_followup.observing.night import Night
from ampel_followup.observing.season import observable_on

#: Nights looked ahead: a warning that comes two months early is none.
HORIZON_NIGHTS = 60

#: In place of a number of nights: the window stays open beyond the horizon, or is not open tonight.
NOT_CLOSING, NOT_TONIGHT = -1, -2


def last_useful_night(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    night: Night,
    min_altitude: float,
    min_hours: float,
    horizon_nights: int = HORIZON_NIGHTS,
    max_hour_angle: float = 12.0,
) -> NDArray[np.int64]:
    """
    Count the nights that remain until the observing window of a target closes, the Moon left aside.

    The last useful night is the one before the first on which the target is not above `min_altitude` in the dark for
    `min_hours`, with the arcs of `ampel_followup.observing.season`; good to a day, as they are.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        CIRS [deg]; catalogue positions do.
    night : Night
        Tonight; its site and twilight hold for all nights.
    min_altitude : float
        [deg]
    min_hours : float
        [h]
    horizon_nights : int
        Nights looked ahead, 1 or more.
    max_hour_angle : float, optional
        [h]; 12 = no limit.

    Returns
    -------
    ndarray of int64, shape (n,)
        Nights from tonight to the last useful one, 0 = tonight is the last; `NOT_CLOSING` (−1) if there is no end
        within the horizon; `NOT_TONIGHT` (−2) if the target is not observable tonight.
    """
    ahead = np.arange(horizon_nights + 1)
    enough = observable_on(ra, dec, night, min_altitude, min_hours, ahead, max_hour_angle)
    closes = ~enough.all(axis=1)
    nights = np.where(closes, np.argmin(enough, axis=1) - 1, NOT_CLOSING)
    return np.where(enough[:, 0], nights, NOT_TONIGHT)


def last_useful_dates(
    ra: NDArray[np.float64], dec: NDArray[np.float64], night: Night, limits: ObservingLimits | None = None
) -> list[str | None]:
    """
    Return the evening date of the last useful night of each target, see `last_useful_night`.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        CIRS [deg]; catalogue positions do.
    night : Night
        Tonight.
    limits : ObservingLimits, optional
        What counts as observable; the Moon and the zenith are left aside.

    Returns
    -------
    list of str or None, length n
        ISO 8601; None where the window is not closing, or not open tonight.
    """
    limits = limits or ObservingLimits()
    nights = last_useful_night(
        ra, dec, night, limits.lowest_altitude, limits.min_hours, max_hour_angle=limits.max_hour_angle
    )
    return [(night.date + dt.timedelta(days=k)).isoformat() if k >= 0 else None for k in nights.tolist()]
